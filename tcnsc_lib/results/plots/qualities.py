"""Pictures of notebook 9: rates over JPEG quality, and of every detector after every chain."""
from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tcnsc_lib.analysis.survival import USABLE
from tcnsc_lib.chains import JPEG
from tcnsc_lib.results.plots import FAINT, LINE_DASHES, LINE_MARKS, LINES, PAGE

TITLES = {"accuracy": "accuracy (%)", "auc": "AUC (%)"}
PAPERS = (20, 50, 80)  # qualities of its test sets
GUESSING = 50
DARK = 73  # percent below which white stands out better than black on a cell, and so its number


def curves(table: pd.DataFrame) -> Figure:
    """`survival.rates` over the quality of JPEG, a line a detector; bands: 95 % intervals.

    Dotted: where a detector counts as usable. Grey: the qualities that the paper tests.
    """
    figure, axes = plt.subplots(1, 2, figsize=(PAGE, 3.3), sharey=True)
    of_jpeg = table[table.group == JPEG]
    for axis, measure in zip(axes, TITLES, strict=True):
        for quality in PAPERS:
            axis.axvline(quality, color=FAINT, linewidth=0.5, zorder=0)
        axis.axhline(100 * USABLE, color=FAINT, linestyle=":", linewidth=1, zorder=0)
        _lines(axis, of_jpeg, measure)
        axis.set(xlabel="JPEG quality", title=TITLES[measure], ylim=(45, 101))
    marks, words = axes[0].get_legend_handles_labels()
    figure.legend(marks, words, loc="outside lower center", ncols=6, fontsize=7,
                  handlelength=2.6, columnspacing=1.3)
    return figure


def _lines(axis: Axes, of_jpeg: pd.DataFrame, measure: str) -> None:
    """A measure of each detector, with its band."""
    every = of_jpeg.groupby("detector", sort=False)
    looks = zip(every, LINES, LINE_MARKS, LINE_DASHES, strict=False)
    for (name, rows), colour, mark, dash in looks:
        rows = rows.sort_values("quality")
        axis.plot(rows.quality, rows[measure], color=colour, marker=mark, linestyle=dash,
                  markersize=4, linewidth=1.1, label=name)
        axis.fill_between(rows.quality, rows[f"{measure}_low"], rows[f"{measure}_high"],
                          color=colour, alpha=0.07, linewidth=0)


def heat(table: pd.DataFrame) -> Figure:
    """`survival.rates` of every detector (columns) after every chain (rows), as coloured numbers.

    Lines part the groups of chains.
    """
    chains = table.drop_duplicates("chain")
    names = list(dict.fromkeys(table.detector))
    figure, axes = plt.subplots(1, 2, figsize=(PAGE, 1.2 + 0.165 * len(chains)), sharey=True)
    for axis, (measure, title) in zip(axes, TITLES.items(), strict=True):
        crossed = table.pivot(index="chain", columns="detector", values=measure)
        numbers = crossed.loc[chains.chain, names].to_numpy()
        axis.imshow(numbers, cmap="cividis", vmin=GUESSING, vmax=100, aspect="auto")
        _numbers(axis, numbers)
        axis.set_title(title, fontsize=8)
        axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
        axis.set_yticks(range(len(chains)), chains.chain, fontsize=6.5)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        for border in _borders(list(chains.group)):
            axis.axhline(border, color="white", linewidth=2)
    return figure


def _numbers(axis: Axes, numbers: np.ndarray) -> None:
    """Each cell's number, rounded."""
    for (row, column), value in np.ndenumerate(numbers):
        colour = "white" if value < DARK else "black"
        axis.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=6.5,
                  color=colour)


def _borders(groups: list[str]) -> list[float]:
    """Between which rows another group begins."""
    return [row - 0.5 for row in range(1, len(groups)) if groups[row] != groups[row - 1]]
