"""Crops without an array: loaded and compressed whenever they are asked for.

This is for sets whose arrays would take more disk than they may (`budget`). What comes out is
bit for bit what the array would hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from tcnsc_lib.ahead import ahead
from tcnsc_lib.codecs import Codec
from tcnsc_lib.faces.lossless import Lossless


class Streamed:
    """The crops of a part after a codec. It is indexed like the array that would hold them.

    `[3]` is a crop, uint8 (S, S, 3); `[rows]`, with numbers or with a bool each, are some, uint8
    (N, S, S, 3). A slice loads nothing and is Streamed again; `np.array` of it loads all. Raises
    CompanionError where a crop isn't the manifest's.
    """

    def __init__(
        self, place: Lossless, compress: Codec, files: Sequence[str], crcs: Sequence[int]
    ) -> None:
        """files: below the place, (N,). crcs: the checksums of their pixels, (N,)."""
        # As bytes they are one block of memory, a third of what as many strings take.
        names = [os.fsencode(file) for file in files]
        self._set(place, compress, np.array(names, dtype=bytes), np.asarray(crcs, np.int64))

    def _set(self, place: Lossless, compress: Codec, files: np.ndarray, crcs: np.ndarray) -> None:
        self.place = place
        self.compress = compress
        self.files = files
        self.crcs = crcs

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
            some = Streamed.__new__(Streamed)
            some._set(self.place, self.compress, self.files[chosen], self.crcs[chosen])
            return some
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
    starts = range(0, len(images), size)
    take = partial(_chunk, images, size)
    if isinstance(images, Streamed):
        yield from ahead(take, starts)
    else:
        yield from map(take, starts)


def _chunk(images: Pictures, size: int, start: int) -> np.ndarray:
    return np.array(images[start : start + size])
