"""Every picture of figures/<profile>/, drawn from stored tables.

`draw("table1", e)` reads the tables that `PICTURES` names and draws them. So a picture never shows
a number that isn't stored, and can be drawn again in seconds, without training. The metadata of the
files repeat what the tables say of how they were made.
"""
from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from tcnsc_lib import CompanionError
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.files import write_bytes
from tcnsc_lib.results.plots import PAGE, STYLE
from tcnsc_lib.results.plots.accuracies import ranking, table_plot
from tcnsc_lib.results.plots.compression import figure5, figure6
from tcnsc_lib.results.plots.crops import Crops, figure1, figure4
from tcnsc_lib.results.plots.embedding import figure3
from tcnsc_lib.results.plots.gains import gains
from tcnsc_lib.results.plots.learning import collapse, curves, validation
from tcnsc_lib.results.plots.network import figure2
from tcnsc_lib.results.plots.qualities import curves as quality
from tcnsc_lib.results.plots.qualities import heat
from tcnsc_lib.results.plots.reliability import diagrams
from tcnsc_lib.results.plots.robustness import channels, study
from tcnsc_lib.results.plots.seen import SEEN


@dataclass(frozen=True)
class Picture:
    """How a picture is drawn.

    draw: from its tables (DataFrames) to the figure. tables: their names. shows_crops: `draw` also
    takes `Crops`, and the picture shows faces. width: inches, of the place in print that it is
    meant for: `PAGE`, both columns, or `COLUMN`. lines: it is of lines and marks, and so has an SVG
    too.
    """

    draw: Callable[..., Figure]
    tables: tuple[str, ...]
    shows_crops: bool = False
    width: float = PAGE
    lines: bool = True


def _table1(pairs: pd.DataFrame, alone: pd.DataFrame) -> Figure:
    """Table 1's training pairs, and the classifier alone beside them."""
    return table_plot(pd.concat([pairs, alone]))


def _table3_lq(detectors: pd.DataFrame) -> Figure:
    """Table 3 at LQ, ranked by AUC, which no threshold changes."""
    return ranking(detectors, by="auc")


PICTURES = {
    "figure1": Picture(figure1, ("figure1",), shows_crops=True, lines=False),
    "figure2": Picture(figure2, ("figure2",)),
    "figure3": Picture(figure3, ("figure3",)),
    "figure4": Picture(figure4, ("figure4",), shows_crops=True, lines=False),
    "figure5": Picture(figure5, ("figure5_means",)),
    "figure6": Picture(figure6, ("figure6",)),
    "table1": Picture(_table1, ("table1", "difficulty")),
    "table2": Picture(table_plot, ("table2",)),
    "table2_lq": Picture(ranking, ("table2", "table2_seeds")),
    "table3": Picture(table_plot, ("table3",)),
    "table3_lq": Picture(_table3_lq, ("table3",)),
    "collapse": Picture(collapse, ("collapse",)),
    "study_gains": Picture(gains, ("study",)),
    "study": Picture(study, ("study",)),
    "channels": Picture(channels, ("channel", "channel_shifts")),
    "quality": Picture(quality, ("quality",)),
    "quality_chains": Picture(heat, ("quality",), lines=False),
    "calibration": Picture(diagrams, ("calibration", "calibration_bins")),
    "training_curves": Picture(curves, ("training_curves",)),
    "validation": Picture(validation, ("validation",)),
}
"""Name -> how it is drawn, from which stored tables, and how wide it is meant to be printed."""

LARGEST = 300_000
"""Bytes of an SVG; a larger one is not written, for its PNG says the same in less."""


def sources(name: str, e: Evidence) -> list[Path]:
    """The stored tables that a picture is drawn from. Raises CompanionError for an unknown name."""
    return [e.path(table) for table in _picture(name).tables]


def draw(name: str, e: Evidence, crops: Crops | None = None, keep: bool = True) -> Figure:
    """Draw a picture from its stored tables, and write it as <name>.png into `e.folder`.

    One of lines and marks is written as <name>.svg too, for those who print (see `svg`).

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
        write_bytes(e.folder / f"{name}.png", png(figure, name, e))
        drawing = svg(figure, name, e)
        if drawing is not None and len(drawing) <= LARGEST:
            write_bytes(e.folder / f"{name}.svg", drawing)
        else:
            (e.folder / f"{name}.svg").unlink(missing_ok=True)  # an earlier one, not so large
    return figure


def png(figure: Figure, name: str, e: Evidence) -> bytes:
    """The bytes of a picture's file: the figure as PNG, with what made its tables as "Description".

    The same tables give the same bytes on one machine.
    """
    return _file(figure, "png", {"Description": _note(name, e), "Software": None})


def svg(figure: Figure, name: str, e: Evidence) -> bytes | None:
    """The same as SVG, titled with what is seen; None for a picture of faces or of heat.

    The same tables and matplotlib give the same bytes: its parts are named by what they hold, and
    no date is written.
    """
    if not _picture(name).lines:
        return None
    told = {"Title": SEEN[name], "Description": _note(name, e), "Date": None}
    return _file(figure, "svg", told)


def _note(name: str, e: Evidence) -> str:
    """What a picture's tables say of how they were made."""
    heads = [e.head(table) for table in _picture(name).tables]
    return "\n".join(dict.fromkeys(heads))


def _file(figure: Figure, form: str, told: dict[str, str | None]) -> bytes:
    file = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(file, format=form, metadata=told)
    return file.getvalue()


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
