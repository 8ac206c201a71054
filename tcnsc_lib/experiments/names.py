"""Every training behind every table and figure, by name.

Baselines keep their authors' sizes and schedules (`Detector.authors`) and see as many crops as
TCNSC does, but for what `Detector.reduced` says.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tcnsc_lib import paper
from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.ablations import BothClassified, ClassifierAlone, OnH, SimilarityAlone
from tcnsc_lib.detectors.readings import OneBatchBothClassified
from tcnsc_lib.detectors.registry import BASELINES
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.profiles import SOURCES, Profile

Job = tuple[str, int | None]  # an experiment and a seed; None is the profile's


@dataclass(frozen=True)
class Experiment:
    """A detector and what it is trained on.

    views: codecs of X, or of X and X'. arguments, schedule: of the detector and of its training,
    where they aren't the profile's. quality: of the videos that the training crops are cut from;
    "raw" is whatever stands for RAW at the profile.
    start: the experiment whose weights it starts from, of the same seed; "": none.
    """

    views: tuple[str, ...]
    detector: type[Detector] = TCNSC
    arguments: dict = field(default_factory=dict)
    schedule: dict = field(default_factory=dict)
    quality: str = "raw"
    start: str = ""


RAW = ("RAW",)
PAIR = ("RAW", "LQ")
WITHOUT = {"lam": 0.0}  # similarity has no weight

MODEL_A = "model A"
PROBE = "model A, linear probe"
UNTRAINED = "untrained f, linear probe"
MODEL_B = "model B"
REESTIMATED = "model B, statistics re-estimated"
DUAL = paper.pair_name(PAIR)
AUGMENTED = "JPEG augmentation"
RANDOM_AUGMENTED = "random JPEG augmentation"
BOTH = "dual, both views classified"
ON_H = "similarity on h"
LAMBDA_0 = "lambda 0"

# Table 1; and (HQ, MQ), the fourth pair if the paper is read literally (`paper.CONTRADICTIONS`, 1).
LITERAL = ("HQ", "MQ")
PAIRS = {paper.pair_name(pair): Experiment(pair) for pair in (*paper.PAIRS, LITERAL)}

# Table 2, whose dual model is (RAW, LQ).
BRANCHES = {
    MODEL_A: Experiment(PAIR, SimilarityAlone),
    MODEL_B: Experiment(RAW, ClassifierAlone),
}
CONTROLS = {  # the paper has none
    AUGMENTED: Experiment(PAIR, OneBatchBothClassified, WITHOUT),
    RANDOM_AUGMENTED: Experiment(("RAW", RANDOM_JPEG), OneBatchBothClassified, WITHOUT),
    BOTH: Experiment(PAIR, BothClassified),
    ON_H: Experiment(PAIR, OnH),
    LAMBDA_0: Experiment(PAIR, TCNSC, WITHOUT),  # twins reach running statistics alone
}


def _others() -> dict[str, Experiment]:
    """Table 3's other systems, each once for every video quality that it is trained on."""
    found = {}
    for detector in BASELINES:
        for quality in detector.qualities:
            alone = len(detector.qualities) == 1
            name = detector.name if alone else f"{detector.name}-{quality.upper()}"
            found[name] = Experiment(RAW, detector, quality=quality)
    return found


# Table 3, whose TCNSC is (RAW, LQ).
OTHERS = _others()

PROBES = (PROBE, UNTRAINED)
STATISTICS_OF_TWINS = "RAW and LQ"  # what two passes leave in the running statistics
EXPERIMENTS = PAIRS | BRANCHES | CONTROLS | OTHERS
SEEDED = (DUAL, MODEL_B, REESTIMATED, AUGMENTED, ON_H, LAMBDA_0)
"""Table 2's rows from several seeds (`Profile.seeds`); REESTIMATED is no training but B's runs."""

XCEPTION = "Xception-RAW"
OTHER_PAIRS = tuple(paper.pair_name(pair) for pair in paper.PAIRS if pair != PAIR)
SEVERAL = (*SEEDED, *OTHER_PAIRS, XCEPTION, "Xception-C23")
"""All that a claim about Tables 1 to 3 or Figure 3 rests on, from as many."""

# Row of a table -> experiment.
TABLE2 = {
    MODEL_A: MODEL_A,
    PROBE: PROBE,
    UNTRAINED: UNTRAINED,
    MODEL_B: MODEL_B,
    REESTIMATED: REESTIMATED,
    "dual": DUAL,
    **{name: name for name in CONTROLS},
}
SYSTEMS = dict.fromkeys([*paper.TABLE3.index, *OTHERS])  # the paper's rows, then new ones of ours
TABLE3 = {name: DUAL if name == TCNSC.name else name for name in SYSTEMS}
WATCHED = {  # whose features are watched while they train
    "dual": DUAL,
    **{name: name for name in (MODEL_B, MODEL_A, AUGMENTED, ON_H, LAMBDA_0)},
}


# At a profile.


def at(experiment: Experiment, p: Profile) -> Experiment:
    """The same with the views and the video quality that it has at a profile.

    Each photograph is a clip of one frame, so there a quality of videos is a codec.
    """
    quality = experiment.quality
    if quality == "raw":
        return replace(experiment, quality=p.raw_quality)
    if not SOURCES[p.source].has_videos:
        return replace(experiment, views=(quality.upper(),), quality="raw")
    return experiment


def trained_as(name: str, p: Profile) -> str:
    """The experiment whose training this one is.

    Itself; but where c23 stands for RAW, Xception-C23 is Xception-RAW, and is trained once.
    """
    one = EXPERIMENTS.get(name)
    if one is None or one.quality == "raw" or one.quality != p.raw_quality:
        return name
    for other, experiment in EXPERIMENTS.items():
        if experiment == replace(one, quality="raw"):
            return other
    return name


def shared_notes(names: Iterable[str], p: Profile) -> list[str]:
    """A sentence for each of these experiments that is another's training at a profile."""
    notes = []
    for name in names:
        other = trained_as(name, p)
        if other != name:
            notes.append(f"{name} and {other} are one and the same training here.")
    return notes


def jobs(table: str, p: Profile) -> list[Job]:
    """The trainings behind a table: "1", "2", "3", or "all" that the notebooks need."""
    first = _jobs([*paper.TABLE1.index, MODEL_B], p)
    second = _jobs([name for name in TABLE2.values() if name in EXPERIMENTS], p)
    third = _jobs(TABLE3.values(), p)
    every = third + second + first + _jobs(EXPERIMENTS, p)
    return {"1": first, "2": second, "3": third, "all": every}[table]


def _jobs(names: Iterable[str], p: Profile) -> list[Job]:
    """From the profile's first seed; those in `SEVERAL` from the others too."""
    found = []
    for name in names:
        found += [(name, seed) for seed in seeds_of(name, p)]
    return found


def seeds_of(name: str, p: Profile) -> range:
    """The seeds that an experiment is trained from: several, or the profile's first alone."""
    return range(p.seed, p.seed + (p.seeds if name in SEVERAL else 1))
