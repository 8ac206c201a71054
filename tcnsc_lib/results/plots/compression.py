"""Figures 5 and 6: what compression takes from pictures."""
from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tcnsc_lib.drawing import COLOURS, DASHES, LABELS, MARKERS, WIDTH


def figure5(means: pd.DataFrame) -> Figure:
    """`analysis.quality.figure5_means`: left, SSIM against RAW with 95 % intervals, plain bars real, hatched fake, the
    paper's hollow; bars hang from 1, identity, so that their length is what is lost. Right: the same means by each window
    and colour."""
    names, variants = (list(dict.fromkeys(means[column])) for column in ("codec", "measure"))
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    for row in means[means.measure == variants[0]].rename(columns={"mean": "mean_"}).itertuples():
        at = names.index(row.codec) + (row.label - 0.5) * 0.4
        left.bar(at, row.mean_ - 1, 0.38, bottom=1, color=COLOURS[row.codec], hatch="///" if row.label else "", edgecolor="white")
        left.errorbar(at, row.mean_, [[row.mean_ - row.low], [row.high - row.mean_]], color="black", capsize=2,
                      linewidth=1)
        left.plot(at, row.paper, marker="o", markerfacecolor="white", color="black", markersize=5, linestyle="")
    left.set(xticks=range(len(names)), xticklabels=names, ylabel="SSIM against RAW (1: identical)", xlim=(-0.5, len(names) - 0.5),
             title=f"as defined: {variants[0]}")
    for variant, style in zip(variants, ("-", "--", "-.", ":")):
        for label, (_, colour, mark) in LABELS.items():
            these = means[(means.label == label) & (means.measure == variant)]
            for joined in (these[these.codec != "WEBP"], these[these.codec == "WEBP"]):  # WEBP is no step of JPEG's quality
                right.plot([names.index(name) + (label - 0.5) * 0.16 for name in joined.codec], joined["mean"], linestyle=style, color=colour,
                           marker=mark, markersize=4)
    right.set(xticks=range(len(names)), xticklabels=names, title="by colours and window", ylabel="SSIM against RAW", xlim=(-0.5, len(names) - 0.5))
    bars = [Patch(facecolor="#777777", edgecolor="white", hatch=hatch) for hatch in ("", "///")]
    bars.append(Line2D([], [], marker="o", color="black", markerfacecolor="white", linestyle=""))
    lines = [Line2D([], [], linestyle=style, color="#555555") for style in ("-", "--", "-.", ":")]
    lines += [Line2D([], [], linestyle="", color=colour, marker=mark) for _, colour, mark in LABELS.values()]
    left.set(ylim=(min(means.low.min(), means.paper.min(skipna=True)) - 0.02, 1))
    figure.legend(bars + lines, ["real (left)", "fake (left)", "the paper", *variants, "real (right)", "fake (right)"],
                  loc="outside lower center", ncols=5, fontsize=7)
    return figure


def figure6(curves: pd.DataFrame) -> Figure:
    """`analysis.spectrum.figure6`'s curves: fake above, real below, as in the paper.

    Left: Durall et al.'s relative spectrum, with a band of one standard deviation over crops for RAW, and the last fifth
    enlarged. Middle: mean power in dB. Right: its change against RAW, thirds of the radii divided by dotted lines.
    """
    names = list(dict.fromkeys(curves.codec))
    figure, axes = plt.subplots(2, 3, figsize=(WIDTH, 4.6), sharex="col", sharey="col")
    for line, label in zip(axes, (1, 0)):
        zoom = line[0].inset_axes((0.52, 0.55, 0.46, 0.43))
        parts = {key: rows for key, rows in curves[curves.label == label].groupby(["definition", "codec"])}
        for name in names:
            style = {"color": COLOURS[name], "linewidth": 1.1, "marker": MARKERS[name], "markersize": 3,
                     "linestyle": DASHES[name]}
            rows, plain, raw = parts["Durall", name], parts["power", name], parts["power", "RAW"]
            for axis in (line[0], zoom):
                axis.plot(rows.radius, rows["mean"], markevery=len(rows) // (5 if axis is line[0] else 20), label=name,
                          **style)
            line[1].plot(plain.radius, plain["mean"], markevery=8, **style)
            line[2].plot(plain.radius, plain["mean"].to_numpy() - raw["mean"].to_numpy(), markevery=8, **style)
            if name == "RAW":
                line[0].fill_between(rows.radius, rows["mean"] - rows.sd, rows["mean"] + rows.sd, color="#BBBBBB", alpha=0.5)
                line[1].fill_between(plain.radius, plain["mean"] - plain.sd, plain["mean"] + plain.sd, color="#BBBBBB",
                                     alpha=0.5)
        tail = curves[(curves.definition == "Durall") & (curves.label == label) & (curves.radius > 0.8)]
        zoom.set(xlim=(0.8, 1), ylim=(tail["mean"].min() - 0.01, tail["mean"].max() + 0.01))
        zoom.tick_params(labelsize=7)
        zoom.set_xticks([0.85, 0.95])
        line[0].set_ylabel(LABELS[label][0])
        for axis in line[1:]:
            for cut in (1 / 3, 2 / 3):
                axis.axvline(cut, color="#999999", linewidth=0.7, linestyle=":")
    for axis, title in zip(axes[0], ("relative (Durall et al.)", "mean power, dB", "change against RAW, dB")):
        axis.set_title(title, fontsize=9)
    for axis, end in zip(axes[1], ("corner of the spectrum", "finest stripes (Nyquist)", "finest stripes (Nyquist)")):
        axis.set_xlabel(f"radius; 1: {end}", fontsize=7.5)
    handles, words = axes[0, 0].get_legend_handles_labels()
    handles.append(Patch(color="#BBBBBB", alpha=0.5))
    figure.legend(handles, [*words, "RAW, one sd over crops"], loc="outside lower center", ncols=len(handles), fontsize=8)
    return figure
