"""A contact sheet: the faces that were judged, with where the run looks; as a PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import expit

from tcnsc_lib.asking.given import Found
from tcnsc_lib.asking.judge import Judge
from tcnsc_lib.chains import Step
from tcnsc_lib.codecs import codec
from tcnsc_lib.faces.spelling import shown
from tcnsc_lib.files import write_bytes
from tcnsc_lib.results.plots import STYLE
from tcnsc_lib.results.plots.crops import heat_over

SHOWN = ("RAW", "LQ")
MOST = 24  # faces on a sheet
ACROSS = 2  # faces beside each other
SIDE = 1.35  # inches of a picture
LONG = 34  # letters of a file's name


def sheet(found: Sequence[Found], judge: Judge, total: int | None = None) -> Figure:
    """The first `MOST` faces, of `total` (by default, of those given).

    Each as it is, then after RAW and LQ with the heat map of "fake".
    White lines: half of the greatest heat. A face without heat has nothing that speaks for "fake".
    Below stands what the run was trained on.
    """
    some = found[:MOST]
    changes = {name: codec(name) for name in SHOWN}
    rows = -(-len(some) // ACROSS)
    with matplotlib.rc_context(STYLE):
        width = ACROSS * (len(SHOWN) + 1) * SIDE
        figure = Figure(figsize=(width, rows * (SIDE + 0.45) + 0.6))
        axes = figure.subplots(rows, ACROSS * (len(SHOWN) + 1), squeeze=False)
        for axis in axes.flat:
            axis.axis("off")
        odds = judge.log_odds([one.crop for one in some], changes)
        for i, one in enumerate(some):
            first = (i % ACROSS) * (len(SHOWN) + 1)
            places = axes[i // ACROSS, first : first + len(SHOWN) + 1]
            _face(places, one, judge, changes, expit(odds.iloc[i]))
        total = total or len(found)
        left = f"first {len(some)} of {total} faces. " if len(some) < total else ""
        facts = judge.about
        note = f"{left}{facts['detector']}\n{facts['limits']}"
        figure.supxlabel(note, fontsize=6, wrap=True, parse_math=False)
    return figure


def _face(
    places: Sequence[Axes],
    one: Found,
    judge: Judge,
    changes: Mapping[str, Step],
    p: Mapping[str, float],
) -> None:
    """One face and its heat maps."""
    places[0].imshow(one.crop)
    places[0].set_title(_title(one), fontsize=6, parse_math=False)
    for axis, name in zip(places[1:], changes, strict=True):
        image = changes[name](one.crop)
        heat_over(axis, image, judge.heat([image])[0])
        axis.set_title(f"{name}\np(fake) {p[name]:.2f}", fontsize=6)


def _title(one: Found) -> str:
    name = shown(one.file.name)
    if len(name) > LONG:
        name = f"{name[: LONG // 2]}…{name[-LONG // 2 :]}"
    frame = "" if one.frame is None else f"frame {one.frame}, "
    return f"{name}\n{frame}face {one.face}"


def write_sheet(path: Path, figure: Figure) -> None:
    """Atomically write a sheet as PNG."""
    file = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(file, format="png", metadata={"Software": None})
    write_bytes(path, file.getvalue())
