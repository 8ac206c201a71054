"""Arrays of pictures, made once and kept on disk: used only where a note vouches for every byte.

    <folder>/<name>-<key>.npy    uint8 (N, S, S, 3)
    <folder>/<name>-<key>.json   its note, written after it: shape, type and checksum

What a note doesn't vouch for (an array that was cut, changed by a byte, or replaced by something
else) is made again, and a line on standard error says so. Both files are safe to delete.
"""

from __future__ import annotations

import contextlib
import io
import math
import shutil
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import Count, Stored, record, regular
from tcnsc_lib.files import atomic, write_json

AT_ONCE = 1 << 26  # bytes between two steps of the bar
PATIENCE = 3  # seconds before a check shows its bar

Checksum = Annotated[int, Field(ge=0, lt=1 << 32)]
Shape = tuple[int, int, int, int]


class Note(Stored):
    """What vouches for an array. crops: a digest of its crops' sizes and times of change."""

    array: str
    shape: tuple[Count, Count, Count, Count]
    dtype: Literal["uint8"]
    crc32: Checksum
    crops: str


@dataclass(frozen=True)
class Wanted:
    """An array that may be there.

    name: of the array, but for its key. key: all that determines its bytes. shape: (N, S, S, 3).
    crops: tells cheaply whether its crops may have changed.
    """

    folder: Path
    name: str
    key: str
    shape: Shape
    crops: str

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}-{self.key}.npy"

    @property
    def note(self) -> Path:
        return self.path.with_suffix(".json")

    @property
    def size(self) -> int:
        """Bytes, and pixels."""
        return math.prod(self.shape)


def array(
    wanted: Wanted, pictures: Callable[[], Iterable[np.ndarray]], check: Callable[[], None]
) -> np.memmap:
    """The array, uint8 (N, S, S, 3), memory-mapped and read-only.

    pictures: makes its pictures, uint8 (S, S, 3), where it isn't there or isn't vouched for. check:
    called where its crops may have changed since; raises where they did. Raises CompanionError
    where there is no room.
    """
    found = _found(wanted)
    if found is None:
        _make_room(wanted)
        _fill(wanted, pictures())
        return _mapped(wanted)
    if found.crops != wanted.crops:
        check()
        with contextlib.suppress(OSError):  # a folder that can't be written to serves as well
            _write_note(wanted, found.crc32)
    return _mapped(wanted)


def _found(wanted: Wanted) -> Note | None:
    """What vouches for the array, if all of it is as its note says."""
    if not wanted.path.exists() and not wanted.path.is_symlink():
        return None
    try:
        note = record(wanted.note, Note, "nothing vouches for the array")
        if (note.array, note.shape) != (wanted.path.name, wanted.shape):
            raise CompanionError(f"{wanted.note} is another array's.")
        _check(wanted, note)
    except CompanionError as error:
        print(f"tcnsc: {wanted.path} is made again: {error}", file=sys.stderr)
        return None
    return note


def _check(wanted: Wanted, note: Note) -> None:
    """Raise a CompanionError where the file isn't the array that the note is about."""
    path = regular(wanted.path, sys.maxsize, "no array is there")
    try:
        found = path.stat()
        crc = _checksum(wanted, found.st_mtime_ns, found.st_ino)
    except OSError as error:
        raise CompanionError(f"{path} can't be read ({error.strerror}).") from error
    if crc != note.crc32:
        raise CompanionError("its bytes aren't those that were written.")


@cache
def _checksum(wanted: Wanted, changed: int, number: int) -> int:
    """Of all pixels; computed once a process and file, which its time and number tell apart.

    Raises CompanionError where the file is no array of that shape.
    """
    pixels = _mapped(wanted).reshape(-1)
    title = f"checking {wanted.path.name}"
    crc = 0
    with tqdm(total=wanted.size, desc=title, leave=False, delay=PATIENCE, unit="B") as bar:
        for start in range(0, wanted.size, AT_ONCE):
            some = pixels[start : start + AT_ONCE]
            crc = zlib.crc32(some, crc)
            bar.update(len(some))
    return crc


def _mapped(wanted: Wanted) -> np.memmap:
    """The file's pixels, without believing what its head says: it must be the expected one."""
    head = _head(wanted.shape)
    with open(wanted.path, "rb") as file:
        if file.read(len(head)) != head:
            raise CompanionError("it is no array of this shape and type.")
        if file.seek(0, io.SEEK_END) != len(head) + wanted.size:
            raise CompanionError("it has another size.")
        return np.memmap(file, np.uint8, "r", len(head), wanted.shape)


def _head(shape: Shape) -> bytes:
    """How an .npy file of uint8 begins."""
    buffer = io.BytesIO()
    about = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, about)
    return buffer.getvalue()


def _make_room(wanted: Wanted) -> None:
    """Delete the arrays of earlier crops and encoders. CompanionError where the disk is too full.

    Another process may do the same at the same time.
    """
    path = wanted.path
    if path.is_dir():
        raise CompanionError(f"{path} is a folder where an array belongs; remove it.")
    path.parent.mkdir(exist_ok=True)
    for suffix in ("json", "npy"):
        for stale in path.parent.glob(f"{wanted.name}-*.{suffix}"):
            if stale not in (path, wanted.note) and not stale.is_dir():
                stale.unlink(missing_ok=True)
    free = shutil.disk_usage(path.parent).free
    if wanted.size > free:
        raise CompanionError(
            f"{path} needs {wanted.size / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; make "
            "room, or set TCNSC_HOME to a larger disk."
        )


def _fill(wanted: Wanted, pictures: Iterable[np.ndarray]) -> None:
    """Write the array front to back: so a full disk is an error, not a memory map's crash."""
    bar = tqdm(total=wanted.shape[0], desc=wanted.name, leave=False)
    crc = 0
    with atomic(wanted.path) as part, open(part, "wb") as file, bar:
        file.write(_head(wanted.shape))
        for picture in pictures:
            data = picture.tobytes()
            file.write(data)
            crc = zlib.crc32(data, crc)
            bar.update()
    _write_note(wanted, crc)


def _write_note(wanted: Wanted, crc: int) -> None:
    about = {"array": wanted.path.name, "shape": wanted.shape, "dtype": "uint8"}
    write_json(wanted.note, about | {"crc32": crc, "crops": wanted.crops})
