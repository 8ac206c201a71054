"""Pictures of the study: what every row gains at LQ, and what batch normalisation meets there."""
from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tcnsc_lib import paper
from tcnsc_lib.results.plots import COLOURS, DASHES, FAINT, LINE_DASHES, LINE_MARKS, LINES, PAGE

GROUPS = {
    "references": "references",
    "factors": "factors: similarity, passes, labels",
    "readings": "other readings",
    "no batch": "group normalisation (against its own B)",
    "repairs": "repairs",
    "width": "ResNet18's width (against its own B; one seed)",
}
PLAIN = "as trained"
PAPERS_GAIN = paper.TABLE2.LQ["dual"] - paper.TABLE2.LQ["model B"]
"""Points at LQ."""


def study(table: pd.DataFrame) -> Figure:
    """`results.contrasts.study`: what each row gains on model B at LQ, in points of accuracy.

    Full: as trained; hollow: with statistics re-estimated on RAW and LQ. Lines: 95 % intervals over
    trainings and people; without one, a single training. The dotted line is the paper's gain.
    """
    names = list(dict.fromkeys(zip(table.group, table.row, strict=True)))
    heights = 0.19 * (len(names) + 1.3 * len(GROUPS)) + 0.8
    figure, axis = plt.subplots(figsize=(PAGE, heights))
    places = _places(axis, names)
    for (group, row), place in places.items():
        for found in table[(table.group == group) & (table.row == row)].itertuples():
            _gain(axis, place, found)
    axis.axvline(PAPERS_GAIN, color=FAINT, linestyle=":", linewidth=1)
    axis.axvline(0, color=FAINT, linewidth=0.8)
    axis.set(xlabel="accuracy at LQ, points above model B's (dotted: the paper's)")
    axis.set_ylim(max(places.values()) + 1, -0.7)
    marks = [_mark(plain, words) for plain, words in MARKS]
    figure.legend(handles=marks, loc="outside lower right", ncols=2, fontsize=7)
    return figure


MARKS = ((True, "as trained"), (False, "statistics re-estimated on RAW and LQ"))


def _mark(plain: bool, words: str) -> Line2D:
    return Line2D([], [], label=words, linestyle="", **_style(plain))


def _style(plain: bool) -> dict:
    """Full and dark as trained, hollow and coloured after re-estimation."""
    face = {} if plain else {"markerfacecolor": "none"}
    return {"color": LINES[0] if plain else LINES[1], "marker": "o", "markersize": 4} | face


def _places(axis: Axes, names: list[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """The height of each row, groups under their headings; writes the words beside the axis."""
    places = {}
    height = 0.0
    words = []
    for group, heading in GROUPS.items():
        rows = [name for name in names if name[0] == group]
        if not rows:
            continue
        words.append((height, heading, "bold"))
        for name in rows:
            height += 1
            places[name] = height
            words.append((height, name[1], "normal"))
        height += 1.4
    axis.set_yticks([place for place, _, _ in words], [text for _, text, _ in words], fontsize=7)
    for label, (_, _, weight) in zip(axis.get_yticklabels(), words, strict=True):
        label.set_fontweight(weight)
    return places


def _gain(axis: Axes, place: float, row) -> None:
    """One row's dot and interval."""
    plain = row.statistics == PLAIN
    style = _style(plain)
    height = place if plain else place + 0.3
    limits = [row.minus_b_low, row.minus_b_high]
    axis.plot(limits, [height, height], color=style["color"], linewidth=1)
    axis.plot(row.minus_b, height, linestyle="", **style)


def channels(histogram: pd.DataFrame, shifts: pd.DataFrame) -> Figure:
    """`analysis.channels`: one channel on RAW and LQ; how far off the statistics are, by layer.

    Left: what a channel of model B's first layers puts into its normalisation; vertical lines are
    its means, the grey one the running mean. Right: mean distance of the channels' means at LQ
    from their running means, in running standard deviations.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.9))
    for codec, rows in histogram.groupby("codec", sort=False):
        style = {"color": COLOURS[codec], "linestyle": DASHES[codec]}
        middle = (rows.left + rows.right) / 2
        left.plot(middle, 100 * rows.share, label=codec, **style)
        left.axvline(rows["mean"].iloc[0], linewidth=0.8, **style)
    left.axvline(histogram.running_mean.iloc[0], color=FAINT, linewidth=2, zorder=0,
                 label="running mean")
    layer = int(histogram.layer.iloc[0]) + 1
    left.set(xlabel=f"values of a channel (layer {layer})", ylabel="share of values (%)")
    left.legend(fontsize=7)
    at_lq = shifts[shifts.codec == "LQ"]
    every = at_lq.groupby("model", sort=False)
    looks = zip(every, LINES, LINE_MARKS, LINE_DASHES, strict=False)
    for (model, rows), colour, mark, dash in looks:
        right.plot(rows.layer + 1, rows["shift"], color=colour, marker=mark, linestyle=dash,
                   markersize=4, linewidth=1.1, label=model)
    right.set(xlabel="layer", ylabel="distance at LQ from\nthe running mean (sd)", ylim=(0, None))
    right.legend(fontsize=7, handlelength=3)
    return figure
