"""TCNSC, the paper's method: an encoder f, a projection head g, a classifier c, and equations 1-4.

The paper's symbols (section 3):

    X, X'   an image and its compressed twin
    h, h'   their representations, f(X) and f(X')
    z, z'   where they are compared, g(h) and g(h')
    y       the label, 0 real, 1 fake
    p       the probability of fake, from c(h)
    N       images in a batch

The defaults are the paper's values, and those of `paper.OPEN` where the paper is silent.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tcnsc_lib.detectors import Detector, collapse
from tcnsc_lib.detectors.resnet import Encoder

# Equation 1: how alike the two views of an image are.
#
#     cos(z, z') = z . z' / (|z| |z'|)
#
# In float32 at least, also where f and g run in bfloat16, whose steps near 1 are as large as the
# loss.


def cosine(z: Tensor, z_twin: Tensor) -> Tensor:
    """cos(z, z') of each pair: (N, D), (N, D) -> (N,) in [-1, 1]."""
    dtype = torch.promote_types(z.dtype, torch.float32)
    return F.cosine_similarity(z.to(dtype), z_twin.to(dtype), dim=1)


# Equation 2: the similarity loss, as printed.
#
#     Loss_sim = (sum (1 - cos(z, z')) + sum (1 - cos(z', z))) / 2N
#
# Its two sums are equal, so the value is 1 minus the mean of cos(z, z').


def loss_sim(z: Tensor, z_twin: Tensor) -> Tensor:
    """Loss_sim of a batch: (N, D), (N, D) -> a scalar in [0, 2]."""
    n = len(z)
    first = (1 - cosine(z, z_twin)).sum()
    second = (1 - cosine(z_twin, z)).sum()
    return (first + second) / (2 * n)


# Equation 3: the classification loss, binary cross-entropy.
#
#     Loss_cro = sum -(y log p + (1 - y) log(1 - p)) / N
#
# p is the second value of the softmax of c's two logits.


def loss_cro(logits: Tensor, y: Tensor) -> Tensor:
    """Loss_cro of a batch: logits (N, 2), [real, fake], and y int64 (N,) -> a scalar >= 0."""
    return F.cross_entropy(logits, y)


# The network (Figure 2).
#
#     f   ResNet18 up to its pooling           X -> h
#     g   linear layer, ReLU, linear layer     h -> z
#     c   linear layer                         h -> two logits


class TCNSC(Detector):
    """Two branches on one encoder: similarity learning (f, g) and classification (f, c).

    input_size: S, pixels. width: channels of f's first stage; h has 8 * width values. width_z:
    values of z. lam: lambda of equation 4.
    """

    name = "TCNSC"
    from_profile = {"input_size": "size", "width": "width", "width_z": "width_z", "lam": "lam"}
    starts = ("random", "imagenet")

    # What the losses see, in the words of the ablation's table; see `ablations` for others.
    classified = "X"
    compared = "z"

    def __init__(self, input_size: int = 224, width: int = 64, width_z: int = 128,
                 lam: float = 1.0):
        super().__init__(input_size)
        self.lam = lam
        self.f = Encoder(width)
        h = self.f.outputs
        self.g = nn.Sequential(nn.Linear(h, h), nn.ReLU(), nn.Linear(h, width_z))
        self.c = nn.Linear(h, 2)

    def features(self, x: Tensor) -> Tensor:
        """h = f(X): (N, 3, S, S) -> (N, 8 * width)."""
        return self.f(x)

    def forward(self, x: Tensor) -> Tensor:
        """The path at test time, c(f(X)): (N, 3, S, S) -> logits (N, 2), [real, fake]."""
        return self.c(self.f(x))

    # One step: algorithms 1 and 2 together, which share f.
    #
    # The two views are "separately fed" into f (Figure 2; algorithm 1, step A): each is normalised
    # by the statistics of its own batch, and the running statistics, which the test uses, follow
    # both (`paper.OPEN`, 17). The classifier sees h alone (algorithm 2).
    #
    # Equation 4: Loss_total = Loss_cro + lambda Loss_sim

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor) -> dict[str, Tensor]:
        """Equation 4 in "total", its terms in "cro" and "sim".

        x, x_twin: X and X', float32 (N, 3, S, S). y: int64 (N,).
        """
        h, h_twin = self.encode(x, x_twin)
        sim = self.similarity(h, h_twin)
        cro = loss_cro(self.c(h), y)
        total = cro + self.lam * sim
        return {"total": total, "cro": cro, "sim": sim}

    def encode(self, x: Tensor, x_twin: Tensor) -> tuple[Tensor, Tensor]:
        """h = f(X), h' = f(X'): each (N, 3, S, S) -> (N, 8 * width), in two passes."""
        h = self.f(x)
        h_twin = self.f(x_twin)
        return h, h_twin

    def similarity(self, h: Tensor, h_twin: Tensor) -> Tensor:
        """Loss_sim of z = g(h) and z' = g(h')."""
        z = self.g(h)
        z_twin = self.g(h_twin)
        return loss_sim(z, z_twin)

    def watch(self, x: Tensor, y: Tensor, x_twin: Tensor) -> dict[str, float]:
        """Is Loss_sim satisfied by a constant? See `collapse.watch`."""
        return collapse.watch(self, x, y, x_twin)

    def start_from(self, weights: str) -> None:
        """Begin f with "random" weights (as built) or torchvision's of ResNet18, "imagenet".

        Raises CompanionError for others, and as `Encoder.start_from_imagenet` does.
        """
        super().start_from(weights)
        if weights == "imagenet":
            self.f.start_from_imagenet()

    @property
    def heat_layer(self) -> nn.Module:
        """The last stage of f, or for S < 192 the third; both end with a ReLU.

        (N, 8 * width, S/32, S/32), 7 x 7 cells at 224 px; or (N, 4 * width, S/16, S/16), 6 x 6
        at 96. Halves are rounded up.
        """
        return self.fine_enough(self.f.layer4, self.f.layer3)
