"""The first page's picture: what each way to train gains at LQ, in accuracy and in AUC."""
from __future__ import annotations

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tcnsc_lib.experiments.names import AUGMENTED, LAMBDA_0, MODEL_B, ON_H, STATISTICS_OF_TWINS
from tcnsc_lib.experiments.study import ONE_BATCH
from tcnsc_lib.results.plots import FAINT, LINES, PAGE, PALE, direct
from tcnsc_lib.results.plots.robustness import PAPERS_GAIN, PLAIN

TCNSC = "dual"


@dataclass(frozen=True)
class Way:
    """A row of the picture: of the study's `row` under these `statistics`, named by `words`."""

    row: str
    statistics: str
    words: str


WAYS = (
    Way(AUGMENTED, PLAIN, "JPEG augmentation: twins with labels"),
    Way(ON_H, PLAIN, "similarity on h, without the head g"),
    Way(TCNSC, PLAIN, "dual, the paper's model"),
    Way(LAMBDA_0, PLAIN, "lambda 0: dual without its similarity loss"),
    Way(MODEL_B, STATISTICS_OF_TWINS, "model B, statistics re-estimated"),
    Way(ONE_BATCH, PLAIN, "one batch of 2N: dual, read otherwise"),
)
"""From the top; those that a profile doesn't have are left out."""

BELOW = 0.27  # AUC stands a little below accuracy
ACCURACY = "accuracy, 95 % interval"
AUC = "AUC"
PAPERS = "the paper"


def gains(table: pd.DataFrame) -> Figure:
    """Of `results.contrasts.study`: points at LQ above model B's, with intervals, of six rows.

    Dots: accuracy; diamonds: AUC, which no threshold changes; the ring: the paper's gain. The line
    at 0 is model B, the classifier alone.
    """
    rows = _rows(table)
    figure, axis = plt.subplots(figsize=(PAGE, 0.9 + 0.36 * len(rows)))
    _marks(axis, rows, "minus_b", LINES[1], "o")
    _marks(axis, rows.assign(place=rows.place - BELOW), "auc_minus_b", PALE, "D")
    papers = rows[rows.row == TCNSC].assign(gain=PAPERS_GAIN)
    axis.plot(papers.gain, papers.place, "o", color=LINES[1], markerfacecolor="none",
              markersize=5)
    axis.axvline(0, color=FAINT, linewidth=0.8)
    axis.set_yticks(rows.place, [_named(row) for row in rows.itertuples()])
    axis.set(xlabel="points at LQ above model B's, the classifier alone",
             ylim=(-0.7, len(rows) - 0.4))
    _words(axis, rows, papers)
    return figure


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    """The study's rows that are drawn, with their `words` and their `place`, highest first."""
    parts = []
    for way in WAYS:
        found = table[(table.row == way.row) & (table.statistics == way.statistics)]
        parts.append(found.assign(words=way.words))
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(place=np.arange(len(rows))[::-1])


def _named(row) -> str:
    """A row's words, and how many trainings it is the mean of."""
    return f"{row.words} ({row.seeds:.0f})"


def _marks(axis: Axes, rows: pd.DataFrame, column: str, colour: str, mark: str) -> None:
    """Each row's gain and its interval."""
    middle = rows[column]
    interval = [middle - rows[f"{column}_low"], rows[f"{column}_high"] - middle]
    axis.errorbar(middle, rows.place, xerr=interval, fmt=mark, color=colour, capsize=2,
                  markersize=5 if mark == "o" else 3.5)


def _words(axis: Axes, rows: pd.DataFrame, papers: pd.DataFrame) -> None:
    """Each kind of mark is named once, where its name hides nothing."""
    direct.settle(axis)
    marks = {PAPERS: direct.spans(axis, papers.gain, papers.gain, papers.place)}
    for word, column, below in ((ACCURACY, "minus_b", 0), (AUC, "auc_minus_b", BELOW)):
        ends = [rows[f"{column}_{end}"].fillna(rows[column]) for end in ("low", "high")]
        marks[word] = direct.spans(axis, *ends, rows.place - below)
    across = axis.get_window_extent().extents.reshape(1, 4).copy()
    across[:, [0, 2]] = axis.transData.transform((0, 0))[0]  # the line that is model B
    direct.name(axis, marks, across + (-2, 0, 2, 0))
