"""Toys that several test files share: a small FaceSet, a small TCNSC, a short training."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import nn

from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.store import LANDMARKS, FaceSet
from tcnsc_lib.training.loop import Schedule
from tcnsc_lib.training.run import Plan, Run, train

TINY = Schedule(
    iterations=8, batch_size=8, learning_rate=5e-3, precision="float32", validate=4
)
PEOPLE = {"train": 6, "val": 2, "test": 2}
FRAMES = 2


def build(root: Path, seed: int = 0, size: int = 32) -> FaceSet:
    """24 training crops, 8 for validation, 8 for test, of two people.

    Dark noise is real, bright noise is fake. No two crops have the same landmarks.
    """
    random = np.random.default_rng(seed)
    builder = Builder(root, {"size": size})
    keys = []
    for split, people in PEOPLE.items():
        for number in range(2 * people):
            person = f"{split}{number // 2}"
            label = number % 2
            rows = [_row(split, person, label, frame, size) for frame in range(FRAMES)]
            for frame, row in enumerate(rows):
                first = 10 * (FRAMES * len(keys) + frame)
                row |= dict(zip(LANDMARKS, first + np.arange(10.0), strict=True))
            crops = [_noise(random, size, label) for _ in rows]
            keys.append((rows[0]["method"], rows[0]["video"]))
            builder.add(*keys[-1], rows, crops, [])
    return builder.finish(keys)


def _row(split: str, person: str, label: int, frame: int, size: int) -> dict:
    """What the manifest says of a crop, but for its landmarks."""
    return {
        "label": label,
        "video": f"{person}-{label}",
        "frame": frame,
        "identity": person,
        "split": split,
        "source": "someone" if label else "",
        "method": "swap" if label else "original",
        "x0": 0,
        "y0": 0,
        "x1": size,
        "y1": size,
        "probability": 1.0,
    }


def _noise(random: np.random.Generator, size: int, label: int) -> np.ndarray:
    noise = random.integers(0, 90, (size, size, 3))
    return (noise + 120 * label).astype(np.uint8)


class Tiny(TCNSC):
    """With dropout, so that a resumed run has to draw the same random numbers."""

    name = "tiny"

    def __init__(self, input_size: int = 32, width: int = 4, width_z: int = 8, lam: float = 1.0):
        super().__init__(input_size, width, width_z, lam)
        self.c = nn.Sequential(nn.Dropout(0.5), self.c)


class RealOnly(Detector):
    """Makes every other crop brighter, calls those fake, and remembers what it was given."""

    real_only = True

    def __init__(self, input_size: int = 32):
        super().__init__(input_size)
        self.given = []

    def training_images(self, crops, y, landmarks, rng):
        self.given.append((crops, y, landmarks, rng.random()))
        made = np.arange(len(crops)) % 2
        brighter = crops + 100 * made[:, None, None, None]
        return brighter.astype(np.uint8), made


def tiny() -> TCNSC:
    """A small TCNSC with dropout before its classifier."""
    return Tiny()


def planned(faces: FaceSet, root: Path, **changes) -> Plan:
    """The plan of a short training of `Tiny` on (RAW, LQ), but for what is changed."""
    settings = {
        "experiment": "(RAW, LQ)",
        "profile": "toy",
        "detector": Tiny,
        "views": ("RAW", "LQ"),
        "schedule": TINY,
        "faces": faces,
        "enlarge": 1.3,
        "root": root,
    }
    return Plan(**(settings | changes))


def fit(faces: FaceSet, root: Path, **changes) -> Run:
    """That training's run."""
    return train(planned(faces, root, **changes))
