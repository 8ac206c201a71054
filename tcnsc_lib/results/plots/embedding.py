"""Figure 3: feature spaces."""
from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tcnsc_lib.results.plots import LABELS, PAGE, direct

MARGIN = 0.12
"""Share of a panel that is left free around the dots, so that there is room for words."""

FAR = 80
"""Pixels from which on a word is far enough from the other cloud."""

SIGNS = {"o": "●", "^": "▲"}
"""Mark -> the sign that stands for it in a line of text."""


def figure3(table: pd.DataFrame) -> Figure:
    """`analysis.tsne.figure3`: t-SNE, a row a model, a column a codec.

    The axes have no unit: compare no distances. In each panel the two clouds are named.
    """
    models = list(dict.fromkeys(table.model))
    names = list(dict.fromkeys(table.codec))
    size = (PAGE, 0.2 + 2.05 * len(models))
    figure, axes = plt.subplots(len(models), len(names), figsize=size, squeeze=False)
    for (model, name), rows in table.groupby(["model", "codec"], sort=False):
        column = names.index(name)
        axis = axes[models.index(model), column]
        _scatter(axis, rows)
        if model == models[0]:
            axis.set_title(f"({'abc'[column]}) {name}", fontsize=9)
        if column == 0:
            axis.set_ylabel(model)
    direct.settle(axes[0, 0])
    for axis in axes.flat:
        _name(axis)
    return figure


def _scatter(axis: Axes, rows: pd.DataFrame) -> None:
    """One feature space, a mark a crop, and how well real and fake are apart in it."""
    for label, (word, colour, mark) in LABELS.items():
        these = rows[rows.label == label]
        axis.scatter(these.x, these.y, s=9, marker=mark, color=colour, linewidths=0.2,
                     edgecolors="white", label=word)
    axis.spines[:].set_visible(True)
    axis.margins(MARGIN)
    axis.set(xticks=[], yticks=[])
    silhouette = f"silhouette {rows.silhouette.mean():.2f}"
    neighbour = f"neighbour {100 * rows.neighbour.mean():.0f} %"
    probe = f"probe {100 * rows.probe.mean():.0f} %"
    axis.set_xlabel(f"{silhouette}\n{neighbour}, {probe}", fontsize=7)


def _name(axis: Axes) -> None:
    """Write what each mark is into the free space nearest to its own cloud."""
    clouds = [axis.transData.transform(np.asarray(dots.get_offsets()))
              for dots in axis.collections]
    taken = direct.boxes(np.vstack(clouds), (4, 4))
    spots = _spots(axis)
    for label, own, other in zip(LABELS, clouds, clouds[::-1], strict=True):
        word, _, mark = LABELS[label]
        away = _near(spots, own) - 0.5 * np.minimum(_near(spots, other), FAR)
        nearest = spots[np.argsort(away, kind="stable")]
        box = direct.put(axis, f"{SIGNS[mark]} {word}", nearest, taken)
        taken = np.vstack([taken, box])


def _spots(axis: Axes) -> np.ndarray:
    """Places all over a panel, in pixels, (N, 2)."""
    frame = axis.get_window_extent()
    x = np.linspace(frame.x0, frame.x1, 48)
    y = np.linspace(frame.y0, frame.y1, 36)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _near(spots: np.ndarray, cloud: np.ndarray) -> np.ndarray:
    """How far each spot, (N, 2), is from a cloud: the mean distance to its 20 nearest dots."""
    apart = np.hypot(*(spots[:, None] - cloud[None]).T).T
    few = min(20, len(cloud))
    return np.partition(apart, few - 1, axis=1)[:, :few].mean(axis=1)
