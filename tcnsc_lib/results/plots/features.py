"""Figures 1, 3 and 4: compressed faces, feature spaces, heat maps. Figures 1 and 4 show crops, so they need the FaceSet."""
from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tcnsc_lib.analysis.gradcam import enlarge
from tcnsc_lib.codecs import codec
from tcnsc_lib.drawing import LABELS, WIDTH
from tcnsc_lib.faces.store import FaceSet


def figure1(table: pd.DataFrame, crops: FaceSet) -> Figure:
    """`analysis.quality.figure1`: a fake crop above, the real one of the same frame below; a patch of cheek, threefold."""
    files, names = crops.rows("test").file, list(dict.fromkeys(table.codec))
    figure, axes = plt.subplots(2, len(names), figsize=(WIDTH, 3.7))
    for row in table.itertuples():
        column, line = names.index(row.codec), int(row.face == "real")
        axis, image = axes[line, column], codec(row.codec)(crops.load(files[row.crop]))
        axis.imshow(image, interpolation="nearest")
        axis.spines[:].set_visible(False)
        s = len(image)
        zoom = axis.inset_axes((0.61, 0.01, 0.38, 0.38), xticks=[], yticks=[])
        zoom.imshow(image[s * 9 // 16 :, s * 9 // 32 :][: s // 8, : s // 8], interpolation="nearest")
        axis.set(xticks=[], yticks=[], title="" if line else f"({'abcd'[column]}) {row.codec}")
        axis.set_xlabel(f"{row.bytes / 1024:.1f} KB, |Δ| {row.mean_abs_difference:.1f}, blocks {row.blocking:.2f}",
                        fontsize=7)
        if not column:
            axis.set_ylabel(row.face)
    return figure


def figure3(table: pd.DataFrame) -> Figure:
    """`analysis.embedding.figure3`: t-SNE, a row a model, a column a codec. Axes have no unit: compare no distances."""
    models, names = (list(dict.fromkeys(table[column])) for column in ("model", "codec"))
    figure, axes = plt.subplots(len(models), len(names), figsize=(WIDTH, 0.4 + 2.1 * len(models)))
    for (model, name), rows in table.groupby(["model", "codec"], sort=False):
        axis = axes[models.index(model), names.index(name)]
        for label, (word, colour, mark) in LABELS.items():
            these = rows[rows.label == label]
            axis.scatter(these.x, these.y, s=9, marker=mark, color=colour, linewidths=0.2, edgecolors="white", label=word)
        axis.spines[:].set_visible(True)
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"({'abc'[names.index(name)]}) {name}" if model == models[0] else "", fontsize=9)
        axis.set_xlabel(f"silhouette {rows.silhouette.mean():.2f}\nneighbour {100 * rows.neighbour.mean():.0f} %, "
                        f"probe {100 * rows.probe.mean():.0f} %", fontsize=7)
        if name == names[0]:
            axis.set_ylabel(model)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, markerscale=2)
    return figure


def figure4(table: pd.DataFrame, crops: FaceSet) -> Figure:
    """`analysis.gradcam.figure4`'s panels: heat over the crops. Two rows a subject, fake above real; a block a model.

    White lines: half of the greatest heat, for who sees no colours. A panel without heat is one in which nothing speaks
    for the crop's true label. The title tells how many cells the heat is interpolated from.
    """
    models, names = (list(dict.fromkeys(table[column])) for column in ("model", "codec"))
    files, cells = crops.rows("test").file, [name for name in table if name[0] == "c" and name[1:].isdigit()]
    rows = 2 * table.subject.nunique()
    figure = plt.figure(figsize=(WIDTH, 0.8 + rows * WIDTH / len(models) / len(names) * 1.1))
    blocks = figure.subfigures(1, len(models))
    for block, model in zip(blocks, models, strict=True):
        axes = block.subplots(rows, len(names))
        for row in table[table.model == model].itertuples():
            axis = axes[2 * row.subject + 1 - row.label, names.index(row.codec)]
            image = codec(row.codec)(crops.load(files[row.crop]))
            heat = np.array([getattr(row, cell) for cell in cells], np.float32)
            heat = heat[~np.isnan(heat)]  # a network with fewer cells than another leaves the last columns empty
            side = int(len(heat) ** 0.5)
            heat = enlarge(heat.reshape(1, side, side), len(image))[0]
            block.suptitle(f"{model} ({side} x {side} cells)", fontsize=9)
            axis.imshow(image)
            axis.imshow(heat, cmap="inferno", vmin=0, vmax=1, alpha=0.5)
            if heat.max() > 0:
                axis.contour(heat, [0.5], colors="white", linewidths=0.8)
            axis.spines[:].set_visible(False)
            axis.set(xticks=[], yticks=[])
            axis.set_xlabel(f"p(fake) {row.p:.2f}", fontsize=6, labelpad=1)
            if row.subject == 0 and row.label == 1:
                axis.set_title(row.codec, fontsize=8)
            if row.codec == names[0]:
                axis.set_ylabel(LABELS[row.label][0], fontsize=8)
    figure.text(0.5, 0, "bright: speaks for the crop's true label; white line: half of the greatest heat; dark: nothing "
                "speaks for it", ha="center", va="top", fontsize=7)
    return figure
