"""A study made by hand: eight crops of two people, log-odds as one likes, no training."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.evidence.sheets import write
from tcnsc_lib.experiments.study import restated
from tcnsc_lib.profiles import Profile

P = Profile("demo", "demo", seed=3, seeds=2, decisive_seeds=2)
LABELS = np.array([0, 1, 0, 1] * 2)
UNITS = np.array([0] * 4 + [1] * 4)
Hits = tuple[int, int]  # how many of four crops are right, of the one and of the other person
ALL = (4, 4)


def made(folder: Path) -> Evidence:
    """An Evidence of these crops, without any prediction."""
    e = Evidence(P, folder / "demo")
    crops = pd.DataFrame({"crop": np.arange(8), "label": LABELS, "unit": UNITS, "person": UNITS})
    write(e.measured / "crops.csv", ["made by a test"], crops)
    return e


def right(hits: Hits) -> np.ndarray:
    """1.0 for so many first crops of each person, 0.0 for the others."""
    each = [np.arange(4) < count for count in hits]
    return np.concatenate(each).astype(float)


def tell(e: Evidence, name: str, seed: int = P.seed, statistics: str = "", shift: float = 0.0,
         **hits: Hits) -> None:
    """Store a row's predictions in the study: right (log-odds of 1 or -1) in so many, else wrong.

    Where a codec isn't named, all are right. shift: added to all log-odds; so one of 9 calls all
    crops fake, and AUC stays as it is.
    """
    odds = {}
    for codec in paper.CODECS:
        called_fake = right(hits.get(codec, ALL)) == LABELS
        odds[codec] = np.where(called_fake, 1.0, -1.0) + shift
    name = e.study.predicted(restated(name, statistics), seed)
    write(e.measured / f"{name}.csv", ["made by a test"], pd.DataFrame(odds))


def between_people(one: float, other: float) -> tuple[float, float]:
    """The 95 % interval of the mean of two people's values: Student's t with 1 degree of freedom.

    The standard error of a mean of two is half their distance.
    """
    half = 12.70620474 * abs(one - other) / 2
    return (one + other) / 2 - half, (one + other) / 2 + half


def between_both(people: tuple[float, float], trainings: tuple[float, float]) -> list[float]:
    """The interval of two trainings' mean over two people: their variances and freedoms, summed."""
    middle = sum(people) / 2
    parts = [((pair[0] - pair[1]) / 2) ** 2 for pair in (people, trainings)]
    half = 12.70620474 * sum(parts) ** 0.5  # Student's t at 97.5 % with 1 degree of freedom
    return [middle - half, middle + half]
