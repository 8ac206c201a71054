"""Plots: stored numbers in, matplotlib figures out. This page is their one look.

A picture is drawn as large as it is printed: `PAGE`, both columns of a paper, or `COLUMN`, one.
`pictures.PICTURES` says which; its smallest letters are `SMALLEST` points high there. Colours are
Okabe and Ito's, which colour-blind readers tell apart. A codec has one colour, one mark and one
dash everywhere, in the order of `paper.CODECS`; so has a model within a picture. What colour says,
a mark, a dash or a hatch says too, so that a picture can be read in grey. The paper's numbers are
hollow marks.
"""
from __future__ import annotations

from tcnsc_lib import paper

COLUMN = 8.5 / 2.54
PAGE = 17.5 / 2.54
"""Inches: one printed column, and both."""

SMALLEST = 6
"""Points: no letter of a printed picture is smaller."""

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"

COLOURS = dict(zip(paper.CODECS, (BLACK, BLUE, SKY, VERMILION, PURPLE), strict=True))
MARKERS = dict(zip(paper.CODECS, "osDv^", strict=True))
DASHES = dict(zip(paper.CODECS, ("-", "--", "-.", ":", (0, (5, 1, 1, 1))), strict=True))

LINES = (BLACK, VERMILION, BLUE, GREEN, PURPLE, ORANGE)
"""Colours of models, not of codecs."""

LINE_MARKS = "osDv^P"
LINE_DASHES = ("-", "--", "-.", (0, (5, 1, 1, 1)), (0, (2, 1)), (0, (8, 2)))

LABELS = {0: ("real", BLUE, "o"), 1: ("fake", ORANGE, "^")}
"""Label -> name, colour, mark."""

HATCHES = {0: "", 1: "////"}
"""Label -> the hatch of its bars."""

FAINT = "#999999"
"""Lines that help to read, and what stands beside the main numbers."""

PALE = "#6B6B6B"
"""Words that say less than others; they still pass contrast on white."""

STYLE = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "savefig.bbox": None,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "tcnsc",
    "svg.fonttype": "path",
}
"""matplotlib's settings for every picture.

svg.fonttype: letters are drawn as paths, so that a page prints alike where the font is missing.
"""
