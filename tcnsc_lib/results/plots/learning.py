"""Pictures of training: the ablation's diagnostics, and a run's losses."""
from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tcnsc_lib.analysis.runs import VALIDATED
from tcnsc_lib.results.plots import COLOURS, DASHES, FAINT, LINE_MARKS, LINES, MARKERS, PAGE
from tcnsc_lib.results.trained import LAST

SPACES = "zh"
TERMS = {"sim": "gradient of λ Loss_sim", "cro": "gradient of Loss_cro"}
VIEWS = ("RAW", "LQ")  # what validation is on

QUESTIONS = (
    "do twins agree more\nthan different images?",
    "how many directions\nare used?",
    "does the loss\nstill teach f?",
)


def collapse(table: pd.DataFrame) -> Figure:
    """`analysis.runs.collapse`: does the similarity branch do anything?

    Above z, below h; a line a model, over the updates. Left: cosine of twins (solid) and of
    different images (dashed): where both are 1, agreement means nothing. Middle: effective rank, 1
    = one direction. Right: the gradient that each loss sends into f, on one scale.
    """
    names = list(dict.fromkeys(table.training))
    figure, axes = plt.subplots(2, 3, figsize=(PAGE, 5.0), sharex=True)
    for i, (name, colour, mark) in enumerate(zip(names, LINES, LINE_MARKS, strict=False)):
        thinner = i / len(LINES)  # so that a line still shows below one that runs on top of it
        style = {"color": colour, "linewidth": 2.4 - 1.6 * thinner, "marker": mark,
                 "markersize": 6.5 - 4 * thinner}
        _model(axes, table[table.training == name], style)
    for (left, middle, _), space in zip(axes, SPACES, strict=True):
        left.set(ylabel=f"1 - cosine, {space}", yscale="log", xscale="log")
        middle.set(ylabel=f"effective rank, {space}", ylim=(0, None))
    sent = table[["gradient_sim", "gradient_cro"]].to_numpy()
    limits = (sent[sent > 0].min() / 2, sent.max() * 2)
    for axis, title in zip(axes[:, 2], TERMS.values(), strict=True):
        axis.set(yscale="log", ylabel=title, ylim=limits)
    for axis, question in zip(axes[0], QUESTIONS, strict=True):
        axis.set_title(question, fontsize=9)
    for axis in axes[1]:
        axis.set(xlabel="step (logarithmic)")
    words = [*names, "twins", "different images"]
    figure.legend(_marks(names), words, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def _model(axes: np.ndarray, rows: pd.DataFrame, style: dict) -> None:
    """The lines of one model in the 2 x 3 panels."""
    step = rows.updates + 1
    for (left, middle, _), space in zip(axes, SPACES, strict=True):
        left.plot(step, 1 - rows[f"cos_twins_{space}"], **style)
        left.plot(step, 1 - rows[f"cos_different_{space}"], linestyle="--", **style)
        middle.plot(step, rows[f"rank_{space}"], **style)
    for axis, term in zip(axes[:, 2], TERMS, strict=True):
        sent = rows[f"gradient_{term}"]
        if (sent > 0).all():
            axis.plot(step, sent, **style)


def _marks(names: list[str]) -> list[Line2D]:
    """The legend's marks: one a model, then twins (solid) and different images (dashed)."""
    models = [Line2D([], [], color=colour, marker=mark, markersize=4)
              for _, colour, mark in zip(names, LINES, LINE_MARKS, strict=False)]
    dashes = [Line2D([], [], color="#555555", linestyle=dash) for dash in ("-", "--")]
    return models + dashes


def curves(log: pd.DataFrame) -> Figure:
    """A run's log: its losses over the iterations on logarithmic axes, and validation accuracy."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.4))
    _losses(left, log)
    _validation(right, log)
    return figure


def _losses(axis: Axes, log: pd.DataFrame) -> None:
    """Loss_cro and, where the run has it, Loss_sim; a line where guessing is."""
    styles = {"cro": (LINES[0], "-"), "sim": (LINES[1], (0, (4, 1)))}
    for name, (colour, dash) in styles.items():
        if name in log:
            axis.plot(log.iteration, log[name], color=colour, linestyle=dash, linewidth=0.8,
                      label=f"Loss_{name}")
    axis.axhline(np.log(2), color=FAINT, linewidth=1, linestyle=":", label="log 2: guessing")
    axis.set(xlabel="iteration (logarithmic)", ylabel="loss", xscale="log", yscale="log")
    axis.legend(loc="lower left", fontsize=7)


def _validation(axis: Axes, log: pd.DataFrame) -> None:
    """Validation accuracy on RAW and, where the run has it, on LQ."""
    points = log.dropna(subset="val_accuracy")
    for codec in VIEWS:
        name = VALIDATED[codec]
        if name in points:
            axis.plot(points.iteration, points[name], color=COLOURS[codec],
                      marker=MARKERS[codec], linestyle=DASHES[codec], markersize=4, label=codec)
    axis.set(xlabel="iteration", ylabel="validation accuracy (%)")
    if len(axis.lines) > 1:
        axis.legend(loc="lower right", fontsize=7)


def validation(table: pd.DataFrame) -> Figure:
    """`analysis.runs.validation`: accuracy over a training, a panel a model, a line a seed."""
    names = list(dict.fromkeys(table.training))
    size = (PAGE, 2.6)
    figure, axes = plt.subplots(1, len(names), figsize=size, sharey=True, squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        rows = table[table.training == name]
        for _, seed in rows.groupby("seed"):
            for codec in VIEWS:
                axis.plot(seed.iteration, seed[codec], color=COLOURS[codec], linewidth=1,
                          linestyle=DASHES[codec])
        axis.axvline((1 - LAST) * rows.iteration.max(), color=FAINT, linewidth=1)
        axis.set(title=name, xlabel="iteration")
    axes[0][0].set_ylabel("validation accuracy (%)")
    lines = [Line2D([], [], color=COLOURS[codec], linestyle=DASHES[codec]) for codec in VIEWS]
    axes[0][-1].legend(lines, VIEWS, loc="lower right", fontsize=8)
    return figure
