"""What it takes to read crops of which there are no arrays: each is decoded and compressed anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tcnsc_lib import paper
from tcnsc_lib.codecs import RANDOM_JPEG, codec
from tcnsc_lib.faces.lossless import decoded
from tcnsc_lib.faces.trial import png_of, timed
from tcnsc_lib.training.run import Plan

FEW = 4  # crops that each codec is timed on


@dataclass(frozen=True)
class Reading:
    """Seconds of `machine.clock` for one crop. decode: of its file. compress: codec -> seconds."""

    decode: float
    compress: Mapping[str, float]

    @classmethod
    def of(cls, sample: np.ndarray, views: Iterable[str]) -> Reading:
        """Measured on some crops, uint8 (N, S, S, 3). views: those of all trainings."""
        some = sample[:FEW]
        files = [png_of(crop) for crop in some]
        _, seconds = timed(lambda: [decoded(file, sample.shape[1]) for file in files])
        names = {*paper.CODECS, *views} - {RANDOM_JPEG}
        compress = {name: compressed(name, some) for name in names}
        compress[RANDOM_JPEG] = compress["RAW"]  # made anew in each step, and counted there
        return cls(seconds / len(some), compress)

    def seconds(self, plan: Plan, predicted: int) -> float:
        """For a whole training. predicted: crops that are predicted on its way and afterwards."""
        views = sum(self.compress[view] for view in plan.views)
        trained = plan.schedule.iterations * plan.schedule.batch_size
        others = np.mean([self.compress[name] for name in paper.CODECS])
        return float(trained * (self.decode + views) + predicted * (self.decode + others))


def compressed(name: str, sample: np.ndarray) -> float:
    """Seconds in which a codec changes one crop. sample: uint8 (N, S, S, 3)."""
    some = sample[:FEW]
    _, seconds = timed(lambda: list(map(codec(name), some)))
    return seconds / len(some)
