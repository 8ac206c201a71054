"""The study of notebook 8 as tables: what each row gains, and how its trainings ended.

All come from the predictions in evidence/study/. Rates are in percent, differences in points.
Intervals cover another training and other people (`evaluation.over_trainings`). What is compared
is compared seed by seed, on the same test crops.
"""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.evaluation import ratio_values
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import DUAL, MODEL_B
from tcnsc_lib.experiments.study import ROWS, STATISTICS_OF_TWINS, Row, restated
from tcnsc_lib.files import CHECKOUT
from tcnsc_lib.profiles import Profile
from tcnsc_lib.results import seeds
from tcnsc_lib.results.seeds import (
    ACCURACY,
    AUC,
    NOT_THERE,
    TRAINED,
    Difference,
    Told,
    contrast,
    minus,
)


def study(e: Evidence) -> pd.DataFrame:
    """Every row of the study that has predictions, as trained and with re-estimated statistics.

    Columns group, row, statistics, seeds; RAW, LQ (accuracy), auc_LQ; then differences at LQ with
    their intervals (..._low, ..._high): minus_b, minus_lambda_0 and minus_jpeg of accuracy,
    auc_minus_b of AUC, to model B, lambda 0 and JPEG augmentation of the same schedule, all as
    trained (NaN where there is none). recovered: of model B's fall from RAW to LQ, the share in
    percent that the row doesn't fall, with its interval.
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

GAPS = {
    "minus_b": ("b", ACCURACY),
    "minus_lambda_0": ("lambda_0", ACCURACY),
    "minus_jpeg": ("jpeg", ACCURACY),
    "auc_minus_b": ("b", AUC),
}
"""Column -> which of a `Row`'s experiments is taken away, and what of both."""

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
    for gap, (role, measure) in GAPS.items():
        other = getattr(row, role)
        difference = NOT_THERE
        if other:
            difference = minus(told.values(name, measure), told.values(other, measure))
        out |= difference.columns(gap)
    return out | _recovered(told, name, row.b).columns("recovered")


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
