"""Lossless crops on disk: one is read, decoded and compared with its checksum."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import content
from tcnsc_lib.faces.opening import BROKEN

SLACK = 100_000  # bytes that a crop's file may have beyond four a pixel


@dataclass(frozen=True)
class Lossless:
    """Where crops lie. size: pixels of a side."""

    root: Path
    size: int

    def load(self, file: str, crc: int) -> np.ndarray:
        """A crop, uint8 (S, S, 3), whose pixels have this checksum, or a CompanionError."""
        path = self.root / file
        data = content(path, 4 * self.size**2 + SLACK, self.anew)
        try:
            crop = decoded(data, self.size)
        except (*BROKEN, Image.DecompressionBombError) as error:
            raise CompanionError(
                f"The crop {path} can't be read ({error}); {self.anew}."
            ) from error
        if zlib.crc32(np.ascontiguousarray(crop)) != crc:
            raise CompanionError(f"The crop {path} is not the one in the manifest; {self.anew}.")
        return crop

    @property
    def anew(self) -> str:
        """What helps where a crop isn't as it should be."""
        return f"delete {self.root} and extract the faces again"


def decoded(data: bytes, size: int) -> np.ndarray:
    """A crop's pixels. Raises ValueError before it decodes anything of another size."""
    if data[16:24] != struct.pack(">2I", size, size):  # where a PNG has its width and height
        raise ValueError(f"it is no PNG of {size} x {size} pixels")
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB"))
