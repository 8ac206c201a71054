"""Plots: stored numbers in, matplotlib figures out. This page is their one look.

Two columns of a paper wide. A codec has one colour, one mark and one dash everywhere, in the order
of `paper.CODECS`: Wong's colours (Nature Methods 2011), which colour-blind readers tell apart. Real
and fake differ in mark and brightness too, so that a figure can be read in grey. The paper's
numbers are hollow marks.
"""
from __future__ import annotations

from tcnsc_lib import paper

WIDTH = 7.0
"""Inches."""

COLOURS = dict(zip(
    paper.CODECS, ("#000000", "#0072B2", "#009E73", "#D55E00", "#CC79A7"), strict=True))
MARKERS = dict(zip(paper.CODECS, "osDv^", strict=True))
DASHES = dict(zip(paper.CODECS, ("-", "--", "-.", ":", (0, (5, 1, 1, 1))), strict=True))

LINES = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00")
"""Colours of models, not of codecs."""

LINE_MARKS = "osDv^P"

LABELS = {0: ("real", "#004488", "o"), 1: ("fake", "#DDAA33", "^")}
"""Label -> name, colour, mark (Tol's high contrast)."""

FAINT = "#999999"
"""Lines that help to read, and what stands beside the main numbers."""

STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "legend.frameon": False,
    "savefig.bbox": "tight",
    "figure.constrained_layout.use": True,
}
"""matplotlib's settings for every picture."""
