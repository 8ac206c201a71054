"""When a sentence of the paper holds: its number, ours with a 95 % interval over people, and a rule."""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib.analysis import mean

MORE, AT_MOST, PRINTED = "above 0", "at most the paper's", "the paper's number, in our interval"
NEAR_ONE, FLAT, MODEST = "above -5", "within 1 dB of 0", "below 1 dB"
"""When a sentence holds. The paper names no bound for "close to 1" and "roughly unchanged": the last three are ours."""

NONE = float("nan")


def _verdict(rule: str, printed: float, low: float, high: float) -> str:
    """yes or no where the whole interval says so, else can't tell; a printed number lies in the interval or doesn't."""
    if np.isnan(low):
        return "can't tell"
    if rule == PRINTED:
        return "yes" if low <= printed <= high else "no"
    least, most = {MORE: (0, np.inf), AT_MOST: (-np.inf, printed), NEAR_ONE: (-5, np.inf),
                   FLAT: (-1, 1), MODEST: (-np.inf, 1)}[rule]
    return "yes" if least < low and high < most else "no" if high < least or low > most else "can't tell"


def judged(rows: list[tuple], units: np.ndarray, header: str = "claim", scale: float = 1.0) -> pd.DataFrame:
    """(claim, when it holds, the paper's value, value per crop) -> the table, with interval and verdict.

    units: whom each crop belongs to. scale: of the values; 100 turns shares into points. NaN: a crop without a value;
    "crops" counts the others.
    """
    out = []
    for claim, rule, printed, values in rows:
        ours, low, high, crops = mean(scale * np.asarray(values, float), units)
        out.append((claim, rule, printed, ours, low, high, crops, _verdict(rule, printed, low, high)))
    return pd.DataFrame(out, columns=[header, "holds if", "paper", "ours", "low", "high", "crops", "holds here"])
