"""Meso4 and MesoInception4 (Afchar et al., MesoNet, WIFS 2018; DariusAf/MesoNet).

Four blocks of few channels and a small dense head, trained on the squared error of one sigmoid
unit, P(real). The layers, their order and their constants are those of the authors' Keras code, so
their weights give their numbers (`published.load_published`). The PyTorch port in common use drops
convolution biases and ReLUs, and shares BN layers.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import SETTLING, Detector, Settings

SHRINKS = 32  # the network's four poolings together
KERAS = 0.01  # Keras's momentum of the batch statistics, .99, as torch counts it
EPS = 1e-3  # Keras's default of batch normalisation


def convolve(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> list[nn.Module]:
    """Keras's Conv2D(padding="same", activation="relu").

    (N, inputs, H, W) -> (N, outputs, H, W).
    """
    padding = dilation * (kernel // 2)
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation)
    return [convolution, nn.ReLU()]


def norm_and_pool(channels: int, pool: int, momentum: float) -> list[nn.Module]:
    """What ends each block: (N, channels, H, W) -> (N, channels, H / pool, W / pool)."""
    return [nn.BatchNorm2d(channels, eps=EPS, momentum=momentum), nn.MaxPool2d(pool)]


class Inception(nn.Module):
    """Four branches side by side, with a ReLU after every convolution.

    1x1 to a channels | 1x1, 3x3 to b | 1x1, 3x3 of dilation 2 to c | 1x1, 3x3 of dilation 3 to d.
    (N, inputs, H, W) -> (N, a + b + c + d, H, W).
    """

    def __init__(self, inputs: int, a: int, b: int, c: int, d: int):
        super().__init__()
        self.branches = nn.ModuleList()
        widths = {1: b, 2: c, 3: d}
        wide = []
        for dilation, n in widths.items():
            layers = [*convolve(inputs, n, 1), *convolve(n, n, 3, dilation)]
            wide.append(nn.Sequential(*layers))
        narrow = nn.Sequential(*convolve(inputs, a, 1))
        self.branches.extend([narrow, *wide])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class Blocks(nn.Sequential):
    """Blocks of a network, whose maps (N, C, H, W) are flattened in Keras's order: (N, H W C)."""

    def forward(self, x: Tensor) -> Tensor:
        maps = super().forward(x)
        return maps.permute(0, 2, 3, 1).flatten(1)  # row, column, channel


class Meso(Detector):
    """What both networks share: the input, the dense head, the loss and Keras's initialisation.

    input_size: S, a multiple of 32, else CompanionError; the published weights need 256, since the
    dense layer is 16 (S/32)^2 wide. features: crops (N, 3, S, S) in [0, 1] -> (N, 16 (S/32)^2).

    The networks' `momentum`, of the batch statistics, is the authors' by default. With it the
    statistics take thousands of steps: after 340, 3 % of the initial variance 1 are left, far more
    than these activations have, and in evaluation mode the network is lost.
    """

    authors = Settings(
        arguments={"input_size": 256, "momentum": KERAS},
        schedule={"batch_size": 75, "learning_rate": 1e-3, "final_lr_share": 1.0})
    mean = (0.0, 0.0, 0.0)
    std = (1.0, 1.0, 1.0)
    # At 256 px the pixels that PIL's "nearest" takes, with which Keras resizes.
    interpolation = "nearest-exact"

    def __init__(self, input_size: int, features: Blocks):
        super().__init__(input_size)
        if input_size < SHRINKS or input_size % SHRINKS:
            raise CompanionError(
                f"{type(self).__name__} can't take crops of {input_size} px, since its pooling "
                f"divides by {SHRINKS}; choose a multiple of {SHRINKS}.")
        self.features = features
        flat = (input_size // SHRINKS) ** 2 * 16
        self.head = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(flat, 16), nn.LeakyReLU(0.1),
            nn.Dropout(0.5), nn.Linear(16, 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):  # Keras's defaults
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Crops (N, 3, S, S) in [0, 1] -> logits (N, 2), [real, fake].

        The unit u says P(real) = sigmoid(u), so the logits are [u, 0]: their softmax is
        [sigmoid(u), 1 - sigmoid(u)].
        """
        unit = self.head(self.features(x))
        return torch.cat([unit, torch.zeros_like(unit)], dim=1)

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """The authors' loss, mean (P(real) - (1 - y))^2 in [0, 1], as "total" and "mse".

        y: int64 (N,). The twin isn't used. In float32, also where the network runs in bfloat16.
        """
        p_real = self(x).float().softmax(dim=1)[:, 0]
        mse = F.mse_loss(p_real, 1 - y.float())
        return {"total": mse, "mse": mse}

    @property
    def heat_layer(self) -> nn.Module:
        """The last ReLU, before the last BN and pooling: (N, 16, S/8, S/8), 12 x 12 at 96 px."""
        return self.features[-3]


class Meso4(Meso):
    """Four convolutions of 8, 8, 16, 16 channels, with pooling by 2, 2, 2, 4.

    28,073 stored values at 256 px.
    """

    name = "Meso4"
    reduced = {
        "demo": Settings(
            {"input_size": 96, "momentum": 0.1}, {"learning_rate": 3e-3, **SETTLING}),
        "photos": Settings({"input_size": 96, "momentum": 0.1}),
    }

    def __init__(self, input_size: int = 256, momentum: float = KERAS):
        features = Blocks(
            *convolve(3, 8, 3), *norm_and_pool(8, 2, momentum),
            *convolve(8, 8, 5), *norm_and_pool(8, 2, momentum),
            *convolve(8, 16, 5), *norm_and_pool(16, 2, momentum),
            *convolve(16, 16, 5), *norm_and_pool(16, 4, momentum))
        super().__init__(input_size, features)


class MesoInception4(Meso):
    """Meso4 with inception modules for its first two convolutions.

    28,725 stored values at 256 px.
    """

    name = "MesoInception"
    reduced = {
        "demo": Settings(
            {"input_size": 96, "momentum": 0.1},
            {"learning_rate": 3e-3, "iterations": 150, **SETTLING}),
        "photos": Settings({"input_size": 96, "momentum": 0.1}),
    }

    def __init__(self, input_size: int = 256, momentum: float = KERAS):
        features = Blocks(
            Inception(3, 1, 4, 4, 2), *norm_and_pool(11, 2, momentum),
            Inception(11, 2, 4, 4, 2), *norm_and_pool(12, 2, momentum),
            *convolve(12, 16, 5), *norm_and_pool(16, 2, momentum),
            *convolve(16, 16, 5), *norm_and_pool(16, 4, momentum))
        super().__init__(input_size, features)
