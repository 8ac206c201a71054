"""How much disk the cached arrays of a FaceSet may take. Beyond it, crops are streamed.

    TCNSC_CACHE   GB for the arrays of each FaceSet; 0 for none
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from functools import cache
from pathlib import Path

from tcnsc_lib import CompanionError
from tcnsc_lib.paper import CODECS

BUDGET = "TCNSC_CACHE"
GB = 1e9
SHARE = 0.1  # of the free disk, without that variable
SMALL = 4 * GB  # which they may take in any case


def needed(crops: int, size: int) -> int:
    """Bytes of the arrays of so many crops of this size, after each of the five codecs."""
    return 3 * size**2 * crops * len(CODECS)


def fits(folder: Path, needed: int) -> bool:
    """Whether a folder may hold arrays of so many bytes; a line tells where it may not."""
    if needed <= budget(folder):
        return True
    _tell(folder, needed)
    return False


def budget(folder: Path) -> float:
    """Bytes that the arrays in a folder may take, with those that are there already.

    As many GB as TCNSC_CACHE says, else a tenth of the free disk, 4 GB, or what is there already,
    whichever is most. Never more than there is room for. Raises CompanionError where TCNSC_CACHE is
    no such number.
    """
    held = _held(folder)
    room = shutil.disk_usage(folder.parent).free + held
    said = os.environ.get(BUDGET, "").strip()
    allowed = _bytes(said) if said else max(SMALL, SHARE * room, held)
    return min(allowed, room)


def _held(folder: Path) -> int:
    """Bytes of the arrays that are there; another process may delete some meanwhile."""
    held = 0
    for path in folder.glob("*.npy"):
        try:
            held += path.lstat().st_size
        except FileNotFoundError:
            continue
    return held


def _bytes(said: str) -> float:
    try:
        count = float(said)
    except ValueError:
        count = math.nan
    if not count >= 0:
        raise CompanionError(f"{BUDGET}={said} is no number of GB; give one from 0 on.")
    return count * GB


@cache
def _tell(folder: Path, needed: int) -> None:
    """A process says it once."""
    print(
        f"tcnsc: arrays of the crops in {folder.parent} would take {needed / GB:.3g} GB of disk, "
        f"and {budget(folder) / GB:.3g} GB are allowed: crops are compressed whenever needed "
        f"({BUDGET}=<GB> allows more).",
        file=sys.stderr,
    )
