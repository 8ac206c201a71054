"""Batches: from the training part of a FaceSet to what a detector sees in one step."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tcnsc_lib.codecs import RANDOM_JPEG, random_jpeg
from tcnsc_lib.detectors import Detector
from tcnsc_lib.faces.store import FaceSet

ROOM = 8 << 30  # bytes of a GPU left free for a batch of 224 px and its gradients


def batch_indices(n: int, batch_size: int, iteration: int, seed: int) -> np.ndarray:
    """Rows of the batch at this iteration: epochs are seeded permutations, the last short batch of each is dropped.

    With fewer crops than a batch needs, a batch is a whole permutation.
    """
    per_epoch = max(1, n // batch_size)
    order = np.random.default_rng([seed, iteration // per_epoch]).permutation(n)
    start = iteration % per_epoch * batch_size
    return order[start : start + batch_size]


class Crops:
    """The training part after one codec, as tensors on the device where they fit, else read from disk batch by batch.

    After `codecs.RANDOM_JPEG`: `array` holds the RAW crops, and each batch is compressed anew.
    """

    def __init__(self, faces: FaceSet, view: str, where: str):
        self.random, self.where = view == RANDOM_JPEG, where
        self.array = array = faces.images("RAW" if self.random else view, "train")
        self.held = None
        if where == "cuda" and not self.random:
            torch.cuda.empty_cache()
            if array.nbytes < torch.cuda.mem_get_info()[0] - ROOM:
                self.held = torch.empty(array.shape, dtype=torch.uint8, device=where)
                for i in range(0, len(array), 4096):
                    self.held[i : i + 4096] = torch.from_numpy(np.array(array[i : i + 4096])).to(where)

    def take(self, rows: np.ndarray, rng: np.random.Generator) -> Tensor:
        """uint8 (N, S, S, 3) on the device."""
        if self.held is not None:
            return self.held[torch.from_numpy(rows).to(self.where)]
        return torch.from_numpy(random_jpeg(self.array[rows], rng) if self.random else self.array[rows]).to(self.where)


class Part:
    """The training part as a detector sees it: its views, labels y and landmarks; real crops alone if it wants no others.

    where: "cuda" or "cpu", the device that its batches go to.
    """

    def __init__(self, detector: Detector, faces: FaceSet, views: tuple[str, ...], where: str):
        self.views = [Crops(faces, view, where) for view in views]
        self.y, self.landmarks = faces.labels("train"), faces.landmarks("train")
        self.rows = np.flatnonzero(self.y == 0) if detector.real_only else np.arange(len(self.y))

    def __len__(self) -> int:
        return len(self.rows)


def batch(detector: Detector, part: Part, rows: np.ndarray, flip: bool, seed: list[int]) -> tuple[list[Tensor], Tensor]:
    """The views of these rows of the part, each float32 (N, 3, S, S), and their labels y, int64 (N,).

    rows: into the part, (N,). flip: mirror each image, all its views alike, with probability 1/2. seed: of the mirrors and of
    what else is drawn; the same numbers give the same batch.
    """
    rng, rows = np.random.default_rng([*seed, 1]), part.rows[rows]
    mirror, where, y = rng.random(len(rows)) < 0.5, part.views[0].where, part.y[rows]
    if detector.real_only:
        crops, y = detector.training_images(part.views[0].array[rows], y, part.landmarks[rows], rng)
        crops = [torch.from_numpy(crops).to(where)]
    else:
        crops = [view.take(rows, rng) for view in part.views]
    x = [detector.prepare(view).contiguous(memory_format=torch.channels_last) for view in crops]
    if flip:
        mask = torch.from_numpy(mirror).to(where).view(-1, 1, 1, 1)
        x = [torch.where(mask, view.flip(3), view) for view in x]
    return x, torch.from_numpy(y).to(where)
