"""Figure 3: feature spaces."""
from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tcnsc_lib.results.plots import LABELS, WIDTH


def figure3(table: pd.DataFrame) -> Figure:
    """`analysis.tsne.figure3`: t-SNE, a row a model, a column a codec.

    The axes have no unit: compare no distances.
    """
    models = list(dict.fromkeys(table.model))
    names = list(dict.fromkeys(table.codec))
    size = (WIDTH, 0.4 + 2.1 * len(models))
    figure, axes = plt.subplots(len(models), len(names), figsize=size, squeeze=False)
    for (model, name), rows in table.groupby(["model", "codec"], sort=False):
        column = names.index(name)
        axis = axes[models.index(model), column]
        _scatter(axis, rows)
        if model == models[0]:
            axis.set_title(f"({'abc'[column]}) {name}", fontsize=9)
        if column == 0:
            axis.set_ylabel(model)
    handles, words = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower center", ncols=2, markerscale=2)
    return figure


def _scatter(axis: Axes, rows: pd.DataFrame) -> None:
    """One feature space, a mark a crop, and how well real and fake are apart in it."""
    for label, (word, colour, mark) in LABELS.items():
        these = rows[rows.label == label]
        axis.scatter(these.x, these.y, s=9, marker=mark, color=colour, linewidths=0.2,
                     edgecolors="white", label=word)
    axis.spines[:].set_visible(True)
    axis.set(xticks=[], yticks=[])
    silhouette = f"silhouette {rows.silhouette.mean():.2f}"
    neighbour = f"neighbour {100 * rows.neighbour.mean():.0f} %"
    probe = f"probe {100 * rows.probe.mean():.0f} %"
    axis.set_xlabel(f"{silhouette}\n{neighbour}, {probe}", fontsize=7)
