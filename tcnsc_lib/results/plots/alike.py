"""Does a picture that was drawn again look like the stored one?

The same tables and the same matplotlib give the same bytes on one machine. Another machine may
smooth letters and lines otherwise, or move a place in a drawing by a last digit.
"""
from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

EDGE = 128
"""By how much a pixel may differ, of 255: at the edges of letters and lines."""

AREA = 16
"""By how much the mean of a cell of 8 x 8 pixels may differ, of 255."""

MOVED = 0.1
"""By how many points a number of an SVG may differ."""

CREATOR = re.compile(rb"Matplotlib v[\w.+-]+")
NAME = re.compile(r"\b[a-zA-Z]+[0-9a-f]{10}\b")  # of parts, made of what they hold
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def same_picture(old_path: Path, new_bytes: bytes) -> bool:
    """Whether a picture drawn again (a PNG's bytes) looks like the stored one.

    So it does where the bytes are equal, or where both have one size, no colour of a pixel differs
    by more than 128 of 255, and its mean in no cell of 8 x 8 pixels by more than 16. Another
    machine may smooth the edges of letters and lines a little otherwise, which stays below that;
    another digit, a mark on another pixel and another heat map don't. What the pictures say in
    their metadata is not compared. False where there is no stored picture, or a damaged one.
    """
    try:
        old_bytes = Path(old_path).read_bytes()
        if old_bytes == new_bytes:
            return True
        old = _opened(old_bytes)
    except OSError:  # no file, or no image
        return False
    new = _opened(new_bytes)
    if old.size != new.size:
        return False
    edges = _furthest(old, new)
    areas = _furthest(old.reduce(8), new.reduce(8))
    return edges <= EDGE and areas <= AREA


def same_drawing(old_path: Path, new_bytes: bytes, same_png: bool) -> bool:
    """Whether an SVG drawn again (its bytes) is the stored one.

    So it is where the bytes are equal. Else the PNG of the same figure must look as it did
    (same_png), and all but the numbers be equal, and they by a tenth of a point. Where another
    matplotlib made the stored SVG, the PNG alone decides, for the same lines may be written in
    another way.
    """
    try:
        old_bytes = Path(old_path).read_bytes()
    except OSError:
        return False
    if old_bytes == new_bytes:
        return True
    creators = [CREATOR.findall(content) for content in (old_bytes, new_bytes)]
    if not same_png or not creators[0]:
        return False
    if creators[0] != creators[1]:
        return True
    old_text, old_numbers = _parted(old_bytes)
    new_text, new_numbers = _parted(new_bytes)
    if old_text != new_text:
        return False
    return bool(np.allclose(old_numbers, new_numbers, rtol=0, atol=MOVED))


def _parted(content: bytes) -> tuple[str, list[float]]:
    """An SVG's text without its numbers and without the names of its parts; and the numbers."""
    text = NAME.sub("part", content.decode("utf-8", errors="replace"))
    numbers = [float(number) for number in NUMBER.findall(text)]
    return NUMBER.sub("0", text), numbers


def _furthest(one: Image.Image, other: Image.Image) -> int:
    """The greatest difference of two images' pixels, 0 to 255."""
    apart = ImageChops.difference(one, other)
    return int(np.asarray(apart).max())


def _opened(content: bytes) -> Image.Image:
    """A PNG's bytes as an image, RGB."""
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB")
