"""Figures 5 and 6: what compression takes from pictures."""
from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tcnsc_lib.results.plots import (
    COLOURS,
    DASHES,
    FAINT,
    HATCHES,
    LABELS,
    MARKERS,
    PAGE,
)

VARIANT_DASHES = ("-", "--", "-.", ":")
BAND = {"color": "#BBBBBB", "alpha": 0.5}


# Figure 5

def figure5(means: pd.DataFrame) -> Figure:
    """`analysis.ssim.figure5_means`. Left: SSIM against RAW with 95 % intervals, as defined.

    Plain bars and round marks are real, hatched and three-cornered ones fake, the paper's hollow.
    Bars hang from 1, identity, so that their
    length is what is lost. Right: the same means by each window and colour.
    """
    names = list(dict.fromkeys(means.codec))
    variants = list(dict.fromkeys(means.measure))
    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.9))
    for row in means[means.measure == variants[0]].itertuples():
        place = names.index(row.codec) + (row.label - 0.5) * 0.4
        _bar(left, place, row)
    for variant, dash in zip(variants, VARIANT_DASHES, strict=False):
        _variant(right, means[means.measure == variant], names, dash)
    for axis in (left, right):
        axis.set(xticks=range(len(names)), xticklabels=names, xlim=(-0.5, len(names) - 0.5))
    floor = min(means.low.min(), means.paper.min(skipna=True)) - 0.02
    left.set(ylabel="SSIM against RAW (1: identical)", ylim=(floor, 1),
             title=f"as defined: {variants[0]}")
    right.set(ylabel="SSIM against RAW", title="by colours and window")
    words = ["real", "fake", "the paper", *variants]
    figure.legend(_figure5_marks(), words, loc="outside lower center", ncols=4, fontsize=7,
                  handlelength=3,
                  handler_map={tuple: HandlerTuple(ndivide=None, pad=0.4)})
    return figure


def _bar(axis: Axes, place: float, row) -> None:
    """A row's mean, its interval and the paper's mean."""
    interval = [[row.mean - row.low], [row.high - row.mean]]
    axis.bar(place, row.mean - 1, 0.38, bottom=1, color=LABELS[row.label][1],
             hatch=HATCHES[row.label], edgecolor="white")
    axis.errorbar(place, row.mean, interval, color="black", capsize=2, linewidth=1)
    axis.plot(place, row.paper, marker="o", markerfacecolor="white", color="black", markersize=5,
              linestyle="")


def _variant(axis: Axes, rows: pd.DataFrame, names: list[str], dash: str) -> None:
    """The means of one measure; WEBP stands alone, for it is no step of JPEG's quality."""
    for label, (_, colour, mark) in LABELS.items():
        these = rows[rows.label == label]
        is_webp = these.codec == "WEBP"
        for joined in (these[~is_webp], these[is_webp]):
            places = [names.index(name) + (label - 0.5) * 0.16 for name in joined.codec]
            axis.plot(places, joined["mean"], linestyle=dash, color=colour, marker=mark,
                      markersize=4)


def _figure5_marks() -> list[Artist | tuple[Artist, ...]]:
    """The legend's marks: bar and mark of each label, the paper's, a dash each variant."""
    labels = []
    for label, (_, colour, mark) in LABELS.items():
        bar = Patch(facecolor=colour, edgecolor="white", hatch=HATCHES[label])
        labels.append((bar, Line2D([], [], linestyle="", color=colour, marker=mark)))
    hollow = Line2D([], [], marker="o", color="black", markerfacecolor="white", linestyle="")
    dashes = [Line2D([], [], linestyle=dash, color="#555555") for dash in VARIANT_DASHES]
    return [*labels, hollow, *dashes]


# Figure 6

def figure6(curves: pd.DataFrame) -> Figure:
    """`analysis.spectrum.figure6`'s curves: fake above, real below, as in the paper.

    Left: Durall et al.'s relative spectrum, with a band of one standard deviation over crops for
    RAW, and the last fifth enlarged. Middle: mean power in dB. Right: its change against RAW,
    thirds of the radii divided by dotted lines.
    """
    figure, axes = plt.subplots(2, 3, figsize=(PAGE, 4.6), sharex="col", sharey="col")
    for (left, middle, right), label in zip(axes, (1, 0), strict=True):
        durall = _by_codec(curves, label, "Durall")
        power = _by_codec(curves, label, "power")
        _relative(left, durall)
        _power(middle, power)
        _change(right, power)
        left.set_ylabel(LABELS[label][0])
    titles = ("relative (Durall et al.)", "mean power, dB", "change against RAW, dB")
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    ends = ("corner of the spectrum", "finest stripes (Nyquist)", "finest stripes (Nyquist)")
    for axis, end in zip(axes[1], ends, strict=True):
        axis.set_xlabel(f"radius; 1: {end}", fontsize=7.5)
    handles, words = axes[0, 0].get_legend_handles_labels()
    handles.append(Patch(**BAND))
    words.append("RAW, one sd over crops")
    figure.legend(handles, words, loc="outside lower center", ncols=len(handles), fontsize=8)
    return figure


def _by_codec(curves: pd.DataFrame, label: int, definition: str) -> dict[str, pd.DataFrame]:
    """The curve of each codec, of one label and one definition."""
    these = curves[(curves.label == label) & (curves.definition == definition)]
    groups = these.groupby("codec")
    return {name: groups.get_group(name) for name in dict.fromkeys(curves.codec)}


def _style(name: str) -> dict:
    """How a codec's line looks."""
    return {"color": COLOURS[name], "marker": MARKERS[name], "linestyle": DASHES[name],
            "linewidth": 1.1, "markersize": 3}


def _band(axis: Axes, rows: pd.DataFrame) -> None:
    """One standard deviation over crops, around the mean."""
    axis.fill_between(rows.radius, rows["mean"] - rows.sd, rows["mean"] + rows.sd, **BAND)


def _relative(axis: Axes, curves: dict[str, pd.DataFrame]) -> None:
    """Durall et al.'s spectrum; what lies beyond 0.8 enlarged in the corner."""
    zoom = axis.inset_axes((0.52, 0.55, 0.46, 0.43))
    tails = []
    for name, rows in curves.items():
        axis.plot(rows.radius, rows["mean"], markevery=len(rows) // 5, label=name, **_style(name))
        zoom.plot(rows.radius, rows["mean"], markevery=len(rows) // 20, **_style(name))
        tails.append(rows.loc[rows.radius > 0.8, "mean"])
    _band(axis, curves["RAW"])
    tail = np.concatenate(tails)
    zoom.set(xlim=(0.8, 1), ylim=(tail.min() - 0.01, tail.max() + 0.01))
    zoom.tick_params(labelsize=7)
    zoom.set_xticks([0.85, 0.95])


def _power(axis: Axes, curves: dict[str, pd.DataFrame]) -> None:
    """Mean power in dB."""
    for name, rows in curves.items():
        axis.plot(rows.radius, rows["mean"], markevery=8, **_style(name))
    _band(axis, curves["RAW"])
    _thirds(axis)


def _change(axis: Axes, curves: dict[str, pd.DataFrame]) -> None:
    """Mean power minus that of RAW."""
    raw = curves["RAW"]["mean"].to_numpy()
    for name, rows in curves.items():
        axis.plot(rows.radius, rows["mean"].to_numpy() - raw, markevery=8, **_style(name))
    _thirds(axis)


def _thirds(axis: Axes) -> None:
    """Dotted lines between the low, middle and high thirds of the radii."""
    for cut in (1 / 3, 2 / 3):
        axis.axvline(cut, color=FAINT, linewidth=0.7, linestyle=":")
