"""A table in a run's folder, under one line that says what it follows from."""
from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import LARGEST_TABLE, Stored, content, table_in
from tcnsc_lib.files import write_text
from tcnsc_lib.training.folder import WEIGHTS

CURE = "they are made again"


def save_table(path: Path, depends: dict, table: pd.DataFrame) -> None:
    """Write a table, and on top of it what it depends on and a checksum of its rows."""
    rows = table.to_csv(index=False)
    head = depends | {"crc": _checksum(rows)}
    write_text(path, f"# {json.dumps(head)}\n{rows}")


def _load(path: Path, depends: dict, row: type[Stored]) -> tuple[pd.DataFrame, bool] | None:
    """The table, and whether its checksum holds; None where it depends on something else.

    row: what each row must be. Raises CompanionError where the file is damaged.
    """
    data = content(path, LARGEST_TABLE, CURE)
    first, _, rows = data.decode(errors="replace").partition("\n")
    try:
        head = json.loads(first.removeprefix("# "))
        crc = head.pop("crc", None)  # older ones have none
    except (ValueError, AttributeError, TypeError) as error:
        raise CompanionError(f"{path} is damaged (its first line); {CURE}.") from error
    if head != json.loads(json.dumps(depends)):
        return None
    return table_in(data, row, path, CURE), crc in (None, _checksum(rows))


def found_table(
    path: Path, depends: Callable[[], dict], row: type[Stored], shape: tuple[Sequence[str], int]
) -> pd.DataFrame | None:
    """As `read_table`; a damaged one is told in a line on standard error, and not there either."""
    return or_told(read_table, path, depends, row, shape)


def or_told(read: Callable[..., Any], *what: Any) -> Any:
    """What a folder holds; where that is damaged, None, and a line on standard error says so."""
    try:
        return read(*what)
    except CompanionError as error:
        tqdm.write(f"tcnsc: {error}", file=sys.stderr)  # not on the line of a progress bar
        return None


def read_table(
    path: Path, depends: Callable[[], dict], row: type[Stored], shape: tuple[Sequence[str], int]
) -> pd.DataFrame | None:
    """The table in a finished run's folder; None where there is none, or one of something else.

    depends: gives what it must depend on; asked where there is a table. shape: its columns, and how
    many rows it has. Raises CompanionError where it is damaged or not whole.
    """
    if not path.exists() or not (path.parent / WEIGHTS).exists():
        return None
    found = _load(path, depends(), row)
    if found is None:
        return None
    table, is_whole = found
    if not is_whole or (list(table), len(table)) != (list(shape[0]), shape[1]):
        raise CompanionError(f"{path} was changed since it was written; {CURE}.")
    return table


def _checksum(rows: str) -> str:
    return f"{zlib.crc32(rows.encode()):08x}"
