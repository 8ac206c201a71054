"""Pictures of tables and of training: accuracy with intervals, the ablation's diagnostics, a run's losses.

All take the tables as `tcnsc_lib.tables` makes them and `figures.read` reads them back.
"""
from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tcnsc_lib.drawing import COLOURS, LINE_MARKS, LINES, MARKERS, WIDTH


def table_plot(table: pd.DataFrame, columns: int = 5) -> Figure:
    """Long tables of `tcnsc_lib.tables`: accuracy by test set with intervals, the paper's numbers (column "paper") hollow.

    A dagger where the interval is a point, since all crops were called alike: that is no certainty.
    """
    names = list(dict.fromkeys(table.training))
    lines = -(-len(names) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(WIDTH, 0.6 + 2.1 * lines), sharey=True, squeeze=False)
    for axis, name in zip(axes.flat, names):
        rows = table[table.training == name]
        for i, row in enumerate(rows.itertuples()):
            style = {"marker": MARKERS[row.codec], "color": COLOURS[row.codec], "linestyle": ""}
            bar = [[max(0, row.accuracy - row.low)], [max(0, row.high - row.accuracy)]]
            axis.errorbar(i - 0.12, row.accuracy, bar, capsize=2, markersize=5, **style)
            axis.plot(i + 0.2, row.paper, markerfacecolor="none", markersize=5, **style)
            if row.low == row.high:
                axis.text(i - 0.12, row.accuracy + 2, "†", ha="center", fontsize=8)
        axis.axhline(50, color="#999999", linewidth=0.8, linestyle=":")
        axis.set(xticks=range(len(rows)))
        title = "classifier alone, model B" if name == "model B" else name
        axis.set_title(title.replace(", ", ",\n") if len(title) > 16 else title, fontsize=8)
        axis.set_xticklabels(rows.codec, fontsize=7, rotation=60)
    for axis in axes.flat[len(names):]:
        axis.axis("off")
    for axis in axes[:, 0]:
        axis.set(ylabel="accuracy (%)", ylim=(min(65, table.low.min() - 2, table.paper.min() - 2), 101))
    marks = [Line2D([], [], marker="o", color="black", linestyle="", markerfacecolor=face, markersize=5)
             for face in ("black", "none")]
    words = ["ours, 95 % interval", "the paper"]
    if (table.low == table.high).any():
        marks.append(Line2D([], [], marker="$†$", color="black", linestyle="", markersize=6))
        words.append("all crops called alike: no interval")
    figure.legend(marks, words, loc="outside lower center", ncols=3)
    return figure


def ranking(table: pd.DataFrame, seeds: pd.DataFrame | None = None, codec_name: str = "LQ") -> Figure:
    """All rows of a long table on one test set, the best on top: accuracy with interval, AUC, the paper's accuracy hollow.

    seeds: `tables.seeds`, drawn as one small tick a seed where there are several.
    """
    rows = table[table.codec == codec_name].sort_values("accuracy")
    figure, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.28 * len(rows)))
    y, colour = np.arange(len(rows)), COLOURS[codec_name]
    axis.errorbar(rows.accuracy, y, xerr=[rows.accuracy - rows.low, rows.high - rows.accuracy], fmt="o", color=colour,
                  capsize=2, markersize=5, label="accuracy, 95 % interval over people")
    if seeds is not None and seeds.seed.nunique() > 1:
        single = seeds[seeds.codec == codec_name]
        place = dict(zip(rows.training, y))
        axis.plot(single.accuracy, [place[name] - 0.28 for name in single.training], "|", color="black", markersize=7,
                  label="accuracy, each seed (rows that have several)")
    axis.plot(rows.auc, y, "D", color="#999999", markersize=4, label="AUC")
    axis.plot(rows.paper, y + 0.15, "o", color=colour, markerfacecolor="none", markersize=5, label="accuracy, the paper")
    axis.axvline(50, color="#999999", linewidth=0.8, linestyle=":")
    axis.set(yticks=y, xlabel=f"accuracy and AUC at {codec_name}, % (dotted: guessing)", xlim=(min(45, rows.low.min() - 2), 101))
    axis.set_yticklabels(rows.training)
    figure.legend(loc="outside lower center", ncols=4, fontsize=7)
    return figure


def collapse(table: pd.DataFrame) -> Figure:
    """`tables.collapse`: does the similarity branch do anything? Above z, below h; a line a model, over the updates.

    Left: cosine of twins (solid) and of different images (dashed): where both are 1, agreement means nothing. Middle:
    effective rank, 1 = one direction. Right: the gradient that each loss sends into f, on one scale.
    """
    names = list(dict.fromkeys(table.training))
    figure, axes = plt.subplots(2, 3, figsize=(WIDTH, 5.0), sharex=True)
    for name, colour, mark in zip(names, LINES, LINE_MARKS):
        rows = table[table.training == name]
        x, style = rows.updates + 1, {"color": colour, "linewidth": 1.2, "marker": mark, "markersize": 3.5}
        for line, space in zip(axes, "zh"):
            line[0].plot(x, 1 - rows[f"cos_twins_{space}"], **style)
            line[0].plot(x, 1 - rows[f"cos_different_{space}"], linestyle="--", **style)
            line[1].plot(x, rows[f"rank_{space}"], **style)
        for axis, term in zip(axes[:, 2], ("sim", "cro")):
            if (rows[f"gradient_{term}"] > 0).all():
                axis.plot(x, rows[f"gradient_{term}"], label=name, **style)
    for line, space in zip(axes, "zh"):
        line[0].set(ylabel=f"1 - cosine, {space}", yscale="log", xscale="log")
        line[1].set(ylabel=f"effective rank, {space}", ylim=(0, None))
    sent = table[["gradient_sim", "gradient_cro"]].to_numpy()
    for axis, title in zip(axes[:, 2], ("gradient of λ Loss_sim", "gradient of Loss_cro")):
        axis.set(yscale="log", ylabel=title, ylim=(sent[sent > 0].min() / 2, sent.max() * 2))
    for axis, title in zip(axes[0], ("do twins agree more\nthan different images?", "how many directions\nare used?",
                                     "does the loss\nstill teach f?")):
        axis.set_title(title, fontsize=9)
    for axis in axes[1]:
        axis.set(xlabel="step (logarithmic)")
    models = [Line2D([], [], color=colour, marker=mark, markersize=4) for _, colour, mark in zip(names, LINES, LINE_MARKS)]
    marks = [Line2D([], [], color="#555555", linestyle=style) for style in ("-", "--")]
    figure.legend(models + marks, [*names, "twins", "different images"], loc="outside lower center", ncols=3, fontsize=8)
    return figure


def curves(log: pd.DataFrame) -> Figure:
    """The two losses of a run's log over its iterations, both axes logarithmic, and its validation accuracy."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.4))
    for name, colour in (("cro", COLOURS["HQ"]), ("sim", COLOURS["LQ"])):
        if name in log:
            left.plot(log.iteration, log[name], color=colour, linewidth=0.8, label=f"Loss_{name}")
    left.axhline(np.log(2), color="#999999", linewidth=1, linestyle=":", label="log 2: guessing")
    left.set(xlabel="iteration (logarithmic)", ylabel="loss", xscale="log", yscale="log")
    left.legend(loc="lower left", fontsize=7)
    points = log.dropna(subset="val_accuracy")
    right.plot(points.iteration, points.val_accuracy, color=COLOURS["RAW"], marker="o", markersize=3)
    right.set(xlabel="iteration", ylabel="validation accuracy (%)")
    return figure
