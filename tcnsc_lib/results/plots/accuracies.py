"""Pictures of the paper's tables: accuracy with intervals, and all rows ranked on one test set.

Both take the long tables of `tcnsc_lib.results.tables`, in percent.
"""
from __future__ import annotations

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tcnsc_lib.experiments import MODEL_B
from tcnsc_lib.results.plots import COLOURS, FAINT, MARKERS, WIDTH

GUESSING = 50

# accuracy by test set

def table_plot(table: pd.DataFrame, columns: int = 5) -> Figure:
    """Accuracy by test set with intervals, one panel a row; the paper's (column "paper") hollow.

    A dagger where the interval is a point, since all crops were called alike: that is no certainty.
    """
    names = list(dict.fromkeys(table.training))
    lines = -(-len(names) // columns)
    size = (WIDTH, 0.6 + 2.1 * lines)
    figure, axes = plt.subplots(lines, columns, figsize=size, sharey=True, squeeze=False)
    for axis, name in zip(axes.flat, names, strict=False):
        _panel(axis, name, table[table.training == name])
    for axis in axes.flat[len(names):]:
        axis.axis("off")
    floor = min(65, table.low.min() - 2, table.paper.min() - 2)
    for axis in axes[:, 0]:
        axis.set(ylabel="accuracy (%)", ylim=(floor, 101))
    _legend(figure, daggers=(table.low == table.high).any())
    return figure


def _panel(axis: Axes, name: str, rows: pd.DataFrame) -> None:
    """One row of the table: a place a test set."""
    for place, row in enumerate(rows.itertuples()):
        _accuracy(axis, place, row)
    axis.axhline(GUESSING, color=FAINT, linewidth=0.8, linestyle=":")
    axis.set(xticks=range(len(rows)))
    axis.set_title(_title(name), fontsize=8)
    axis.set_xticklabels(rows.codec, fontsize=7, rotation=60)


def _accuracy(axis: Axes, place: int, row) -> None:
    """Ours with its interval, the paper's beside it."""
    style = {"marker": MARKERS[row.codec], "color": COLOURS[row.codec], "linestyle": "",
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


# all rows on one test set

def ranking(table: pd.DataFrame, seeds: pd.DataFrame | None = None,
            codec_name: str = "LQ") -> Figure:
    """All rows on one test set, the best on top: accuracy with interval, AUC, the paper's hollow.

    seeds: `results.tables.seeds`, drawn as one small tick a seed where there are several.
    """
    rows = table[table.codec == codec_name].sort_values("accuracy")
    places = np.arange(len(rows))
    figure, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.28 * len(rows)))
    colour = COLOURS[codec_name]
    interval = [rows.accuracy - rows.low, rows.high - rows.accuracy]
    axis.errorbar(rows.accuracy, places, xerr=interval, fmt="o", color=colour, capsize=2,
                  markersize=5, label="accuracy, 95 % interval over people")
    if seeds is not None and seeds.seed.nunique() > 1:
        place_of = dict(zip(rows.training, places, strict=True))
        _ticks(axis, seeds[seeds.codec == codec_name], place_of)
    axis.plot(rows.auc, places, "D", color=FAINT, markersize=4, label="AUC")
    axis.plot(rows.paper, places + 0.15, "o", color=colour, markerfacecolor="none", markersize=5,
              label="accuracy, the paper")
    axis.axvline(GUESSING, color=FAINT, linewidth=0.8, linestyle=":")
    axis.set_xlabel(f"accuracy and AUC at {codec_name}, % (dotted: guessing)")
    axis.set_xlim(min(45, rows.low.min() - 2), 101)
    axis.set_yticks(places, rows.training)
    figure.legend(loc="outside lower center", ncols=4, fontsize=7)
    return figure


def _ticks(axis: Axes, single: pd.DataFrame, place_of: dict[str, int]) -> None:
    """A tick a seed, a little below the row's mark; single: a row a training and seed."""
    places = [place_of[name] - 0.28 for name in single.training]
    axis.plot(single.accuracy, places, "|", color="black", markersize=7,
              label="accuracy, each seed (rows that have several)")
