"""What corrections of log-odds repair: chosen on validation crops, judged on test crops.

What trainings say in, DataFrames out. The corrections themselves are in `calibration`.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from tcnsc_lib.analysis import survival
from tcnsc_lib.analysis.calibration import Line, ece_values, platt, reliability, temperature
from tcnsc_lib.detectors.outputs import best_threshold
from tcnsc_lib.evaluation import over_trainings


@dataclass(frozen=True)
class Said:
    """What one training says: log-odds of fake, a row a crop, a column a codec.

    y: int (N,), 0 real, 1 fake, of the test crops, and odds of these. y_validation, validation: the
    same of the validation crops, on which corrections are chosen.
    """

    y: np.ndarray
    odds: pd.DataFrame
    y_validation: np.ndarray
    validation: pd.DataFrame


Chosen = Callable[[np.ndarray, np.ndarray], Line]


def _cooler(y: np.ndarray, log_odds: np.ndarray) -> Line:
    return Line(1 / temperature(y, log_odds))


def _moved(y: np.ndarray, log_odds: np.ndarray) -> Line:
    return Line(shift=-best_threshold(y, log_odds))


RAW = "RAW"
OWN = "own"


class Correction(NamedTuple):
    """How a line is chosen, and on which validation crops.

    choose: from labels and log-odds to a line; None: nothing is corrected. where: RAW, or OWN, the
    codec of the test crops in question, which somebody has to know.
    """

    choose: Chosen | None = None
    where: str = RAW

    def of(self, said: Said, codec: str) -> np.ndarray:
        """The corrected log-odds of the test crops after a codec, float64 (N,)."""
        x = said.odds[codec].to_numpy()
        if self.choose is None:
            return x
        on = codec if self.where == OWN else self.where
        return self.choose(said.y_validation, said.validation[on].to_numpy()).of(x)


NONE = Correction()
THRESHOLD_RAW = Correction(_moved, RAW)
THRESHOLD_OWN = Correction(_moved, OWN)
PLATT_RAW = Correction(platt, RAW)
PLATT_OWN = Correction(platt, OWN)

COLUMNS: dict[str, tuple[str, Correction]] = {
    "accuracy": ("accuracy", NONE),
    "auc": ("auc", NONE),
    "ece": ("ece", NONE),
    "ece_temperature": ("ece", Correction(_cooler, RAW)),
    "accuracy_threshold_raw": ("accuracy", THRESHOLD_RAW),
    "accuracy_platt_raw": ("accuracy", PLATT_RAW),
    "ece_platt_raw": ("ece", PLATT_RAW),
    "accuracy_threshold_own": ("accuracy", THRESHOLD_OWN),
    "accuracy_platt_own": ("accuracy", PLATT_OWN),
    "ece_platt_own": ("ece", PLATT_OWN),
}
"""Column of a table -> what is measured, after which correction."""


def values(column: str, said: Said, codec: str) -> np.ndarray:
    """A value for each test crop, whose mean is that of a column of `rates`, as a share: (N,)."""
    measure, correction = COLUMNS[column]
    x = correction.of(said, codec)
    if measure == "ece":
        return ece_values(said.y, x)
    return survival.values(measure, said.y, x)


# tables

def rates(units: np.ndarray, told: Mapping[str, Sequence[Said]]) -> pd.DataFrame:
    """COLUMNS of each detector and codec in percent: means over seeds, with 95 % intervals.

    told: detector -> what its trainings say, one a seed. units: of each test crop, (N,). Columns
    detector, codec, seeds; temperature (mean over seeds of the one chosen on RAW); then each of
    COLUMNS with _low and _high, over trainings and people (`evaluation.over_trainings`, cut to 0
    and 100).
    """
    rows = []
    for detector, trainings in told.items():
        chosen = [temperature(said.y_validation, said.validation[RAW]) for said in trainings]
        for codec in trainings[0].odds:
            row = {"detector": detector, "codec": codec, "seeds": len(trainings)}
            row["temperature"] = np.mean(chosen)
            for column in COLUMNS:
                single = [values(column, said, codec) for said in trainings]
                row |= _rate(column, np.array(single), units)
            rows.append(row)
    return pd.DataFrame(rows)


def _rate(column: str, single: np.ndarray, units: np.ndarray) -> dict[str, float]:
    low, high = np.clip(over_trainings(single, units), 0, 1)
    return {column: 100 * single.mean(), f"{column}_low": 100 * low, f"{column}_high": 100 * high}


DRAWN = {"as it is": NONE, "codec known": PLATT_OWN}
"""Corrections whose bins are drawn, by the name that they have there."""


def bins(told: Mapping[str, Sequence[Said]]) -> pd.DataFrame:
    """`reliability` of each detector and codec, the crops of all its seeds together.

    Columns detector, codec, correction (a name in DRAWN), then those of `reliability`.
    """
    parts = []
    for detector, trainings in told.items():
        for codec in trainings[0].odds:
            for name, correction in DRAWN.items():
                x = [correction.of(said, codec) for said in trainings]
                y = [said.y for said in trainings]
                table = reliability(np.concatenate(y), np.concatenate(x))
                parts.append(table.assign(detector=detector, codec=codec, correction=name))
    every = pd.concat(parts, ignore_index=True)
    first = ["detector", "codec", "correction"]
    return every[[*first, *every.columns.drop(first)]]
