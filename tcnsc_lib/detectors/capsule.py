"""Capsule-Forensics, version 1 (Nguyen, Yamagishi, Echizen, ICASSP 2019).

A frozen VGG19 up to its third pooling; three primary capsules that see each channel's mean and
standard deviation; routing by agreement into two output capsules of four dimensions, one for each
class. As coded by the authors (nii-yamagishilab/Capsule-Forensics), where the paper leaves it
open. Their outputs are [fake, real]; ours are [real, fake], like everything in this project.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import VGG19_Weights
from torchvision.models.vgg import make_layers

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import SETTLING, Detector, Settings, imagenet_weights

CAPSULES = 3
CLASSES = 2
VALUES_IN = 8
VALUES_OUT = 4
NOISE = 0.01  # standard deviation on the routing weights while training
ITERATIONS = 2
WIDTH = 64  # channels of the published VGG19's first stage


def squash(v: Tensor, dim: int) -> Tensor:
    """v |v|^2 / (1 + |v|^2) / |v|, with the norm over `dim`: same direction, length in [0, 1).

    Written so that v = 0 has the value and gradient 0 and not 0/0.
    """
    norm = torch.linalg.vector_norm(v, dim=dim, keepdim=True)
    return v * norm / (1 + norm**2)


def route(votes: Tensor) -> Tensor:
    """Routing by agreement: votes float32 (N, classes, capsules, 4) -> outputs (N, classes, 4).

    Each of the 4 values has its own coupling, a softmax over the input capsules, which starts
    uniform and grows where vote and output agree in sign.
    """
    logits = torch.zeros_like(votes)
    for _ in range(ITERATIONS):
        coupling = logits.softmax(dim=2)
        outputs = squash((coupling * votes).sum(dim=2), dim=2)
        logits = logits + votes * outputs.unsqueeze(2)
    return outputs


class Statistics(nn.Module):
    """Per-channel mean and unbiased standard deviation, (N, C, H, W) -> float32 (N, 2, C)."""

    def forward(self, x: Tensor) -> Tensor:
        flat = x.float().flatten(2)
        return torch.stack([flat.mean(dim=2), flat.std(dim=2)], dim=1)


def primary_capsule(channels: int) -> nn.Sequential:
    """One primary capsule, maps (N, channels, H, W) -> (N, 8); H and W at least 2."""
    on_maps = [
        nn.Conv2d(channels, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
    ]
    on_statistics = [
        nn.Conv1d(2, 8, 5, stride=2, padding=2), nn.BatchNorm1d(8),
        nn.Conv1d(8, 1, 3, padding=1), nn.BatchNorm1d(1),
    ]
    return nn.Sequential(*on_maps, Statistics(), *on_statistics, nn.Flatten())


class CapsuleHead(nn.Module):
    """All that is trained: VGG's maps (N, channels, H, W) -> float32 probabilities (N, 4, 2).

    In the last axis [real, fake]. Each of the 4 values of the output capsules is soft-maxed over
    the classes by itself. 471,321 parameters at 256 channels. `route_weights` has the axes class,
    input capsule, value out, value in.
    """

    def __init__(self, channels: int = 256):
        super().__init__()
        self.primary = nn.ModuleList(primary_capsule(channels) for _ in range(CAPSULES))
        weights = torch.randn(CLASSES, CAPSULES, VALUES_OUT, VALUES_IN)
        self.route_weights = nn.Parameter(weights)
        for module in self.primary.modules():
            if isinstance(module, nn.Conv2d | nn.Conv1d):
                nn.init.normal_(module.weight, 0, 0.02)
            elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                nn.init.normal_(module.weight, 1, 0.02)

    def capsules(self, maps: Tensor) -> Tensor:
        """The primary capsules: VGG's maps (N, channels, H, W) -> float32 (N, 8, 3), squashed.

        The squash runs over the 3 capsules and not over the 8 values of each: so the authors coded
        it.
        """
        values = [capsule(maps).float() for capsule in self.primary]
        return squash(torch.stack(values, dim=2), dim=2)

    def forward(self, maps: Tensor) -> Tensor:
        capsules = self.capsules(maps).transpose(1, 2)
        weights = self.route_weights
        if self.training:
            weights = weights + NOISE * torch.randn_like(weights)
        # The product W u, written out, for autocast would compute a matmul in bfloat16.
        votes = (weights * capsules[:, None, :, None, :]).sum(dim=4)
        return route(votes).transpose(1, 2).softmax(dim=2)


def vgg19_features(width: int = WIDTH, pretrained: bool = False) -> nn.Sequential:
    """VGG19 up to its third pooling (torchvision's features[0..18]).

    (N, 3, S, S) -> (N, 4 * width, S/8, S/8). width: channels of the first stage; 64 is VGG19
    itself, another divides every channel count alike. pretrained: torchvision's ImageNet weights,
    downloaded once, for width 64 alone. Raises CompanionError where they can't be had.
    """
    if pretrained and width != WIDTH:
        raise CompanionError(
            f"There are no ImageNet weights for a VGG19 of width {width}; use width={WIDTH}, or "
            "pretrained=False.")
    first = [width] * 2
    second = [2 * width] * 2
    third = [4 * width] * 4
    layers = make_layers([*first, "M", *second, "M", *third, "M"])
    if pretrained:
        state = imagenet_weights("VGG19", VGG19_Weights.IMAGENET1K_V1.url)
        own = {name: state[f"features.{name}"] for name in layers.state_dict()}
        layers.load_state_dict(own)
        return layers
    for module in layers:
        if isinstance(module, nn.Conv2d):  # torchvision's own initialisation of VGG
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return layers


class Capsule(Detector):
    """Frozen VGG19 features, then `CapsuleHead`; the authors' input is 128 px.

    width and pretrained: see `vgg19_features`. The authors use pretrained=True, which needs a
    download.
    """

    name = "Capsule"
    from_profile = {"pretrained": "pretrained"}
    authors = Settings(
        arguments={"input_size": 128, "width": WIDTH},
        schedule={"batch_size": 100, "learning_rate": 5e-4, "final_lr_share": 1.0})
    reduced = {
        "demo": Settings(
            {"input_size": 96, "width": 8},
            {"learning_rate": 1.5e-3, "iterations": 128, **SETTLING}),
        "photos": Settings({"input_size": 96}),
    }

    def __init__(self, input_size: int = 128, width: int = WIDTH, pretrained: bool = False):
        super().__init__(input_size)
        vgg = vgg19_features(width, pretrained)
        self.vgg = vgg.requires_grad_(False).eval()
        self.head = CapsuleHead(4 * width)

    def train(self, mode: bool = True) -> Capsule:
        """Training mode for the head alone: the VGG is frozen."""
        super().train(mode)
        self.vgg.eval()
        return self

    def features(self, x: Tensor) -> Tensor:
        """The primary capsules, before routing: (N, 3, S, S) -> float32 (N, 24)."""
        return self.head.capsules(self.vgg(x)).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised crops (N, 3, S, S) -> logits (N, 2), [real, fake].

        The log of the mean of the 4 probabilities. The means sum to 1, so the logits' softmax
        gives them back.
        """
        return self.head(self.vgg(x)).mean(dim=1).log()

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """The authors' loss as "total" and "capsule", float32; y int64 (N,), the twin isn't used.

        The sum over the 4 values of the cross-entropy of probabilities, which it soft-maxes once
        more: so the authors coded it. It can't fall below 4 log(1 + 1/e) = 1.253.
        """
        probabilities = self.head(self.vgg(x)).unbind(dim=1)
        loss = sum(F.cross_entropy(p, y) for p in probabilities)
        return {"total": loss, "capsule": loss}

    @property
    def heat_layer(self) -> nn.Module:
        """The VGG, up to a ReLU and a pooling: (N, 4 * width, S/8, S/8), 12 x 12 at 96 px."""
        return self.vgg
