"""Detectors: from a crop to two logits. One file for each system; this page says what they have in common."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from tcnsc_lib import CompanionError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def imagenet_weights(network: str, url: str) -> dict[str, Tensor]:
    """A published state dict, checked against the hash in its name; from torch's cache once it was downloaded.

    Raises CompanionError if it can't be had.
    """
    try:
        return torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:  # no network; a download cut short, which fails its hash
        raise CompanionError(f"The ImageNet weights of {network} can't be had from {url} ({error}); try again with a "
                             f"connection, put that file into {torch.hub.get_dir()}/checkpoints yourself, or give "
                             "pretrained=False.") from error


class Detector(nn.Module):
    """Normalised crops (N, 3, S, S) -> logits (N, 2), column 0 real, column 1 fake.

    A detector knows its own input: `input_size` S in pixels, per-channel `mean` and `std` of [0, 1] values, and the
    `interpolation` that brings crops to S. Subclasses write `forward` and `losses`, which returns a dict with the key
    "total". `real_only`: it trains on real crops alone and makes its own fakes (in `training_images`).
    """

    mean, std = IMAGENET_MEAN, IMAGENET_STD
    interpolation = "bilinear"
    real_only = False

    def __init__(self, input_size: int):
        super().__init__()
        self.input_size = input_size

    def prepare(self, crops: Tensor) -> Tensor:
        """uint8 crops (N, S0, S0, 3) -> this detector's float32 input (N, 3, S, S); resized if S0 differs."""
        x = crops.permute(0, 3, 1, 2).float() / 255
        if x.shape[-1] != self.input_size:
            smooth = {"antialias": True} if self.interpolation == "bilinear" else {}
            x = nn.functional.interpolate(x, (self.input_size, self.input_size), mode=self.interpolation, **smooth)
        mean, std = (torch.tensor(v, device=x.device).view(3, 1, 1) for v in (self.mean, self.std))
        return (x - mean) / std

    def training_images(self, crops: np.ndarray, y: np.ndarray, landmarks: np.ndarray,
                        rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """What a batch is turned into before `prepare`, while training: here nothing.

        crops: uint8 (N, S0, S0, 3). y: int64 (N,). landmarks: float (N, 5, 2), x y in pixels of the crop.
        """
        return crops, y

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """Scalar losses of a batch by name, "total" the one to be minimised: x, x_twin float32 (N, 3, S, S), y int64 (N,)."""
        raise NotImplementedError

    def watch(self, x: Tensor, y: Tensor, x_twin: Tensor) -> dict[str, float]:
        """What to log now and then about fixed pairs of crops (N, 3, S, S), beside the losses; here nothing."""
        return {}
