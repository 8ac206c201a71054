"""Numbers in, files out: every table and figure, with one look and the line that says what made it.

`save("table1", frame=...)` and `save("figure1", figure=...)` decide the rest: files go to figures/<profile>/, tables
as CSV under comment lines that name profile, runs, seed, device, versions and commit; pictures carry the same in their
metadata. Read a table back with `read`.
"""
from __future__ import annotations

import os
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.codecs import codec, versions
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import atomic, environment, write_text
from tcnsc_lib.profiles import Profile, home
from tcnsc_lib.tables import wide
from tcnsc_lib.training import Run, device

WIDTH = 7.0  # inches, two columns of a paper
COLOURS = dict(zip(paper.CODECS, ("#000000", "#0072B2", "#009E73", "#D55E00", "#CC79A7"), strict=True))
MARKERS = dict(zip(paper.CODECS, "osDv^", strict=True))
STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 110, "savefig.dpi": 160,
         "legend.frameon": False, "savefig.bbox": "tight", "figure.constrained_layout.use": True}
NEVER_COMMITTED = ("figure1", "figure4")  # of photographs: somebody's face


def folder(p: Profile) -> Path:
    """Where this profile's tables and figures go."""
    return Path(os.environ.get("TCNSC_FIGURES") or home() / "figures") / p.name


def provenance(p: Profile, runs: tuple[Run, ...] = ()) -> str:
    """What made a file: profile, seed, device, commit and versions now, and the runs with those of their training."""
    facts = {"profile": p.name, "seed": p.seed, **environment(device()), **versions()}
    lines = ["; ".join(f"{key} {value}" for key, value in facts.items())]
    for run in runs:
        made = run.environment
        lines.append(f"run {run.folder.name}: commit {made['commit']}, {made['device']}, torch {made['torch']}, "
                     f"{made['seconds']:.0f} s")
    return "\n".join(lines)


def save(name: str, p: Profile, *, frame: pd.DataFrame | None = None, figure: Figure | None = None,
         runs: tuple[Run, ...] = ()) -> list[Path]:
    """Write a table (CSV) and/or a figure (PNG) of this name; returns the files. Floats get four decimals."""
    note, files = provenance(p, runs), []
    if frame is not None:
        files.append(folder(p) / f"{name}.csv")
        head = "".join(f"# {line}\n" for line in note.splitlines())
        write_text(files[-1], head + frame.to_csv(index=False, float_format="%.4f"))
    if figure is not None and not (p.source == "photos" and name in NEVER_COMMITTED):
        files.append(folder(p) / f"{name}.png")
        with atomic(files[-1]) as part:
            figure.savefig(part, format="png", metadata={"Description": note, "Software": None})
    return files


def read(path: Path) -> pd.DataFrame:
    """A table that `save` wrote."""
    try:
        return pd.read_csv(path, comment="#")
    except FileNotFoundError as error:
        raise CompanionError(f"There is no {path}; run the notebook that makes it, see figures/README.md.") from error


def figure1(faces: FaceSet, p: Profile, row: int = 0) -> tuple[Figure, pd.DataFrame]:
    """Figure 1: a fake and a real test crop of the same frame at RAW HQ MQ LQ, a cheek enlarged, and the numbers behind it.

    row: which fake of the test part. Returns the figure and, for each panel, the file's size in bytes and the mean
    absolute difference from RAW in grey levels.
    """
    test = faces.rows("test")
    same = ["video"] if p.source == "photos" else ["identity", "frame"]  # what a fake shares with its real crop
    both = test[test.label == 1].merge(test[test.label == 0], on=same, suffixes=("", "_real")).drop_duplicates("video")
    pick = both.iloc[row]
    names, rows = paper.CODECS[:4], []
    with matplotlib.rc_context(STYLE):
        figure, axes = plt.subplots(2, 4, figsize=(WIDTH, 3.7))
        for kind, file, line in (("fake", pick.file, axes[0]), ("real", pick.file_real, axes[1])):
            raw = faces.load(file)
            for name, axis in zip(names, line, strict=True):
                image = codec(name)(raw)
                difference = np.abs(image.astype(int) - raw).mean()
                size = raw.nbytes if name == "RAW" else len(codec(name).encode(raw))
                rows.append({"face": kind, "codec": name, "bytes": size, "mean_abs_difference": difference})
                axis.imshow(image, interpolation="nearest")
                axis.spines[:].set_visible(False)
                s = len(image)
                zoom = axis.inset_axes((0.62, 0.02, 0.36, 0.36), xticks=[], yticks=[])
                zoom.imshow(image[s // 2 : s * 3 // 4, s // 5 : s * 9 // 20], interpolation="nearest")
                axis.set(xticks=[], yticks=[], title=f"({'abcd'[names.index(name)]}) {name}" if kind == "fake" else "")
                axis.set_xlabel(f"{size / 1024:.1f} KB, |Δ| {difference:.1f}", fontsize=8)
            line[0].set_ylabel(kind)
    return figure, pd.DataFrame(rows)


def figure2() -> Figure:
    """Figure 2: the network, drawn. Solid: training and test; dashed: training only."""
    with matplotlib.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(WIDTH, 2.9))
        axis.set(xlim=(-0.4, 14.2), ylim=(0, 5.6))
        axis.axis("off")
        for x, y, text, colour in FIGURE2_BOXES:
            width = 2.0 if len(text) > 6 else 1.5
            axis.add_patch(FancyBboxPatch((x - width / 2, y - 0.42), width, 0.84, boxstyle="round,pad=0.06",
                                          facecolor=colour, edgecolor="#333333", linewidth=0.8))
            axis.text(x, y, text, ha="center", va="center", fontsize=8.5)
        for (x0, y0), (x1, y1), text, train_only in FIGURE2_ARROWS:
            axis.add_patch(FancyArrowPatch((x0, y0), (x1, y1), arrowstyle="-|>", mutation_scale=9, linewidth=0.9,
                                           linestyle="--" if train_only else "-", color="#333333"))
            axis.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.22, text, ha="center", fontsize=8.5, style="italic")
        axis.text(3.9, 2.55, "shared weights", ha="center", va="center", fontsize=8, color="#555555")
        for y, text in ((5.5, "classification branch"), (0.55, "similarity branch")):
            axis.text(-0.2, y - 0.1, text, ha="left", va="center", fontsize=8.5, weight="bold", color="#555555")
        axis.text(13.9, 0.15, "solid: also at test time, on any image     dashed: training only", ha="right", fontsize=8)
    return figure


PALE = {"data": "#F2F2F2", "network": "#CFE3F3", "loss": "#FBE3D0"}
FIGURE2_BOXES = [
    (1.0, 3.4, "X", PALE["data"]), (1.0, 1.4, "X' = codec(X)", PALE["data"]), (12.9, 5.1, "y", PALE["data"]),
    (3.9, 3.4, "f: ResNet18", PALE["network"]), (3.9, 1.4, "f: ResNet18", PALE["network"]),
    (7.2, 3.4, "g: MLP", PALE["network"]), (7.2, 1.4, "g: MLP", PALE["network"]), (7.2, 4.95, "c: linear", PALE["network"]),
    (10.0, 2.4, "Loss_sim, eq. 2", PALE["loss"]), (10.0, 4.95, "Loss_cro, eq. 3", PALE["loss"]),
    (12.9, 3.65, "total, eq. 4", PALE["loss"])]
FIGURE2_ARROWS = [
    ((1.75, 3.4), (2.85, 3.4), "", False), ((2.05, 1.4), (2.85, 1.4), "", True), ((1.0, 2.95), (1.0, 1.85), "", True),
    ((4.95, 3.4), (6.4, 3.4), "h", True), ((4.95, 1.4), (6.4, 1.4), "h'", True), ((4.6, 3.85), (6.1, 4.95), "h", False),
    ((8.0, 3.4), (8.95, 2.6), "z", True), ((8.0, 1.4), (8.95, 2.2), "z'", True), ((8.25, 4.95), (8.95, 4.95), "p", False),
    ((12.15, 5.1), (11.05, 5.05), "", True),
    ((11.05, 4.95), (12.3, 4.1), "", True), ((11.05, 2.4), (12.3, 3.2), "λ", True)]


def curves(run: Run) -> Figure:
    """The two losses of a run over its iterations, and its validation accuracy."""
    log = run.log
    with matplotlib.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.4))
        for name, colour in (("cro", COLOURS["HQ"]), ("sim", COLOURS["LQ"])):
            if name in log:
                left.plot(log.iteration, log[name], color=colour, alpha=0.3, linewidth=0.7)
                left.plot(log.iteration, log[name].rolling(10, min_periods=1).mean(), color=colour, label=f"Loss_{name}")
        left.axhline(np.log(2), color="#999999", linewidth=0.8, linestyle=":")
        left.set(xlabel="iteration", ylabel="loss (thick: mean of 10)", yscale="log")
        left.legend()
        points = log.dropna(subset="val_accuracy")
        right.plot(points.iteration, points.val_accuracy, color=COLOURS["RAW"], marker="o", markersize=3)
        right.set(xlabel="iteration", ylabel="validation accuracy (%)")
    return figure


def table_plot(table: pd.DataFrame, columns: int = 5) -> Figure:
    """Long tables of `tcnsc_lib.tables`: accuracy by test set with intervals, the paper's numbers (column "paper") hollow."""
    names = list(dict.fromkeys(table.training))
    lines = -(-len(names) // columns)
    with matplotlib.rc_context(STYLE):
        figure, axes = plt.subplots(lines, columns, figsize=(WIDTH, 0.6 + 2.1 * lines), sharey=True, squeeze=False)
        for axis, name in zip(axes.flat, names):
            rows = table[table.training == name]
            for i, row in enumerate(rows.itertuples()):
                style = {"marker": MARKERS[row.codec], "color": COLOURS[row.codec], "linestyle": ""}
                bar = [[max(0, row.accuracy - row.low)], [max(0, row.high - row.accuracy)]]
                axis.errorbar(i - 0.12, row.accuracy, bar, capsize=2, markersize=5, **style)
                axis.plot(i + 0.2, row.paper, markerfacecolor="none", markersize=5, **style)
            axis.axhline(50, color="#999999", linewidth=0.8, linestyle=":")
            axis.set(xticks=range(len(rows)))
            axis.set_title(name.replace(", ", ",\n") if len(name) > 16 else name, fontsize=8)
            axis.set_xticklabels(rows.codec, fontsize=7, rotation=60)
        for axis in axes.flat[len(names):]:
            axis.axis("off")
        for axis in axes[:, 0]:
            axis.set(ylabel="accuracy (%)", ylim=(min(65, table.low.min() - 2, table.paper.min() - 2), 101))
        marks = [Line2D([], [], marker="o", color="black", linestyle="", markerfacecolor=face, markersize=5)
                 for face in ("black", "none")]
        figure.legend(marks, ["ours, 95 % interval", "the paper"], loc="outside lower center", ncols=2)
    return figure


def ranking(table: pd.DataFrame, seeds: pd.DataFrame | None = None, codec_name: str = "LQ") -> Figure:
    """All rows of a long table on one test set, the best on top: accuracy with interval, AUC, the paper's accuracy hollow.

    seeds: `tables.seeds`, drawn as one small tick a seed.
    """
    rows = table[table.codec == codec_name].sort_values("accuracy")
    with matplotlib.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.28 * len(rows)))
        y, colour = np.arange(len(rows)), COLOURS[codec_name]
        axis.errorbar(rows.accuracy, y, xerr=[rows.accuracy - rows.low, rows.high - rows.accuracy], fmt="o", color=colour,
                      capsize=2, markersize=5, label="accuracy, 95 % interval over people")
        if seeds is not None:
            single = seeds[seeds.codec == codec_name]
            place = dict(zip(rows.training, y))
            axis.plot(single.accuracy, [place[name] - 0.28 for name in single.training], "|", color="black", markersize=7,
                      label="accuracy, each seed")
        axis.plot(rows.auc, y, "D", color="#999999", markersize=4, label="AUC")
        axis.plot(rows.paper, y + 0.15, "o", color=colour, markerfacecolor="none", markersize=5, label="accuracy, the paper")
        axis.axvline(50, color="#999999", linewidth=0.8, linestyle=":")
        axis.set(yticks=y, xlabel=f"{codec_name}, % (dotted: guessing)", xlim=(min(45, rows.low.min() - 2), 101))
        axis.set_yticklabels(rows.training)
        figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    return figure


LINES = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00")  # for models, not for codecs


def collapse(table: pd.DataFrame) -> Figure:
    """`tables.collapse`: does the similarity branch do anything? Above z, below h; a line a model, over the updates.

    Left: cosine of twins (solid) and of different images (dashed): where both are 1, agreement means nothing. Middle:
    effective rank, 1 = one direction. Right: the gradient that each loss sends into f, on one scale.
    """
    names = list(dict.fromkeys(table.training))
    with matplotlib.rc_context(STYLE):
        figure, axes = plt.subplots(2, 3, figsize=(WIDTH, 5.0), sharex=True)
        for name, colour in zip(names, LINES):
            rows = table[table.training == name]
            x, style = rows.updates + 1, {"color": colour, "linewidth": 1.2}
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
        models = [Line2D([], [], color=colour) for _, colour in zip(names, LINES)]
        marks = [Line2D([], [], color="#555555", linestyle=style) for style in ("-", "--")]
        figure.legend(models + marks, [*names, "twins", "different images"], loc="outside lower center", ncols=3, fontsize=8)
    return figure


def readme_table(number: int) -> str:
    """The README's Table 1, 2 or 3: the paper's numbers and those committed for each profile.

    Table 1 in full, with the classifier alone; of Tables 2 and 3 accuracy on RAW and at LQ, and AUC at LQ.
    """
    base = home() / "figures"
    files = {name: base / name / f"table{number}.csv" for name in ("demo", "photos")}
    ours = {name: read(path) for name, path in files.items() if path.exists()}
    if number == 1:
        blocks = {"paper": pd.concat([paper.TABLE1, paper.TABLE2.loc[["model B"]]])}
        blocks |= {name: wide(pd.concat([table, read(base / name / "difficulty.csv")])) for name, table in ours.items()}
        lines = ["| trained on | | " + " | ".join(paper.CODECS) + " |", "|---|---|" + "---|" * len(paper.CODECS)]
        for row in blocks["paper"].index:
            for i, (name, block) in enumerate(blocks.items()):
                label = "" if i else "classifier alone (model B)" if row == "model B" else row
                lines.append(f"| {label} | {name} | " + " | ".join(f"{block.loc[row, c]:.1f}" for c in paper.CODECS) + " |")
        return "\n".join(lines)
    theirs = {2: paper.TABLE2, 3: paper.TABLE3}[number]
    head = ["paper RAW", "LQ", *(word for name in ours for word in (f"{name} RAW", "LQ", "AUC LQ"))]
    lines = ["| | " + " | ".join(head) + " |", "|---|" + "---|" * len(head)]
    for row in dict.fromkeys(ours["demo"].training):
        cells = [f"{theirs.loc[row, c]:.1f}" if row in theirs.index else "" for c in ("RAW", "LQ")]
        for table in ours.values():
            block = table[table.training == row].set_index("codec")
            known = len(block) > 0
            cells += [f"{v:.1f}" for v in (block.accuracy.RAW, block.accuracy.LQ, block.auc.LQ)] if known else [""] * 3
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
