"""Figure 3: how far apart real and fake lie in feature space, and t-SNE pictures (section 4.2.3).

A picture by t-SNE says little about distances, so three numbers stand beside it, each a value per
crop: silhouette, a nearest neighbour, and a linear probe. The last two don't let a crop lean on
another crop of the same person. Intervals take people as drawn by chance but leave the cloud as it
is, in which each crop has its value. A picture is of one training, the numbers are of several.
"""
from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_samples
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.analysis import sample
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.outputs import features
from tcnsc_lib.faces.store import FaceSet

CODECS = ("RAW", "MQ", "LQ")
EACH = 1000
FOLDS = 5
FEWEST = 3  # crops; of two no silhouette can be told
PERPLEXITY = 30.0  # scikit-learn's default; the paper names none


def tsne(h: np.ndarray, seed: int) -> np.ndarray:
    """h (N, D) -> coordinates (N, 2), float32.

    From a start by principal components, with a fixed seed, on one core so that sums keep their
    order. Van der Maaten and Hinton, JMLR 2008. Of fewer than 90 crops the perplexity is N / 3.
    """
    perplexity = min(PERPLEXITY, len(h) / 3)
    with threadpool_limits(1):
        model = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
        return model.fit_transform(h)


def probe(h: np.ndarray, y: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Whether a linear probe is right about each crop: bool (N,).

    Logistic regression on standardised h (N, D), fitted on the other people: five folds, a unit is
    never split. y: int (N,). units: (N,). Raises CompanionError where the others of a fold are all
    real or all fake.
    """
    folds = GroupKFold(min(FOLDS, len(np.unique(units))))
    for others, _ in folds.split(h, y, units):
        if len(np.unique(y[others])) < 2:
            raise CompanionError(
                "Too few people have real and fake crops in the test part for a probe that is "
                "fitted on some of them and asked about the others; take faces of more people.")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    with threadpool_limits(1):
        guess = cross_val_predict(model, h, y, groups=units, cv=folds)
    return guess == y


def neighbour(h: np.ndarray, y: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Whether the nearest crop of somebody else (Euclidean) has the same label: bool (N,).

    h: (N, D). y: int (N,). units: (N,).
    """
    distance = cdist(h, h)
    distance[units[:, None] == units[None, :]] = np.inf
    nearest = distance.argmin(axis=1)
    return y[nearest] == y


def figure3(detectors: dict[str, Detector], right: dict[str, pd.DataFrame], crops: FaceSet,
            seed: int) -> pd.DataFrame:
    """A row for each model, codec (RAW, MQ, LQ) and crop, at most 1000 real and 1000 fake ones.

    detectors: name -> trained detector. The paper shows TCNSC and Xception; model B is TCNSC
    without its similarity branch. right: name -> 1.0 where the model's own classifier is right,
    0.0 elsewhere, a row a test crop, a column a codec. seed: of the draw of crops and of t-SNE.

    x, y: t-SNE's coordinates, each panel fitted by itself, as in the paper. silhouette: in [-1, 1],
    of the crop among real and fake in h (Rousseeuw 1987). neighbour, probe: 1 if they are right,
    see above, both fitted on crops of this very codec. classifier: 1 if the model's own classifier
    is right. Raises CompanionError for crops of one person, or of one pair of people, alone, and
    for too few of them.
    """
    chosen = _chosen(crops, seed)
    images = _images(crops, chosen)
    panels = []
    for model, name in tqdm(list(product(detectors, CODECS)), desc="features and t-SNE"):
        h = features(detectors[model], images[name])
        panel = chosen.assign(model=model, codec=name)
        panel[["x", "y"]] = tsne(h, seed)
        panels.append(_measured(panel, h, right[model][name]))
    return pd.concat(panels, ignore_index=True).round(4)


def figure3_seeds(trained: Mapping[tuple[str, int], Detector],
                  right: Mapping[tuple[str, int], pd.DataFrame], crops: FaceSet,
                  seed: int) -> pd.DataFrame:
    """What `figure3` measures, of several trainings of each model and without t-SNE.

    trained, right: by (model, seed of the training), else as for `figure3`. seed: of the draw; the
    crops are those of `figure3`, the same for all. A row for each model and seed, codec and crop:
    crop, unit, label, model, codec, seed (of the training), silhouette, neighbour, probe,
    classifier. Raises CompanionError as `figure3` does.
    """
    chosen = _chosen(crops, seed)
    images = _images(crops, chosen)
    parts = []
    for key, name in tqdm(list(product(trained, CODECS)), desc="features of each seed"):
        model, training_seed = key
        h = features(trained[key], images[name])
        rows = chosen.assign(model=model, codec=name, seed=training_seed)
        parts.append(_measured(rows, h, right[key][name]))
    return pd.concat(parts, ignore_index=True).round(4)


def _chosen(crops: FaceSet, seed: int) -> pd.DataFrame:
    """The crops that are measured, as `sample` draws them.

    Raises CompanionError where they can't be compared with other people's, or are too few.
    """
    chosen = sample(crops, EACH, seed)
    if chosen.unit.nunique() < 2:
        raise CompanionError(
            f"The test part in {crops.root} has crops of one person or pair alone, and neighbour "
            "and probe compare with others; take faces of more people.")
    if len(chosen) < FEWEST:
        raise CompanionError(
            f"The test part in {crops.root} has {len(chosen)} crops, and Figure 3 needs {FEWEST} "
            "or more; take faces of more people.")
    return chosen


def _images(crops: FaceSet, chosen: pd.DataFrame) -> dict[str, np.ndarray]:
    """Codec -> the chosen crops, uint8 (N, S, S, 3)."""
    return {name: crops.images(name, "test")[chosen.crop] for name in CODECS}


def _measured(rows: pd.DataFrame, h: np.ndarray, right: pd.Series) -> pd.DataFrame:
    """Crops with what is measured on h (N, D), and whether the own classifier is right.

    right: of every test crop, at the codec of h.
    """
    y = rows.label.to_numpy()
    units = rows.unit.to_numpy()
    return rows.assign(
        silhouette=silhouette_samples(h, y),
        neighbour=neighbour(h, y, units).astype(int),
        probe=probe(h, y, units).astype(int),
        classifier=right.to_numpy()[rows.crop].astype(int))
