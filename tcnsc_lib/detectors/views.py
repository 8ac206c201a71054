"""How authors of published weights bring a picture to their detector's size."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.capsule import Capsule
from tcnsc_lib.detectors.mesonet import Meso


@dataclass(frozen=True)
class View:
    """How authors bring a picture to their detector's size.

    words: the same, for people. resize: uint8 (H, W, 3) -> uint8 (S, S, 3).
    """

    words: str
    resize: Callable[[np.ndarray], np.ndarray]


def authors_view(detector: Detector) -> View:
    """The view of a published detector; all of them leave to others where the picture is cut.

    Meso: Keras's `flow_from_directory`, which takes the nearest pixel. Capsule (its test.py): the
    shorter side resized, then the middle. Xception: both sides resized.
    """
    size = detector.input_size
    square = f"{size} x {size} px"
    if isinstance(detector, Meso):
        nearest = Resize((size, size), InterpolationMode.NEAREST)
        return View(f"the whole picture, resized to {square} by the nearest pixel", _on(nearest))
    if isinstance(detector, Capsule):
        middle = Compose([Resize(size), CenterCrop(size)])
        return View(f"the middle of the whole picture, its shorter side resized to {size} px, "
                    "bilinear", _on(middle))
    both = Resize((size, size))
    return View(f"the whole picture, resized to {square}, bilinear", _on(both))


def _on(transform: Callable[[Image.Image], Image.Image]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda image: np.asarray(transform(Image.fromarray(image)))
