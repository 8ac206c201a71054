"""The room that a profile's tables need, on the disk and in memory. Nothing is written."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tcnsc_lib import paper, profiles
from tcnsc_lib.detectors.outputs import STATISTICS
from tcnsc_lib.experiments.forecast import Cutting, Trainings
from tcnsc_lib.experiments.names import MODEL_A, MODEL_B, RAW, STATISTICS_OF_TWINS
from tcnsc_lib.experiments.reading import Reading, compressed
from tcnsc_lib.faces import budget
from tcnsc_lib.profiles import Profile
from tcnsc_lib.training.loop import read_by
from tcnsc_lib.training.pace import Pace
from tcnsc_lib.training.run import Plan


@dataclass(frozen=True)
class Disk:
    """Where the crops of a profile go. free: bytes there. needed: by arrays of the crops of one
    quality after all codecs. allowed: how many these may take."""

    place: Path
    free: int
    needed: int
    allowed: float

    @property
    def has_arrays(self) -> bool:
        """Whether they are kept; else crops are read and compressed whenever they are needed."""
        return self.needed <= self.allowed


def disk(p: Profile, cut: Cutting) -> Disk:
    """As it is now."""
    root = profiles.faces_folder(p) / p.raw_quality
    place = next(parent for parent in (root, *root.parents) if parent.exists())
    needed = budget.needed(int(cut.crops.to_numpy().sum()), p.size)
    free = shutil.disk_usage(place).free
    return Disk(place, free, needed, budget.budget(place / "arrays"))


def reading(found: Mapping[str, Trainings], cut: Cutting) -> Reading:
    """What it takes to read crops for these trainings where there are no arrays."""
    views: set[str] = set()
    for one in found.values():
        views = views.union(*[todo.views for todo in one.plans.values()])
    return Reading.of(cut.trial.sample, views)


def memory(paces: Sequence[tuple[Plan, Pace]]) -> tuple[int, int]:
    """Bytes of this program with its libraries, and the most that a step of a training holds."""
    program = psutil.Process().memory_info().rss
    return program, max((found.memory for _, found in paces), default=0)


def arrays(found: Mapping[str, Trainings], p: Profile, cut: Cutting) -> tuple[float, float]:
    """The cached arrays that all this reads: bytes, and seconds of one core to compress them."""
    wanted = {(p.raw_quality, "test", name) for name in paper.CODECS}
    wanted.add((p.raw_quality, "val", "RAW"))
    for one in found.values():
        for todo in one.plans.values():
            wanted |= {(todo.quality, *read) for read in read_by(todo.views)}
            for view in _seen_afterwards(todo):
                wanted.add((p.raw_quality, "train", view))
    taken = {view: compressed(view, cut.trial.sample) for _, _, view in wanted}
    parts = cut.crops.sum(axis=1)
    crops = sum(parts[part] for _, part, _ in wanted)
    work = sum(parts[part] * taken[view] for _, part, view in wanted)
    return 3.0 * p.size**2 * crops, work


def _seen_afterwards(todo: Plan) -> tuple[str, ...]:
    """Codecs of the training crops on which probes are fitted or statistics are re-estimated."""
    if todo.experiment == MODEL_B:
        return STATISTICS[STATISTICS_OF_TWINS]
    return RAW if todo.experiment == MODEL_A else ()
