"""Meso4 and MesoInception4 (Afchar et al., MesoNet, WIFS 2018; DariusAf/MesoNet).

Four blocks of few channels and a small dense head, trained on the squared error of one sigmoid unit, P(real). The
layers, their order and their constants are those of the authors' Keras code, so their weights give their numbers
(`published.load_published`). The PyTorch port in common use drops convolution biases and ReLUs, and shares BN layers.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector


def convolve(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> list[nn.Module]:
    """Keras's Conv2D(padding="same", activation="relu"): (N, inputs, H, W) -> (N, outputs, H, W)."""
    return [nn.Conv2d(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation), nn.ReLU()]


def norm_and_pool(channels: int, pool: int, momentum: float) -> list[nn.Module]:
    """What ends each block; eps is Keras's default."""
    return [nn.BatchNorm2d(channels, eps=1e-3, momentum=momentum), nn.MaxPool2d(pool)]


class Inception(nn.Module):
    """Four branches side by side, (N, inputs, H, W) -> (N, a + b + c + d, H, W), a ReLU after every convolution.

    1x1 to a channels | 1x1, 3x3 to b | 1x1, 3x3 of dilation 2 to c | 1x1, 3x3 of dilation 3 to d.
    """

    def __init__(self, inputs: int, a: int, b: int, c: int, d: int):
        super().__init__()
        wide = [nn.Sequential(*convolve(inputs, n, 1), *convolve(n, n, 3, dilation))
                for n, dilation in ((b, 1), (c, 2), (d, 3))]
        self.branches = nn.ModuleList([nn.Sequential(*convolve(inputs, a, 1)), *wide])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class Meso(Detector):
    """What both networks share: the input, the dense head, the loss and Keras's initialisation.

    features: crops (N, 3, S, S) in [0, 1] -> (N, 16, S/32, S/32). input_size S: a multiple of 32, else CompanionError;
    the published weights need 256, since the dense layer is (S/32)^2 * 16 wide. momentum: of the batch statistics; Keras's
    .99, which the authors keep, is .01 here. It takes thousands of steps: after 340, 3 % of the initial variance 1 are
    left, far more than these activations have, and in evaluation mode the network is lost.
    """

    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    interpolation = "nearest-exact"  # at 256 px the pixels that PIL's "nearest" takes, with which Keras resizes

    def __init__(self, input_size: int, features: nn.Sequential):
        super().__init__(input_size)
        if input_size < 32 or input_size % 32:
            raise CompanionError(f"{type(self).__name__} can't take crops of {input_size} px, since its pooling "
                                 "divides by 32; choose a multiple of 32.")
        self.features = features
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear((input_size // 32) ** 2 * 16, 16), nn.LeakyReLU(0.1),
                                  nn.Dropout(0.5), nn.Linear(16, 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):  # Keras's defaults
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Crops (N, 3, S, S) in [0, 1] -> logits (N, 2), [real, fake].

        The unit u says P(real) = sigmoid(u), so the logits are [u, 0]: their softmax is [sigmoid(u), 1 - sigmoid(u)].
        """
        flat = self.features(x).permute(0, 2, 3, 1).flatten(1)  # row, column, channel: the order Keras flattens in
        unit = self.head(flat)
        return torch.cat([unit, torch.zeros_like(unit)], dim=1)

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """The authors' loss, mean (P(real) - (1 - y))^2 in [0, 1], as "total" and "mse"; y int64 (N,), x_twin unused.

        In float32, also where the network runs in bfloat16.
        """
        p_real = self(x).float().softmax(dim=1)[:, 0]
        mse = F.mse_loss(p_real, 1 - y.float())
        return {"total": mse, "mse": mse}


class Meso4(Meso):
    """Four convolutions of 8, 8, 16, 16 channels, with pooling by 2, 2, 2, 4; 28,073 stored values at 256 px."""

    def __init__(self, input_size: int = 256, momentum: float = 0.01):
        super().__init__(input_size, nn.Sequential(
            *convolve(3, 8, 3), *norm_and_pool(8, 2, momentum),
            *convolve(8, 8, 5), *norm_and_pool(8, 2, momentum),
            *convolve(8, 16, 5), *norm_and_pool(16, 2, momentum),
            *convolve(16, 16, 5), *norm_and_pool(16, 4, momentum)))


class MesoInception4(Meso):
    """Meso4 with its first two convolutions replaced by inception modules; 28,725 stored values at 256 px."""

    def __init__(self, input_size: int = 256, momentum: float = 0.01):
        super().__init__(input_size, nn.Sequential(
            Inception(3, 1, 4, 4, 2), *norm_and_pool(11, 2, momentum),
            Inception(11, 2, 4, 4, 2), *norm_and_pool(12, 2, momentum),
            *convolve(12, 16, 5), *norm_and_pool(16, 2, momentum),
            *convolve(16, 16, 5), *norm_and_pool(16, 4, momentum)))
