"""A table of evidence on disk: CSV under a comment head, checked when it is read."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import LARGEST_TABLE, content
from tcnsc_lib.evidence.labelled import TABLES
from tcnsc_lib.files import plain_text, write_table

DIGITS = "%.7g"
"""How a float is written: seven digits are more than any sentence needs, and a file stays small."""

AGAIN = "run the notebook that makes it again, see figures/README.md"

# The measured tables, and the columns by which their rows are told apart. What else a table must
# have, whoever reads it says. A column holds the same kind of cell wherever it stands: text, whole
# numbers, a label, and in all others numbers that may be missing.
OF_CROPS = ("crop", "unit", "label")
MEASURED = {
    "channel": ("layer", "channel", "codec"),
    "channel_shifts": ("model", "layer", "codec"),
    "crops": (*OF_CROPS, "person"),
    "collapse": ("training", "updates"),
    "cosines": ("space",),
    "cue": ("case",),
    "figure1": ("crop", "codec"),
    "figure1_blocks": (*OF_CROPS, "codec"),
    "figure2": ("part",),
    "figure3": (*OF_CROPS, "model", "codec"),
    "figure3_seeds": (*OF_CROPS, "model", "codec", "seed"),
    "figure4": ("model", "crop", "codec"),
    "figure4_maps": (*OF_CROPS, "model", "codec"),
    "figure4_seeds": ("model", "seed"),
    "figure5": (*OF_CROPS, "codec"),
    "figure6": ("label", "codec", "definition"),
    "figure6_bands": (*OF_CROPS, "codec"),
    "study_collapse": ("training", "seed", "run"),
    "table3_costs": ("detector",),
    "trace": ("face",),
    "training_curves": ("iteration",),
    "validation": ("training", "seed", "iteration"),
    "validation_crops": (*OF_CROPS, "person"),
}
TEXT = {
    "case", "codec", "definition", "detector", "face", "holds here", "id", "model", "optimizer",
    "part", "run", "setting", "space", "training", "value", "what",
}
WHOLE = {"channel", "crop", "layer", "unit", "person", "subject", "seed", "iteration", "updates"}


def read_table(path: Path) -> pd.DataFrame:
    """The table in a CSV file, without its comment head; an empty cell is NaN.

    Raises CompanionError where there is no such file, nothing to read in it, or no rows.
    """
    path = Path(path)
    if not path.exists():
        raise CompanionError(
            f"There is no {path}; run the notebook that makes it, see figures/README.md."
        )
    data = content(path, LARGEST_TABLE, AGAIN)
    try:
        table = pd.read_csv(StringIO(data.decode("utf-8-sig")), comment="#")
    except ValueError as error:  # also of what is empty, ragged or no text
        raise CompanionError(f"{path} is no table ({error}); {AGAIN}.") from error
    if table.empty:
        raise CompanionError(f"{path} has no rows; {AGAIN}.")
    for name in table.columns[table.dtypes.map(lambda kind: kind.kind not in "biuf")]:
        table[name] = table[name].map(plain_text, na_action="ignore")
    return table


def check_measured(name: str, table: pd.DataFrame, path: Path) -> None:
    """Raise a CompanionError where a table of this name lacks a column, or holds other cells.

    A table that isn't in MEASURED may hold what it will.
    """
    if name not in MEASURED:
        return
    for column in MEASURED[name]:
        if column not in table:
            raise CompanionError(f"{path} lacks the column {column}; {AGAIN}.")
    for column in table.columns.difference(TEXT):
        _check_numbers(table[column], path)
    if name in TABLES.values() and not np.array_equal(table.crop, np.arange(len(table))):
        raise CompanionError(f"{path} lacks crops or has them in another order; {AGAIN}.")


def _check_numbers(cells: pd.Series, path: Path) -> None:
    """Raise a CompanionError for the first cell that isn't of its column's kind."""
    numbers = pd.to_numeric(cells, errors="coerce")
    wrong = cells.notna() & numbers.isna()
    what = "a number"
    if cells.name == "label":
        wrong = ~numbers.isin((0, 1))
        what = "0 or 1"
    elif cells.name in WHOLE:
        wrong = ~((numbers >= 0) & (numbers % 1 == 0))
        what = "a whole number from 0 on"
    if wrong.any():
        row = int(np.argmax(wrong))
        cell = cells.tolist()[row]
        raise CompanionError(
            f"{path} is damaged (row {row + 1}, {cells.name}: {cell!r} is not {what}); {AGAIN}."
        )


def write(path: Path, head: Sequence[str], table: pd.DataFrame) -> Path:
    """Write a table under a comment head, floats with seven digits; returns the file."""
    comments = "".join(f"# {line}\n" for line in head)
    write_table(path, table, comments, float_format=DIGITS)
    return path


def head_of(path: Path) -> list[str]:
    """The comment lines of a table, without their "# "."""
    text = content(path, LARGEST_TABLE, AGAIN).decode("utf-8-sig", errors="replace")
    return [line[2:] for line in text.splitlines() if line.startswith("# ")]


def finite(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table as float64. Raises CompanionError where a cell is no finite number."""
    cure = "restore it or make it again, see figures/README.md."
    try:
        numbers = table.astype(float)
    except ValueError as error:
        what = f"holds something that is no number ({error})"
        raise CompanionError(f"{path} {what}; {cure}") from error
    if not np.isfinite(numbers.to_numpy()).all():
        raise CompanionError(f"{path} lacks a number; {cure}")
    return numbers


def told_of(word: str, head: str) -> str:
    """What the last comment line that begins with a word says after it; "" where there is none."""
    told = [line for line in head.splitlines() if line.startswith(f"{word} ")]
    return told[-1].removeprefix(f"{word} ") if told else ""


def number_of(word: str, path: Path) -> float:
    """The same as a number; NaN where there is no such line, or no such file."""
    told = told_of(word, "\n".join(head_of(path))) if path.exists() else ""
    try:
        return float(told or "nan")
    except ValueError as error:
        raise CompanionError(
            f"{path} is damaged (its {word} is {told[:20]!r}, which is no number); {AGAIN}."
        ) from error
