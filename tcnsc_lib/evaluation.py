"""Accuracy (equation 5), AUC, EER and 95 % intervals: what detectors say of crops -> a table.

Every share lies in [0, 1]. Percent is for people, so `results.tables` makes it.
"""
from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import bootstrap, rankdata
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score, roc_curve

from tcnsc_lib import CompanionError

RESAMPLES = 2000  # draws of a bootstrap
CONFIDENCE = 0.95  # of every interval
SMALLEST = 1e-12  # p that is told; rounding leaves no smaller one
HALF = 0.5  # p(fake) from which on a crop is called fake
HALF_A_DIGIT = 0.05  # of a number with one decimal


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


def over_trainings(values: np.ndarray, units: np.ndarray) -> tuple[float, float]:
    """95 % interval of a mean over trainings and crops: it covers another training, other people.

    values: float (trainings, N), a value for each training (a seed each) and crop, on the same
    crops. units: of each crop, (N,), as for `interval`. Both kinds of chance count, and each is
    estimated from what is there: the variance between the trainings' means over their number, and
    the variance between units over theirs. Each is widened by Student's t of its own degrees of
    freedom before they are added, since either may be few: with three trainings Satterthwaite's
    common ones would be too generous. With one training nothing is known of another: the interval
    is then about people alone. Without any effect, 3 to 4 % of such intervals exclude 0. Returns
    (low, high) in the unit of the values; NaN for fewer than two units.
    """
    parts = _parts(values, units)
    middle = float(np.mean(values))
    half = _half(parts, CONFIDENCE)
    return middle - half, middle + half


def p_value(values: np.ndarray, units: np.ndarray, bound: float) -> float:
    """How surely a mean lies beyond a bound: 1 minus the level at which its interval reaches it.

    The interval is that of `over_trainings`, with the same arguments. In [0, 1]; NaN for fewer than
    two units.
    """
    parts = _parts(values, units)
    distance = abs(float(np.mean(values)) - bound)
    widest = _half(parts, 1 - SMALLEST)
    if np.isnan(widest):
        return float("nan")
    if distance == 0:
        return 1.0
    if distance >= widest:
        return SMALLEST
    level = brentq(lambda level: _half(parts, level) - distance, 0, 1 - SMALLEST)
    return float(1 - level)


def _parts(values: np.ndarray, units: np.ndarray) -> list[tuple[float, int]]:
    """The variance of the mean by people and, of several trainings, by these; each its freedom."""
    values = np.asarray(values, float)
    parts = [_between(values.mean(axis=0), units)]
    if len(values) > 1:
        means = values.mean(axis=1)
        parts.append((means.var(ddof=1) / len(means), len(means) - 1))
    return parts


def _half(parts: list[tuple[float, int]], level: float) -> float:
    """Half an interval of that level; NaN where a variance is."""
    if np.isnan(parts[0][0]):
        return float("nan")
    tail = (1 + level) / 2
    squares = [student.ppf(tail, degrees) ** 2 * part for part, degrees in parts]
    return float(np.sqrt(sum(squares)))


def _between(values: np.ndarray, units: np.ndarray) -> tuple[float, int]:
    """The variance of the mean of a value per crop, by how its units differ; degrees of freedom.

    Units of many crops weigh more, as they do in the mean. NaN and 0 for fewer than two units.
    """
    numbers, counts = np.unique(np.asarray(units), return_inverse=True, return_counts=True)[1:]
    many = len(counts)
    if many < 2:
        return float("nan"), 0
    apart = np.bincount(numbers, weights=values - values.mean())
    variance = np.sum(apart**2) / len(values) ** 2
    return float(variance * many / (many - 1)), many - 1


def ratio_values(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """A value for each crop whose mean is mean(top) / mean(bottom): so a ratio has intervals too.

    Linearised around the two means (the delta method), which is close where the bottom one is
    several times as large as its own error. top, bottom: float (trainings, N), of the same crops.
    Returns float64 (trainings, N); NaN where the bottom mean is 0.
    """
    top = np.asarray(top, float)
    bottom = np.asarray(bottom, float)
    if bottom.mean() == 0:
        return np.full(top.shape, np.nan)
    ratio = top.mean() / bottom.mean()
    return ratio + (top - ratio * bottom) / bottom.mean()


def auc_values(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """A value for each crop whose mean is the AUC: so AUC has the intervals that accuracy has.

    For a fake, the share of reals that it stands above; for a real, that of fakes below which it
    stands; each brought to the mean as if there were as many of both. (The components of DeLong et
    al., Biometrics 1988; their sums over units are those of Obuchowski, Biometrics 1997.) y: int
    (N,), 0 real, 1 fake. p: float (N,), any score that rises with p(fake). Returns float64 (N,).
    """
    _check_classes(y)
    fake = np.asarray(y) == 1
    rank = rankdata(p)
    own = np.empty(len(rank))
    own[fake] = rankdata(p[fake])
    own[~fake] = rankdata(p[~fake])
    others = np.where(fake, (~fake).sum(), fake.sum())
    below = (rank - own) / others
    won = np.where(fake, below, 1 - below)
    auc = won[fake].mean()
    kind = np.where(fake, fake.mean(), 1 - fake.mean())
    return auc + (won - auc) / kind


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


def holds_printed(printed: float, low: float, high: float) -> bool:
    """Whether an interval holds a number that is printed with one decimal, in the same unit.

    -11.3 stands for all from -11.35 to -11.25, and one of them is enough.
    """
    return low - HALF_A_DIGIT <= printed <= high + HALF_A_DIGIT
