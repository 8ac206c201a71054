"""What is trained to the end: Table 3's detectors, and model B and dual.

A detector that has learned next to nothing has nothing to lose: it falls by little from RAW to LQ,
and would look robust. So such ones are marked, and ranked by nobody.
"""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.detectors.capsule import Capsule
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.evaluation import auc_values
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import TABLE3, seeds_of

LEAST = 95.0
"""The validation AUC, in percent, from which on a detector counts as trained: a bound of ours."""

COSTS = "table3_costs"
"""The measured table that holds each run's last validation AUC (`analysis.runs.costs`)."""

BELOW = f"validation AUC below {LEAST:g}"
NOT_KEPT = "validation AUC not kept"
NO_FEATURES = "no ImageNet features"
BETWEEN = "; "


def marks(e: Evidence) -> dict[str, str]:
    """Row of Table 3 -> why it isn't trained to the end, "" where it is; TCNSC is judged alike.

    Judged is the last validation AUC of the first seed's run, on crops of the quality that it was
    trained on. Where none is stored, nobody knows, and that is the reason. Capsule learns nothing
    but a head on frozen ImageNet features, so a profile without them marks it whatever its AUC. A
    reason holds no number: numbers are in table3_costs.csv and move from machine to machine.
    """
    kept = _validated(e)
    found = {}
    for row in TABLE3:
        reasons = [_judged(kept[row])]
        if row == Capsule.name and not e.p.pretrained:
            reasons.append(NO_FEATURES)
        found[row] = BETWEEN.join(filter(None, reasons))
    return found


def _validated(e: Evidence) -> pd.Series:
    """Validation AUC in percent of each row; NaN where it wasn't kept."""
    nothing = pd.Series(np.nan, index=list(TABLE3))
    if not e.has(COSTS):
        return nothing
    costs = e.read(COSTS).set_index("detector")
    return costs.val_auc.reindex(nothing.index) if "val_auc" in costs else nothing


def _judged(val_auc: float) -> str:
    if np.isnan(val_auc):
        return NOT_KEPT
    return BELOW if val_auc < LEAST else ""


def best_other(e: Evidence, codec: str) -> str:
    """The detector beside TCNSC with the highest AUC on a test set; "" where all are marked.

    Of the paper's rows without a mark: a row of ours alone isn't compared. The AUC of one that is
    trained from several seeds is the mean over them.
    """
    why = marks(e)
    others = [row for row in paper.TABLE3.index if row != TCNSC.name and not why[row]]
    aucs = {row: _auc(e, TABLE3[row], codec) for row in others}
    return max(aucs, key=aucs.get, default="")


def _auc(e: Evidence, experiment: str, codec: str) -> float:
    """A share in [0, 1], the mean over seeds."""
    every = [e.predictions(experiment, seed)[codec] for seed in seeds_of(experiment, e.p)]
    return float(np.mean([auc_values(e.y, p.to_numpy()) for p in every]))


def column(e: Evidence, rows: pd.Series) -> pd.Series:
    """`marks` as the column of a table whose rows are named so: NaN where there is no mark."""
    told = marks(e)
    return rows.map(lambda row: told[row] or np.nan)


def marked(table: pd.DataFrame) -> dict[str, str]:
    """Marked row -> reason, of a long table; none where it has no column `mark`."""
    if "mark" not in table:
        return {}
    told = table.dropna(subset="mark")
    return dict(zip(told.training, told.mark.astype(str), strict=True))


LAST = 0.25  # of a training: where it should gain no more


def last_quarter(e: Evidence) -> pd.DataFrame:
    """Do model B and dual still learn when they end? Validation accuracy in percent, a row a model.

    Columns training, seeds, iterations; RAW, LQ: at the end, means over seeds; rise_RAW, rise_LQ:
    what of them was gained in the last quarter of the training, in points.
    """
    rows = []
    for training, points in e.read("validation").groupby("training", sort=False):
        last = points.iteration.max()
        before = points.iteration[points.iteration <= (1 - LAST) * last].max()
        every = points.groupby("iteration")[["RAW", "LQ"]].mean()
        row = {"training": training, "seeds": points.seed.nunique(), "iterations": last}
        row |= every.loc[last].to_dict()
        gained = every.loc[last] - every.loc[before]
        rows.append(row | gained.add_prefix("rise_").to_dict())
    return pd.DataFrame(rows)
