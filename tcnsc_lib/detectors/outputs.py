"""What a detector says of crops: log-odds, p(fake), features; and the predictions of a test part.

    predict               with its running statistics, as they are after training
    predict_reestimated   with statistics estimated anew (`normalisation`)
    predict_by_probe      by a linear probe on its features
    predict_after         of several detectors, after a change of the pictures
    best_threshold        from which log-odds on a crop is called fake, chosen on labelled crops
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.normalisation import reestimated
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.stream import Pictures, chunks

OWN = "each test set's"
STATISTICS: dict[str, tuple[str, ...]] = {
    "RAW": ("RAW",),
    "RAW and LQ": ("RAW", "LQ"),
    "LQ": ("LQ",),
    OWN: (),
}
"""Name of re-estimated statistics -> codecs of the training crops that they are estimated on.

OWN takes the codec of the test set, in turn.
"""
SEEN = 1024  # training crops that statistics are re-estimated on, of each codec
AT_ONCE = 64  # of them in a batch, as in training
FEW = 32  # crops in a batch that fits a core's cache, several times as fast there as 256


def log_odds(detector: Detector, images: Pictures, batch_size: int = 256) -> np.ndarray:
    """log(p / (1 - p)) of p = p(fake) for each crop: uint8 (N, S, S, 3) -> float64 (N,).

    This is the fake logit minus the real one, both in float64. It keeps what p loses where p comes
    close to 0 or 1. In evaluation mode and float32 (on recent GPUs convolutions use TF32,
    PyTorch's default). Raises CompanionError where that is no finite number.
    """
    logits = _in_batches(detector, detector, images, batch_size).double()
    odds = (logits[:, 1] - logits[:, 0]).numpy()
    lost = np.count_nonzero(~np.isfinite(odds))
    if lost:
        raise CompanionError(
            f"{type(detector).__name__} gives no finite number for {lost} of {len(odds)} crops; "
            "its weights are damaged or its training went astray, so train it again."
        )
    return odds


def probabilities(detector: Detector, images: Pictures, batch_size: int = 256) -> np.ndarray:
    """p(fake) of each crop: uint8 (N, S, S, 3) -> float64 (N,) in [0, 1]; see `log_odds`."""
    return expit(log_odds(detector, images, batch_size))


def features(detector: Detector, images: Pictures, batch_size: int = 256) -> np.ndarray:
    """h of each crop: uint8 (N, S, S, 3) -> float32 (N, D), in evaluation mode."""
    return _in_batches(detector, detector.features, images, batch_size).float().numpy()


@torch.inference_mode()
def _in_batches(
    detector: Detector,
    function: Callable[[Tensor], Tensor],
    images: Pictures,
    batch_size: int,
) -> Tensor:
    """`function` of the prepared crops, batch after batch, on the CPU: (N, ...)."""
    detector.eval()
    where = next(detector.parameters()).device
    out = []
    for crops in chunks(images, batch_size):
        x = detector.prepare(torch.from_numpy(crops).to(where))
        x = x.contiguous(memory_format=torch.channels_last)
        out.append(function(x).cpu())
    return torch.cat(out)


def predict(
    detector: Detector, faces: FaceSet, codecs: tuple[str, ...], split: str = "test"
) -> pd.DataFrame:
    """`log_odds` of each crop of a part after each codec.

    A row a crop, in the order of `faces.rows(split)`; a column a codec.
    """
    return pd.DataFrame({name: log_odds(detector, faces.images(name, split)) for name in codecs})


def predict_after(
    detectors: Mapping[str, Detector],
    images: Pictures,
    change: Callable[[np.ndarray], np.ndarray],
    batch_size: int = FEW,
) -> pd.DataFrame:
    """`log_odds` of what a change leaves of each crop: a row a crop, a column a detector.

    images: uint8 (N, S, S, 3). change: uint8 (S, S, 3) -> the same, as a `chains.Chain` is; each
    crop is changed once for all detectors.
    """
    parts = []
    for crops in chunks(images, batch_size):
        changed = np.stack([change(crop) for crop in crops])
        told = {name: log_odds(each, changed, batch_size) for name, each in detectors.items()}
        parts.append(pd.DataFrame(told))
    return pd.concat(parts, ignore_index=True)


def predict_by_probe(detector: Detector, faces: FaceSet, codecs: tuple[str, ...]) -> pd.DataFrame:
    """Log-odds in `predict`'s form, but by a linear probe: what frozen features hold.

    Logistic regression on the features of RAW training crops, each value standardised. Raises
    CompanionError where these are all real or all fake.
    """
    faces.check_part("train")
    h = features(detector, faces.images("RAW", "train"))
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    probe.fit(h, faces.labels("train"))
    told = {}
    for name in codecs:
        h = features(detector, faces.images(name, "test"))
        told[name] = probe.decision_function(h)
    return pd.DataFrame(told)


def predict_reestimated(
    detector: Detector, faces: FaceSet, codecs: tuple[str, ...], statistics: str
) -> pd.DataFrame:
    """Log-odds in `predict`'s form, after the running statistics were estimated anew.

    statistics: a name in STATISTICS. Unlabelled training crops alone are used: no test crop, no
    label, no gradient. A detector without batch normalisation says what it says without.
    """
    told = {}
    views: tuple[str, ...] = ()
    for name in codecs:
        before = views
        views = STATISTICS[statistics] or (name,)
        if views != before:
            copy = reestimated(detector, unlabelled(detector, faces, views))
        told[name] = log_odds(copy, faces.images(name, "test"))
    return pd.DataFrame(told)


def unlabelled(detector: Detector, faces: FaceSet, views: tuple[str, ...]) -> Iterator[Tensor]:
    """Batches of prepared training crops, (N, 3, S, S); a batch is of one codec, views in turn."""
    where = next(detector.parameters()).device
    images = [faces.images(name, "train") for name in views]
    rows = np.random.default_rng(0).permutation(len(images[0]))[:SEEN]
    for start in range(0, len(rows), AT_ONCE):
        chosen = np.sort(rows[start : start + AT_ONCE])
        for view in images:
            crops = torch.from_numpy(view[chosen]).to(where)
            x = detector.prepare(crops)
            yield x.contiguous(memory_format=torch.channels_last)


def best_threshold(y: np.ndarray, log_odds: np.ndarray) -> float:
    """The log-odds from which on calling a crop fake gets most of these crops right.

    y: int (N,), 0 real, 1 fake. log_odds: float (N,), finite. Between two neighbouring values every
    threshold does the same, so the middle stands for all. Below the lowest value (all are called
    fake) it is 1 less than that, above the highest (none is) 1 more. Of several equally good ones
    it is the one nearest to 0, and of two that are equally near, the lower. Always finite. Not in
    the paper, which calls fake from log-odds of 0 on. Raises CompanionError where real crops or
    fakes are missing, since one kind alone would be called alike at any distance.
    """
    fakes = np.count_nonzero(y)
    if fakes in (0, len(y)):
        raise CompanionError(
            f"A threshold needs real and fake crops, and {fakes} of {len(y)} are fake; "
            "choose it on crops of both kinds."
        )
    values, place = np.unique(log_odds, return_inverse=True)
    reals_more = np.where(np.asarray(y) == 1, -1, 1)
    gained = np.bincount(place, reals_more)  # by raising the threshold over a value
    right = np.concatenate([[0], np.cumsum(gained)])  # compared with calling all crops fake
    between = (values[:-1] + values[1:]) / 2
    candidates = np.concatenate([[values[0] - 1], between, [values[-1] + 1]])
    best = candidates[right == right.max()]
    return float(best[np.argmin(np.abs(best))])
