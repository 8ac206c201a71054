"""Detectors: from a crop to two logits. One file for each system; this page says what they have in common."""
from __future__ import annotations

import torch
from torch import Tensor, nn

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Detector(nn.Module):
    """Normalised crops (N, 3, S, S) -> logits (N, 2), column 0 real, column 1 fake.

    A detector knows its own input: `input_size` S in pixels, and the per-channel `mean` and `std` of [0, 1] values.
    Subclasses write `forward` and, where they train, `losses`, which returns a dict with the key "total".
    """

    mean, std = IMAGENET_MEAN, IMAGENET_STD

    def __init__(self, input_size: int):
        super().__init__()
        self.input_size = input_size

    def prepare(self, crops: Tensor) -> Tensor:
        """uint8 crops (N, S0, S0, 3) -> this detector's float32 input (N, 3, S, S); resized if S0 differs."""
        x = crops.permute(0, 3, 1, 2).float() / 255
        if x.shape[-1] != self.input_size:
            x = nn.functional.interpolate(x, (self.input_size, self.input_size), mode="bilinear", antialias=True)
        mean, std = (torch.tensor(v, device=x.device).view(3, 1, 1) for v in (self.mean, self.std))
        return (x - mean) / std

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        raise NotImplementedError
