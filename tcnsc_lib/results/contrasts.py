"""The study of notebook 8 as tables: what each reading and repair gains, and which factor does it.

All come from the predictions in evidence/study/. Rates are in percent, differences in points.
Intervals cover another training and other people (`evaluation.over_trainings`). What is compared
is compared seed by seed, on the same test crops.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.evaluation import ratio_values
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import DUAL, MODEL_B
from tcnsc_lib.experiments.study import FACTORS, ROWS, STATISTICS_OF_TWINS, Row, restated
from tcnsc_lib.files import CHECKOUT
from tcnsc_lib.profiles import Profile
from tcnsc_lib.results import seeds
from tcnsc_lib.results.seeds import (
    ACCURACY,
    AUC,
    MEASURES,
    NOT_THERE,
    Difference,
    Told,
    Values,
    contrast,
    minus,
)

TRAINED = "as trained"  # the running statistics of the training itself

# every row

def study(e: Evidence) -> pd.DataFrame:
    """Every row of the study that has predictions, as trained and with re-estimated statistics.

    Columns group, row, statistics, seeds; RAW, LQ (accuracy), auc_LQ; then differences at LQ with
    their intervals (..._low, ..._high): minus_b and minus_jpeg of accuracy, auc_minus_b of AUC, to
    model B and JPEG augmentation of the same schedule, both as trained. recovered: of model B's
    fall from RAW to LQ, the share in percent that the row doesn't fall, with its interval.
    """
    told = Told(e)
    rows = []
    for row in ROWS:
        for statistics in ("", *_kept(row)):
            if told.has(restated(row.name, statistics)):
                rows.append(_study_row(told, row, statistics))
    return pd.DataFrame(rows, columns=STUDY_COLUMNS)


TITLES = {DUAL: "dual"}
"""Experiment -> its row, where that has another name."""

GAPS = {"minus_b": ACCURACY, "minus_jpeg": ACCURACY, "auc_minus_b": AUC}
STUDY_COLUMNS = ["group", "row", "statistics", "seeds", "RAW", "LQ", "auc_LQ"]
for _gap in GAPS:
    STUDY_COLUMNS += [_gap, f"{_gap}_low", f"{_gap}_high"]
STUDY_COLUMNS += ["recovered", "recovered_low", "recovered_high"]


def _kept(row: Row) -> list[str]:
    """Of the re-estimated statistics, those that every row is told with."""
    return [name for name in row.statistics if name == STATISTICS_OF_TWINS]


def _study_row(told: Told, row: Row, statistics: str) -> dict:
    name = restated(row.name, statistics)
    out = {"group": row.group, "row": TITLES.get(row.name, row.name)}
    out |= {"statistics": statistics or TRAINED} | told.levels(name)
    for gap, measure in GAPS.items():
        other = row.jpeg if gap == "minus_jpeg" else row.b
        difference = minus(told.values(name, measure), told.values(other, measure))
        out |= _points(gap, difference)
    return out | _points("recovered", _recovered(told, name, row.b))


def _points(name: str, difference: Difference) -> dict[str, float]:
    return {
        name: 100 * difference.points,
        f"{name}_low": 100 * difference.low,
        f"{name}_high": 100 * difference.high,
    }


def _recovered(told: Told, name: str, b: str) -> Difference:
    """The share of B's fall that a row doesn't fall, over the seeds that both have.

    The paper has 79 % of dual. NOT_THERE without a fall.
    """
    row = [(1.0, told.values(name, codec="RAW")), (-1.0, told.values(name))]
    fall = [(1.0, told.values(b, codec="RAW")), (-1.0, told.values(b))]
    nothing = [(0.0, values) for _, values in row]  # of the same seeds
    whole = contrast(fall + nothing)
    kept = contrast(fall + [(-weight, values) for weight, values in row])
    if not whole or np.mean(whole) == 0:
        return NOT_THERE
    return seeds.told(list(ratio_values(np.array(kept), np.array(whole))), told.units)


SEEN = {
    "apart_twins_z": "cos_twins_z",
    "apart_different_z": "cos_different_z",
    "rank_z": "rank_z",
    "apart_twins_h": "cos_twins_h",
    "apart_different_h": "cos_different_h",
    "rank_h": "rank_h",
}
"""Column of `ends` -> what `TCNSC.watch` calls it; what begins with "apart" is 1 minus a cosine."""


def ends(e: Evidence) -> pd.DataFrame:
    """Does it collapse? What was seen of f and g before the last step, means over seeds.

    Columns row, seeds; of z: apart_twins_z, apart_different_z (1 minus the mean cosine of an image
    with its twin, with others'), rank_z (the effective rank, from 1 on); then the same of h.
    """
    seen = e.read("study_collapse")
    for column, name in SEEN.items():
        seen[column] = 1 - seen[name] if name.startswith("cos") else seen[name]
    every = seen.groupby("training", sort=False)
    table = every[list(SEEN)].mean()
    table.insert(0, "seeds", every.seed.nunique())
    return table.rename(index=TITLES).rename_axis("row").reset_index()


# the factors

def factorial(e: Evidence) -> pd.DataFrame:
    """Accuracy and AUC of each combination of the four factors, in percent; means over seeds.

    similarity: on or off. passes: two or one. labels: of raw images, or of both views. statistics:
    as trained, or re-estimated on unlabelled training crops at RAW, RAW and LQ, LQ, or at each test
    set's own codec.
    """
    told = Told(e)
    rows = []
    for key, name in FACTORS.items():
        for statistics in ("", *_row(name).statistics):
            filed = restated(name, statistics)
            row = dict(zip(("similarity", "passes", "labels"), key, strict=True))
            rows.append(row | {"statistics": statistics or TRAINED} | told.levels(filed))
    return pd.DataFrame(rows)


def _row(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


@dataclass(frozen=True)
class Effect:
    """A factor's effect: the mean of some cells minus the mean of others, all else alike.

    more, fewer: parts of a cell's key that single them out. where: what both have in common.
    statistics: of the first and of the second; "": as trained.
    """

    words: str
    more: str = ""
    fewer: str = ""
    where: tuple[str, ...] = ()
    statistics: tuple[str, str] = ("", "")

    def terms(self, told: Told, measure: str) -> list[tuple[float, Values]]:
        """The cells with their weights."""
        up = self._cells(self.more)
        down = self._cells(self.fewer)
        found = []
        for names, sign, statistics in zip(
            (up, down), (1.0, -1.0), self.statistics, strict=True
        ):
            for name in names:
                each = told.values(restated(name, statistics), measure)
                found.append((sign / len(names), each))
        return found

    def _cells(self, level: str) -> list[str]:
        wanted = {*self.where, level} - {""}
        return [name for key, name in FACTORS.items() if wanted <= {*key}]


EFFECTS = (
    Effect("similarity: on minus off", "on", "off"),
    Effect("passes: two minus one", "two", "one"),
    Effect("labels: both views minus raw alone", "both", "raw"),
    Effect("statistics: RAW and LQ minus as trained", statistics=(STATISTICS_OF_TWINS, "")),
    Effect("labels of raw, similarity: on minus off", "on", "off", ("raw",)),
    Effect("labels of raw, passes: two minus one", "two", "one", ("raw",)),
    Effect("labels of raw, two passes, similarity: on minus off", "on", "off", ("raw", "two")),
    Effect("labels of raw, one pass, similarity: on minus off", "on", "off", ("raw", "one")),
    Effect("labels of raw, statistics RAW and LQ, passes: two minus one", "two", "one", ("raw",),
           (STATISTICS_OF_TWINS, STATISTICS_OF_TWINS)),
    Effect("labels of raw, statistics RAW and LQ, similarity: on minus off", "on", "off", ("raw",),
           (STATISTICS_OF_TWINS, STATISTICS_OF_TWINS)),
)


def effects(e: Evidence) -> pd.DataFrame:
    """Each effect at LQ: effect, measure (accuracy, AUC), points, low, high, seeds.

    The first four are main effects: means over all cells of the other factors, as trained.
    """
    told = Told(e)
    rows = []
    for effect in EFFECTS:
        for measure in MEASURES:
            difference = seeds.told(contrast(effect.terms(told, measure)), told.units)
            row = {"effect": effect.words, "measure": measure} | _points("points", difference)
            rows.append(row | {"seeds": difference.seeds})
    table = pd.DataFrame(rows)
    return table.rename(columns={"points_low": "low", "points_high": "high"})


def alone(e: Evidence) -> pd.DataFrame:
    """Model B with each of the re-estimated statistics: statistics, seeds, RAW, LQ, auc_LQ, ...

    Then what that gains on model B as trained, in points at LQ, with its interval.
    """
    told = Told(e)
    rows = []
    for statistics in ("", *_row(MODEL_B).statistics):
        filed = restated(MODEL_B, statistics)
        row = {"statistics": statistics or TRAINED} | told.levels(filed)
        gain = minus(told.values(filed), told.values(MODEL_B))
        rows.append(row | _points("gain", gain))
    return pd.DataFrame(rows)


def stored(p: Profile) -> Evidence:
    """The profile's evidence with the study in it: its own folder, else the committed one.

    The study's trainings take hours, so it is made apart. Raises CompanionError where it isn't.
    """
    for e in (Evidence(p), Evidence(p, CHECKOUT / "figures" / p.name)):
        if e.study.has_predictions(MODEL_B) and e.has("study"):
            return e
    raise CompanionError(
        f"There is no study of profile {p.name} yet; `tcnsc study --profile {p.name}` trains what "
        f"it takes (hours), and `tcnsc report --profile {p.name}` makes its tables."
    )
