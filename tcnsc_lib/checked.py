"""Reading what was stored: every file through one schema, every failure in one sentence.

A schema is a class with typed fields (pydantic's): of a JSON file, or of a row of a CSV file. What
doesn't fit raises a CompanionError that names the file, the place in it and the cure. Sizes and
kinds of files are looked at before they are read, so a pipe, an endless device or a file of many
gigabytes can't hold up a command.
"""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tcnsc_lib import CompanionError
from tcnsc_lib.files import plain_text

LARGEST_RECORD = 100 << 20  # bytes of a JSON file
LARGEST_TABLE = 4 << 30  # bytes of a CSV file; the manifest of 600,000 crops has 0.15 GB
LONGEST = 160  # letters that a sentence takes over from a file or a library
FAR = 100_000  # pixels; no picture is larger

KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
    stat.S_ISSOCK: "a socket",
}


class Stored(BaseModel):
    """What a stored file, or a row of a table, must hold. Types are taken as written: 1 is no text.

    Numbers are finite. Further entries are left alone.
    """

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False, extra="allow")


Schema = TypeVar("Schema", bound=BaseModel)  # a `Stored`, or a list of such (RootModel)

Pixel = Annotated[float, Field(ge=-FAR, le=FAR)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=1 << 53)]
Box = tuple[Pixel, Pixel, Pixel, Pixel]
Point = tuple[Pixel, Pixel]
FivePoints = tuple[Point, Point, Point, Point, Point]


# ---------------------------------------------------------------- the file itself


def regular(path: Path, most: int, cure: str) -> Path:
    """The path, if a file of at most `most` bytes lies there.

    cure: what to do otherwise, the end of the sentence. Raises CompanionError for a missing file, a
    link to nothing, a folder, a pipe, a device, or a larger file. A link to a file is followed.
    """
    path = Path(path)
    try:
        found = os.stat(path)
    except FileNotFoundError as error:
        what = "is a link to nothing" if path.is_symlink() else "is not there"
        raise CompanionError(f"{path} {what}; {cure}.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CompanionError(f"{path} can't be read ({reason}); {cure}.") from error
    for is_kind, name in KINDS.items():
        if is_kind(found.st_mode):
            raise CompanionError(f"{path} is {name}, not a file; {cure}.")
    if found.st_size > most:
        raise CompanionError(
            f"{path} has {found.st_size / 1e6:.1f} MB, more than the {most / 1e6:.1f} MB that "
            f"such a file can have; {cure}."
        )
    return path


def content(path: Path, most: int, cure: str) -> bytes:
    """The bytes of a file that passes `regular`."""
    path = regular(path, most, cure)
    try:
        return path.read_bytes()
    except OSError as error:
        raise CompanionError(f"{path} can't be read ({error.strerror}); {cure}.") from error


# ---------------------------------------------------------------- JSON


def record(path: Path, schema: type[Schema], cure: str) -> Schema:
    """What a JSON file holds, as the schema has it.

    cure: what to do where it doesn't fit. Raises CompanionError.
    """
    data = content(path, LARGEST_RECORD, cure)
    try:
        return schema.model_validate_json(data.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        raise damaged(path, error, cure) from error


def damaged(path: Path, error: ValidationError, cure: str) -> CompanionError:
    """The sentence for the first thing that doesn't fit a schema."""
    first = error.errors()[0]
    place = _one_line(".".join(str(step) for step in first["loc"]))
    where = f"{place}: " if place else ""
    return CompanionError(f"{path} is damaged ({where}{_reason(first)}); {cure}.")


def _reason(first: Mapping[str, Any]) -> str:
    """What pydantic says of one error, as a part of a sentence."""
    if first["type"] == "string_pattern_mismatch":
        return "it isn't written as it should be"
    message = first["msg"].removeprefix("Value error, ")
    return _one_line(message[:1].lower() + message[1:])


def _one_line(words: object) -> str:
    """What a file or a library said, short enough for a sentence and on its line."""
    printable = "".join(letter if letter.isprintable() else " " for letter in str(words))
    text = " ".join(printable.split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


# ---------------------------------------------------------------- CSV


def table(
    path: Path,
    row: type[Stored],
    cure: str,
    text: Sequence[str] = (),
    may_be_empty: bool = False,
) -> pd.DataFrame:
    """What a CSV file holds; each column is checked against the field of its name.

    Lines at the top that begin with # are left out. text: columns read as text, whatever they look
    like; there, an empty cell is an empty text. may_be_empty: whether there may be no rows.
    Raises CompanionError where the file isn't a table, lacks a column or a row, or holds what
    doesn't fit.
    """
    return table_in(content(path, LARGEST_TABLE, cure), row, path, cure, text, may_be_empty)


def table_in(
    data: bytes,
    row: type[Stored],
    path: Path,
    cure: str,
    text: Sequence[str] = (),
    may_be_empty: bool = False,
) -> pd.DataFrame:
    """The same of bytes that were read from `path`."""
    try:
        parsed = parse(data, text)
    except (ValueError, pd.errors.ParserWarning) as error:
        raise CompanionError(f"{path} is no table ({_one_line(error)}); {cure}.") from error
    check(parsed, row, path, cure)
    if parsed.empty and not may_be_empty:
        raise CompanionError(f"{path} has no rows; {cure}.")
    return parsed


def parse(data: bytes, text: Sequence[str] = ()) -> pd.DataFrame:
    """A CSV file's bytes as a DataFrame, see `table`.

    Raises ValueError or ParserWarning where they are none.
    """
    data.decode("utf-8-sig")  # raises ValueError where it is no text
    lines = data.removeprefix(b"\xef\xbb\xbf")
    while lines.startswith(b"#"):
        lines = lines.partition(b"\n")[2]
    if b"\0" in lines:
        raise ValueError("it holds zero bytes")
    as_text = dict.fromkeys(text, str)
    file = io.BytesIO(lines)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # of rows with too many cells
        parsed = pd.read_csv(file, dtype=as_text, keep_default_na=False, index_col=False)
    for name in text if b"'" in lines else ():
        if name in parsed:
            parsed[name] = parsed[name].map(plain_text)
    return parsed


def check(rows: pd.DataFrame, row: type[Stored], path: Path, cure: str) -> None:
    """Raise a CompanionError for the first cell of a table that doesn't fit a schema."""
    for name, field in row.model_fields.items():
        if name not in rows:
            if field.is_required():
                raise CompanionError(f"{path} lacks the column {name}; {cure}.")
            continue
        if _all_fit(rows[name], row):
            continue
        try:
            _column_of(row, name).validate_python(rows[name].tolist())
        except ValidationError as error:
            wrong = _first_wrong(rows[name], error)
            raise CompanionError(f"{path} is damaged ({wrong}); {cure}.") from error


def _all_fit(column: pd.Series, row: type[Stored]) -> bool:
    """Whether all cells fit; a value is looked at once, however often it stands there."""
    if column.dtype == object:
        return False  # values of two types can be equal
    try:
        _column_of(row, column.name).validate_python(column.unique().tolist())
    except ValidationError:
        return False
    return True


def _first_wrong(column: pd.Series, error: ValidationError) -> str:
    """Which cell doesn't fit, and why."""
    faults = {fault["loc"][0]: fault for fault in error.errors()}
    cells = column.tolist()
    row = min(faults, key=lambda row: _spoils(cells[row]))
    place = f"row {row + 1}, {column.name}"
    cell = cells[row]
    if cell == "" or cell != cell:
        return f"{place}: the cell is empty"
    return f"{place}: {_one_line(repr(cell))}, {_reason(faults[row])}"


def _spoils(cell: Any) -> int:
    """Less for a cell that has made those beside it what they aren't: text of whole numbers."""
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return 0
    if number != number:
        return 0
    return 1 if isinstance(cell, float) and not number.is_integer() else 2


def _column_of(row: type[Stored], name: str) -> TypeAdapter[list[Any]]:
    """What checks all cells of a column."""
    field = row.model_fields[name]
    cell = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return TypeAdapter(list[cell], config=row.model_config)
