"""Accuracy (equation 5), AUC, EER and 95 % intervals; detector x test set -> table."""
from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from scipy.stats import bootstrap
from sklearn.metrics import roc_auc_score, roc_curve

from tcnsc_lib.detectors import Detector
from tcnsc_lib.faces.store import FaceSet

RESAMPLES = 2000


@torch.inference_mode()
def probabilities(detector: Detector, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """p(fake) of each crop: uint8 (N, S, S, 3) -> float64 (N,) in [0, 1].

    In evaluation mode and float32 (on recent GPUs convolutions use TF32, PyTorch's default).
    """
    detector.eval()
    where = next(detector.parameters()).device
    out = []
    for i in range(0, len(images), batch_size):
        x = detector.prepare(torch.from_numpy(np.array(images[i : i + batch_size])).to(where))
        logits = detector(x.contiguous(memory_format=torch.channels_last))
        out.append(logits.double().softmax(1)[:, 1].cpu().numpy())
    return np.concatenate(out)


@torch.inference_mode()
def features(detector: Detector, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """h of each crop: uint8 (N, S, S, 3) -> float32 (N, D), in evaluation mode."""
    detector.eval()
    where = next(detector.parameters()).device
    out = []
    for i in range(0, len(images), batch_size):
        x = detector.prepare(torch.from_numpy(np.array(images[i : i + batch_size])).to(where))
        out.append(detector.features(x.contiguous(memory_format=torch.channels_last)).float().cpu().numpy())
    return np.concatenate(out)


def accuracy(y: np.ndarray, p: np.ndarray) -> float:
    """Equation 5 in percent: a crop is called fake when p(fake) >= 1/2. y int (N,), p float (N,)."""
    return 100 * float(np.mean((p >= 0.5) == y))


def eer(y: np.ndarray, p: np.ndarray) -> float:
    """Equal error rate in percent: where the share of reals called fake equals that of fakes called real.

    NaN if only one class is there.
    """
    if len(np.unique(y)) < 2:
        return float("nan")
    false_alarm, hit, _ = roc_curve(y, p)
    gap = false_alarm - (1 - hit)
    after = int(np.argmax(gap >= 0))
    share = -gap[after - 1] / (gap[after] - gap[after - 1])  # linear between the two points around the crossing
    return 100 * float(false_alarm[after - 1] + share * (false_alarm[after] - false_alarm[after - 1]))


def interval(values: np.ndarray, units: np.ndarray, of: np.ndarray | None = None, seed: int = 0) -> tuple[float, float]:
    """95 % interval of 100 * the mean of a value per crop, by a bootstrap over people, or pairs of people.

    Crops of one person succeed or fail together, and so do two people who lent each other their faces, so these units
    are drawn, not crops (`FaceSet.units`; percentile method, 2000 draws). Where donors cross in other ways (photographs),
    the person on the picture is the unit. Without a single mistake, or where all crops are called alike, the interval is a
    point, which is no certainty.
    values: bool or float (N,); right or wrong gives the interval of an accuracy, the difference of two detectors on
    the same crops a paired interval. of: float (N,), for a ratio of sums, 100 * sum(values) / sum(of), as relative drops
    are. units: of each crop, (N,). NaN for fewer than two units. It covers the choice of test people, not another training.
    """
    of = np.ones(len(values)) if of is None else of
    by = pd.DataFrame({"value": np.asarray(values, float), "n": np.asarray(of, float)}).groupby(np.asarray(units)).sum()
    if len(by) < 2:
        return float("nan"), float("nan")

    def share(hits, n, axis=-1):
        return 100 * hits.sum(axis=axis) / n.sum(axis=axis)

    limits = bootstrap((by.value, by.n), share, paired=True, vectorized=True, n_resamples=RESAMPLES,
                       method="percentile", rng=np.random.default_rng(seed)).confidence_interval
    return float(limits.low), float(limits.high)


def summary(y: np.ndarray, p: np.ndarray, units: np.ndarray | None = None) -> dict[str, float]:
    """accuracy, auc, eer, reals_called_fake, fakes_called_real (percent), n; with `units` the accuracy's low and high.

    AUC stands beside accuracy because a shifted threshold can hide a ranking that still works; the two kinds of error
    say which way it shifted.
    """
    fake = p >= 0.5
    out = {"accuracy": accuracy(y, p), "auc": 100 * float(roc_auc_score(y, p)), "eer": eer(y, p),
           "reals_called_fake": 100 * float(fake[y == 0].mean()),
           "fakes_called_real": 100 * float((~fake[y == 1]).mean()), "n": len(y)}
    if units is not None:
        out["low"], out["high"] = interval(fake == y, units)
        out["units"] = len(np.unique(units))
    return out


def predict(detector: Detector, faces: FaceSet, codecs: tuple[str, ...], split: str = "test") -> pd.DataFrame:
    """p(fake) of each crop of a part (rows as in `faces.rows(split)`) after each codec (columns), float64 in [0, 1]."""
    return pd.DataFrame({name: probabilities(detector, faces.images(name, split)) for name in codecs})


def evaluate(predictions: pd.DataFrame, faces: FaceSet, split: str = "test") -> pd.DataFrame:
    """One row a codec: the `summary` of `predict`'s probabilities on that part of the faces. Index "codec"."""
    y, units = faces.labels(split), faces.units(split)
    rows = {name: summary(y, p.to_numpy(), units) for name, p in predictions.items()}
    table = pd.DataFrame(rows).T.rename_axis("codec").astype({"n": int, "units": int})
    return table.assign(people=faces.rows(split).identity.nunique())
