"""Is a regenerated picture one that can be looked at, of the size of the committed one?"""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from tcnsc_lib import CompanionError, checked
from tcnsc_lib.faces.opening import open_image
from tcnsc_lib.report.tolerances import CROP, SIZE

SAME_BYTES = "drawn, same bytes"
OTHER_BYTES = "drawn"
LARGEST = 100_000_000  # bytes of a picture
CURE = "draw it again"


def verdict(committed: Path, ours: Path) -> str:
    """SAME_BYTES or OTHER_BYTES where nothing is wrong with a picture, else what is wrong.

    Wrong is a picture that can't be opened, that is of one colour alone where the committed one
    isn't, whose sides differ by more than SIZE, and a stored crop of another size or whose pixels
    differ by more than CROP in the mean. What else is drawn follows from numbers that are compared.
    """
    for path, whose in ((committed, "committed file"), (ours, "file")):
        fault = _fault(path)
        if fault:
            return f"DAMAGED {whose}: {fault}"
    if committed.read_bytes() == ours.read_bytes():
        return SAME_BYTES
    if committed.suffix == ".svg":
        return _drawings(_sides(committed.read_bytes()), _sides(ours.read_bytes()))
    old = open_image(committed)
    new = open_image(ours)
    if _is_blank(new) and not _is_blank(old):
        return "BLANK: one colour alone"
    if committed.parent.name == "crops":
        return _crops(old, new)
    apart = np.abs(np.subtract(old.shape[:2], new.shape[:2]))
    if (apart > SIZE * np.array(old.shape[:2])).any():
        return _other_size(old, new)
    return OTHER_BYTES


def _crops(old: np.ndarray, new: np.ndarray) -> str:
    """Of two crops of faces, which are data and no drawings."""
    if old.shape != new.shape:
        return _other_size(old, new)
    apart = float(np.abs(old.astype(int) - new).mean())
    return OTHER_BYTES if apart <= CROP else f"OTHER PICTURE: {apart:.0f} of 255 apart in the mean"


def _drawings(old: np.ndarray, new: np.ndarray) -> str:
    """Of two SVGs, by their sides, (2,), in points."""
    if (np.abs(old - new) > SIZE * old).any():
        return f"OTHER SIZE: {new[0]:.0f} x {new[1]:.0f} pt, committed {old[0]:.0f} x {old[1]:.0f}"
    return OTHER_BYTES


def _sides(content: bytes) -> np.ndarray:
    """Width and height of an SVG, (2,), in points. Raises CompanionError where it is none."""
    whole = content.rstrip().endswith(b"</svg>")
    sides = [re.search(rb'<svg [^>]*?\b%s="([\d.]+)pt"' % side, content)
             for side in (b"width", b"height")]
    if not whole or None in sides:
        raise CompanionError(f"it is no whole SVG; {CURE}.")
    return np.array([float(side[1]) for side in sides])


def _other_size(old: np.ndarray, new: np.ndarray) -> str:
    return f"OTHER SIZE: {_size(new)} px, committed {_size(old)}"


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"


def _is_blank(image: np.ndarray) -> bool:
    return bool((image == image[0, 0]).all())


def _fault(path: Path) -> str:
    """Why a picture can't be opened, in a few words; "" where it can."""
    try:
        content = checked.content(path, LARGEST, CURE)
        if not content:
            return "it is empty"
        if path.suffix == ".svg":
            _sides(content)
        else:
            open_image(path)
    except CompanionError as error:
        return few_words(error, path)
    return ""


def few_words(error: Exception, path: Path) -> str:
    """A sentence about a file without its name and without the advice."""
    sentence = str(error).replace(str(path), "it").replace("There is no it", "it is missing")
    lines = sentence.rpartition("; ")[0] or sentence
    return " ".join(lines.split())[:150]
