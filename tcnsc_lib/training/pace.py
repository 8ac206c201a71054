"""How fast a training would go here: a few of its steps, on made-up crops in memory.

Seconds are those of `machine.clock`; reading crops isn't among them.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from tcnsc_lib.detectors.outputs import log_odds
from tcnsc_lib.faces.masks import TEMPLATE
from tcnsc_lib.machine import clock, device, threads
from tcnsc_lib.training.loop import INTERIM, Trainer
from tcnsc_lib.training.run import Plan, deterministic
from tcnsc_lib.training.schedule import on_this_device

FEW = 4  # crops of a first, small step on a CPU
SECONDS = 1.0  # spent on the steps that count; a step that takes longer is taken on fewer crops
MOST = 5  # such steps
FIRST = 3  # the iteration at which they begin; before the 1st and the 3rd, more is looked at
CELLS = 12  # squares a side of which a made-up crop consists, before it is smoothed
FACE = 1.6  # sides of the square of a face's inner part that a made-up crop has
MOMENTS = 2  # that Adam keeps of each weight


@dataclass(frozen=True)
class Pace:
    """step: seconds of a whole batch's step. crop: seconds until one crop is predicted.

    memory: bytes that a step holds: weights, their gradients and moments, and what the forward pass
    leaves for the backward one. steps: how many were taken, batch: on how many crops.
    """

    step: float
    crop: float
    memory: int
    steps: int
    batch: int


class Noise:
    """Stands in for a FaceSet: smooth noise, half of it real, all of it in memory.

    size: of a crop, pixels. count: of crops in each part.
    """

    def __init__(self, size: int, count: int) -> None:
        rng = np.random.default_rng(0)
        small = rng.integers(0, 256, (count, CELLS, CELLS, 3), np.uint8)
        self.array = np.stack([_enlarged(cells, size) for cells in small])
        self.y = np.arange(count) % 2
        self.points = np.tile(size * (0.5 + (TEMPLATE - 0.5) / FACE), (count, 1, 1))

    def images(self, codec: str, split: str) -> np.ndarray:
        """uint8 (N, S, S, 3), whatever the codec."""
        return self.array

    def labels(self, split: str) -> np.ndarray:
        """int64 (N,)."""
        return self.y

    def landmarks(self, split: str) -> np.ndarray:
        """float64 (N, 5, 2), pixels of the crop."""
        return self.points


def _enlarged(cells: np.ndarray, size: int) -> np.ndarray:
    picture = Image.fromarray(cells).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def kind(plan: Plan) -> tuple:
    """What the seconds of a step depend on; two plans that agree in it go at the same pace."""
    schedule = plan.schedule
    arguments = plan.arguments | {"lam": plan.arguments.get("lam", 0) > 0}
    views = ["random" if view.startswith("random") else "fixed" for view in plan.views]
    return (
        plan.detector.name,
        str(sorted(arguments.items())),
        tuple(views),
        schedule.batch_size,
        schedule.precision,
        schedule.optimizer,
    )


def pace(plan: Plan, size: int) -> Pace:
    """Take a few steps of a training. size: of the crops that it is given, pixels.

    It starts from random weights, whatever the plan starts from, so nothing is downloaded. On a CPU
    it runs as trainings do, with one thread.
    """
    batch = plan.schedule.batch_size
    with threads(1), deterministic():
        if device() == "cuda":
            return _measured(plan, size, batch)
        small = _measured(plan, size, min(FEW, batch), most=1)
        if small.step > SECONDS:
            batch = max(small.batch, int(batch * SECONDS / small.step))
        return small if batch == small.batch else _measured(plan, size, batch)


def _measured(plan: Plan, size: int, batch: int, most: int = MOST) -> Pace:
    """The pace of whole batches, measured on `batch` crops a step."""
    iterations = max(plan.schedule.iterations, FIRST + most + 1)
    schedule = replace(plan.schedule, batch_size=batch, iterations=iterations)
    own = {"pretrained": False} if "pretrained" in plan.arguments else {}
    random = replace(plan, arguments=plan.arguments | own, weights="random", start=None)
    detector = random.make()
    noise = Noise(size, 2 * batch)
    trainer = Trainer(detector, noise, plan.views, on_this_device(schedule), plan.seed)
    trainer.batches.workers = 0  # else threads make batches that no step here sees
    whole = plan.schedule.batch_size / batch
    memory = _held(trainer, whole)
    begun = clock()
    steps = 0
    while steps < most and (not steps or clock() - begun < SECONDS):
        steps += 1
        trainer.iterate(FIRST + steps)
    step = (clock() - begun) / steps
    log_odds(detector, noise.array[:1])
    begun = clock()
    log_odds(detector, noise.array[:batch])
    crop = (clock() - begun) / batch
    return Pace(step * whole, crop, memory, steps, batch)


def _held(trainer: Trainer, whole: float) -> int:
    """Bytes that a step holds, from one that is taken. whole: times the batch of that one."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        trainer.iterate(FIRST)
    weights = [weight.nbytes for weight in trainer.detector.parameters()]
    copies = 2 + MOMENTS * len(trainer.optimizers)
    return int(whole * sum(kept.values()) + copies * sum(weights))


# ---------------------------------------------------------------- of a whole training


def on_the_way(plan: Plan, crops: Mapping[str, int]) -> int:
    """How many crops a training predicts for its curve and its threshold.

    crops: how many there are of each part.
    """
    schedule = plan.schedule
    points = -(-schedule.iterations // schedule.validate)
    curve = 2 * (points - 1) * min(crops["val"], INTERIM)
    last = 2 * crops["val"]
    threshold = crops["val"]
    return curve + last + threshold
