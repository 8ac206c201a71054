"""TCNSC: the encoder f, the projection head g, the classifier c, and equations 1-4 (section 3).

Symbols are the paper's: X an image and X' its compressed twin, h = f(X), z = g(h), p from c(h), y the label.
The constructor's defaults are the paper's, and where the paper is silent those of `paper.OPEN`.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, ResNet

from tcnsc_lib.detectors import Detector


class Encoder(ResNet):
    """f: torchvision's ResNet18 up to its global average pooling, X (N, 3, S, S) -> h (N, 8 * width).

    width: channels of the first stage; 64 is ResNet18 itself. A smaller width keeps the stem, all four stages
    and both blocks of each, and divides every channel count alike (for the demo's clock).
    """

    def __init__(self, width: int = 64):
        self.stage1 = width
        super().__init__(BasicBlock, [2, 2, 2, 2])
        self.features = 8 * width
        self.fc = nn.Identity()
        if width != 64:
            self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
            self.bn1 = nn.BatchNorm2d(width)

    def _make_layer(self, block, planes, *args, **kwargs):
        if planes == 64:
            self.inplanes = self.stage1
        return super()._make_layer(block, planes * self.stage1 // 64, *args, **kwargs)


def cosine(z: Tensor, z_twin: Tensor) -> Tensor:
    """Equation 1: cos(z_i, z'_i) of each pair, (N, D), (N, D) -> (N,) in [-1, 1].

    In float32 at least, also where f and g run in bfloat16, whose steps near 1 are as large as the loss.
    """
    dtype = torch.promote_types(z.dtype, torch.float32)
    return F.cosine_similarity(z.to(dtype), z_twin.to(dtype), dim=1)


def loss_sim(z: Tensor, z_twin: Tensor) -> Tensor:
    """Equation 2 as printed. Its two sums are equal, so the value is 1 - mean cos(z, z'), in [0, 2]."""
    n = len(z)
    return ((1 - cosine(z, z_twin)).sum() + (1 - cosine(z_twin, z)).sum()) / (2 * n)


def loss_cro(logits: Tensor, y: Tensor) -> Tensor:
    """Equation 3: binary cross-entropy of p = softmax(logits)[:, 1], the probability of fake; y int64 (N,)."""
    return F.cross_entropy(logits, y)


class TCNSC(Detector):
    """The dual-branch model; with `lam=0` and no twin it is the classifier alone (model B of Table 2).

    width: of the encoder. width_z: output width of g, whose hidden layer is as wide as h. lam: lambda of eq. 4.
    """

    def __init__(self, input_size: int = 224, width: int = 64, width_z: int = 128, lam: float = 1.0):
        super().__init__(input_size)
        self.lam = lam
        self.f = Encoder(width)
        h = self.f.features
        self.g = nn.Sequential(nn.Linear(h, h), nn.ReLU(), nn.Linear(h, width_z))
        self.c = nn.Linear(h, 2)

    def forward(self, x: Tensor) -> Tensor:
        """The path used at test time: c(f(X)), normalised crops (N, 3, S, S) -> logits (N, 2), [real, fake]."""
        return self.c(self.f(x))

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """Algorithms 1 and 2 in one step: equation 4 in "total", its terms in "cro" and "sim".

        x, x_twin: (N, 3, S, S). Both views go through f as one batch of 2N (section 3.1, step 10), so they share
        batch statistics; the classification loss sees h of the first view alone (algorithm 2).
        """
        if x_twin is None:
            cro = loss_cro(self(x), y)
            return {"total": cro, "cro": cro}
        h, h_twin = self.f(torch.cat([x, x_twin])).chunk(2)
        cro = loss_cro(self.c(h), y)
        sim = loss_sim(self.g(h), self.g(h_twin))
        return {"total": cro + self.lam * sim, "cro": cro, "sim": sim}
