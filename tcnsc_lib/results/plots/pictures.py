"""Every picture of figures/<profile>/, drawn from stored tables.

`draw("table1", e)` reads the tables that `PICTURES` names and draws them. So a picture never shows
a number that isn't stored, and can be drawn again in seconds, without training. The metadata of the
PNG repeat what the tables say of how they were made.
"""
from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image, ImageChops

from tcnsc_lib import CompanionError
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.files import write_bytes
from tcnsc_lib.results.plots import STYLE
from tcnsc_lib.results.plots.accuracies import ranking, table_plot
from tcnsc_lib.results.plots.compression import figure5, figure6
from tcnsc_lib.results.plots.crops import Crops, figure1, figure4
from tcnsc_lib.results.plots.embedding import figure3
from tcnsc_lib.results.plots.learning import collapse, curves, validation
from tcnsc_lib.results.plots.network import figure2
from tcnsc_lib.results.plots.qualities import curves as quality
from tcnsc_lib.results.plots.qualities import heat
from tcnsc_lib.results.plots.reliability import diagrams
from tcnsc_lib.results.plots.robustness import channels, study


@dataclass(frozen=True)
class Picture:
    """How a picture is drawn.

    draw: from its tables (DataFrames) to the figure. tables: their names. shows_crops: `draw` also
    takes `Crops`, and the picture shows faces.
    """

    draw: Callable[..., Figure]
    tables: tuple[str, ...]
    shows_crops: bool = False


def _table1(pairs: pd.DataFrame, alone: pd.DataFrame) -> Figure:
    """Table 1's training pairs, and the classifier alone beside them."""
    return table_plot(pd.concat([pairs, alone]))


def _table3_lq(detectors: pd.DataFrame) -> Figure:
    """Table 3 at LQ, ranked by AUC, which no threshold changes."""
    return ranking(detectors, by="auc")


PICTURES = {
    "figure1": Picture(figure1, ("figure1",), shows_crops=True),
    "figure2": Picture(figure2, ("figure2",)),
    "figure3": Picture(figure3, ("figure3",)),
    "figure4": Picture(figure4, ("figure4",), shows_crops=True),
    "figure5": Picture(figure5, ("figure5_means",)),
    "figure6": Picture(figure6, ("figure6",)),
    "table1": Picture(_table1, ("table1", "difficulty")),
    "table2": Picture(table_plot, ("table2",)),
    "table2_lq": Picture(ranking, ("table2", "table2_seeds")),
    "table3": Picture(table_plot, ("table3",)),
    "table3_lq": Picture(_table3_lq, ("table3",)),
    "collapse": Picture(collapse, ("collapse",)),
    "study": Picture(study, ("study",)),
    "channels": Picture(channels, ("channel", "channel_shifts")),
    "quality": Picture(quality, ("quality",)),
    "quality_chains": Picture(heat, ("quality",)),
    "calibration": Picture(diagrams, ("calibration", "calibration_bins")),
    "training_curves": Picture(curves, ("training_curves",)),
    "validation": Picture(validation, ("validation",)),
}
"""Name -> how it is drawn, and from which stored tables."""


def sources(name: str, e: Evidence) -> list[Path]:
    """The stored tables that a picture is drawn from. Raises CompanionError for an unknown name."""
    return [e.path(table) for table in _picture(name).tables]


def draw(name: str, e: Evidence, crops: Crops | None = None, keep: bool = True) -> Figure:
    """Draw a picture from its stored tables, and write it as <name>.png into `e.folder`.

    crops: gives the crop of a row of the test part, uint8 (S, S, 3), to Figures 1 and 4; by default
    `e.picture`, the few crops that are stored. keep: False writes no file: so the caller says where
    the crops show real people. Raises CompanionError where a table is missing or damaged.
    """
    picture = _picture(name)
    given = [e.read(table) for table in picture.tables]
    if picture.shows_crops:
        given.append(crops or e.picture)
    with matplotlib.rc_context(STYLE):
        try:
            figure = picture.draw(*given)
        except (LookupError, AttributeError, TypeError, ValueError) as error:
            raise _damaged(name, e, error) from error
    if keep:
        content = png(figure, name, e)
        write_bytes(e.folder / f"{name}.png", content)
    return figure


def png(figure: Figure, name: str, e: Evidence) -> bytes:
    """The bytes of a picture's file: the figure as PNG, with what made its tables as "Description".

    The same tables give the same bytes on one machine.
    """
    heads = [e.head(table) for table in _picture(name).tables]
    note = "\n".join(dict.fromkeys(heads))
    file = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(file, format="png", metadata={"Description": note, "Software": None})
    return file.getvalue()


EDGE = 128
"""By how much a pixel may differ, of 255: at the edges of letters and lines."""

AREA = 16
"""By how much the mean of a cell of 8 x 8 pixels may differ, of 255."""


def same_picture(old_path: Path, new_bytes: bytes) -> bool:
    """Whether a picture drawn again (a PNG's bytes) looks like the stored one.

    So it does where the bytes are equal, or where both have one size, no colour of a pixel differs
    by more than 128 of 255, and its mean in no cell of 8 x 8 pixels by more than 16. Another
    machine may smooth the edges of letters and lines a little otherwise, which stays below that;
    another digit, a mark on another pixel and another heat map don't. What the pictures say in
    their metadata is not compared. False where there is no stored picture, or a damaged one.
    """
    try:
        old_bytes = Path(old_path).read_bytes()
        if old_bytes == new_bytes:
            return True
        old = _opened(old_bytes)
    except OSError:  # no file, or no image
        return False
    new = _opened(new_bytes)
    if old.size != new.size:
        return False
    edges = _furthest(old, new)
    areas = _furthest(old.reduce(8), new.reduce(8))
    return edges <= EDGE and areas <= AREA


def _furthest(one: Image.Image, other: Image.Image) -> int:
    """The greatest difference of two images' pixels, 0 to 255."""
    apart = ImageChops.difference(one, other)
    return int(np.asarray(apart).max())


def _opened(content: bytes) -> Image.Image:
    """A PNG's bytes as an image, RGB."""
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB")


def _picture(name: str) -> Picture:
    """How a picture of this name is drawn; a CompanionError where there is none."""
    if name not in PICTURES:
        known = ", ".join(PICTURES)
        raise CompanionError(f"There is no picture {name!r}; choose some of {known}.")
    return PICTURES[name]


def _damaged(name: str, e: Evidence, error: Exception) -> CompanionError:
    """What to say where a table has no column or no value that the picture needs."""
    where = ", ".join(map(str, sources(name, e)))
    what = f"{error} (a damaged table)"
    if isinstance(error, KeyError):
        what = f"{error} is missing"
    if isinstance(error, AttributeError):
        what = f"{error.name!r} is missing"
    return CompanionError(f"{name} can't be drawn from {where}, where {what}; run the notebook "
                          "that makes them again, see figures/README.md.")
