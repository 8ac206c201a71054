"""Figure 3: how far apart real and fake lie in feature space, and t-SNE pictures of it (section 4.2.3).

A picture by t-SNE says little about distances, so three numbers stand beside it, each a value per crop: silhouette,
a nearest neighbour, and a linear probe. The last two don't let a crop lean on another crop of the same person. Intervals
draw people anew but leave the cloud as it is, in which each crop has its value.
"""
from __future__ import annotations

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

from tcnsc_lib.analysis import sample
from tcnsc_lib.evaluation import features
from tcnsc_lib.experiments import DUAL, right, train_experiment
from tcnsc_lib.profiles import Profile, faces

MODELS = {"TCNSC": DUAL, "model B": "model B", "Xception-RAW": "Xception-RAW"}
"""Row of the figure -> experiment. The paper shows TCNSC and Xception; model B is TCNSC without its similarity branch."""

CODECS = ("RAW", "MQ", "LQ")
EACH = 1000
FOLDS = 5
PERPLEXITY = 30.0  # scikit-learn's default; the paper names none


def tsne(h: np.ndarray, seed: int) -> np.ndarray:
    """h (N, D) -> coordinates (N, 2), float32; PCA start, fixed seed, on one core so that sums keep their order.

    Van der Maaten and Hinton, JMLR 2008. Of fewer than 90 crops the perplexity is N / 3.
    """
    with threadpool_limits(1):
        return TSNE(2, perplexity=min(PERPLEXITY, len(h) / 3), init="pca", random_state=seed).fit_transform(h)


def probe(h: np.ndarray, y: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Whether a linear probe is right about each crop: bool (N,).

    Logistic regression on standardised h (N, D), fitted on the other people: five folds, a unit is never split.
    """
    folds = GroupKFold(min(FOLDS, len(np.unique(units))))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    with threadpool_limits(1):
        return cross_val_predict(model, h, y, groups=units, cv=folds) == y


def neighbour(h: np.ndarray, y: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Whether the nearest crop of somebody else (Euclidean, h (N, D)) has the same label: bool (N,)."""
    distance = cdist(h, h)
    distance[units[:, None] == units[None, :]] = np.inf
    return y[distance.argmin(axis=1)] == y


def figure3(p: Profile) -> pd.DataFrame:
    """A row for each model, codec (RAW, MQ, LQ) and crop.

    x, y: t-SNE's coordinates, each panel fitted by itself, as in the paper. silhouette: in [-1, 1], of the crop among
    real and fake in h (Rousseeuw 1987). neighbour, probe: 1 if they are right, see above, both fitted on crops of this
    very codec. classifier: 1 if the model's own classifier, trained on RAW, is right.
    """
    crops = faces(p)
    chosen, parts = sample(crops, EACH, p.seed), []
    images = {codec: crops.images(codec, "test")[chosen.crop] for codec in CODECS}
    bar = tqdm(total=len(MODELS) * len(CODECS), desc="features and t-SNE")
    for model, name in MODELS.items():
        detector, own = train_experiment(name, p).detector, right(name, p)
        for codec in CODECS:
            h = features(detector, images[codec])
            y, units = chosen.label.to_numpy(), chosen.unit.to_numpy()
            place = tsne(h, p.seed)
            parts.append(chosen.assign(
                model=model, codec=codec, x=place[:, 0], y=place[:, 1], silhouette=silhouette_samples(h, y),
                neighbour=neighbour(h, y, units).astype(int), probe=probe(h, y, units).astype(int),
                classifier=own[codec].to_numpy()[chosen.crop].astype(int)))
            bar.update()
    bar.close()
    return pd.concat(parts, ignore_index=True).round(4)
