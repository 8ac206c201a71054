"""What a claim is, and when it holds: the paper's number, ours with a 95 % interval, and a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tcnsc_lib.evaluation import holds_printed, over_trainings, p_value

NONE = float("nan")  # the paper prints no number

# When a claim holds. The paper names no bound for "close to 1" and "roughly unchanged": the last
# three bounds are ours.
MORE = "above 0"
AT_MOST = "at most the paper's"
PRINTED = "the paper's number, in our interval"
NEAR_ONE = "above -5"
FLAT = "within 1 dB of 0"
MODEST = "below 1 dB"

# Rule -> the open interval that ours must lie in; of AT_MOST the paper's number is the upper end.
BOUNDS = {
    MORE: (0, np.inf),
    NEAR_ONE: (-5, np.inf),
    FLAT: (-1, 1),
    MODEST: (-np.inf, 1),
}

SCALE = {"points": 100.0, "percent": 100.0}
"""Unit -> what a share is multiplied by; the values of other units stay as they are."""


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper, or a question that it leaves, as something that can be measured.

    id: short and stable, begins with the table or figure; files, prose and tests name a claim by
    it. text: the sentence; what is measured stands after the last colon. measure: from the item's
    material, which knows the `units` of its crops, to a value per crop (N,), NaN where a crop has
    none; or to a list of them, one a seed. unit: "points", "percent" (both are measured in
    shares), "dB" or "" (none). rule: when it holds, one of those above. paper: its number, in that
    unit. headline: the sentence as the first page has it ("": it isn't there). also: more columns
    of the claim's row, from the same material.
    """

    id: str
    text: str
    measure: Callable[[Any], Any]
    unit: str = ""
    rule: str = MORE
    paper: float = NONE
    headline: str = ""
    also: Callable[[Any], dict[str, str]] | None = None

    @property
    def item(self) -> str:
        """What it is about: "table2.b-loss" -> "Table 2"; or "Study", "Quality", "Calibration"."""
        name = self.id.partition(".")[0]
        return re.sub(r"(\D+)(\d+)", r"\1 \2", name).capitalize()

    @property
    def sentence(self) -> str:
        """The text with its unit, as tables show it."""
        return f"{self.text}, {self.unit}" if self.unit else self.text


def verdict(rule: str, printed: float, low: float, high: float) -> str:
    """yes or no where the whole interval says so, else can't tell.

    A printed number lies in the interval, or doesn't (`evaluation.holds_printed`). Without an
    interval (NaN) nobody can tell.
    """
    if np.isnan(low):
        return "can't tell"
    if rule == PRINTED:
        return "yes" if holds_printed(printed, low, high) else "no"
    least, most = _bounds(rule, printed)
    if least < low and high < most:
        return "yes"
    return "no" if high < least or low > most else "can't tell"


def judged(claims: Sequence[Claim], material: Any) -> pd.DataFrame:
    """Each claim measured and judged: a row a claim.

    Columns: id, claim, holds if, paper, ours, low, high, crops (those that have a value), holds
    here, p. The interval covers other people, and another training where a measure gives a list
    over seeds (`evaluation.over_trainings`): ours is then the mean over `seeds`, `least` and `most`
    are the single ones, and a verdict stands only where every seed gives the same. p: of the bound
    that the verdict depends on (`evaluation.p_value`); NaN where there is none.
    """
    return pd.DataFrame([_row(claim, material) for claim in claims])


def _row(claim: Claim, material: Any) -> dict[str, Any]:
    scale = SCALE.get(claim.unit, 1.0)
    values = claim.measure(material)
    by_seed = isinstance(values, list)
    every = scale * np.array(values if by_seed else [values], float)
    every, units = _known(every, material.units)
    low, high = over_trainings(every, units) if every.size else (NONE, NONE)
    ours = every.mean() if every.size else NONE
    holds = verdict(claim.rule, claim.paper, low, high)
    row = {"id": claim.id, "claim": claim.sentence, "holds if": claim.rule, "paper": claim.paper}
    row |= {"ours": ours, "low": low, "high": high, "crops": len(units), "holds here": holds}
    row["p"] = _p(claim, every, units)
    if by_seed:
        single = list(every.mean(axis=1)) if every.size else []
        row |= _over_seeds(claim, holds, single)
    if claim.also is not None:
        row |= claim.also(material)
    return row


def _known(every: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (seeds, N) of the crops that have one, and their units; both empty without a seed."""
    if not every.size:
        return every, np.array([])
    known = ~np.isnan(every).any(axis=0)
    return every[:, known], np.asarray(units)[known]


def _p(claim: Claim, every: np.ndarray, units: np.ndarray) -> float:
    """`evaluation.p_value` of the bound that a verdict depends on; NaN without bound or values.

    Inside two bounds it is the one that is less surely kept.
    """
    if claim.rule == PRINTED or not every.size:
        return NONE
    least, most = _bounds(claim.rule, claim.paper)
    ours = every.mean()
    if ours <= least:
        return p_value(every, units, least)
    if ours >= most:
        return p_value(every, units, most)
    finite = [bound for bound in (least, most) if np.isfinite(bound)]
    return max(p_value(every, units, bound) for bound in finite)


def _bounds(rule: str, printed: float) -> tuple[float, float]:
    """The open interval that ours must lie in."""
    return (-np.inf, printed) if rule == AT_MOST else BOUNDS[rule]


def _over_seeds(claim: Claim, holds: str, single: list[float]) -> dict[str, Any]:
    """seeds, least, most, and the verdict that is left of `holds` when every seed has its say."""
    each = {verdict(claim.rule, claim.paper, value, value) for value in single}
    return {
        "holds here": holds if each == {holds} else "can't tell",
        "seeds": len(single),
        "least": min(single, default=NONE),
        "most": max(single, default=NONE),
    }
