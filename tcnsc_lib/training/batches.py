"""Batches: from the training part of a FaceSet to what a detector sees in one step."""
from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tcnsc_lib import CompanionError
from tcnsc_lib.ahead import ahead, readers
from tcnsc_lib.codecs import RANDOM_JPEG, random_jpeg
from tcnsc_lib.detectors import Detector
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.stream import Streamed, together
from tcnsc_lib.training.schedule import Schedule

Some = np.ndarray | Tensor  # crops in memory, or on the device
Seen = tuple[list[Tensor], Tensor]  # the views of a batch and its labels, see `batch`
ROOM = 8 << 30  # bytes of a GPU left free for a batch of 224 px and its gradients
CHUNK = 4096  # crops copied to a GPU at once
AT_ONCE = 4  # crops that a CPU prepares at once
READERS = 2  # threads beside a training on a CPU


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
        self.streamed = isinstance(self.array, Streamed)
        self.held: Tensor | None = None
        if where == "cuda" and not self.random and not self.streamed:
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

    def take(self, rows: np.ndarray) -> Some:
        """The crops of these rows, uint8 (N, S, S, 3), before a random JPEG."""
        if self.held is not None:
            return self.held[torch.from_numpy(rows).to(self.where)]
        return self.array[rows]


class Part:
    """The training part as a detector sees it: its views, labels y and landmarks.

    Real crops alone if the detector wants no others. where: "cuda" or "cpu", the device that its
    batches go to. streamed: whether there are no arrays of its crops. held: whether all that a
    batch needs lies on a GPU.
    """

    def __init__(self, detector: Detector, faces: FaceSet, views: tuple[str, ...], where: str):
        self.where = where
        self.views = [Crops(faces, view, where) for view in views]
        self.streamed = self.views[0].streamed
        held = all(view.held is not None for view in self.views)
        self.held = held and not detector.real_only
        self.y = faces.labels("train")
        self.landmarks = faces.landmarks("train")
        every = np.arange(len(self.y))
        self.rows = np.flatnonzero(self.y == 0) if detector.real_only else every
        if detector.by_landmarks and not np.isfinite(self.landmarks[self.rows]).all():
            raise CompanionError(
                f"{detector.name} makes its fakes by the landmarks of faces, and crops in "
                f"{faces.root} have none; take faces that MTCNN found."
            )

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> list[Some]:
        """The crops of these rows in each view, uint8 (N, S, S, 3), before a random JPEG."""
        if self.streamed:
            return together([view.array for view in self.views], rows)
        return [view.take(rows) for view in self.views]


class Drawn(NamedTuple):
    """A batch before the device: uint8 (N, S, S, 3) of each view, y int64 (N,), who is mirrored."""

    crops: list[Some]
    y: np.ndarray
    mirror: np.ndarray


def batch(
    detector: Detector, part: Part, chosen: np.ndarray, flip: bool, seed: list[int]
) -> tuple[list[Tensor], Tensor]:
    """The views of these rows, each float32 (N, 3, S, S), and their labels y, int64 (N,).

    chosen: rows of the part, (N,). flip: mirror each image, all its views alike, with probability
    1/2. seed: of the mirrors and of all else that is drawn; the same numbers give the same batch.
    """
    return seen(detector, draw(detector, part, chosen, seed), flip, part.where)


def draw(detector: Detector, part: Part, chosen: np.ndarray, seed: list[int]) -> Drawn:
    """What `batch` makes of crops before any network is needed; fakes may be made here."""
    rng = np.random.default_rng([*seed, 1])
    rows = part.rows[chosen]
    mirror = rng.random(len(rows)) < 0.5
    y = part.y[rows]
    if detector.real_only:
        reals = part.views[0].array[rows]
        made, y = detector.training_images(reals, y, part.landmarks[rows], rng)
        return Drawn([made], y, mirror)
    crops = part.take(rows)
    for i, view in enumerate(part.views):
        if view.random:
            crops[i] = random_jpeg(crops[i], rng)
    return Drawn(crops, y, mirror)


def seen(detector: Detector, drawn: Drawn, flip: bool, where: str) -> Seen:
    """What a detector sees of a batch, on the device: see `batch`."""
    crops = [torch.as_tensor(view).to(where) for view in drawn.crops]
    mirror = torch.from_numpy(drawn.mirror & flip).to(where)
    x = [_prepared(detector, view, mirror) for view in crops]
    return x, torch.from_numpy(drawn.y).to(where)


def _prepared(detector: Detector, crops: Tensor, mirror: Tensor) -> Tensor:
    """`Detector.prepare`, and some of them mirrored: float32 (N, 3, S, S), channels last in memory.
    """
    if crops.device.type != "cpu":
        return _mirrored(detector.prepare(crops), mirror)
    # A few at once: what is computed of them stays in the cache. NumPy asks for large pages of
    # memory, PyTorch doesn't; without them the system's work on pages is a fifth of the time.
    side = detector.input_size
    x = torch.from_numpy(np.empty((len(crops), side, side, 3), np.float32)).permute(0, 3, 1, 2)
    for begin in range(0, len(crops), AT_ONCE):
        some = slice(begin, begin + AT_ONCE)
        x[some] = _mirrored(detector.prepare(crops[some]), mirror[some])
    return x


def _mirrored(x: Tensor, mirror: Tensor) -> Tensor:
    """(N, 3, S, S), those where `mirror`, bool (N,), says so; channels last in memory."""
    x = torch.where(mirror.view(-1, 1, 1, 1), x.flip(3), x)
    return x.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Draws:
    """What is drawn at each iteration of a training: `draw` of its rows, in any thread."""

    detector: Detector
    part: Part
    batch_size: int
    seed: int

    def __call__(self, iteration: int) -> Drawn:
        rows = batch_indices(len(self.part), self.batch_size, iteration, self.seed)
        return draw(self.detector, self.part, rows, [self.seed, iteration])


class Batches:
    """The batches of a training, one an iteration; they are made ahead, by threads.

    For a GPU they are only drawn ahead, so that its memory holds one prepared batch. Where it holds
    the crops, nothing is made ahead. workers: how many threads, see `ahead.ahead`; on a CPU two at
    most, since a step takes longer there than many batches. No batch depends on it.
    """

    def __init__(self, draws: Draws, schedule: Schedule, workers: int | None = None):
        self.draws = draws
        self.schedule = schedule
        self.workers = workers
        if workers is None and draws.part.where == "cpu":
            self.workers = min(READERS, readers())
        self._coming: Generator[Drawn | Seen] | None = None
        self._next = 0

    def at(self, iteration: int) -> Seen:
        """The views and labels of an iteration, see `batch`; any one of the schedule's."""
        held = self.draws.part.held
        made = self._made(iteration) if held else self._made_ahead(iteration)
        return self._seen(made) if isinstance(made, Drawn) else made

    def _made_ahead(self, iteration: int) -> Drawn | Seen:
        if self._coming is None or iteration != self._next:
            self.close()
            todo = range(iteration, self.schedule.iterations)
            self._coming = ahead(self._made, todo, self.workers)
        self._next = iteration + 1
        return next(self._coming)

    def _made(self, iteration: int) -> Drawn | Seen:
        """As much of a batch as is made before its turn."""
        drawn = self.draws(iteration)
        return drawn if self.draws.part.where == "cuda" else self._seen(drawn)

    def _seen(self, drawn: Drawn) -> Seen:
        return seen(self.draws.detector, drawn, self.schedule.flip, self.draws.part.where)

    def close(self) -> None:
        """End the threads, if there are any. The next batch that is asked for starts others."""
        if self._coming is not None:
            self._coming.close()
            self._coming = None
