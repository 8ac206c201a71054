"""Figures 1 and 4: faces after each codec, and heat maps over them. Both show crops."""
from __future__ import annotations

import re
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tcnsc_lib.analysis.gradcam import enlarge
from tcnsc_lib.codecs import codec
from tcnsc_lib.results.plots import LABELS, PAGE

Crops = Callable[[int], np.ndarray]
"""From the row of a crop in the test part to the crop, uint8 (S, S, 3)."""


def figure1(table: pd.DataFrame, crops: Crops) -> Figure:
    """`analysis.blocks.figure1`: a fake crop above, the real one of the same frame below.

    In the corner a patch of cheek, threefold.
    """
    names = list(dict.fromkeys(table.codec))
    figure, axes = plt.subplots(2, len(names), figsize=(PAGE, 3.7))
    for row in table.itertuples():
        column = names.index(row.codec)
        below = row.face == "real"
        axis = axes[int(below), column]
        image = codec(row.codec)(crops(row.crop))
        _bare(axis)
        axis.imshow(image, interpolation="nearest")
        _cheek(axis, image)
        numbers = (f"{row.bytes / 1024:.1f} KB, |Δ| {row.mean_abs_difference:.1f}, "
                   f"blocks {row.blocking:.2f}")
        axis.set_xlabel(numbers, fontsize=7)
        if not below:
            axis.set_title(f"({'abcd'[column]}) {row.codec}")
        if column == 0:
            axis.set_ylabel(row.face)
    return figure


def _cheek(axis: Axes, image: np.ndarray) -> None:
    """An eighth of the image's side, from its cheek, enlarged into the lower right corner."""
    size = len(image)
    top = size * 9 // 16
    left = size * 9 // 32
    side = size // 8
    patch = image[top : top + side, left : left + side]
    zoom = axis.inset_axes((0.61, 0.01, 0.38, 0.38), xticks=[], yticks=[])
    zoom.spines[:].set_visible(True)
    zoom.imshow(patch, interpolation="nearest")


def figure4(table: pd.DataFrame, crops: Crops) -> Figure:
    """`analysis.gradcam.panels`: heat over the crops; two rows a subject, fake above real.

    A block of columns a model. White lines: half of the greatest heat, for who sees no colours. A
    panel without heat is one in which nothing speaks for the crop's true label. The title tells
    from how many cells the heat is interpolated.
    """
    models = list(dict.fromkeys(table.model))
    names = list(dict.fromkeys(table.codec))
    lines = 2 * table.subject.nunique()
    height = 0.8 + lines * PAGE / len(models) / len(names) * 1.1
    figure = plt.figure(figsize=(PAGE, height))
    blocks = figure.subfigures(1, len(models), squeeze=False)
    for block, model in zip(blocks.flat, models, strict=True):
        axes = block.subplots(lines, len(names), squeeze=False)
        rows = table[table.model == model]
        cells = _cells(rows)
        for row, heat in zip(rows.itertuples(), cells, strict=True):
            axis = axes[2 * row.subject + 1 - row.label, names.index(row.codec)]
            _panel(axis, row, codec(row.codec)(crops(row.crop)), heat)
            if row.codec == names[0]:
                axis.set_ylabel(LABELS[row.label][0], fontsize=8)
        side = cells.shape[-1]
        block.suptitle(f"{model} ({side} x {side} cells)", fontsize=9)
    figure.supxlabel("bright: speaks for the crop's true label; white line: half of the greatest "
                     "heat; dark: nothing speaks for it", fontsize=7)
    return figure


def _cells(rows: pd.DataFrame) -> np.ndarray:
    """One model's maps, float32 (N, side, side), from the columns c0, c1, ...

    A network with fewer cells than another leaves the last columns empty.
    """
    columns = [name for name in rows if re.fullmatch(r"c\d+", name)]
    cells = rows[columns].dropna(axis="columns").to_numpy(np.float32)
    side = int(cells.shape[1] ** 0.5)
    return cells.reshape(-1, side, side)


def _panel(axis: Axes, row, image: np.ndarray, cells: np.ndarray) -> None:
    """One crop, its heat, and what the network says of it."""
    _bare(axis)
    heat_over(axis, image, cells)
    axis.set_xlabel(f"p(fake) {row.p:.2f}", fontsize=6.5, labelpad=1)
    on_top = row.subject == 0 and row.label == 1
    if on_top:
        axis.set_title(row.codec, fontsize=8)


def heat_over(axis: Axes, image: np.ndarray, cells: np.ndarray) -> None:
    """A crop, uint8 (S, S, 3), and its heat, (cells, cells) in [0, 1]; a line where it is half."""
    heat = enlarge(cells[None], len(image))[0]
    axis.imshow(image)
    axis.imshow(heat, cmap="inferno", vmin=0, vmax=1, alpha=0.5)
    if heat.max() > 0:
        axis.contour(heat, [0.5], colors="white", linewidths=0.8)


def _bare(axis: Axes) -> None:
    """No frame and no ticks: an image speaks for itself."""
    axis.spines[:].set_visible(False)
    axis.set(xticks=[], yticks=[])
