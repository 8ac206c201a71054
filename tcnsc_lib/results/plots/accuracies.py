"""Pictures of the paper's tables: accuracy with intervals, and all rows ranked on one test set.

Both take the long tables of `tcnsc_lib.results.tables`, in percent.
"""
from __future__ import annotations

import textwrap
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tcnsc_lib.experiments import MODEL_B
from tcnsc_lib.results.plots import COLOURS, FAINT, MARKERS, PAGE, PALE, direct
from tcnsc_lib.results.trained import BETWEEN, marked

GUESSING = 50

# accuracy by test set

def table_plot(table: pd.DataFrame, columns: int = 5) -> Figure:
    """Accuracy by test set with intervals, one panel a row; the paper's (column "paper") hollow.

    A dagger where the interval is a point, since all crops were called alike: that is no certainty.
    Rows with a mark (`trained.marked`) are grey, their names in italics; a footnote says why.
    """
    why = marked(table)
    names = list(dict.fromkeys(table.training))
    lines = -(-len(names) // columns)
    size = (PAGE, 0.6 + 2.1 * lines)
    figure, axes = plt.subplots(lines, columns, figsize=size, sharey=True, squeeze=False)
    for axis, name in zip(axes.flat, names, strict=False):
        _panel(axis, name, table[table.training == name], grey=name in why)
    for axis in axes.flat[len(names):]:
        axis.axis("off")
    floor = min(65, table.low.min() - 2, table.paper.min() - 2)
    for axis in axes[:, 0]:
        axis.set(ylabel="accuracy (%)", ylim=(floor, 101))
    _legend(figure, daggers=(table.low == table.high).any())
    figure.legends[0].set_title(_reasons(why), {"size": 7})
    return figure


def _panel(axis: Axes, name: str, rows: pd.DataFrame, grey: bool) -> None:
    """One row of the table: a place a test set."""
    for place, row in enumerate(rows.itertuples()):
        _accuracy(axis, place, row, FAINT if grey else COLOURS[row.codec])
    axis.axhline(GUESSING, color=FAINT, linewidth=0.8, linestyle=":")
    axis.set(xticks=range(len(rows)))
    axis.set_title(_title(name), fontsize=8, color=PALE if grey else "black",
                   style="italic" if grey else "normal")
    axis.set_xticklabels(rows.codec, fontsize=7, rotation=60)


def _accuracy(axis: Axes, place: int, row, colour: str) -> None:
    """Ours with its interval, the paper's beside it."""
    style = {"marker": MARKERS[row.codec], "color": colour, "linestyle": "",
             "markersize": 5}
    below = max(0, row.accuracy - row.low)
    above = max(0, row.high - row.accuracy)
    axis.errorbar(place - 0.12, row.accuracy, [[below], [above]], capsize=2, **style)
    axis.plot(place + 0.2, row.paper, markerfacecolor="none", **style)
    if row.low == row.high:
        axis.text(place - 0.12, row.accuracy + 2, "†", ha="center", fontsize=8)


def _title(name: str) -> str:
    """A row's name, on two lines where it is longer than its panel."""
    if name == MODEL_B:
        name = f"classifier alone, {MODEL_B}"
    if len(name) <= 16:
        return name
    if ", " in name:
        return name.replace(", ", ",\n")
    return textwrap.fill(name, 18)


def _legend(figure: Figure, daggers: bool) -> None:
    """What full, hollow and dagger mean."""
    style = {"color": "black", "linestyle": ""}
    marks = [Line2D([], [], marker="o", markersize=5, markerfacecolor=face, **style)
             for face in ("black", "none")]
    words = ["ours, 95 % interval", "the paper"]
    if daggers:
        marks.append(Line2D([], [], marker="$†$", markersize=6, **style))
        words.append("all crops called alike: no interval")
    figure.legend(marks, words, loc="outside lower center", ncols=3)


def _reasons(why: Mapping[str, str]) -> str:
    """Why rows are grey: each reason with the rows it is true of; "" where none is."""
    if not why:
        return ""
    rows_of: dict[str, list[str]] = {}
    for row, reasons in why.items():
        for reason in reasons.split(BETWEEN):
            rows_of.setdefault(reason, []).append(row)
    told = [f"{reason}: {', '.join(rows)}" for reason, rows in rows_of.items()]
    lines = ["grey, names in italics: not shown to be trained to the end, in no ranking", *told]
    wrapped = [textwrap.fill(line, 110, break_on_hyphens=False) for line in lines]
    return "\n".join(wrapped)


# all rows on one test set

def ranking(table: pd.DataFrame, seeds: pd.DataFrame | None = None,
            codec_name: str = "LQ", by: str = "accuracy") -> Figure:
    """All rows on one test set, the best on top: accuracy with interval, AUC, the paper's hollow.

    seeds: `results.tables.seeds`, drawn as one small tick a seed where there are several. by: the
    column that ranks. Rows with a mark (`trained.marked`) have no rank: they stand in grey below
    all others, in the table's order, and a footnote says why. Words beside marks are the legend.
    """
    why = marked(table)
    rows = _placed(table[table.codec == codec_name], why, by)
    ticks = _ticks(seeds, codec_name, dict(zip(rows.training, rows.place, strict=True)))
    figure, axis = plt.subplots(figsize=(PAGE, 0.9 + 0.28 * len(rows)))
    grey = rows.training.isin(why)
    for part, colour in ((rows[~grey], COLOURS[codec_name]), (rows[grey], FAINT)):
        if len(part):
            _numbers(axis, part, colour)
    axis.plot(ticks.accuracy, ticks.place, "|", color="black", markersize=7, label=TICKS)
    axis.axvline(GUESSING, color=FAINT, linewidth=0.8, linestyle=":")
    axis.set_xlabel(f"accuracy and AUC at {codec_name}, % (dotted: guessing)")
    axis.set(xlim=(min(45, rows.low.min() - 2), 101), ylim=(-0.7, len(rows) - 0.1))
    axis.set_yticks(rows.place, rows.training)
    for label in axis.get_yticklabels():
        if label.get_text() in why:
            label.set(color=PALE, style="italic")
    figure.supxlabel(_reasons(why), x=0.01, ha="left", fontsize=7)
    _words(axis, rows, ticks)
    return figure


def _placed(rows: pd.DataFrame, why: Mapping[str, str], by: str) -> pd.DataFrame:
    """The rows from below, `place` 0, to the top: marked ones, then the others as they rank."""
    grey = rows.training.isin(why)
    rows = pd.concat([rows[grey][::-1], rows[~grey].sort_values(by)])
    return rows.assign(place=np.arange(len(rows)))


def _ticks(seeds: pd.DataFrame | None, codec_name: str, place_of: dict[str, int]) -> pd.DataFrame:
    """Columns accuracy and place: a tick a seed, a little below the row's mark; none of one."""
    if seeds is None or seeds.seed.nunique() < 2:
        return pd.DataFrame(columns=["accuracy", "place"], dtype=float)
    single = seeds[seeds.codec == codec_name]
    return single.assign(place=single.training.map(place_of) - 0.28)


OURS = "accuracy, 95 % interval over people"
AUC = "AUC"
PAPERS = "accuracy, the paper"
TICKS = "accuracy, each training"
LIFTED = 0.15  # how far above its row the paper's mark stands


def _numbers(axis: Axes, rows: pd.DataFrame, colour: str) -> None:
    """Accuracy with its interval, AUC and the paper's accuracy, of rows in one colour."""
    interval = [rows.accuracy - rows.low, rows.high - rows.accuracy]
    axis.errorbar(rows.accuracy, rows.place, xerr=interval, fmt="o", color=colour, capsize=2,
                  markersize=5, label=OURS)
    axis.plot(rows.auc, rows.place, "D", color=FAINT, markersize=4, label=AUC)
    axis.plot(rows.paper, rows.place + LIFTED, "o", color=colour, markerfacecolor="none",
              markersize=5, label=PAPERS)


def _words(axis: Axes, rows: pd.DataFrame, ticks: pd.DataFrame) -> None:
    """Each kind of mark is named once, at the highest row that has room for its name."""
    direct.settle(axis)
    rows = rows[::-1]
    intervals = direct.spans(axis, rows.low, rows.high, rows.place)
    marks = {OURS: intervals, AUC: direct.spans(axis, rows.auc, rows.auc, rows.place),
             PAPERS: direct.spans(axis, rows.paper, rows.paper, rows.place + LIFTED)}
    each = ticks.groupby("place").accuracy
    if len(ticks):
        marks[TICKS] = direct.spans(axis, each.min(), each.max(), each.min().index)[::-1]
    dotted = axis.get_window_extent().extents.reshape(1, 4).copy()
    dotted[:, [0, 2]] = axis.transData.transform((GUESSING, 0))[0]
    direct.name(axis, marks, dotted + (-2, 0, 2, 0))
