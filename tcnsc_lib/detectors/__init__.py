"""Detectors: from a crop to two logits. One file a system; here is what they have in common."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from tcnsc_lib import CompanionError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
LEAST_CELLS = 6
"""Of a heat map's side. With 3, all that a stride of 32 leaves of 96 px, an eye shares its cell
with brow and cheek, and a map can't say where a network looks. At the paper's 224 px there are 7.
"""


@dataclass(frozen=True)
class Settings:
    """How a detector is built and trained, where that differs from its defaults and the profile's.

    arguments: of its constructor. schedule: fields of `training.loop.Schedule`.
    """

    arguments: dict = field(default_factory=dict)
    schedule: dict = field(default_factory=dict)


SETTLING = {"final_lr_share": 0.02}
"""For a short training whose authors keep the learning rate: it falls, as TCNSC's does.

Else the last steps decide where p(fake) passes 1/2: at one AUC, accuracy differed by 18 points
between two processors. It starts higher, so that as much is learned.
"""


class Detector(nn.Module):
    """Normalised crops (N, 3, S, S) -> logits (N, 2), column 0 real, column 1 fake.

    A detector is a class with the attributes below and the methods `forward`, `features` and
    `losses`. `registry` lists them all.
    """

    # Its name in Table 3, or of an ablation in Table 2.
    name: ClassVar[str]
    # Its authors' settings; reduced: profile -> what two processor cores demand otherwise.
    authors: ClassVar[Settings] = Settings()
    reduced: ClassVar[dict[str, Settings]] = {}
    # Argument of its constructor -> field of the profile that gives its value.
    from_profile: ClassVar[dict[str, str]] = {}
    # What it may start from (see `start_from`).
    starts: ClassVar[tuple[str, ...]] = ("random",)
    # Video qualities whose crops it is trained on, a row of Table 3 each.
    qualities: ClassVar[tuple[str, ...]] = ("raw",)
    # It trains on real crops alone and makes its own fakes (in `training_images`).
    real_only: ClassVar[bool] = False
    # It can't be trained without the landmarks of its training crops.
    by_landmarks: ClassVar[bool] = False
    # Its input: statistics of [0, 1] values by colour, and how crops are brought to its size.
    mean: ClassVar[tuple[float, float, float]] = IMAGENET_MEAN
    std: ClassVar[tuple[float, float, float]] = IMAGENET_STD
    interpolation: ClassVar[str] = "bilinear"
    # How many updates a step has, each with an optimizer of its own; see `updates`.
    optimizers: ClassVar[int] = 1

    # What its last layer sees: normalised crops (N, 3, S, S) -> (N, D). A method or a module.
    features: Callable[[Tensor], Tensor]

    def __init__(self, input_size: int):
        """input_size: S, pixels."""
        super().__init__()
        self.input_size = input_size

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """Scalar losses of a batch by name; "total" is the one to be minimised.

        x, x_twin: float32 (N, 3, S, S). y: int64 (N,).
        """
        raise NotImplementedError

    def updates(self, x: Tensor, y: Tensor, *twin: Tensor) -> Iterator[dict[str, Tensor]]:
        """The losses of each update of one step, as `losses` has them: here a single joint one.

        The next ones are computed with the weights that the update before has left.
        """
        yield self.losses(x, y, *twin)

    @classmethod
    def needs_twin(cls) -> bool:
        """Whether its losses can't be had without a second view, X'."""
        twin = signature(cls.losses).parameters.get("x_twin")
        return twin is not None and twin.default is Parameter.empty

    @property
    def heat_layer(self) -> nn.Module:
        """Of whose output, (N, C, cells, cells), heat maps are made: the end of a stage.

        That of the last one where its maps have `LEAST_CELLS` cells a side or more, else of the one
        before it. What comes after it in the network must not change its output in place.
        """
        raise NotImplementedError

    def fine_enough(self, last: nn.Module, before: nn.Module) -> nn.Module:
        """The end of a last stage whose cells cover 32 px, if S is 192 or more, else `before`."""
        return last if self.input_size >= 32 * LEAST_CELLS else before

    def prepare(self, crops: Tensor) -> Tensor:
        """uint8 crops (N, S0, S0, 3) -> this detector's float32 input (N, 3, S, S)."""
        return self.normalise(self.resize(self.scale(crops)))

    def scale(self, crops: Tensor) -> Tensor:
        """uint8 crops (N, S0, S0, 3) -> float32 (N, 3, S0, S0) in [0, 1]."""
        return crops.permute(0, 3, 1, 2).to(torch.float32, copy=True).div_(255)

    def resize(self, x: Tensor) -> Tensor:
        """(N, 3, S0, S0) -> (N, 3, S, S), by `interpolation`; as it is where S0 is S."""
        if x.shape[-1] == self.input_size:
            return x
        size = (self.input_size, self.input_size)
        smooth = self.interpolation == "bilinear"
        return nn.functional.interpolate(x, size, mode=self.interpolation, antialias=smooth)

    def normalise(self, x: Tensor) -> Tensor:
        """Colours (N, 3, S, S) in [0, 1], minus `mean`, over `std`."""
        mean = torch.tensor(self.mean, device=x.device).view(3, 1, 1)
        std = torch.tensor(self.std, device=x.device).view(3, 1, 1)
        return (x - mean).div_(std)

    def start_from(self, weights: str) -> None:
        """Begin with these weights, one of `starts`; "random" is how a detector is built.

        Raises CompanionError for others.
        """
        if weights not in self.starts:
            raise CompanionError(
                f"{self.name} can't start from the weights \"{weights}\"; choose one of "
                f"{', '.join(self.starts)}.")

    def training_images(self, crops: np.ndarray, y: np.ndarray, landmarks: np.ndarray,
                        rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """What a batch is turned into before `prepare`, while training: here nothing.

        crops: uint8 (N, S0, S0, 3). y: int64 (N,). landmarks: float (N, 5, 2), x y in pixels of
        the crop.
        """
        return crops, y

    def watch(self, x: Tensor, y: Tensor, x_twin: Tensor) -> dict[str, float]:
        """What to log now and then about fixed pairs of crops (N, 3, S, S); here nothing."""
        return {}


def imagenet_weights(network: str, url: str) -> dict[str, Tensor]:
    """A published state dict, checked against the hash in its name; from torch's cache if there.

    Raises CompanionError if it can't be had.
    """
    try:
        return torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:  # no network; or cut short, which fails its hash
        cache = f"{torch.hub.get_dir()}/checkpoints"
        raise CompanionError(
            f"The ImageNet weights of {network} can't be had from {url} ({error}); try again with "
            f"a connection, or put that file into {cache} yourself."
        ) from error
