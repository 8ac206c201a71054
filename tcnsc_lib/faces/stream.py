"""Crops without an array: loaded and compressed whenever they are asked for.

This is for sets whose arrays would take more disk than they may (`budget`). What comes out is
bit for bit what the array would hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tcnsc_lib.ahead import ahead
from tcnsc_lib.codecs import Codec
from tcnsc_lib.faces.lossless import Lossless


@dataclass(frozen=True, eq=False)
class Streamed:
    """The crops of a part after a codec. It is indexed like the array that would hold them.

    `[3]` is a crop, uint8 (S, S, 3); `[rows]`, with numbers or with a bool each, are some, uint8
    (N, S, S, 3). A slice loads nothing and is Streamed again; `np.array` of it loads all. Raises
    CompanionError where a crop isn't the manifest's.

    files: below the place, bytes (N,), a third of the memory that as many strings take. crcs: the
    checksums of their pixels, int64 (N,).
    """

    place: Lossless
    compress: Codec
    files: np.ndarray
    crcs: np.ndarray

    @classmethod
    def of(cls, place: Lossless, compress: Codec, rows: pd.DataFrame) -> Streamed:
        """The crops of these rows of a manifest."""
        names = [os.fsencode(file) for file in rows.file]
        return cls(place, compress, np.array(names, dtype=bytes), rows.crc.to_numpy(np.int64))

    def __len__(self) -> int:
        return len(self.files)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, S, S, 3)."""
        return (len(self), self.place.size, self.place.size, 3)

    def lossless(self, row: int) -> np.ndarray:
        """A crop before the codec, uint8 (S, S, 3)."""
        return self.place.load(os.fsdecode(self.files[row]), int(self.crcs[row]))

    def __getitem__(self, chosen: int | slice | Sequence[int] | np.ndarray):
        if isinstance(chosen, slice):
            return replace(self, files=self.files[chosen], crcs=self.crcs[chosen])
        rows = np.arange(len(self))[chosen]
        if rows.ndim == 0:
            return self.compress(self.lossless(rows))
        return together([self], rows)[0]

    def __array__(self, dtype: type | None = None, copy: bool | None = None) -> np.ndarray:
        return together([self], np.arange(len(self)))[0]


Pictures = np.ndarray | Streamed  # uint8 (N, S, S, 3)


def together(views: Sequence[Streamed], rows: np.ndarray) -> list[np.ndarray]:
    """The same rows of several views of one part, uint8 (N, S, S, 3) each; a crop is loaded once.
    """
    first = views[0]
    made = [np.empty((len(rows), *first.shape[1:]), np.uint8) for _ in views]
    for place, row in enumerate(rows):
        crop = first.lossless(row)
        for view, pictures in zip(views, made, strict=True):
            pictures[place] = view.compress(crop)
    return made


def chunks(images: Pictures, size: int) -> Iterator[np.ndarray]:
    """All pictures in order, uint8 (at most `size`, S, S, 3) at a time.

    Streamed ones are read a few chunks ahead, so memory doesn't grow with their number.
    """
    def chunk(start: int) -> np.ndarray:
        return np.array(images[start : start + size])

    workers = None if isinstance(images, Streamed) else 0
    yield from ahead(chunk, range(0, len(images), size), workers)
