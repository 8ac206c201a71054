"""Does p(fake) mean what it says, and what repairs it? Labels and log-odds in, numbers out.

A detector is calibrated where, of the crops that it calls with 90 % confidence, 90 % are called
right. Its order (AUC) may be perfect and its p wrong. Three corrections are lines on log-odds x:

    temperature   x / T: other confidence, no other answer
    threshold     x - t: other answers (`outputs.best_threshold`)
    Platt         a x + b: both

Each keeps the order as long as a > 0, so none changes AUC.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

BINS = 10
"""Of equal width, between a confidence of 1/2 and 1; the last one contains 1."""

HOTTEST = 100.0
"""T is looked for between 1 / HOTTEST and HOTTEST."""


class Line(NamedTuple):
    """A correction of log-odds: x -> slope * x + shift."""

    slope: float = 1.0
    shift: float = 0.0

    def of(self, log_odds: np.ndarray) -> np.ndarray:
        """The corrected ones, float64 (N,)."""
        return self.slope * np.asarray(log_odds, float) + self.shift


# calibration error

def binned(y: np.ndarray, log_odds: np.ndarray) -> pd.DataFrame:
    """A row a crop: its confidence max(p, 1 - p) in [1/2, 1], whether it is right, and its bin.

    y: int (N,). log_odds: float (N,). right: 1.0 or 0.0, fake from log-odds of 0 on. bin: from 0 to
    BINS - 1.
    """
    x = np.asarray(log_odds, float)
    confidence = expit(np.abs(x))
    place = np.floor((2 * confidence - 1) * BINS).astype(int)
    right = ((x >= 0) == np.asarray(y)).astype(float)
    return pd.DataFrame({"confidence": confidence, "right": right,
                         "bin": np.minimum(place, BINS - 1)})


def ece_values(y: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """A value for each crop whose mean is the ECE: so ECE has the intervals that accuracy has.

    The expected calibration error (Guo et al., "On calibration of modern neural networks", ICML
    2017, equation 3), over BINS bins B of equal width of the confidence:

        ECE = sum over B of  |B| / N  *  | accuracy(B) - mean confidence(B) |

    A crop's value is its confidence minus whether it is right, with the sign that its bin's sum
    has. An interval takes these signs as given. y: int (N,). log_odds: float (N,). Returns float64
    (N,); their mean lies in [0, 1]. Few crops leave an ECE above 0 even where p is perfect.
    """
    crops = binned(y, log_odds)
    gap = (crops.confidence - crops.right).to_numpy()
    sums = np.bincount(crops["bin"], weights=gap, minlength=BINS)
    return gap * np.where(sums < 0, -1, 1)[crops["bin"]]


def ece(y: np.ndarray, log_odds: np.ndarray) -> float:
    """The expected calibration error, in [0, 1]; see `ece_values`."""
    return float(ece_values(y, log_odds).mean())


def reliability(y: np.ndarray, log_odds: np.ndarray) -> pd.DataFrame:
    """The bins of a reliability diagram, a row each, from the least confidence to the most.

    Columns low, high (the bin's ends, in [1/2, 1]); n, right: how many crops it has, and how many
    of these are right; confidence: their mean, the bin's middle where there is none.
    """
    crops = binned(y, log_odds)
    ends = np.linspace(0.5, 1, BINS + 1)
    table = pd.DataFrame({"low": ends[:-1], "high": ends[1:]})
    table["n"] = np.bincount(crops["bin"], minlength=BINS)
    right = np.bincount(crops["bin"], weights=crops.right, minlength=BINS)
    table["right"] = right.astype(int)
    means = crops.groupby("bin").confidence.mean().reindex(range(BINS))
    table["confidence"] = means.fillna((table.low + table.high) / 2)
    return table


# corrections

def temperature(y: np.ndarray, log_odds: np.ndarray) -> float:
    """The T > 0 for which p = sigmoid(x / T) has the least mean negative log-likelihood.

        NLL = mean of  log(1 + exp(-s x / T)),  s = 1 for a fake, -1 for a real crop

    y: int (N,). log_odds: x, float (N,). Above 1: the detector was too sure. It is looked for on
    log T, up to HOTTEST; where no crop is called wrong the smallest is best, 1 / HOTTEST.
    """
    signed = np.where(np.asarray(y) == 1, 1, -1) * np.asarray(log_odds, float)

    def loss(log_t: float) -> float:
        return float(np.logaddexp(0, -signed / np.exp(log_t)).mean())

    end = np.log(HOTTEST)
    found = minimize_scalar(loss, bounds=(-end, end), method="bounded", options={"xatol": 1e-8})
    return float(np.exp(found.x))


def platt(y: np.ndarray, log_odds: np.ndarray) -> Line:
    """The line for which p = sigmoid(a x + b) is likeliest (Platt, 1999): a logistic regression.

    As there, a fake counts as fake with (F + 1) / (F + 2) and a real crop with 1 / (R + 2), where F
    and R are how many there are: so a and b stay finite where a threshold parts all crops. y: int
    (N,). log_odds: x, float (N,).
    """
    y = np.asarray(y)
    x = np.asarray(log_odds, float)
    fakes = np.count_nonzero(y)
    reals = len(y) - fakes
    target = np.where(y == 1, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    scale = x.std() or 1.0

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        z = line[0] * x / scale + line[1]
        off = expit(z) - target
        slopes = np.array([(off * x / scale).mean(), off.mean()])
        return float((np.logaddexp(0, z) - target * z).mean()), slopes

    found = minimize(loss, [1.0, 0.0], jac=True, method="BFGS", options={"gtol": 1e-8})
    return Line(float(found.x[0] / scale), float(found.x[1]))
