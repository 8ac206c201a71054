"""The training loop, the same for every detector (section 4.1).

Its length is fixed, and its learning rate falls exponentially.

Every random choice depends on (seed, iteration) alone. So a run that was cut short ends in the same
weights as one that wasn't (bit for bit on a CPU; on a GPU up to the rounding of kernels that have
no deterministic form).
"""
from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.detectors import Detector
from tcnsc_lib.evaluation import probabilities, summary
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.pool import line
from tcnsc_lib.training.batches import Part, batch, batch_indices
from tcnsc_lib.training.checkpoint import Checkpoint, Progress

CHECKPOINT_SECONDS = 30
OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
WATCHED = 64  # validation crops that `Detector.watch` looks at
WATCH = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000)
"""The steps before which it looks; it also looks before the last."""
INTERIM = 5000  # validation crops for a point of the curve; the last point takes all


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train; the defaults are the paper's, or those of `paper.OPEN`.

    final_lr_share: the learning rate falls exponentially to this share of itself by the last
    iteration. optimizer: "adam" or "sgd", both with PyTorch's other defaults. flip: mirror an image
    and its twin together, with probability 1/2. precision: "float32" or "bfloat16" (autocast).
    validate: iterations between two points of the validation curve.
    """

    iterations: int = 10_000
    batch_size: int = 64
    learning_rate: float = 1e-4
    final_lr_share: float = 0.1
    optimizer: str = "adam"
    flip: bool = True
    precision: str = "bfloat16"
    validate: int = 500

    def rate(self, iteration: int) -> float:
        """The learning rate of an iteration, counted from 0."""
        gamma = self.final_lr_share ** (1 / self.iterations)
        return self.learning_rate * gamma**iteration

    def is_last(self, iteration: int) -> bool:
        """Whether training ends with this iteration, counted from 0."""
        return iteration + 1 == self.iterations


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
    progress = checkpoint.resume(detector, trainer.optimizer, schedule.iterations)
    clock = _Clock(progress.seconds)
    bar = _bar(checkpoint.owner, progress.done, schedule.iterations)
    for iteration in bar:
        row = trainer.iterate(iteration)
        _check(row, checkpoint.owner)
        row |= trainer.validation.score(detector, schedule, iteration)
        _show(bar, row)
        progress.log.append(row)
        progress.done = iteration + 1
        if clock.due():
            progress.seconds = clock.seconds()
            checkpoint.save(detector, trainer.optimizer, progress)
    progress.seconds = clock.seconds()
    return progress


class Trainer:
    """A detector, what it learns from, and its optimizer."""

    def __init__(self, detector: Detector, faces: FaceSet, views: tuple[str, ...],
                 schedule: Schedule, seed: int):
        where = next(detector.parameters()).device.type
        self.detector = detector
        self.schedule = schedule
        self.seed = seed
        self.part = Part(detector, faces, views, where)
        self.validation = Validation(detector, faces, views, where)
        self.optimizer = make_optimizer(detector, schedule)

    def iterate(self, iteration: int) -> dict[str, float]:
        """One step, and its row of the log: iteration, lr, the losses, what was watched before."""
        schedule = self.schedule
        rate = schedule.rate(iteration)
        dropout = self.seed + iteration
        rows = batch_indices(len(self.part), schedule.batch_size, iteration, self.seed)
        x, y = batch(self.detector, self.part, rows, schedule.flip, [self.seed, iteration])
        seen = self.validation.watch(self.detector, schedule, iteration)
        set_rate(self.optimizer, rate)
        losses = step(self.detector, self.optimizer, x, y, schedule.precision, dropout)
        return {"iteration": iteration + 1, "lr": rate} | losses | seen


def step(
    detector: Detector,
    optimizer: torch.optim.Optimizer,
    x: list[Tensor],
    y: Tensor,
    precision: str,
    seed: int,
) -> dict[str, float]:
    """One update of all parameters on the joint loss; returns the losses as numbers.

    x: one or two views, each float32 (N, 3, S, S). y: int64 (N,).
    """
    torch.manual_seed(seed)  # for dropout and noise, so that a resumed run draws the same
    detector.train()
    with autocast(x[0].device.type, precision):
        losses = detector.losses(x[0], y, *x[1:])
    optimizer.zero_grad(set_to_none=True)
    losses["total"].backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}


def make_optimizer(detector: Detector, schedule: Schedule) -> torch.optim.Optimizer:
    """The schedule's optimizer, of all weights that learn."""
    weights = [weight for weight in detector.parameters() if weight.requires_grad]
    return OPTIMIZERS[schedule.optimizer](weights, schedule.learning_rate)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step take this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def autocast(where: str, precision: str):
    """The context in which a forward pass runs. where: "cuda" or "cpu"."""
    return torch.autocast(where, torch.bfloat16) if precision == "bfloat16" else nullcontext()


class Validation:
    """The validation crops of a run: for the points of its curve, and for what it watches."""

    def __init__(self, detector: Detector, faces: FaceSet, views: tuple[str, ...], where: str):
        self.images = faces.images(views[0], "val")
        self.y = faces.labels("val")
        rows = np.linspace(0, len(self.y) - 1, WATCHED).astype(int)
        self.rows = np.unique(rows)
        twins = faces.images(twin_view(views), "val")
        self.x = self._prepared(detector, self.images, where)
        self.x_twin = self._prepared(detector, twins, where)
        self.y_watched = torch.from_numpy(self.y[self.rows]).to(where)

    def _prepared(self, detector: Detector, images: np.ndarray, where: str) -> Tensor:
        return detector.prepare(torch.from_numpy(images[self.rows]).to(where))

    def watch(self, detector: Detector, schedule: Schedule, iteration: int) -> dict[str, float]:
        """`Detector.watch` on fixed pairs, before the steps in WATCH and the last; else nothing."""
        if iteration + 1 not in WATCH and not schedule.is_last(iteration):
            return {}
        with autocast(self.x.device.type, schedule.precision):
            return detector.watch(self.x, self.y_watched, self.x_twin)

    def score(self, detector: Detector, schedule: Schedule, iteration: int) -> dict[str, float]:
        """`validate` where the curve has a point, else nothing."""
        last = schedule.is_last(iteration)
        if (iteration + 1) % schedule.validate != 0 and not last:
            return {}
        every = 1 if last else max(1, len(self.y) // INTERIM)
        return validate(detector, self.images[::every], self.y[::every])


def twin_view(views: tuple[str, ...]) -> str:
    """The codec of the twins that are watched: the second view, or LQ if there is no fixed one."""
    return views[1] if len(views) > 1 and views[1] != RANDOM_JPEG else "LQ"


def validate(detector: Detector, images: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """val_accuracy and val_auc in percent, since people read the log.

    images: validation crops, uint8 (N, S, S, 3), after the codec of the first view. y: int64 (N,).
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
    """The progress bar of a run; in a worker, on a line of its own."""
    todo = range(done, total)
    return tqdm(todo, name, initial=done, total=total, position=line())


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
