"""The training loop, the same for every detector (section 4.1).

Its length is fixed, and its learning rate falls exponentially.

Every random choice depends on (seed, iteration) alone. So a run that was cut short ends in the same
weights as one that wasn't (bit for bit on a CPU; on a GPU up to the rounding of kernels that have
no deterministic form).
"""
from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing, nullcontext

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.outputs import probabilities
from tcnsc_lib.evaluation import summary
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.stream import Pictures
from tcnsc_lib.pool import line
from tcnsc_lib.training.batches import Batches, Draws, Part
from tcnsc_lib.training.checkpoint import Checkpoint, Progress
from tcnsc_lib.training.schedule import Schedule, make_optimizers, set_rate

CHECKPOINT_SECONDS = 30
WATCHED = 64  # validation crops that `Detector.watch` looks at
WATCH = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000)
"""The steps before which it looks; it also looks before the last."""
COMPRESSED = "_LQ"  # ends the names of the scores on compressed validation crops
INTERIM = 5000  # validation crops for a point of the curve; the last point takes all


def fit(
    detector: Detector,
    faces: FaceSet,
    views: tuple[str, ...],
    schedule: Schedule,
    seed: int,
    checkpoint: Checkpoint,
) -> Progress:
    """Train to the end, from the last checkpoint if there is one.

    views: one codec, or two for (X, X'). Each row of the log has iteration, lr, the losses, and now
    and then what `Detector.watch` and `Validation.score` tell. Raises CompanionError where the loss
    is no finite number.
    """
    trainer = Trainer(detector, faces, views, schedule, seed)
    progress = checkpoint.resume(detector, trainer.optimizers, schedule.iterations)
    clock = _Clock(progress.seconds)
    bar = _bar(checkpoint.owner, progress.done, schedule.iterations)
    with closing(trainer.batches):
        for iteration in bar:
            row = trainer.iterate(iteration)
            _check(row, checkpoint.owner)
            row |= trainer.validation.score(detector, schedule, iteration)
            _show(bar, row)
            progress.log.append(row)
            progress.done = iteration + 1
            if clock.due():
                progress.seconds = clock.seconds()
                checkpoint.save(detector, trainer.optimizers, progress)
    progress.seconds = clock.seconds()
    return progress


class Trainer:
    """A detector, what it learns from, and its optimizers (one, but for alternating updates)."""

    def __init__(self, detector: Detector, faces: FaceSet, views: tuple[str, ...],
                 schedule: Schedule, seed: int):
        where = next(detector.parameters()).device.type
        self.detector = detector
        self.schedule = schedule
        self.seed = seed
        part = Part(detector, faces, views, where)
        draws = Draws(detector, part, schedule.batch_size, seed)
        self.batches = Batches(draws, schedule)
        self.validation = Validation(detector, faces, views, where)
        self.optimizers = make_optimizers(detector, schedule)

    def iterate(self, iteration: int) -> dict[str, float]:
        """One step, and its row of the log: iteration, lr, the losses, what was watched before."""
        schedule = self.schedule
        rate = schedule.rate(iteration)
        dropout = self.seed + iteration
        x, y = self.batches.at(iteration)
        seen = self.validation.watch(self.detector, schedule, iteration)
        set_rate(self.optimizers, rate)
        losses = step(self.detector, self.optimizers, x, y, schedule.precision, dropout)
        return {"iteration": iteration + 1, "lr": rate} | losses | seen


def step(
    detector: Detector,
    optimizers: list[torch.optim.Optimizer],
    x: list[Tensor],
    y: Tensor,
    precision: str,
    seed: int,
) -> dict[str, float]:
    """One update of all parameters on the joint loss; returns the losses as numbers.

    Alternating updates are as many as there are optimizers; "total" is then the sum of theirs. x:
    one or two views, each float32 (N, 3, S, S). y: int64 (N,).
    """
    torch.manual_seed(seed)  # for dropout and noise, so that a resumed run draws the same
    detector.train()
    updates = detector.updates(x[0], y, *x[1:])
    told: dict[str, float] = {"total": 0.0}
    for optimizer in optimizers:
        with autocast(x[0].device.type, precision):
            losses = next(updates)
        optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()
        optimizer.step()
        numbers = {name: loss.item() for name, loss in losses.items()}
        told |= numbers | {"total": told["total"] + numbers["total"]}
    return told


def autocast(where: str, precision: str):
    """The context in which a forward pass runs. where: "cuda" or "cpu"."""
    return torch.autocast(where, torch.bfloat16) if precision == "bfloat16" else nullcontext()


class Validation:
    """The validation crops of a run: for the points of its curve, and for what it watches."""

    def __init__(self, detector: Detector, faces: FaceSet, views: tuple[str, ...], where: str):
        images = faces.images(views[0], "val")
        twins = faces.images(twin_view(views), "val")
        self.scored = {"": images, COMPRESSED: faces.images("LQ", "val")}
        self.y = faces.labels("val")
        rows = np.linspace(0, len(self.y) - 1, WATCHED).astype(int)
        self.rows = np.unique(rows)
        self.x = self._prepared(detector, images, where)
        self.x_twin = self._prepared(detector, twins, where)
        self.y_watched = torch.from_numpy(self.y[self.rows]).to(where)

    def _prepared(self, detector: Detector, images: Pictures, where: str) -> Tensor:
        return detector.prepare(torch.from_numpy(images[self.rows]).to(where))

    def watch(self, detector: Detector, schedule: Schedule, iteration: int) -> dict[str, float]:
        """`Detector.watch` on fixed pairs, before the steps in WATCH and the last; else nothing."""
        if iteration + 1 not in WATCH and not schedule.is_last(iteration):
            return {}
        with autocast(self.x.device.type, schedule.precision):
            return detector.watch(self.x, self.y_watched, self.x_twin)

    def score(self, detector: Detector, schedule: Schedule, iteration: int) -> dict[str, float]:
        """`validate` on the first view and on LQ where the curve has a point, else nothing.

        The names of the second end in `COMPRESSED`.
        """
        last = schedule.is_last(iteration)
        if (iteration + 1) % schedule.validate != 0 and not last:
            return {}
        every = 1 if last else max(1, len(self.y) // INTERIM)
        row = {}
        for ending, images in self.scored.items():
            scores = validate(detector, images[::every], self.y[::every])
            row |= {name + ending: score for name, score in scores.items()}
        return row


def twin_view(views: Sequence[str]) -> str:
    """The codec of the twins that are watched: the second view, or LQ if there is no fixed one."""
    return views[1] if len(views) > 1 and views[1] != RANDOM_JPEG else "LQ"


def read_by(views: Sequence[str]) -> list[tuple[str, str]]:
    """The arrays that a training on these views reads: parts and codecs."""
    train = [("train", "RAW" if view == RANDOM_JPEG else view) for view in views]
    return train + [("val", view) for view in (views[0], twin_view(views), "LQ")]


def validate(detector: Detector, images: Pictures, y: np.ndarray) -> dict[str, float]:
    """val_accuracy and val_auc in percent, since people read the log.

    images: validation crops, uint8 (N, S, S, 3), after a codec. y: int64 (N,).
    """
    scores = summary(y, probabilities(detector, images))
    return {"val_accuracy": 100 * scores["accuracy"], "val_auc": 100 * scores["auc"]}


def _check(row: dict[str, float], name: str) -> None:
    if not np.isfinite(row["total"]):
        raise CompanionError(
            f"The loss of {name} is {row['total']} at iteration {row['iteration']}; "
            "try a smaller learning rate."
        )


def _bar(name: str, done: int, total: int) -> tqdm:
    """The progress bar of a run; in a worker, on a line of its own, in a cluster's, on none."""
    todo = range(done, total)
    place = line()
    hidden = place is None
    return tqdm(todo, name, initial=done, total=total, position=place, disable=hidden)


def _show(bar: tqdm, row: dict[str, float]) -> None:
    """The last point of the curve beside the progress bar."""
    if "val_accuracy" in row:
        told = {"loss": f"{row['total']:.3f}", "val acc": f"{row['val_accuracy']:.1f} %"}
        bar.set_postfix(told)


class _Clock:
    """Seconds spent on a run, over all its pieces, and when the next checkpoint is due."""

    def __init__(self, spent: float):
        self.begun = time.monotonic() - spent
        self.saved = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def due(self) -> bool:
        """True once every CHECKPOINT_SECONDS."""
        if time.monotonic() - self.saved <= CHECKPOINT_SECONDS:
            return False
        self.saved = time.monotonic()
        return True
