"""Pictures as data: URIs, so that a page shows them without loading anything."""
from __future__ import annotations

import base64
import binascii
import io
import re
import warnings
from pathlib import Path

from PIL import Image

from tcnsc_lib import CompanionError, checked
from tcnsc_lib.faces.opening import BROKEN

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
LARGEST = 50_000_000  # bytes of a picture in a page
URI = re.compile(r"data:image/[a-z]+;base64,", re.IGNORECASE)


def file_uri(path: Path) -> str:
    """A picture's file as a data: URI.

    Raises CompanionError where it is no PNG, JPEG, GIF or WebP file, or a damaged one.
    """
    cure = "make or fetch that picture again"
    data = checked.content(path, LARGEST, cure)
    uri = _uri(data)
    if uri is None:
        what = "can't be read as a PNG, JPEG, GIF or WebP picture" if data else "is empty"
        raise CompanionError(f"{path} {what}; {cure}.")
    return uri


def same_uri(uri: str) -> str | None:
    """A data: URI, written anew; None where it doesn't hold such a picture."""
    match = URI.match(uri.strip())
    if match is None:
        return None
    try:
        data = base64.b64decode("".join(uri.strip()[match.end():].split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return _uri(data)


def _uri(data: bytes) -> str | None:
    """What kind of picture the bytes are is read from them, not from a name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, which a browser scales down
            image = Image.open(io.BytesIO(data), formats=list(FORMATS))
            image.verify()
    except (*BROKEN, Image.DecompressionBombError):
        return None
    return f"data:{FORMATS[image.format]};base64,{base64.b64encode(data).decode()}"
