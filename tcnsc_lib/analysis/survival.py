"""What is left of detectors after every chain: log-odds in, DataFrames out.

Accuracy asks whether a crop is called right at p = 1/2. AUC asks only whether fakes stand above
real faces, so it keeps what a new threshold could bring back.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tcnsc_lib.chains import CHAINS, JPEG, Chain
from tcnsc_lib.evaluation import auc_values, over_trainings

USABLE = 0.75
"""The share from which on a detector counts as usable; ours, half-way from guessing to perfect."""

MEASURES = ("accuracy", "auc")
ENDS = ("", "_low", "_high", "_least", "_most")  # of a measure's columns in `rates`


def values(measure: str, y: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """A value for each crop, whose mean is the measure: float64 (N,).

    measure: one of MEASURES. y: int (N,), 0 real, 1 fake. log_odds: float (N,).
    """
    if measure == "auc":
        return auc_values(y, log_odds)
    return ((log_odds >= 0) == y).astype(float)


def rates(
    y: np.ndarray, units: np.ndarray, told: Mapping[str, list[pd.DataFrame]]
) -> pd.DataFrame:
    """Accuracy and AUC of each detector after each chain, in percent.

    told: detector -> log-odds from each seed, a row a crop, a column a chain. y: int (N,). units:
    of each crop, (N,). Columns detector, chain, group, quality (of JPEG at 4:2:0, else NaN), seeds;
    accuracy: the mean over seeds, with its 95 % interval over trainings and people
    (`evaluation.over_trainings`, cut to 0 and 100) and its least and most of the single seeds; the
    same of auc.
    """
    rows = []
    for detector, by_seed in told.items():
        for name in by_seed[0]:
            chain = CHAINS[name]
            row = _named(detector, chain) | {"seeds": len(by_seed)}
            for measure in MEASURES:
                single = [values(measure, y, odds[name].to_numpy()) for odds in by_seed]
                row |= _rate(measure, np.array(single), units)
            rows.append(row)
    return pd.DataFrame(rows)


def _named(detector: str, chain: Chain) -> dict[str, object]:
    quality = np.nan if chain.quality is None else chain.quality
    return {"detector": detector, "chain": chain.name, "group": chain.group, "quality": quality}


def _rate(measure: str, single: np.ndarray, units: np.ndarray) -> dict[str, float]:
    """The columns of a measure, from a value a seed and crop."""
    ends = np.clip(over_trainings(single, units), 0, 1)
    means = single.mean(axis=1)
    numbers = (means.mean(), *ends, means.min(), means.max())
    return {measure + end: 100 * value for end, value in zip(ENDS, numbers, strict=True)}


def usable(table: pd.DataFrame) -> pd.DataFrame:
    """From which JPEG quality on each detector is usable, and after how many of all chains.

    table: `rates`. Columns detector; accuracy_from, auc_from: the lowest quality tested that, with
    all higher ones, has a mean of at least USABLE (NaN: not even the highest); accuracy_chains,
    auc_chains: of all chains, how many percent have that mean; worst: the chain with the lowest
    AUC.
    """
    rows = []
    for detector, found in table.groupby("detector", sort=False):
        row = {"detector": detector}
        for measure in MEASURES:
            row[f"{measure}_from"] = _usable_from(found, measure)
            row[f"{measure}_chains"] = 100 * (found[measure] >= 100 * USABLE).mean()
        row["worst"] = found.chain[found.auc.idxmin()]
        rows.append(row)
    return pd.DataFrame(rows)


def _usable_from(found: pd.DataFrame, measure: str) -> float:
    """The lowest quality before the first unusable one, counted from the highest; NaN for none."""
    of_jpeg = found[found.group == JPEG].sort_values("quality", ascending=False)
    good = (of_jpeg[measure] >= 100 * USABLE).cummin()
    return float(of_jpeg.quality[good].min())
