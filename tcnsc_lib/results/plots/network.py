"""Figure 2: the network, drawn (section 3.1)."""
from __future__ import annotations

from dataclasses import dataclass

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from tcnsc_lib.results.plots import PAGE

DATA = ("#FFFFFF", "square", "-")
NETWORK = ("#C6DFF2", "round", "-")
LOSS = ("#F6D0B4", "round", "--")
"""How a box looks: its colour, its corners and its border."""

INK = "#333333"
GREY = "#555555"
SLIM = 1.5

X_AT = 3.4
"""Height of the row of X."""

TWIN_AT = 1.4
"""Height of the row of its twin; its networks are those of X."""


@dataclass(frozen=True)
class Box:
    """A box around a point, one unit high. part: whose size it tells (f, g or c), if any."""

    x: float
    y: float
    text: str
    look: tuple[str, str, object]
    part: str = ""
    width: float = 2.2


@dataclass(frozen=True)
class Arrow:
    """An arrow between two points. always: at test time too. aside: how far its text is moved."""

    start: tuple[float, float]
    end: tuple[float, float]
    text: str = ""
    always: bool = False
    aside: float = 0


BOXES = (
    Box(1.0, X_AT, "X", DATA, width=SLIM),
    Box(1.0, TWIN_AT, "X': its twin", DATA),
    Box(12.9, 5.1, "y", DATA, width=SLIM),
    Box(3.9, X_AT, "f: ResNet18", NETWORK, part="f"),
    Box(3.9, TWIN_AT, "f: the same", NETWORK),
    Box(7.2, X_AT, "g: MLP", NETWORK, part="g"),
    Box(7.2, TWIN_AT, "g: the same", NETWORK),
    Box(7.2, 4.95, "c: linear", NETWORK, part="c"),
    Box(10.0, 2.4, "Loss_sim, eq. 2", LOSS),
    Box(10.0, 4.95, "Loss_cro, eq. 3", LOSS),
    Box(12.9, 3.65, "total, eq. 4", LOSS),
)

ARROWS = (
    Arrow((1.75, X_AT), (2.75, X_AT), always=True),
    Arrow((2.15, TWIN_AT), (2.75, TWIN_AT)),
    Arrow((1.0, 2.85), (1.0, 1.97)),
    Arrow((5.05, X_AT), (6.05, X_AT), "h"),
    Arrow((5.05, TWIN_AT), (6.05, TWIN_AT), "h'"),
    Arrow((4.6, 3.95), (6.05, 4.95), "h", always=True),
    Arrow((8.3, X_AT), (8.95, 2.7), "z"),
    Arrow((8.3, TWIN_AT), (8.95, 2.1), "z'"),
    Arrow((8.3, 4.95), (8.95, 4.95), "p"),
    Arrow((12.15, 5.1), (11.05, 5.05)),
    Arrow((11.05, 4.95), (12.3, 4.1)),
    Arrow((11.05, 2.4), (12.3, 3.2), "λ", aside=-0.25),
)


def figure2(table: pd.DataFrame) -> Figure:
    """Figure 2: the network, with the sizes of `analysis.runs.network`.

    Solid: training and test; dashed: training only.
    """
    sizes = table.set_index("part")
    figure, axis = plt.subplots(figsize=(PAGE, 3.1))
    axis.set(xlim=(-0.4, 14.2), ylim=(0, 5.8))
    axis.axis("off")
    for box in BOXES:
        _box(axis, box, sizes)
    for arrow in ARROWS:
        _arrow(axis, arrow)
    axis.text(3.9, 2.55, "shared weights", ha="center", va="center", fontsize=8, color=GREY)
    _branch(axis, 5.4, "classification branch")
    _branch(axis, 0.45, "similarity branch")
    key = "solid: also at test time, on any image     dashed: training only"
    axis.text(13.9, 0.15, key, ha="right", fontsize=8)
    return figure


def _box(axis: Axes, box: Box, sizes: pd.DataFrame) -> None:
    """A box with its text; sizes: columns output and parameters by part."""
    text = box.text
    if box.part:
        values = sizes.output[box.part]
        weights = sizes.parameters[box.part]
        text += f"\n{values} values\n{weights:,} weights"
    corner = (box.x - box.width / 2, box.y - 0.5)
    colour, corners, border = box.look
    axis.add_patch(FancyBboxPatch(corner, box.width, 1.0, boxstyle=f"{corners},pad=0.06",
                                  facecolor=colour, edgecolor=INK, linewidth=1,
                                  linestyle=border))
    axis.text(box.x, box.y, text, ha="center", va="center", fontsize=7.5)


def _arrow(axis: Axes, arrow: Arrow) -> None:
    """An arrow with its text above its middle."""
    style = "-" if arrow.always else "--"
    axis.add_patch(FancyArrowPatch(arrow.start, arrow.end, arrowstyle="-|>", mutation_scale=9,
                                   linewidth=0.9, linestyle=style, color=INK))
    x = (arrow.start[0] + arrow.end[0]) / 2 + arrow.aside
    y = (arrow.start[1] + arrow.end[1]) / 2 + 0.22
    axis.text(x, y, arrow.text, ha="center", fontsize=8.5, style="italic")


def _branch(axis: Axes, y: float, text: str) -> None:
    """The name of a branch, at the left edge."""
    axis.text(-0.2, y, text, ha="left", va="center", fontsize=8.5, weight="bold", color=GREY)
