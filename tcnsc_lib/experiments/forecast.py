"""What lies ahead of a profile's tables: crops, room on the disk, memory, hours of trainings.

From a few pictures and a few steps; seconds are those of `machine.clock`. Nothing is written.
"""
from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from tcnsc_lib import CompanionError, paper, profiles
from tcnsc_lib.codecs import codec
from tcnsc_lib.detectors.outputs import SEEN, STATISTICS
from tcnsc_lib.experiments import ready
from tcnsc_lib.experiments.execute import plan
from tcnsc_lib.experiments.names import (
    EXPERIMENTS,
    MODEL_A,
    MODEL_B,
    PROBES,
    RAW,
    STATISTICS_OF_TWINS,
    jobs,
)
from tcnsc_lib.faces.builder import refuse_others
from tcnsc_lib.faces.source import Trial
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.trial import counted, timed
from tcnsc_lib.machine import cores, device
from tcnsc_lib.pool import MOST
from tcnsc_lib.profiles import Profile
from tcnsc_lib.training.folder import WEIGHTS
from tcnsc_lib.training.loop import read_by
from tcnsc_lib.training.pace import Pace, kind, pace, seconds
from tcnsc_lib.training.run import Plan, folder_of

TABLES = ("1", "2", "3")
CUT = ("size", "enlarge", "frames", "boxes")  # settings in which a profile's crops must agree
COMPRESSED = 4  # crops that each codec is timed on


class Unmade:
    """Stands for crops that aren't there: what is trained on them can't be done already."""

    fingerprint = "unmade"


def made(p: Profile, quality: str) -> FaceSet | None:
    """The crops of a video quality, if they are all there. CompanionError where they are others."""
    root = profiles.faces_folder(p) / quality
    if not (root / "manifest.csv").exists():
        return None
    try:
        found = FaceSet(root)
    except CompanionError:
        return None  # told, or completed, when they are asked for
    cut = {"boxes": "own"} | found.settings
    names = [name for name in CUT if name in cut]
    now = {name: getattr(p, name) for name in names}
    refuse_others(root, {name: cut[name] for name in names}, now)
    return found


def lacking(p: Profile) -> dict[str, list[str]]:
    """Table -> what its files lack, a sentence each. CompanionError where that stops Table 1."""
    found = {}
    for table in TABLES:
        names = dict.fromkeys(name for name, _ in jobs(table, p))
        asked = {name: EXPERIMENTS[name] for name in names}
        if table == TABLES[0]:
            ready.check(asked, p)
        found[table] = [one.said(p) for one in ready.lacks(asked, p)]
    return found


# ---------------------------------------------------------------- faces


@dataclass(frozen=True)
class Cutting:
    """What the crops take. trial: what was measured.

    crops: how many at one quality, a row for each part, columns real and fake. left: quality of
    the videos -> share of its crops that aren't there yet. seconds: of one core, for these. files:
    bytes of the crops of all qualities.
    """

    trial: Trial
    crops: pd.DataFrame
    left: dict[str, float]
    seconds: float
    files: float


def cutting(p: Profile, qualities: Sequence[str]) -> Cutting:
    """Try a few pictures of the profile's source. qualities: that are needed, that of RAW first."""
    there = {quality: made(p, quality) for quality in qualities}
    with tempfile.TemporaryDirectory() as folder:
        trial = profiles.source(p).trial(Path(folder))
    raw = there[p.raw_quality]
    if raw is None:
        crops = (trial.pictures * trial.share).round().astype(int)
    else:
        crops = counted(zip(raw.manifest.split, raw.manifest.label, strict=True))
    left = {}
    for quality, found in there.items():
        left[quality] = _left(p, quality, trial) if found is None else 0.0
    searched = min(left.values()) * trial.search
    work = trial.first + searched + sum(left.values()) * trial.cut
    files = len(qualities) * crops.to_numpy().sum() * trial.file
    return Cutting(trial, crops, left, work, files)


def _left(p: Profile, quality: str, trial: Trial) -> float:
    """The share of videos or photographs that haven't given their crops yet."""
    pieces = profiles.faces_folder(p) / quality / "pieces"
    done = sum(1 for _ in pieces.rglob("*.json"))
    every = trial.items.to_numpy().sum()
    return max(0.0, 1 - done / every)


# ---------------------------------------------------------------- trainings


@dataclass
class Trainings:
    """The trainings of a table. plans: each once.

    asked: how many rows and seeds there are. above: of `plans`, those of a table above. done: of
    the others, those that are trained. seconds: of one core, of each of the rest.
    """

    plans: dict[str, Plan]
    asked: int
    above: int
    done: int
    seconds: dict[str, float]

    @property
    def at_once(self) -> int:
        """How many go beside each other here."""
        most = 1 if device() == "cuda" else min(cores(), MOST)
        return max(1, min(most, len(self.seconds)))

    @property
    def here(self) -> float:
        """Seconds until all of the rest are trained, several at once."""
        each = self.seconds.values()
        return max(sum(each) / self.at_once, max(each, default=0.0))


def trainings(p: Profile, tables: Sequence[str]) -> dict[str, Trainings]:
    """Table -> its trainings; how long they take isn't known yet."""
    crops: dict[str, FaceSet | Unmade] = {}

    def there(p: Profile, quality: str) -> FaceSet | Unmade:
        if quality not in crops:
            crops[quality] = made(p, quality) or Unmade()
        return crops[quality]

    found = {}
    above: set[str] = set()
    for table in tables:
        wanted = dict.fromkeys(jobs(table, p))
        every = [plan(name, p, seed, there) for name, seed in wanted]
        plans = {one.name(): one for one in every}
        new = [name for name in plans if name not in above]
        todo = [name for name in new if not (folder_of(plans[name]) / WEIGHTS).exists()]
        found[table] = Trainings(
            plans=plans,
            asked=len(wanted),
            above=len(plans) - len(new),
            done=len(new) - len(todo),
            seconds=dict.fromkeys(todo, 0.0),
        )
        above |= set(plans)
    return found


def measure(
    found: Mapping[str, Trainings], p: Profile, crops: pd.DataFrame
) -> list[tuple[Plan, Pace]]:
    """Take a few steps of each kind of training, and note how long those take that aren't done.

    crops: see `Cutting`. Returns the first training of each kind, and its pace.
    """
    paces: dict[tuple, tuple[Plan, Pace]] = {}
    parts = crops.sum(axis=1).to_dict()
    for one in found.values():
        for name in one.seconds:
            todo = one.plans[name]
            which = kind(todo)
            if which not in paces:
                paces[which] = (todo, pace(todo, p.size))
            one.seconds[name] = seconds(todo, paces[which][1], parts, _asked(todo, parts))
    return list(paces.values())


def _asked(todo: Plan, parts: Mapping[str, int]) -> int:
    """How many crops are predicted for a table after a training; for its probes and others too."""
    tests = len(paper.CODECS) * parts["test"]
    if todo.experiment == MODEL_B:
        return 2 * tests + SEEN * len(STATISTICS[STATISTICS_OF_TWINS])
    if todo.experiment == MODEL_A:
        return tests + len(PROBES) * (tests + parts["train"])
    return tests


# ---------------------------------------------------------------- room


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
    taken = {view: _compressed(view, cut.trial.sample) for _, _, view in wanted}
    parts = cut.crops.sum(axis=1)
    crops = sum(parts[part] for _, part, _ in wanted)
    work = sum(parts[part] * taken[view] for _, part, view in wanted)
    return 3.0 * p.size**2 * crops, work


def _seen_afterwards(todo: Plan) -> tuple[str, ...]:
    """Codecs of the training crops on which probes are fitted or statistics are re-estimated."""
    if todo.experiment == MODEL_B:
        return STATISTICS[STATISTICS_OF_TWINS]
    return RAW if todo.experiment == MODEL_A else ()


def _compressed(name: str, sample: np.ndarray) -> float:
    """Seconds in which a codec changes one crop. sample: uint8 (N, S, S, 3)."""
    some = sample[:COMPRESSED]
    _, taken = timed(lambda: list(map(codec(name), some)))
    return taken / len(some)
