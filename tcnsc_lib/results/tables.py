"""The paper's tables as DataFrames, computed from predictions: ours, beside the paper's.

Long form: a row for each training and test set (columns of `scores`); `wide` turns it into the
paper's form. Rates are in percent here, since a person reads them; `_percent` is the one place
that makes them so.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.evaluation import evaluate, interval, over_trainings
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import (
    AUGMENTED,
    DUAL,
    LAMBDA_0,
    MODEL_B,
    ON_H,
    REESTIMATED,
    SEEDED,
    TABLE2,
    TABLE3,
)
from tcnsc_lib.results import trained

SCORES = ("accuracy", "calibrated", "auc", "eer", "reals_called_fake", "fakes_called_real")
SHARES = (*SCORES, "low", "high")
COUNTS = ("n", "units", "people")
COLUMNS = [*SCORES, "n", "low", "high", "units", "people"]


def _percent(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    """The table with these columns in percent instead of shares."""
    return table.assign(**{name: 100 * table[name] for name in names})


def scores(e: Evidence, experiment: str, seed: int | None = None) -> pd.DataFrame:
    """An experiment on the five test sets, in percent: training, codec, accuracy, auc, eer, ...

    calibrated: the accuracy at `Evidence.threshold`, NaN where none is kept. reals_called_fake,
    fakes_called_real: the two kinds of error. n: crops. low, high: 95 % interval of the accuracy
    over `units`: people, or pairs who lent each other their faces. people: on the pictures. seed:
    of the training.
    """
    table = evaluate(e.predictions(experiment, seed), e.y, e.units)
    table["people"] = len(np.unique(e.people))
    table["calibrated"] = e.right(experiment, seed, calibrated=True).mean()
    table = _percent(table[COLUMNS], *SHARES).reset_index()
    table.insert(0, "training", experiment)
    table["seed"] = e.p.seed if seed is None else seed
    return table


def _rows(e: Evidence, rows: Mapping[str, str]) -> pd.DataFrame:
    """`scores` of several experiments, each under the name of its row: row -> experiment."""
    parts = [scores(e, experiment).assign(training=row) for row, experiment in rows.items()]
    return pd.concat(parts, ignore_index=True)


def _beside(table: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """The table and the paper's accuracy in column "paper", empty where it has no such row."""
    printed = theirs.stack().to_dict()
    cells = zip(table.training, table.codec, strict=True)
    return table.assign(paper=[printed.get(cell, np.nan) for cell in cells])


def table1(e: Evidence) -> pd.DataFrame:
    """Table 1, long form: four training pairs x five test sets."""
    pairs = [paper.pair_name(pair) for pair in paper.PAIRS]
    return _beside(_rows(e, {name: name for name in pairs}), paper.TABLE1)


def difficulty(e: Evidence) -> pd.DataFrame:
    """The classifier alone (model B of Table 2), which says how hard a profile is; as `table1`."""
    return _beside(scores(e, MODEL_B), paper.TABLE2)


LITERAL = {
    "(RAW, HQ)": "(RAW, LQ)",
    "(RAW, MQ)": "(RAW, MQ)",
    "(RAW, LQ)": "(RAW, HQ)",
    "(LQ, MQ)": "(HQ, MQ)",
}
"""Training pair as the paper prints it, HQ = 20 and LQ = 80 -> the same pair in our names."""


def literal_table1(e: Evidence) -> pd.DataFrame:
    """Table 1 with the training qualities as printed: the same networks under other names, but one.

    Test sets keep 80/50/20. (RAW, HQ) as printed is (RAW, LQ) of `table1` and the reverse;
    (LQ, MQ) is JPEG 80 and 50.
    """
    return _beside(_rows(e, LITERAL), paper.TABLE1)


def table2(e: Evidence) -> pd.DataFrame:
    """Table 2, long form: A, B, dual, and the controls that the paper lacks.

    A is read in two ways, by its untrained classifier and by a linear probe on its frozen h; the
    paper's model A may be either. The probe has a reference: the same on the random f that A
    started from. Column "paper" is empty for the rows that the paper doesn't have.
    """
    return _beside(_rows(e, TABLE2), paper.TABLE2)


def table3(e: Evidence) -> pd.DataFrame:
    """Table 3, long form: nine detectors x five test sets; mark: `trained.marks`, else NaN."""
    table = _beside(_rows(e, TABLE3), paper.TABLE3)
    return table.assign(mark=trained.column(e, table.training))


def wide(table: pd.DataFrame, value: str = "accuracy") -> pd.DataFrame:
    """Long form -> the paper's: a row a training pair, model or detector, a column a test set.

    Rows and columns keep the order in which they first stand in the long form.
    """
    crossed = table.pivot(index="training", columns="codec", values=value)
    return crossed.loc[table.training.unique(), table.codec.unique()]


# several seeds

ROWS = {experiment: row for row, experiment in TABLE2.items()}
"""Experiment -> its row in Table 2."""


def seeds(e: Evidence) -> pd.DataFrame:
    """`scores` of the ablation's main rows (`SEEDED`) from each of the profile's seeds."""
    parts = []
    for name in SEEDED:
        for seed in range(e.p.seed, e.p.seed + e.p.seeds):
            table = scores(e, name, seed)
            parts.append(table.assign(training=ROWS[name]))
    return pd.concat(parts, ignore_index=True)


def seed_summary(e: Evidence) -> pd.DataFrame:
    """Mean over seeds of accuracies and AUC for each row and test set, and their deviation.

    Columns: training, codec, accuracy, accuracy_sd, calibrated, ..._sd, auc, auc_sd, seeds; the
    standard deviation between seeds is 0 where there is one.
    """
    groups = seeds(e).groupby(["training", "codec"], sort=False)
    out = {}
    for name in ("accuracy", "calibrated", "auc"):
        out[name] = groups[name].mean()
        out[f"{name}_sd"] = groups[name].std(ddof=1).fillna(0.0).where(out[name].notna())
    return pd.DataFrame(out).assign(seeds=groups.seed.nunique()).reset_index()


DIFFERENCES = (
    (DUAL, MODEL_B),
    (DUAL, AUGMENTED),
    (DUAL, LAMBDA_0),
    (DUAL, REESTIMATED),
    (REESTIMATED, MODEL_B),
    (AUGMENTED, MODEL_B),
    (ON_H, MODEL_B),
    (ON_H, AUGMENTED),
)
"""The pairs that `seed_differences` shows on all test sets; claims ask about one of them."""


def seed_differences(e: Evidence) -> pd.DataFrame:
    """Differences of accuracy in points between the ablation's main rows, on the same test crops.

    Rows are compared seed by seed. difference: mean over seeds; low, high: its paired 95 % interval
    over trainings and test people (`evaluation.over_trainings`); least, most: of the single seeds.
    settled: "yes" where the interval and all seeds lie on one side of 0.
    """
    hits = {}
    for name in SEEDED:
        each = [e.right(name, e.p.seed + i) for i in range(e.p.seeds)]
        hits[name] = np.array(each)  # seeds x crops x test sets
    rows = []
    for one, other in DIFFERENCES:
        title = f"{ROWS[one]} - {ROWS[other]}"
        gaps = hits[one] - hits[other]
        for i, codec in enumerate(paper.CODECS):
            rows.append((title, codec, *_difference(gaps[:, :, i], e.units)))
    numbers = ["difference", "low", "high", "least", "most"]
    columns = ["difference of accuracy", "codec", *numbers]
    table = pd.DataFrame(rows, columns=columns)
    above = table[["low", "least"]].min(axis=1, skipna=False) > 0
    below = table[["high", "most"]].max(axis=1, skipna=False) < 0
    settled = np.where(above | below, "yes", "no")
    return _percent(table, *numbers).assign(settled=settled)


def _difference(gaps: np.ndarray, units: np.ndarray) -> tuple[float, ...]:
    """From a difference a seed and crop (seeds, crops): difference, low, high, least, most."""
    single = gaps.mean(axis=1)
    low, high = over_trainings(gaps, units)
    return single.mean(), low, high, single.min(), single.max()


# section 4.2.3

OVER = 20.0  # percent: "the other remaining methods decreased by more than 20 %"


def drops(e: Evidence) -> pd.DataFrame:
    """Section 4.2.3: by how many percent of its accuracy on RAW each detector falls at LQ.

    Negative: it rises. sentence: what the paper's text says; table: what its Table 3 gives; ours
    with a 95 % interval. "their table agrees" and "ours agrees" judge the sentence ("over 20":
    the number itself; a stated number: whether it lies in our interval). mark: as in `table3`.
    """
    printed = paper.relative_drop(paper.TABLE3)
    rows = []
    for name in printed.index:
        ours = _drop(e, TABLE3[name])
        rows.append({"detector": name, "table": printed[name], **ours})
    table = _percent(pd.DataFrame(rows), "ours", "low", "high")
    judged = pd.DataFrame([_judged(row) for row in table.to_dict("records")])
    return table.join(judged)[DROPS].assign(mark=trained.column(e, table.detector))


DROPS = ["detector", "sentence", "table", "their table agrees",
         "ours", "low", "high", "ours agrees"]


def _drop(e: Evidence, experiment: str) -> dict[str, float]:
    """ours, low, high of one detector, as shares of what it gets right on RAW."""
    hits = e.right(experiment)
    lost = hits.RAW - hits.LQ
    low, high = interval(lost, e.units, hits.RAW)
    return {"ours": lost.sum() / hits.RAW.sum(), "low": low, "high": high}


def _judged(row: dict) -> dict[str, str]:
    """What the paper's text says about a detector, and whether its table and ours agree."""
    said = paper.CLAIMED_DROPS.get(row["detector"])
    if said is None:
        sentence = f"over {OVER:g}"
        theirs = row["table"] > OVER
        ours = "yes" if row["low"] > OVER else "no" if row["high"] < OVER else "can't tell"
    else:
        sentence = str(said)
        theirs = abs(row["table"] - said) < 0.005
        ours = "yes" if row["low"] <= said <= row["high"] else "no"
    agrees = "yes" if theirs else "no"
    return {"sentence": sentence, "their table agrees": agrees, "ours agrees": ours}
