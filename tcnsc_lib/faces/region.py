"""A region of a few frames, and the means of any parts of it: what MTCNN's pyramid is made of.

All means come from one table of sums (Crow 1984, summed-area tables), which makes a large part as
cheap as a small one. They are those of the whole frame: a cell of the pyramid has the same pixels
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

CELL = 12  # pixels of the pyramid that P-Net decides on
SMALLEST = 20  # pixels of a face, MTCNN's default, at which the pyramid begins
LOWEST = 0.45  # P-Net's windows that are tried, in sides of the face: from here ...
HIGHEST = 1.9  # ... to here
TABLES = 4_000_000  # pixels whose tables are held at once, 12 bytes each
BESIDE = 0.9  # sides of the face that a region reaches beyond it


class Region:
    """A region of T frames, uint8 (H, W, 3) each, given by a face's box, and all its means.

    left, top, right, bottom: its borders in pixels of the frame.
    """

    def __init__(self, frames: Sequence[np.ndarray], box: np.ndarray) -> None:
        self.height, self.width = frames[0].shape[:2]
        self.count = len(frames)
        self.side = float((box[2:] - box[:2]).max())
        margin = BESIDE * self.side
        limits = [self.width, self.height]
        self.left, self.top = np.clip(box[:2] - margin, 0, limits).astype(int).tolist()
        ends = np.ceil(np.clip(box[2:] + margin, 0, limits))
        self.right, self.bottom = ends.astype(int).tolist()
        sums = []
        for frame in frames:
            part = frame[self.top : self.bottom, self.left : self.right]
            sums.append(cv2.integral(np.ascontiguousarray(part)))
        self.sums = sums

    def means(self, frames: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> torch.Tensor:
        """Means of N parts as MTCNN's networks want them: float32 (N, 3, R, C), about -1 to 1.

        frames: (N,), of which of the T. rows: int (N or 1, R, 2), first and after the last, pixels
        of the frame. columns: (N or 1, C, 2).
        """
        heights = np.diff(rows)
        areas = heights * np.diff(columns)[:, None, :, 0]
        shape = (len(frames), *areas.shape[1:])
        rows = np.broadcast_to(rows - self.top, (len(frames), *rows.shape[1:]))
        columns = np.broadcast_to(columns - self.left, (len(frames), *columns.shape[1:]))
        means = np.empty((*shape, 3), np.float32)
        for mean, frame, down, across in zip(means, frames, rows, columns, strict=True):
            mean[:] = _totals(self.sums[frame], down, across)
        means /= areas[..., None]
        means -= 127.5
        means *= 0.0078125
        # Channels stay last in memory: PyTorch's pooling is several times as fast then.
        return torch.from_numpy(means).permute(0, 3, 1, 2)

    def contains(self, corners: np.ndarray) -> np.ndarray:
        """Whether boxes, int (N, 4), x0 y0 x1 y1, lie inside and aren't empty: bool (N,)."""
        first = corners[:, :2] >= (self.left, self.top)
        last = corners[:, 2:] <= (self.right, self.bottom)
        return (first & last & (corners[:, 2:] > corners[:, :2])).all(1)


def _totals(sums: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sums of the pixels of R x C cells: int32 (R, C, 3).

    sums: int32 (h + 1, w + 1, 3), of all pixels above and to the left. rows: (R, 2), columns:
    (C, 2), first and after the last.
    """
    begin = columns[0, 0]
    strip = sums[:, begin : columns[-1, 1] + 1]
    bands = strip[rows[:, 1]] - strip[rows[:, 0]]
    # The three colours of a place are one item, 12 bytes: numpy takes those several times as fast.
    items = bands.reshape(len(bands), -1).view("V12")
    ends = items.take(columns[:, 1] - begin, axis=1)
    begins = items.take(columns[:, 0] - begin, axis=1)
    totals = ends.view(np.int32) - begins.view(np.int32)
    return totals.reshape(len(bands), -1, 3)


def frames_at_once(box: np.ndarray) -> int:
    """How many frames' regions around a box, x0 y0 x1 y1, are held at once."""
    side = (1 + 2 * BESIDE) * (box[2:] - box[:2]).max()
    return max(1, int(TABLES / side**2))


def scales(region: Region, factor: float) -> list[float]:
    """The sizes of MTCNN's pyramid, of 1, at which a face as large as the region's shows."""
    scale = CELL / SMALLEST
    shorter = min(region.height, region.width) * scale
    found = []
    while shorter >= CELL:
        if LOWEST * region.side <= CELL / scale <= HIGHEST * region.side:
            found.append(scale)
        scale *= factor
        shorter *= factor
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
