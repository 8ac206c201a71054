"""The main face of every photograph of an album: found once, kept in a file each.

    <folder>/<person>/<photograph>.json   box, landmarks and more, or why there is no face

MTCNN gets the photographs in batches that their place in the album determines; a batch that isn't
whole is found anew as a whole. So a search that was stopped ends in the same numbers.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, checked
from tcnsc_lib.checked import Box, Count, FivePoints, Share, Stored
from tcnsc_lib.faces import donors
from tcnsc_lib.faces.detect import BATCH, Candidates, FaceFinder, batch_of
from tcnsc_lib.faces.opening import open_image
from tcnsc_lib.faces.spelling import shown
from tcnsc_lib.files import digest, signature, write_json
from tcnsc_lib.machine import device

Signature = list[int | str]


class Photo(Protocol):
    """What must be known of a picture. name: unique among them, and fit for file names."""

    @property
    def path(self) -> Path: ...

    @property
    def name(self) -> str: ...


Opened = tuple[Photo, np.ndarray]


class Face(Stored):
    """The main face. faces: how many were found. pixels: a digest of the whole picture's.

    box: x0 y0 x1 y1; landmarks: five points x y; both in pixels of the photograph.
    """

    box: Box
    probability: Share
    landmarks: FivePoints
    descriptor: list[float]
    monochrome: bool
    faces: Count
    pixels: str


class Portrait(Stored):
    """What is known of a photograph. batch: what else went through MTCNN with it.

    reason: why there is no face, else empty.
    """

    batch: str
    reason: str = ""
    face: Face | None = None


def signature_of(path: Path) -> Signature | None:
    """What identifies a photograph's content; None for what is no regular file."""
    try:
        return signature(path) if os.path.isfile(path) else None
    except OSError:
        return None


def find(
    photos: Sequence[Photo], signatures: Sequence[Signature | None], folder: Path
) -> dict[str, Portrait]:
    """A photograph's name -> what is known of it; found now, or read back from `folder`.

    A file that changed, and its batch, are found anew; so are those whose notes can't be read.
    """
    finder = FaceFinder(device())
    found: dict[str, Portrait] = {}
    for i in tqdm(range(0, len(photos), BATCH), f"MTCNN -> {os.path.relpath(folder)}"):
        some = photos[i : i + BATCH]
        names = [photo.name for photo in some]
        batch = digest(names, signatures[i : i + BATCH])
        known = {name: _known(folder / f"{name}.json", batch) for name in names}
        if None in known.values():
            _look(some, batch, folder, finder)
            known = {name: _read(folder / f"{name}.json") for name in names}
        found.update(known)
    return found


def _known(path: Path, batch: str) -> Portrait | None:
    """What was found before, if it can be read and belongs to this batch."""
    if not os.path.isfile(path):
        return None
    try:
        portrait = _read(path)
    except CompanionError:
        return None
    is_whole = bool(portrait.reason) != (portrait.face is not None)
    return portrait if portrait.batch == batch and is_whole else None


def _read(path: Path) -> Portrait:
    return checked.record(path, Portrait, "delete it and run `tcnsc faces` again")


def _look(photos: Sequence[Photo], batch: str, folder: Path, finder: FaceFinder) -> None:
    """Find the main faces of a batch, and write them down."""
    for group in _alike(_opened(photos, batch, folder)):
        try:
            faces = finder.all(np.stack([image for _, image in group]))
        except CompanionError as error:
            for photo, _ in group:
                _write(folder, photo, {"batch": batch, "reason": shown(error)})
            continue
        for (photo, image), candidates in zip(group, faces, strict=True):
            _write(folder, photo, {"batch": batch, **_about(candidates, image)})


def _opened(photos: Sequence[Photo], batch: str, folder: Path) -> Iterator[Opened]:
    """Photographs with their pixels; of one that can't be read, the reason is written down."""
    for photo in photos:
        try:
            yield photo, open_image(photo.path)
        except CompanionError as error:
            _write(folder, photo, {"batch": batch, "reason": shown(error)})


def _write(folder: Path, photo: Photo, portrait: dict) -> None:
    write_json(folder / f"{photo.name}.json", portrait)


def _alike(opened: Iterator[Opened]) -> Iterator[list[Opened]]:
    """Neighbours of one size, as many as go through MTCNN at once: no more are held."""
    group: list[Opened] = []
    for photo, image in opened:
        if group and image.shape != group[0][1].shape:
            yield group
            group = []
        group.append((photo, image))
        if len(group) == batch_of(*image.shape[:2]):
            yield group
            group = []
    if group:
        yield group


def _about(found: Candidates, image: np.ndarray) -> dict:
    """A portrait's reason or face."""
    if not len(found):
        return {"reason": "no face"}
    points = found.landmarks[0]
    face = {
        "box": found.boxes[0].round(2).tolist(),
        "probability": round(float(found.probabilities[0]), 5),
        "landmarks": points.round(2).tolist(),
        "descriptor": donors.descriptor(image, points).round(4).tolist(),
        "monochrome": donors.is_monochrome(image, points),
        "faces": len(found),
        "pixels": digest_of(image),
    }
    return {"face": face}


def digest_of(image: np.ndarray) -> str:
    """Sixteen hexadecimal digits of a picture's pixels and shape, uint8 (H, W, 3)."""
    whole = hashlib.sha256(repr(image.shape).encode())
    whole.update(np.ascontiguousarray(image))
    return whole.hexdigest()[:16]
