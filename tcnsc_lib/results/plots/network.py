"""Figure 2: the network, drawn (section 3.1)."""
from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from tcnsc_lib.drawing import WIDTH


def figure2(table: pd.DataFrame) -> Figure:
    """Figure 2: the network, drawn, with the sizes of `tables.network`. Solid: training and test; dashed: training only."""
    sizes = table.set_index("part")
    figure, axis = plt.subplots(figsize=(WIDTH, 3.1))
    axis.set(xlim=(-0.4, 14.2), ylim=(0, 5.8))
    axis.axis("off")
    for x, y, text, colour in FIGURE2_BOXES:
        width = 1.5 if text in "Xy" else 2.2
        if text[0] in sizes.index and y != TWIN:
            text += f"\n{sizes.output[text[0]]} values\n{sizes.parameters[text[0]]:,} weights"
        axis.add_patch(FancyBboxPatch((x - width / 2, y - 0.5), width, 1.0, boxstyle="round,pad=0.06",
                                      facecolor=colour, edgecolor="#333333", linewidth=0.8))
        axis.text(x, y, text, ha="center", va="center", fontsize=7.5)
    for (x0, y0), (x1, y1), text, train_only in FIGURE2_ARROWS:
        axis.add_patch(FancyArrowPatch((x0, y0), (x1, y1), arrowstyle="-|>", mutation_scale=9, linewidth=0.9,
                                       linestyle="--" if train_only else "-", color="#333333"))
        axis.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.22, text, ha="center", fontsize=8.5, style="italic")
    axis.text(3.9, 2.55, "shared weights", ha="center", va="center", fontsize=8, color="#555555")
    for y, text in ((5.5, "classification branch"), (0.55, "similarity branch")):
        axis.text(-0.2, y - 0.1, text, ha="left", va="center", fontsize=8.5, weight="bold", color="#555555")
    axis.text(13.9, 0.15, "solid: also at test time, on any image     dashed: training only", ha="right", fontsize=8)
    return figure


TWIN = 1.4  # where the twin's row is; its networks are those above
PALE = {"data": "#F2F2F2", "network": "#CFE3F3", "loss": "#FBE3D0"}
FIGURE2_BOXES = [
    (1.0, 3.4, "X", PALE["data"]), (1.0, TWIN, "X': its twin", PALE["data"]), (12.9, 5.1, "y", PALE["data"]),
    (3.9, 3.4, "f: ResNet18", PALE["network"]), (3.9, TWIN, "f: the same", PALE["network"]),
    (7.2, 3.4, "g: MLP", PALE["network"]), (7.2, TWIN, "g: the same", PALE["network"]), (7.2, 4.95, "c: linear", PALE["network"]),
    (10.0, 2.4, "Loss_sim, eq. 2", PALE["loss"]), (10.0, 4.95, "Loss_cro, eq. 3", PALE["loss"]),
    (12.9, 3.65, "total, eq. 4", PALE["loss"])]
FIGURE2_ARROWS = [
    ((1.75, 3.4), (2.75, 3.4), "", False), ((2.15, 1.4), (2.75, 1.4), "", True), ((1.0, 2.85), (1.0, 1.97), "", True),
    ((5.05, 3.4), (6.05, 3.4), "h", True), ((5.05, 1.4), (6.05, 1.4), "h'", True), ((4.6, 3.95), (6.05, 4.95), "h", False),
    ((8.3, 3.4), (8.95, 2.7), "z", True), ((8.3, 1.4), (8.95, 2.1), "z'", True), ((8.3, 4.95), (8.95, 4.95), "p", True),
    ((12.15, 5.1), (11.05, 5.05), "", True),
    ((11.05, 4.95), (12.3, 4.1), "", True), ((11.05, 2.4), (12.3, 3.2), "λ", True)]
