"""What lies ahead of a profile's tables: crops, trainings and their hours. For room see `room`.

From a few pictures and a few steps; seconds are those of `machine.clock`. Nothing is written.
"""
from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tcnsc_lib import CompanionError, paper, profiles
from tcnsc_lib.ahead import readers
from tcnsc_lib.detectors.outputs import SEEN, STATISTICS
from tcnsc_lib.experiments import ready
from tcnsc_lib.experiments.execute import plan
from tcnsc_lib.experiments.names import (
    EXPERIMENTS,
    MODEL_A,
    MODEL_B,
    PROBES,
    STATISTICS_OF_TWINS,
    jobs,
)
from tcnsc_lib.experiments.reading import Reading
from tcnsc_lib.faces.builder import refuse_others
from tcnsc_lib.faces.source import Trial
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.trial import counted
from tcnsc_lib.machine import cores, device
from tcnsc_lib.pool import MOST
from tcnsc_lib.profiles import Profile
from tcnsc_lib.training.folder import WEIGHTS
from tcnsc_lib.training.pace import Pace, kind, on_the_way, pace
from tcnsc_lib.training.run import Plan, folder_of

TABLES = ("1", "2", "3")
CUT = ("size", "enlarge", "frames", "boxes")  # settings in which a profile's crops must agree


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
    found: Mapping[str, Trainings], p: Profile, cut: Cutting, reading: Reading | None
) -> list[tuple[Plan, Pace]]:
    """Take a few steps of each kind of training, and note how long those take that aren't done.

    reading: what it takes to read crops, if there are no arrays of them. Returns the first training
    of each kind, and its pace.
    """
    paces: dict[tuple, tuple[Plan, Pace]] = {}
    parts = cut.crops.sum(axis=1).to_dict()
    for one in found.values():
        for name in one.seconds:
            todo = one.plans[name]
            which = kind(todo)
            if which not in paces:
                paces[which] = (todo, pace(todo, p.size))
            one.seconds[name] = _whole(todo, paces[which][1], parts, reading)
    return list(paces.values())


def _whole(
    todo: Plan, found: Pace, parts: Mapping[str, int], reading: Reading | None
) -> float:
    """Seconds of a training and of what is predicted then. parts: how many crops each has."""
    predicted = on_the_way(todo, parts) + _asked(todo, parts)
    work = todo.schedule.iterations * found.step + predicted * found.crop
    if reading is None:
        return work
    more = reading.seconds(todo, predicted)
    if device() == "cuda":  # threads read while it works
        return max(work, more / max(1, readers()))
    return work + more


def _asked(todo: Plan, parts: Mapping[str, int]) -> int:
    """How many crops are predicted for a table after a training; for its probes and others too."""
    tests = len(paper.CODECS) * parts["test"]
    if todo.experiment == MODEL_B:
        return 2 * tests + SEEN * len(STATISTICS[STATISTICS_OF_TWINS])
    if todo.experiment == MODEL_A:
        return tests + len(PROBES) * (tests + parts["train"])
    return tests
