"""Batch normalisation, the suspect: its running statistics estimated anew, or none at all.

While it trains, batch normalisation (Ioffe and Szegedy, ICML 2015) brings each channel to mean 0
and variance 1 by the statistics of the batch; at test time, by running means of those. What passed
through f while it trained therefore decides how a test image is normalised, whatever the loss was.
"""
from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

import torch
from torch import Tensor, nn

from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.ablations import BothClassified, ClassifierAlone
from tcnsc_lib.detectors.tcnsc import TCNSC

GROUP = 4  # channels that are normalised together


def batch_norms(detector: nn.Module) -> dict[str, nn.BatchNorm2d]:
    """Every batch normalisation of a network by its name, in the order of its modules."""
    return {
        name: module
        for name, module in detector.named_modules()
        if isinstance(module, nn.BatchNorm2d)
    }


@torch.no_grad()
def reestimated(detector: Detector, batches: Iterable[Tensor]) -> Detector:
    """A copy whose running statistics are the plain mean over these batches; no weight changes.

    batches: prepared crops, float32 (N, 3, S, S); neither labels nor gradients are needed. Dropout
    stays off. Li et al., "Revisiting batch normalization for practical domain adaptation", 2016.
    """
    copy = deepcopy(detector).eval()
    for norm in batch_norms(copy).values():
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches, each weighing alike
        norm.train()
    for x in batches:
        copy(x)
    return copy.eval()


class Grouped(TCNSC):
    """With group normalisation (Wu and He, ECCV 2018): each image by its own statistics.

    What passes through f beside an image can't reach it, in training or at test time. So one pass
    or two are the same, and lambda 0 is model B.
    """

    name = "group normalisation"

    def __init__(self, input_size: int = 224, width: int = 64, width_z: int = 128,
                 lam: float = 1.0):
        super().__init__(input_size, width, width_z, lam)
        for name, norm in batch_norms(self.f).items():
            channels = norm.num_features
            groups = max(1, channels // GROUP)
            self.f.set_submodule(name, nn.GroupNorm(groups, channels))


class GroupedClassifierAlone(Grouped, ClassifierAlone):
    """Model B with group normalisation."""

    name = "group normalisation, model B"


class GroupedBothClassified(Grouped, BothClassified):
    """With lambda 0, JPEG augmentation with group normalisation."""

    name = "group normalisation, both views classified"
