"""Whether a source's files can train an experiment: told before hours go into faces and trainings.

Only names are read here. What no name tells (a video that doesn't decode, or shows no face) is
found later, see `training.run.check_parts`.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tcnsc_lib import CompanionError, profiles
from tcnsc_lib.experiments.names import Experiment, at
from tcnsc_lib.faces.source import Promise
from tcnsc_lib.faces.store import lack
from tcnsc_lib.profiles import Profile

BOTH = {0, 1}
NO_LANDMARKS = (
    "FWA and DSP-FWA can't be trained on pictures that are cut already: they make fakes by the "
    "landmarks of faces, which MTCNN doesn't look for there; profile pictures has them, and `tcnsc "
    "train` takes the other rows one by one."
)


@dataclass
class Lack:
    """Why experiments can't be trained.

    quality: of the videos that are lacking. reason: a sentence. names: those experiments.
    """

    quality: str
    reason: str
    names: list[str]

    def said(self, p: Profile) -> str:
        """One sentence; it names the experiments where others can be trained all the same."""
        if self.quality == p.raw_quality:
            return self.reason
        reason = self.reason[0].lower() + self.reason[1:]
        return f"{', '.join(self.names)} can't be trained: {reason}"


def lacks(experiments: Mapping[str, Experiment], p: Profile) -> list[Lack]:
    """What stops these experiments at a profile, what stops most of them first."""
    found: dict[str, Lack] = {}
    promises: dict[str, Promise | str | None] = {}
    for name, experiment in experiments.items():
        own = at(experiment, p)
        for quality in (own.quality, p.raw_quality):
            if quality not in promises:
                promises[quality] = _promised(p, quality)
        quality, reason = _first(own, p, promises)
        if reason:
            found.setdefault(reason, Lack(quality, reason, [])).names.append(name)
    return sorted(found.values(), key=lambda one: one.quality != p.raw_quality)


def check(experiments: Mapping[str, Experiment], p: Profile) -> None:
    """Raise a CompanionError where the files can't train one of these experiments."""
    for one in lacks(experiments, p):
        raise CompanionError(one.said(p))


def _promised(p: Profile, quality: str) -> Promise | str | None:
    """What the source promises, or the sentence with which it refuses."""
    try:
        return profiles.source(p).promised(quality)
    except CompanionError as error:
        return str(error)


def _first(
    own: Experiment, p: Profile, promises: Mapping[str, Promise | str | None]
) -> tuple[str, str]:
    """The first that an experiment lacks: a quality, and a sentence; "" where it lacks nothing."""
    if own.detector.by_landmarks and p.found == "cut":
        return own.quality, NO_LANDMARKS
    train = {0} if own.detector.real_only else BOTH
    needs = [(own.quality, "train", train), (own.quality, "val", BOTH)]
    needs.append((p.raw_quality, "test", BOTH))
    for quality, part, labels in needs:
        promise = promises[quality]
        if isinstance(promise, str):
            return quality, promise
        if promise is None or labels <= promise[part]:
            continue
        return quality, (
            f"{profiles.source_folder(p)}: the {part} part has no {lack(promise[part])} among its "
            f"{quality} videos; bring videos that fill it (`tcnsc audit` counts them)."
        )
    return "", ""
