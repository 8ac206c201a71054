"""What is known of labelled pictures before any face is looked for: their files and their pixels.

    <folder>/<number>.json   what was seen of so many pictures in a row

Pictures are looked at once. A batch whose files changed, or that can't be read, is looked at anew.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import Count, Stored, record
from tcnsc_lib.faces.duplicates import hashes
from tcnsc_lib.faces.formats import Written, written
from tcnsc_lib.faces.imagefolder import Picture
from tcnsc_lib.faces.opening import BROKEN, open_image
from tcnsc_lib.faces.portraits import Signature, digest_of
from tcnsc_lib.faces.spelling import shown
from tcnsc_lib.files import digest, write_json
from tcnsc_lib.machine import cores

BATCH = 100  # pictures of a file


class Look(Stored):
    """What is seen of a picture. reason: why it can't be opened, and nothing is known; else "".

    pixels: a digest of them. rows, columns: `duplicates.hashes`. height, width: as displayed, in
    pixels. file: `formats.Written`.
    """

    reason: str = ""
    pixels: str = ""
    rows: str = ""
    columns: str = ""
    height: Count = 0
    width: Count = 0
    file: list[str] = []

    @property
    def hashes(self) -> tuple[str, str]:
        return self.rows, self.columns

    @property
    def written(self) -> Written:
        return Written(*self.file)


class Looks(Stored):
    """A stored batch. batch: a digest of which files these are. looks: in their order."""

    batch: str
    looks: list[Look]


def look(
    pictures: Sequence[Picture], signatures: Sequence[Signature | None], folder: Path
) -> list[Look]:
    """What is seen of each picture; seen now, or read back from `folder`."""
    found: list[Look] = []
    title = f"looking at pictures -> {os.path.relpath(folder)}"
    for i in tqdm(range(0, len(pictures), BATCH), title):
        some = pictures[i : i + BATCH]
        batch = digest([picture.name for picture in some], signatures[i : i + BATCH])
        path = folder / f"{i // BATCH:05d}.json"
        known = _known(path, batch)
        if known is None:
            known = _all(some)
            rows = [one.model_dump() for one in known]
            write_json(path, {"batch": batch, "looks": rows})
        found += known
    return found


def _all(pictures: Sequence[Picture]) -> list[Look]:
    """What is seen of a batch; Pillow lets go of the interpreter, so threads help."""
    pool = ThreadPoolExecutor(cores())
    with warnings.catch_warnings():  # here, since threads would undo each other's
        warnings.simplefilter("ignore")  # of odd metadata
        try:
            return list(pool.map(_look, pictures))
        finally:
            pool.shutdown(cancel_futures=True)


def _known(path: Path, batch: str) -> list[Look] | None:
    if not os.path.isfile(path):
        return None
    try:
        stored = record(path, Looks, "delete it and run `tcnsc faces` again")
    except CompanionError:
        return None
    return stored.looks if stored.batch == batch else None


def _look(picture: Picture) -> Look:
    try:
        image = open_image(picture.path)
    except CompanionError as error:
        return Look(reason=shown(error))
    try:
        file = written(picture.path)
    except BROKEN as error:
        return Look(reason=f"{picture.path} can't be read as an image ({error})")
    rows, columns = hashes(image)
    height, width = image.shape[:2]
    return Look(
        pixels=digest_of(image),
        rows=rows,
        columns=columns,
        height=height,
        width=width,
        file=list(file),
    )
