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
        # The three colours of a place are one item, 12 bytes.
        self.sums = np.stack(sums).reshape(-1).view("V12")

    def means(self, frames: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> torch.Tensor:
        """Means of N parts as MTCNN's networks want them: float32 (N, 3, R, C), about -1 to 1.

        frames: (N,), of which of the T. rows: int (N or 1, R, 2), first and after the last, pixels
        of the frame. columns: (N or 1, C, 2).
        """
        high = self.bottom - self.top + 1
        wide = self.right - self.left + 1
        down = (frames[:, None, None] * high + rows - self.top) * wide
        across = columns - self.left

        def corner(i: int, j: int) -> np.ndarray:
            places = down[:, :, None, i] + across[:, None, :, j]
            return self.sums[places.reshape(-1)].view(np.int32)

        total = corner(1, 1) - corner(0, 1) - corner(1, 0) + corner(0, 0)
        heights = np.diff(rows)
        areas = heights * np.diff(columns)[:, None, :, 0]
        shape = (len(frames), *areas.shape[1:], 3)
        mean = total.reshape(shape) / areas[..., None].astype(np.float32)
        scaled = (mean.astype(np.float32) - 127.5) * 0.0078125
        # Channels stay last in memory: PyTorch's pooling is several times as fast then.
        return torch.from_numpy(scaled).permute(0, 3, 1, 2)

    def contains(self, corners: np.ndarray) -> np.ndarray:
        """Whether boxes, int (N, 4), x0 y0 x1 y1, lie inside and aren't empty: bool (N,)."""
        first = corners[:, :2] >= (self.left, self.top)
        last = corners[:, 2:] <= (self.right, self.bottom)
        return (first & last & (corners[:, 2:] > corners[:, :2])).all(1)


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
