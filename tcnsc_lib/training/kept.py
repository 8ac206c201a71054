"""A table in a run's folder, under one line that says what it follows from."""
from __future__ import annotations

import json
import zlib
from pathlib import Path

import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import LARGEST_TABLE, Stored, content, table_in
from tcnsc_lib.files import write_text

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


def _checksum(rows: str) -> str:
    return f"{zlib.crc32(rows.encode()):08x}"
