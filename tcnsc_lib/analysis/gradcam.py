"""Figure 4: Grad-CAM heat maps, where detectors look at each quality (section 4.2.3).

Grad-CAM: Selvaraju et al., ICCV 2017, by the package grad-cam. A map explains one logit, here that
of the crop's true label, the same at every quality and for every model (a model's own decision
would change with the quality). It is taken at the end of the network's last stage, where a cell
covers 32 px of the input (TCNSC's 7 x 7 cells at 224 px, Xception's 10 x 10 at 299), or where that
leaves fewer than 6 x 6, at the end of the stage before it (6 x 6 at 96 px, of both): `heat_layer`.
"""
from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from itertools import product

import numpy as np
import pandas as pd
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from sklearn.metrics import silhouette_score
from torch import Tensor, nn
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.analysis import some
from tcnsc_lib.analysis.heatmaps import chance, correlation, enlarge, on_mask, strangers
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.outputs import features, probabilities
from tcnsc_lib.faces.store import FaceSet

CODECS = ("RAW", "HQ", "MQ", "LQ")
EACH = 1000
TRAINED = "TCNSC"
SHUFFLED = "TCNSC, weights shuffled"
BATCH = 64
FEWEST = 3  # crops of which a silhouette can be told
SUBJECTS = 3  # of the picture
SHOWN = ("TCNSC", "Xception-RAW")
UNKNOWN = (
    "Of none of these fakes is it known where it is forged, so nothing can be said of heat there: "
    "covered, inside, chance, hit and auc stay empty."
)


class _Cells(GradCAM):
    """The package's Grad-CAM, left at the layer's resolution instead of enlarged to the input."""

    def get_target_width_height(self, input_tensor):
        return None


@contextmanager
def _leaf_at(detector: Detector) -> Iterator[nn.Module]:
    """The module `heat_layer`, whose output is made a leaf: the place where gradients stop.

    The network's outputs stay what they are, to the bit. Whatever follows that layer and changes
    its output in place is refused by PyTorch, with a RuntimeError, for it would change the map.
    """
    layer = detector.heat_layer
    learned = [weight for weight in detector.parameters() if weight.requires_grad]

    def leaf(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
        return out.detach().requires_grad_()

    hook = layer.register_forward_hook(leaf)
    for weight in learned:
        weight.requires_grad_(False)
    try:
        yield layer
    finally:
        hook.remove()
        for weight in learned:
            weight.requires_grad_()


def heat(detector: Detector, images: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Grad-CAM of each crop for the logit of its label.

    images: uint8 (N, S, S, 3). y: int (N,). Returns float32 (N, cells, cells), as the package
    scales it, from 0 to 1 in each map; all 0 where nothing speaks for that label.
    """
    where = next(detector.parameters()).device
    parts = []
    with _leaf_at(detector) as layer, _Cells(detector, [layer]) as cam, torch.enable_grad():
        for i in range(0, len(images), BATCH):
            crops = torch.from_numpy(np.array(images[i : i + BATCH]))
            x = detector.prepare(crops.to(where))
            targets = [ClassifierOutputTarget(int(label)) for label in y[i : i + BATCH]]
            parts.append(cam(x.contiguous(memory_format=torch.channels_last), targets))
    return np.concatenate(parts)


def shuffled(detector: Detector, seed: int) -> Detector:
    """A copy whose convolutions and linear layers keep their weights' values but not their places.

    The sanity check of Adebayo et al., NeurIPS 2018: what a map of this one shares with the trained
    one's isn't due to what was learned. What has one dimension stays: biases and normalisations.
    """
    copy = deepcopy(detector)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in copy.parameters():
            if weight.dim() > 1:
                order = torch.randperm(weight.numel(), generator=generator)
                flat = weight.cpu().contiguous().flatten()
                weight.copy_(flat[order].view(weight.shape))
    return copy


def maps(detectors: Mapping[str, Detector], crops: FaceSet, chosen: pd.DataFrame, area: np.ndarray,
         seed: int) -> pd.DataFrame:
    """A row for each model, codec (RAW HQ MQ LQ) and chosen crop of the test part.

    detectors: name -> trained detector, "TCNSC" among them; TCNSC with shuffled weights is added.
    chosen: `analysis.sample`, the paper's number is `EACH`. area: bool (N, S, S), where each chosen
    crop is forged; nowhere if it is real or its mask isn't known.

    Columns crop, unit, label, model, codec; heat: 0 if the map is empty, nothing speaking for the
    label, else 1; same: `correlation` with the crop's own raw map; different: the mean over
    `OTHERS` raw maps of other people of the same label; trained: with trained TCNSC's map of the
    same crop and codec; for fakes whose mask is known `on_mask`'s columns and `chance`, else NaN.
    Where no mask is known at all, a line says so. Raises CompanionError where an argument doesn't
    fit.
    """
    _check(crops, chosen, area)
    if not area.any():
        print(UNKNOWN)
    if TRAINED not in detectors:
        raise CompanionError(
            f"Maps are compared with those of {TRAINED}, which isn't among {', '.join(detectors)}; "
            "give it too.")
    networks = {**detectors, SHUFFLED: shuffled(detectors[TRAINED], seed)}
    other = strangers(chosen, seed)
    images = {name: crops.images(name, "test")[chosen.crop] for name in CODECS}
    found = {}
    for model, name in tqdm(list(product(networks, CODECS)), desc="Grad-CAM"):
        found[model, name] = heat(networks[model], images[name], chosen.label.to_numpy())
    parts = []
    for (model, name), own in found.items():
        rows = chosen.reset_index(drop=True).assign(model=model, codec=name)
        rows = _compared(rows, own, found[model, "RAW"], found[TRAINED, name], other)
        parts.append(_on_forgery(rows, own, area))
    return pd.concat(parts, ignore_index=True).round(4)


def _check(crops: FaceSet, chosen: pd.DataFrame, area: np.ndarray) -> None:
    expected = (len(chosen), crops.size, crops.size)
    if area.shape != expected:
        raise CompanionError(
            f"The forged area has the shape {area.shape} and should have {expected}, one of each "
            "chosen crop; take `forged_area` of the same rows.")


def _compared(rows: pd.DataFrame, own: np.ndarray, raw: np.ndarray, trained: np.ndarray,
              other: np.ndarray) -> pd.DataFrame:
    """Columns heat, same, different, trained: maps (N, cells, cells), other as of `strangers`."""
    on_its_grid = enlarge(own, trained.shape[-1])
    with_strangers = correlation(own[:, None], raw[other])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean of nothing: constant maps
        different = np.nanmean(with_strangers, axis=1)
    return rows.assign(
        heat=(own.max((1, 2)) > 0).astype(int),
        same=correlation(own, raw),
        different=different,
        trained=correlation(on_its_grid, trained))


def _on_forgery(rows: pd.DataFrame, own: np.ndarray, area: np.ndarray) -> pd.DataFrame:
    """Columns inside, hit, auc, covered, chance: maps (N, cells, cells), area bool (N, S, S)."""
    on = on_mask(enlarge(own, area.shape[1]), area)
    table = pd.concat([rows, on], axis=1)
    return table.assign(chance=chance(area, own.shape[-1]))


def panels(detectors: Mapping[str, Detector], crops: FaceSet, pairs: pd.DataFrame) -> pd.DataFrame:
    """The picture: the fake and the real crop of one frame of `SUBJECTS` people, by `SHOWN` models.

    pairs: `FaceSet.pairs`; people are taken at even steps through it. Columns model, subject, crop,
    label, codec, p (of fake), and the cells c0, c1, ... of the map, row by row (NaN beyond the last
    one of a smaller grid).
    """
    shown = _subjects(crops, pairs)
    y = shown.label.to_numpy()
    parts = []
    for model, name in product(SHOWN, CODECS):
        images = crops.images(name, "test")[shown.crop]
        cells = heat(detectors[model], images, y).reshape(len(y), -1)
        part = shown.assign(codec=name, p=probabilities(detectors[model], images))
        part.insert(0, "model", model)
        columns = pd.DataFrame(cells).add_prefix("c")
        parts.append(pd.concat([part, columns], axis=1))
    return pd.concat(parts, ignore_index=True)


def _subjects(crops: FaceSet, pairs: pd.DataFrame) -> pd.DataFrame:
    """Columns subject, crop, label: fake, real, fake, real, ... of people at even steps."""
    steps = np.linspace(0, len(pairs) - 1, SUBJECTS).round().astype(int)
    files = crops.rows("test").file.tolist()
    rows = []
    for subject, pick in enumerate(some(pairs).iloc[steps].itertuples()):
        rows.append((subject, files.index(pick.file), 1))
        rows.append((subject, files.index(pick.file_real), 0))
    return pd.DataFrame(rows, columns=["subject", "crop", "label"])


def by_seed(detectors: Mapping[tuple[str, int], Detector], crops: FaceSet, chosen: pd.DataFrame,
            area: np.ndarray, seed: int) -> pd.DataFrame:
    """Do Figures 3 and 4 outlive another training? A row for each (model, seed) of `detectors`.

    crops, chosen, area, seed: as for `maps`; the seed is that of the draw, the same for all.
    silhouette_RAW, silhouette_LQ: means as in Figure 3. same, different: of fakes' maps at LQ; hit,
    auc: of those on RAW. Raises CompanionError where an argument doesn't fit, or where there are
    fewer than three crops.
    """
    _check(crops, chosen, area)
    if len(chosen) < FEWEST:
        raise CompanionError(
            f"A silhouette needs {FEWEST} crops or more, and there are {len(chosen)}; take faces "
            "of more people.")
    other = strangers(chosen, seed)
    y = chosen.label.to_numpy()
    images = {name: crops.images(name, "test")[chosen.crop] for name in ("RAW", "LQ")}
    rows = []
    for model, training_seed in tqdm(detectors, desc="seeds"):
        detector = detectors[model, training_seed]
        row = {"model": model, "seed": training_seed}
        for name in images:
            h = features(detector, images[name])
            row[f"silhouette_{name}"] = silhouette_score(h, y)
        raw = heat(detector, images["RAW"], y)
        after = heat(detector, images["LQ"], y)
        same = correlation(after, raw)
        different = correlation(after[:, None], raw[other])
        on = on_mask(enlarge(raw, crops.size), area)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a mean of nothing: constant maps
            row["same"] = np.nanmean(same[y == 1])
            row["different"] = np.nanmean(different[y == 1])
        row["hit"] = on.hit.mean()
        row["auc"] = on.auc.mean()
        rows.append(row)
    return pd.DataFrame(rows)
