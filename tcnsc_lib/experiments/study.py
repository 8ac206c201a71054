"""The study of notebook 8: what gives TCNSC its robustness? Every row, and how many seeds it has.

    references   what any of it is compared with
    factors      similarity on or off, two passes or one, labels of raw images or of both views
    readings     other ways to read the paper
    no batch     group normalisation, which lets nothing of another image through
    repairs      what other methods use against a collapse
    width        all of ResNet18's channels, where the profile has fewer

Each row is told as a difference to model B and to JPEG augmentation of the same schedule (what
starts from model B, to model B trained twice). Where there is a training without similarity that is
alike in all else (lambda 0, for the paper's reading), to that too.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.ablations import BothClassified, ClassifierAlone
from tcnsc_lib.detectors.normalisation import (
    Grouped,
    GroupedBothClassified,
    GroupedClassifierAlone,
)
from tcnsc_lib.detectors.outputs import STATISTICS
from tcnsc_lib.detectors.readings import (
    Alternating,
    OneBatch,
    OneBatchBothClassified,
    ThreePasses,
)
from tcnsc_lib.detectors.repairs import Agreement, Negatives, Predictor, Variance
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.experiments.names import (
    AUGMENTED,
    BOTH,
    DUAL,
    LAMBDA_0,
    MODEL_B,
    ON_H,
    PAIR,
    RANDOM_AUGMENTED,
    RAW,
    STATISTICS_OF_TWINS,
    WITHOUT,
    Experiment,
    Job,
)
from tcnsc_lib.profiles import Profile

TWICE = "model B, twice the images"
ONE_BATCH = OneBatch.name
ONE_BATCH_0 = "one batch of 2N, lambda 0"
ONE_BATCH_BOTH = OneBatchBothClassified.name
BOTH_0 = "both views classified, lambda 0"
THREE = ThreePasses.name
ALTERNATING = Alternating.name
UNFLIPPED = "no flip"
FULL = "full width"
FROM_B = "f, c from model B"
B_LONGER = "model B, trained twice"
GROUPED = Grouped.name
GROUPED_B = GroupedClassifierAlone.name
GROUPED_JPEG = "group normalisation, JPEG augmentation"
AGREEMENT = Agreement.name


def _with(
    words: str, schedule: dict | None = None, arguments: dict | None = None
) -> dict[str, Experiment]:
    """TCNSC, model B and JPEG augmentation on another schedule, or made otherwise."""
    trained = schedule or {}
    made = arguments or {}
    return {
        words: Experiment(PAIR, TCNSC, made, trained),
        f"{MODEL_B}, {words}": Experiment(RAW, ClassifierAlone, made, trained),
        f"{AUGMENTED}, {words}": Experiment(PAIR, OneBatchBothClassified, made | WITHOUT, trained),
    }


CONSTANT = "constant rate"  # per epoch: 10,000 steps of 64 are 1.5 epochs of 420,000 crops
SLOW = "rate 1e-4"  # the paper's, however few the steps
LAMBDAS = {f"lambda {lam:g}": lam for lam in (0.01, 0.1, 10, 100, 1000)}
WIDTHS = {f"z of {width} values": width for width in (32, 512)}

STUDY: dict[str, Experiment] = {
    TWICE: Experiment(RAW, ClassifierAlone, schedule={"batch_size": 128}),
    ONE_BATCH: Experiment(PAIR, OneBatch),
    ONE_BATCH_0: Experiment(PAIR, OneBatch, WITHOUT),
    ONE_BATCH_BOTH: Experiment(PAIR, OneBatchBothClassified),
    BOTH_0: Experiment(PAIR, BothClassified, WITHOUT),
    THREE: Experiment(PAIR, ThreePasses),
    ALTERNATING: Experiment(PAIR, Alternating),
    **{name: Experiment(PAIR, TCNSC, {"lam": float(lam)}) for name, lam in LAMBDAS.items()},
    **{name: Experiment(PAIR, TCNSC, {"width_z": width}) for name, width in WIDTHS.items()},
    **_with(CONSTANT, {"final_lr_share": 1.0}),
    **_with(SLOW, {"learning_rate": 1e-4}),
    **_with(UNFLIPPED, {"flip": False}),
    **_with(FULL, arguments={"width": 64}),
    FROM_B: Experiment(PAIR, start=MODEL_B),
    B_LONGER: Experiment(RAW, ClassifierAlone, start=MODEL_B),
    GROUPED: Experiment(PAIR, Grouped),
    GROUPED_B: Experiment(RAW, GroupedClassifierAlone),
    GROUPED_JPEG: Experiment(PAIR, GroupedBothClassified, WITHOUT),
    **{kind.name: Experiment(PAIR, kind) for kind in (Predictor, Negatives, Variance, Agreement)},
}
"""The study's own trainings, by name; its other rows are those of Table 2."""


@dataclass(frozen=True)
class Row:
    """A row of the study.

    group: one of the words above. name: an experiment. decisive: a sentence rests on it, so it has
    `Profile.decisive_seeds`, and others `Profile.seeds`. b, jpeg, lambda_0: the
    experiments that it is compared with, the last the same without similarity ("": not trained).
    statistics: names in `outputs.STATISTICS`, with which it is also tested. once: it is too long
    for more than one seed.
    """

    group: str
    name: str
    decisive: bool = False
    b: str = MODEL_B
    jpeg: str = AUGMENTED
    lambda_0: str = ""
    statistics: tuple[str, ...] = (STATISTICS_OF_TWINS,)
    once: bool = False

    def seeds(self, p: Profile) -> range:
        """The seeds that it is trained from at a profile."""
        many = max(p.decisive_seeds, p.seeds) if self.decisive else p.seeds
        if self.once:
            many = 1
        return range(p.seed, p.seed + many)


FACTORS = {
    ("on", "two", "raw"): DUAL,
    ("off", "two", "raw"): LAMBDA_0,
    ("on", "one", "raw"): ONE_BATCH,
    ("off", "one", "raw"): ONE_BATCH_0,
    ("on", "two", "both"): BOTH,
    ("off", "two", "both"): BOTH_0,
    ("on", "one", "both"): ONE_BATCH_BOTH,
    ("off", "one", "both"): AUGMENTED,
}
"""(similarity, passes, labels) -> its experiment."""


def _factor(similarity: str, passes: str, labels: str) -> Row:
    """A cell of the factors."""
    lambda_0 = FACTORS["off", passes, labels] if similarity == "on" else ""
    return Row("factors", FACTORS[similarity, passes, labels], decisive=True, lambda_0=lambda_0,
               statistics=tuple(STATISTICS))


def _own(words: str, group: str = "readings", once: bool = False) -> list[Row]:
    """The rows of `_with`, which are compared with B and JPEG augmentation of the same words."""
    b = f"{MODEL_B}, {words}"
    jpeg = f"{AUGMENTED}, {words}"
    return [Row(group, name, b=b, jpeg=jpeg, once=once) for name in (words, b, jpeg)]


def _grouped(name: str) -> Row:
    """Without batch normalisation, model B is the same as lambda 0."""
    lambda_0 = GROUPED_B if name == GROUPED else ""
    return Row("no batch", name, decisive=True, b=GROUPED_B, jpeg=GROUPED_JPEG, lambda_0=lambda_0,
               statistics=())


def _repair(name: str, decisive: bool = False) -> Row:
    """Two passes and labels of raw images, as lambda 0 has them."""
    return Row("repairs", name, decisive, lambda_0=LAMBDA_0)


ROWS = (
    Row("references", MODEL_B, decisive=True, statistics=tuple(STATISTICS)),
    Row("references", TWICE),
    Row("references", RANDOM_AUGMENTED),
    *(_factor(*levels) for levels in FACTORS),
    Row("readings", THREE, decisive=True),
    Row("readings", ALTERNATING, decisive=True),
    *(Row("readings", name, lambda_0=LAMBDA_0) for name in (*LAMBDAS, *WIDTHS)),
    *_own(UNFLIPPED),
    *_own(CONSTANT),
    *_own(SLOW),
    Row("readings", FROM_B, b=B_LONGER),
    Row("readings", B_LONGER),
    *(_grouped(name) for name in (GROUPED, GROUPED_B, GROUPED_JPEG)),
    _repair(ON_H, decisive=True),
    *(_repair(kind.name) for kind in (Predictor, Negatives, Variance)),
    _repair(AGREEMENT, decisive=True),
    *_own(FULL, "width", once=True),
)


def chosen(names: Sequence[str] = ()) -> list[Row]:
    """The rows of these experiments, or all. Raises CompanionError for a name that has no row."""
    known = [row.name for row in ROWS]
    for name in names:
        if name not in known:
            raise CompanionError(
                f"The study has no row {name!r}; choose some of {', '.join(known)}."
            )
    return [row for row in ROWS if not names or row.name in names]


def study_jobs(rows: Sequence[Row], p: Profile) -> list[Job]:
    """The trainings behind these rows, first seeds first."""
    found = []
    for row in rows:
        found += [(row.name, seed) for seed in row.seeds(p)]
    return sorted(dict.fromkeys(found), key=lambda job: job[1])


def restated(name: str, statistics: str) -> str:
    """How predictions with re-estimated statistics are filed; without any, by the row's name."""
    return f"{name}, statistics of {statistics}" if statistics else name
