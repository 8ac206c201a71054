"""A table in a run's folder, under one line that says what it follows from."""
from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

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


def load_table(path: Path, depends: dict, row: type[Stored]) -> tuple[pd.DataFrame, bool] | None:
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
    """The table in a finished run's folder; None where there is none that holds.

    That is: none at all, one of something else, or a damaged one, which a line on standard error
    tells. depends: gives what it must depend on; asked where there is a table. shape: its columns,
    and how many rows it has.
    """
    if not path.exists() or not (path.parent / WEIGHTS).exists():
        return None
    try:
        return _whole(path, depends(), row, shape)
    except CompanionError as error:
        tqdm.write(f"tcnsc: {error}", file=sys.stderr)  # not on the line of a progress bar
        return None


def _whole(
    path: Path, depends: dict, row: type[Stored], shape: tuple[Sequence[str], int]
) -> pd.DataFrame | None:
    found = load_table(path, depends, row)
    if found is None:
        return None
    table, is_whole = found
    if not is_whole or (list(table), len(table)) != (list(shape[0]), shape[1]):
        raise CompanionError(f"{path} was changed since it was written; {CURE}.")
    return table


def _checksum(rows: str) -> str:
    return f"{zlib.crc32(rows.encode()):08x}"
