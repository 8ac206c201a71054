"""A region of a few frames, and the means of any parts of it: what MTCNN's pyramid is made of.

A face's box is won by one of P-Net's windows. How large that is, and how far its middle lies from
the face's, was measured on 350 frames of filmed and rendered people, see LOWEST, HIGHEST and OFF.

All means come from one table of sums (Crow 1984, summed-area tables), which makes a large part as
cheap as a small one. They are those of the whole frame: a cell of the pyramid has the same pixels
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, inf

import cv2
import numpy as np
import torch

CELL = 12  # pixels of the pyramid that P-Net decides on
SMALLEST = 20  # pixels of a face, MTCNN's default, at which the pyramid begins
STEP = 0.709  # from one size of the pyramid to the next, MTCNN's default
LOWEST = 0.32  # P-Net's windows that are tried, in sides of the face: from here ...
HIGHEST = 1.9  # ... to here
OFF = 0.6  # sides of the face from its middle to that of a window, at most, along each axis
BESIDE = 0.9  # sides of the face that a region reaches beyond it
TABLES = 4_000_000  # pixels whose tables are held at once, 12 bytes each


class Region:
    """A region of T frames, uint8 (H, W, 3) each, and all its means.

    corners: left, top, right, bottom, in whole pixels of the frame. sizes: the sides of P-Net's
    windows that are tried, from the least to the most, in pixels. middles: left, top, right, bottom
    of where the middles of these windows lie.
    """

    def __init__(
        self,
        frames: Sequence[np.ndarray],
        corners: Sequence[int],
        sizes: tuple[float, float],
        middles: Sequence[float],
    ) -> None:
        self.height, self.width = frames[0].shape[:2]
        self.count = len(frames)
        self.left, self.top, self.right, self.bottom = corners
        self.sizes = sizes
        self.middles = middles
        shape = (self.count, self.bottom - self.top + 1, self.right - self.left + 1, 3)
        self.sums = np.empty(shape, np.int32)
        for frame, sums in zip(frames, self.sums, strict=True):
            part = frame[self.top : self.bottom, self.left : self.right]
            cv2.integral(np.ascontiguousarray(part), sums)  # into it, since it fits

    @classmethod
    def around(cls, frames: Sequence[np.ndarray], places: np.ndarray) -> Region:
        """Where a face may be that has about these boxes. places: (P, 4), x0 y0 x1 y1 in pixels."""
        first = places[:, :2]
        last = places[:, 2:]
        sides = (last - first).max(1)
        side = sides.max()
        height, width = frames[0].shape[:2]
        limits = [width, height]
        begin = np.clip(first.min(0) - BESIDE * side, 0, limits).astype(int)
        end = np.ceil(np.clip(last.max(0) + BESIDE * side, 0, limits)).astype(int)
        middles = (first + last) / 2
        least = middles.min(0) - OFF * side
        most = middles.max(0) + OFF * side
        sizes = (LOWEST * sides.min(), HIGHEST * side)
        return cls(frames, [*begin.tolist(), *end.tolist()], sizes, [*least, *most])

    @classmethod
    def whole(cls, frame: np.ndarray, smallest: float) -> Region:
        """All of a frame. smallest: side of the smallest window that must be tried, in pixels."""
        height, width = frame.shape[:2]
        everywhere = [0, 0, width, height]
        # The pyramid's next window may be larger by a step.
        return cls([frame], everywhere, (STEP * smallest, inf), everywhere)

    def windows(self, scale: float) -> tuple[Cells, Cells]:
        """Rows and columns of the pyramid at this size, of 1, where P-Net's windows may lie."""
        half = CELL / scale / 2
        left, top, right, bottom = self.middles
        first = max(self.top, floor(top - half))
        last = min(self.bottom, ceil(bottom + half))
        rows = cells(first, last, self.height, scale)
        first = max(self.left, floor(left - half))
        last = min(self.right, ceil(right + half))
        return rows, cells(first, last, self.width, scale)

    def means(self, frames: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> torch.Tensor:
        """Means of N parts as MTCNN's networks want them: float32 (N, 3, R, C), about -1 to 1.

        frames: (N,), of which of the T. rows: int (N or 1, R, 2), first and after the last, pixels
        of the frame. columns: (N or 1, C, 2).
        """
        areas = np.diff(rows) * np.diff(columns)[:, None, :, 0]
        totals = self._totals(frames, rows - self.top, columns - self.left)
        means = np.divide(totals, areas[..., None], dtype=np.float32)
        means -= 127.5
        means *= 0.0078125
        # Channels stay last in memory: PyTorch's pooling is several times as fast then.
        return torch.from_numpy(means).permute(0, 3, 1, 2)

    def _totals(self, frames: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Sums of the pixels of these cells: int32 (N, R, C, 3). As of `means`, in the region."""
        height, width = self.sums.shape[1:3]
        lines = (frames[:, None, None] * height + rows) * width
        above = lines[:, :, None, 0]
        below = lines[:, :, None, 1]
        left = columns[:, None, :, 0]
        right = columns[:, None, :, 1]
        totals = self._sums_at(below + right)
        totals -= self._sums_at(above + right)
        totals -= self._sums_at(below + left)
        totals += self._sums_at(above + left)
        return totals

    def _sums_at(self, places: np.ndarray) -> np.ndarray:
        """Items of the tables: int (...) -> int32 (..., 3)."""
        # The three colours of a place are one item, 12 bytes: numpy takes those faster.
        items = self.sums.view("V12").reshape(-1)
        return items.take(places).view(np.int32).reshape(*places.shape, 3)

    def contains(self, corners: np.ndarray) -> np.ndarray:
        """Whether boxes, int (N, 4), x0 y0 x1 y1, lie inside and aren't empty: bool (N,)."""
        first = corners[:, :2] >= (self.left, self.top)
        last = corners[:, 2:] <= (self.right, self.bottom)
        return (first & last & (corners[:, 2:] > corners[:, :2])).all(1)


def frames_at_once(places: np.ndarray) -> int:
    """How many frames' regions around these places, (P, 4), are held at once."""
    extent = places[:, 2:].max(0) - places[:, :2].min(0)
    side = (places[:, 2:] - places[:, :2]).max()
    pixels = (extent + 2 * BESIDE * side).prod()
    return max(1, int(TABLES / pixels))


def scales(region: Region) -> list[float]:
    """The sizes of MTCNN's pyramid, of 1, at which faces of the region's sizes show."""
    least, most = region.sizes
    scale = CELL / SMALLEST
    shorter = min(region.height, region.width) * scale
    found = []
    while shorter >= CELL:
        if least <= CELL / scale <= most:
            found.append(scale)
        scale *= STEP
        shorter *= STEP
    return found


@dataclass(frozen=True)
class Cells:
    """Cells of a row or column of the pyramid. inside: (1, n, 2), the pixels of each, from the
    first on."""

    first: int
    inside: np.ndarray


def cells(start: int, end: int, total: int, scale: float) -> Cells:
    """Those whose pixels lie in start..end of a frame `total` pixels long.

    P-Net halves the picture. So the first has an even number, and so has the one after the last,
    except at the frame's end.
    """
    count = int(total * scale + 1)
    first = -(-start * count // total)
    first += first % 2
    after = end * count // total
    if after < count:
        after -= after % 2
    every = parts(np.array([0]), np.array([total]), count)
    return Cells(first, every[:, first:after])


def parts(begin: np.ndarray, end: np.ndarray, count: int) -> np.ndarray:
    """As adaptive pooling cuts pixels into cells. begin, end: (N,). Returns int (N, count, 2)."""
    i = np.arange(count)
    lengths = (end - begin)[:, None]
    first = i * lengths // count
    after = -(-(i + 1) * lengths // count)
    return np.stack([first, after], -1) + begin[:, None, None]
