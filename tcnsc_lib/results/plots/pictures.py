"""Numbers in, files out: every table and figure of figures/<profile>/, with the line that says what made it.

`save("table1", profile, frame)` writes a CSV under comment lines that name profile, runs, seed, device, versions and
commit. `draw("table1", profile)` reads such files back and draws the picture that `PICTURES` names, so that a picture
never shows a number that isn't stored, and can be drawn again in seconds, without training; its metadata repeat
the comment lines. `read` reads one table.
"""
from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import versions
from tcnsc_lib.drawing import STYLE, compression, features, network
from tcnsc_lib.drawing import tables as plots
from tcnsc_lib.files import atomic, environment, write_text
from tcnsc_lib.profiles import Profile, faces, home
from tcnsc_lib.training import Run, device


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


def save(name: str, p: Profile, frame: pd.DataFrame, runs: tuple[Run, ...] = ()) -> Path:
    """Write a table as CSV of this name, floats with seven digits; returns the file."""
    path, head = folder(p) / f"{name}.csv", "".join(f"# {line}\n" for line in provenance(p, runs).splitlines())
    write_text(path, head + frame.to_csv(index=False, float_format="%.7g"))
    return path


def read(path: Path) -> pd.DataFrame:
    """A table that `save` wrote."""
    try:
        table = pd.read_csv(path, comment="#")
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise CompanionError(f"{path} is no table ({error}); run the notebook that makes it again, see "
                             "figures/README.md.") from error
    except FileNotFoundError as error:
        raise CompanionError(f"There is no {path}; run the notebook that makes it, see figures/README.md.") from error
    if table.empty:
        raise CompanionError(f"{path} has no rows; run the notebook that makes it again, see figures/README.md.")
    return table


@dataclass(frozen=True)
class Picture:
    """draw: from the tables (names of CSVs) to the figure. shows_crops: it also takes the FaceSet, and shows faces."""

    draw: Callable[..., Figure]
    tables: tuple[str, ...] = ()
    shows_crops: bool = False


PICTURES = {
    "figure1": Picture(features.figure1, ("figure1",), shows_crops=True),
    "figure2": Picture(network.figure2, ("figure2",)),
    "figure3": Picture(features.figure3, ("figure3",)),
    "figure4": Picture(features.figure4, ("figure4",), shows_crops=True),
    "figure5": Picture(compression.figure5, ("figure5_means",)),
    "figure6": Picture(compression.figure6, ("figure6",)),
    "table1": Picture(lambda pairs, alone: plots.table_plot(pd.concat([pairs, alone])), ("table1", "difficulty")),
    "table2": Picture(plots.table_plot, ("table2",)),
    "table2_lq": Picture(plots.ranking, ("table2", "table2_seeds")),
    "table3": Picture(plots.table_plot, ("table3",)),
    "table3_lq": Picture(plots.ranking, ("table3",)),
    "collapse": Picture(plots.collapse, ("collapse",)),
    "training_curves": Picture(plots.curves, ("training_curves",))}
"""Name -> how it is drawn, and from which stored tables."""


def sources(name: str, p: Profile) -> list[Path]:
    """The stored tables that a picture is drawn from."""
    return [folder(p) / f"{table}.csv" for table in PICTURES[name].tables]


def private(name: str, p: Profile) -> bool:
    """Whether a picture would show somebody's photograph: drawn on the spot, never written."""
    return PICTURES[name].shows_crops and p.source != "demo"


def draw(name: str, p: Profile) -> Figure:
    """Draw a picture from its stored tables and write it as PNG beside them, unless it is `private`.

    Raises CompanionError where a table is missing.
    """
    picture, paths = PICTURES[name], sources(name, p)
    given = [read(path) for path in paths] + ([faces(p)] if picture.shows_crops else [])
    with matplotlib.rc_context(STYLE):
        try:
            figure = picture.draw(*given)
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            missing = isinstance(error, (KeyError, AttributeError))
            raise CompanionError(f"{name} can't be drawn from {', '.join(map(str, paths))}, where {error} "
                                 f"{'is missing' if missing else '(a damaged table)'}; run the notebook that makes them "
                                 "again, see figures/README.md.") from error
        if not private(name, p):
            with atomic(folder(p) / f"{name}.png") as part:
                note = "\n".join(dict.fromkeys(map(_head, paths)))
                figure.savefig(part, format="png", metadata={"Description": note, "Software": None})
    return figure


def _head(path: Path) -> str:
    """The comment lines of a stored table: what made it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line[2:] for line in lines if line.startswith("# "))
