"""Batches: from the training part of a FaceSet to what a detector sees in one step."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tcnsc_lib.codecs import RANDOM_JPEG, random_jpeg
from tcnsc_lib.detectors import Detector
from tcnsc_lib.faces.store import FaceSet

ROOM = 8 << 30  # bytes of a GPU left free for a batch of 224 px and its gradients
CHUNK = 4096  # crops copied to a GPU at once


def batch_indices(n: int, batch_size: int, iteration: int, seed: int) -> np.ndarray:
    """Rows of the batch at this iteration, int64 (batch_size,), out of n crops.

    An epoch is a seeded permutation, whose last short batch is dropped. With fewer crops than a
    batch needs, a batch is a whole permutation.
    """
    per_epoch = max(1, n // batch_size)
    epoch = iteration // per_epoch
    order = np.random.default_rng([seed, epoch]).permutation(n)
    start = iteration % per_epoch * batch_size
    return order[start : start + batch_size]


class Crops:
    """The training part after one codec: on the device where it fits, else read batch by batch.

    After `codecs.RANDOM_JPEG`, `array` holds the RAW crops, and each batch is compressed anew.
    """

    def __init__(self, faces: FaceSet, view: str, where: str):
        self.random = view == RANDOM_JPEG
        self.where = where
        self.array = faces.images("RAW" if self.random else view, "train")
        self.held: Tensor | None = None
        if where == "cuda" and not self.random:
            self._hold()

    def _hold(self) -> None:
        """Copy all crops to the GPU, if it has room for them."""
        torch.cuda.empty_cache()
        free = torch.cuda.mem_get_info()[0]
        if self.array.nbytes >= free - ROOM:
            return
        held = torch.empty(self.array.shape, dtype=torch.uint8, device=self.where)
        for i in range(0, len(held), CHUNK):
            chunk = np.array(self.array[i : i + CHUNK])
            held[i : i + CHUNK] = torch.from_numpy(chunk).to(self.where)
        self.held = held

    def take(self, rows: np.ndarray, rng: np.random.Generator) -> Tensor:
        """The crops of these rows, uint8 (N, S, S, 3), on the device."""
        if self.held is not None:
            return self.held[torch.from_numpy(rows).to(self.where)]
        crops = self.array[rows]
        if self.random:
            crops = random_jpeg(crops, rng)
        return torch.from_numpy(crops).to(self.where)


class Part:
    """The training part as a detector sees it: its views, labels y and landmarks.

    Real crops alone if the detector wants no others. where: "cuda" or "cpu", the device that its
    batches go to.
    """

    def __init__(self, detector: Detector, faces: FaceSet, views: tuple[str, ...], where: str):
        self.where = where
        self.views = [Crops(faces, view, where) for view in views]
        self.y = faces.labels("train")
        self.landmarks = faces.landmarks("train")
        every = np.arange(len(self.y))
        self.rows = np.flatnonzero(self.y == 0) if detector.real_only else every

    def __len__(self) -> int:
        return len(self.rows)


def batch(
    detector: Detector, part: Part, chosen: np.ndarray, flip: bool, seed: list[int]
) -> tuple[list[Tensor], Tensor]:
    """The views of these rows, each float32 (N, 3, S, S), and their labels y, int64 (N,).

    chosen: rows of the part, (N,). flip: mirror each image, all its views alike, with probability
    1/2. seed: of the mirrors and of all else that is drawn; the same numbers give the same batch.
    """
    rng = np.random.default_rng([*seed, 1])
    rows = part.rows[chosen]
    mirror = rng.random(len(rows)) < 0.5
    crops, y = _crops(detector, part, rows, rng)
    x = [detector.prepare(view) for view in crops]
    x = [view.contiguous(memory_format=torch.channels_last) for view in x]
    if flip:
        mask = torch.from_numpy(mirror).to(part.where).view(-1, 1, 1, 1)
        x = [torch.where(mask, view.flip(3), view) for view in x]
    return x, torch.from_numpy(y).to(part.where)


def _crops(
    detector: Detector, part: Part, rows: np.ndarray, rng: np.random.Generator
) -> tuple[list[Tensor], np.ndarray]:
    """uint8 crops (N, S, S, 3) of each view, on the device, and y; fakes may be made here."""
    y = part.y[rows]
    if not detector.real_only:
        return [view.take(rows, rng) for view in part.views], y
    reals = part.views[0].array[rows]
    made, y = detector.training_images(reals, y, part.landmarks[rows], rng)
    return [torch.from_numpy(made).to(part.where)], y
