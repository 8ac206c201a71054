"""Reliability diagrams of notebook 9: is a detector as often right as it is sure?"""
from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from tcnsc_lib.results.plots import COLOURS, FAINT, PAGE

SHOWN = ("RAW", "MQ", "LQ")
AS_IT_IS = "as it is"
KNOWN = "codec known"
ROW = 1.3  # inches
FEW = 15  # crops below which a bin has no mark: too few to tell an accuracy
BOUNDS = (0.3, 1.04)  # of accuracy, as a share; a bin with less is drawn at the lower one


def diagrams(table: pd.DataFrame, bins: pd.DataFrame) -> Figure:
    """`corrections.bins` of every detector (rows) after three codecs (columns).

    Above, accuracy over confidence: filled as the detector is, hollow after temperature and shift
    chosen on validation crops of the same codec; on the grey line p means what it says. Below, how
    many crops each bin has (one with fewer than FEW has no mark), on a logarithmic axis: bars
    before, outlines after. The numbers are the ECE in percent, before and after, from
    `corrections.rates` (table).
    """
    detectors = list(dict.fromkeys(bins.detector))
    figure = plt.figure(figsize=(PAGE, ROW * len(detectors) + 0.6))
    grid = figure.add_gridspec(len(detectors), len(SHOWN))
    errors = table.set_index(["detector", "codec"])
    for row, detector in enumerate(detectors):
        for column, codec in enumerate(SHOWN):
            found = bins[(bins.detector == detector) & (bins.codec == codec)]
            upper, lower = _cell(figure, grid[row, column])
            _accuracy(upper, found, COLOURS[codec])
            _crops(lower, found, COLOURS[codec])
            rates = errors.loc[(detector, codec)]
            errors_told = f"ECE {rates.ece:.1f}, {rates.ece_platt_own:.1f}"
            upper.text(0.51, 1.0, errors_told, va="top", fontsize=6.5)
            upper.set_title(codec if row == 0 else "", fontsize=9)
            upper.set_ylabel(detector if column == 0 else "", fontsize=6.5)
            lower.tick_params(labelbottom=row == len(detectors) - 1)
    marks, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(marks, names, loc="outside upper center", ncols=2, fontsize=7)
    figure.supxlabel("confidence: the larger of p(fake) and p(real)", fontsize=8)
    figure.supylabel("accuracy (lines) and number of crops (bars)", fontsize=8)
    return figure


def _cell(figure: Figure, place: SubplotSpec) -> tuple[Axes, Axes]:
    """The diagram and the bars below it."""
    inner = place.subgridspec(2, 1, height_ratios=(3, 1), hspace=0.0)
    upper = figure.add_subplot(inner[0])
    lower = figure.add_subplot(inner[1], sharex=upper)
    upper.tick_params(labelbottom=False, labelsize=6.5)
    lower.tick_params(labelsize=6.5)
    return upper, lower


def _accuracy(axis: Axes, found: pd.DataFrame, colour: str) -> None:
    """Accuracy over confidence, before and after."""
    axis.plot((0.5, 1), (0.5, 1), color=FAINT, linewidth=0.8, zorder=0)
    for name, fill, line in ((AS_IT_IS, colour, "-"), (KNOWN, "white", ":")):
        rows = found[(found.correction == name) & (found.n >= FEW)]
        height = (rows.right / rows.n).clip(lower=BOUNDS[0])
        axis.plot(rows.confidence, height, color=colour, linestyle=line, linewidth=0.9,
                  marker="o", markersize=3, markerfacecolor=fill, label=name, clip_on=False)
    axis.set(xlim=(0.49, 1.01), ylim=BOUNDS, yticks=(0.5, 1))


def _crops(axis: Axes, found: pd.DataFrame, colour: str) -> None:
    """How many crops are in each bin."""
    for name, fill in ((AS_IT_IS, colour), (KNOWN, "none")):
        rows = found[found.correction == name]
        axis.bar(rows.low, rows.n, rows.high - rows.low, align="edge", facecolor=fill,
                 edgecolor=colour, linewidth=0.6, alpha=0.5 if fill == colour else 1, label=name)
    axis.set(yscale="log", ylim=(0.7, found.n.sum()))
    axis.set_yticks((1, 100), ("1", "100"))
    axis.minorticks_off()
