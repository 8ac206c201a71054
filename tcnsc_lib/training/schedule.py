"""How long and how fast a training goes, and the optimizers that take its steps (section 4.1)."""
from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from tcnsc_lib.detectors import Detector
from tcnsc_lib.machine import device

OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


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


def make_optimizers(detector: Detector, schedule: Schedule) -> list[torch.optim.Optimizer]:
    """An optimizer for each update of a step, all of the schedule's kind, of all that learns."""
    weights = [weight for weight in detector.parameters() if weight.requires_grad]
    kind = OPTIMIZERS[schedule.optimizer]
    return [kind(weights, schedule.learning_rate) for _ in range(detector.optimizers)]


def set_rate(optimizers: list[torch.optim.Optimizer], rate: float) -> None:
    """Let the next step take this learning rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


def on_this_device(schedule: Schedule) -> Schedule:
    """float32 where a GPU lacks bfloat16: before Ampere, such convolutions crawl."""
    lacking = device() == "cuda" and not torch.cuda.is_bf16_supported(False)
    if schedule.precision == "bfloat16" and lacking:
        return replace(schedule, precision="float32")
    return schedule
