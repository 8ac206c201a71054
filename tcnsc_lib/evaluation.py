"""Accuracy (equation 5), AUC, EER and 95 % intervals: a detector and crops -> scores -> a table.

Every share lies in [0, 1]. Percent is for people, so `results.tables` makes it.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from scipy.special import expit
from scipy.stats import bootstrap
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector
from tcnsc_lib.faces.store import FaceSet

RESAMPLES = 2000  # draws of a bootstrap
HALF = 0.5  # p(fake) from which on a crop is called fake


# What a detector says of crops.

def log_odds(detector: Detector, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
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


def probabilities(detector: Detector, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """p(fake) of each crop: uint8 (N, S, S, 3) -> float64 (N,) in [0, 1]; see `log_odds`."""
    return expit(log_odds(detector, images, batch_size))


def features(detector: Detector, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """h of each crop: uint8 (N, S, S, 3) -> float32 (N, D), in evaluation mode."""
    return _in_batches(detector, detector.features, images, batch_size).float().numpy()


@torch.inference_mode()
def _in_batches(
    detector: Detector,
    function: Callable[[Tensor], Tensor],
    images: np.ndarray,
    batch_size: int,
) -> Tensor:
    """`function` of the prepared crops, batch after batch, on the CPU: (N, ...)."""
    detector.eval()
    where = next(detector.parameters()).device
    out = []
    for i in range(0, len(images), batch_size):
        crops = np.array(images[i : i + batch_size])
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


# What the scores are worth.

def accuracy(y: np.ndarray, p: np.ndarray) -> float:
    """Equation 5: the share of crops called rightly, which means fake where p(fake) >= 1/2.

    y: int (N,), 0 real, 1 fake. p: float (N,).
    """
    return float(np.mean((p >= HALF) == y))


def eer(y: np.ndarray, p: np.ndarray) -> float:
    """Equal error rate: where the share of reals called fake equals that of fakes called real.

    NaN if only one class is there.
    """
    if len(np.unique(y)) < 2:
        return float("nan")
    false_alarm, hit, _ = roc_curve(y, p)
    gap = false_alarm - (1 - hit)
    after = int(np.argmax(gap >= 0))
    before = after - 1
    share = -gap[before] / (gap[after] - gap[before])  # linear between the points around it
    step = false_alarm[after] - false_alarm[before]
    return float(false_alarm[before] + share * step)


def interval(
    values: np.ndarray, units: np.ndarray, of: np.ndarray | None = None, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the mean of a value per crop, by a bootstrap over people or pairs of them.

    Crops of one person succeed or fail together, and so do two people who lent each other their
    faces. So these units are drawn, not crops (`FaceSet.units`; percentile method, 2000 draws).
    Where donors cross in other ways (photographs), the person on the picture is the unit. Without
    a single mistake, or where all crops are called alike, the interval is a point, which is no
    certainty.

    values: bool or float (N,). Right or wrong gives the interval of an accuracy; the difference of
    two detectors on the same crops gives a paired interval. of: float (N,), for a ratio of sums,
    sum(values) / sum(of), as relative drops are. units: of each crop, (N,).
    Returns (low, high), in the unit of the values; NaN for fewer than two units. It covers the
    choice of test people, not another training.
    """
    parts = np.ones(len(values)) if of is None else np.asarray(of, float)
    crops = pd.DataFrame({"value": np.asarray(values, float), "of": parts})
    sums = crops.groupby(np.asarray(units)).sum()
    if len(sums) < 2:
        return float("nan"), float("nan")
    drawn = bootstrap(
        (sums["value"], sums["of"]),
        _ratio,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    limits = drawn.confidence_interval
    return float(limits.low), float(limits.high)


def _ratio(values: np.ndarray, of: np.ndarray, axis: int = -1) -> np.ndarray:
    return values.sum(axis=axis) / of.sum(axis=axis)


def summary(y: np.ndarray, p: np.ndarray, units: np.ndarray | None = None) -> dict[str, float]:
    """accuracy, auc, eer, reals_called_fake, fakes_called_real (all shares), and n.

    With `units` also low, high and units.

    AUC stands beside accuracy because a shifted threshold can hide a ranking that still works. The
    two kinds of error say which way it shifted. low and high are the accuracy's `interval`; units
    is how many there are. Raises CompanionError where real crops or fakes are missing, since no
    ranking can be judged by one kind alone.
    """
    _check_classes(y)
    fake = p >= HALF
    out = {
        "accuracy": accuracy(y, p),
        "auc": float(roc_auc_score(y, p)),
        "eer": eer(y, p),
        "reals_called_fake": _share(fake[y == 0]),
        "fakes_called_real": _share(~fake[y == 1]),
        "n": len(y),
    }
    if units is not None:
        out["low"], out["high"] = interval(fake == y, units)
        out["units"] = len(np.unique(units))
    return out


def _check_classes(y: np.ndarray) -> None:
    """Raise a CompanionError where there aren't both real and fake crops."""
    fakes = np.count_nonzero(y)
    reals = len(y) - fakes
    if not reals or not fakes:
        raise CompanionError(
            f"Scores need real and fake crops, and there are {reals} real and {fakes} fake ones; "
            "give faces that have both."
        )


def _share(which: np.ndarray) -> float:
    return float(which.mean())


def evaluate(predictions: pd.DataFrame, y: np.ndarray, units: np.ndarray) -> pd.DataFrame:
    """One row a codec, index "codec": the `summary` of each column of p(fake) in [0, 1].

    predictions: a row a crop, a column a codec. y: int64 (N,). units: (N,).
    """
    rows = {name: summary(y, p.to_numpy(), units) for name, p in predictions.items()}
    table = pd.DataFrame(rows).T.rename_axis("codec")
    return table.astype({"n": int, "units": int})
