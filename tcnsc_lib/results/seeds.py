"""What the study's runs are worth on a test set, seed by seed, and what one gains on another."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tcnsc_lib.evaluation import auc_values, over_trainings
from tcnsc_lib.evidence import Evidence

TEST = "LQ"  # where the paper's effect is largest, and where all is compared
ACCURACY = "accuracy"
AUC = "AUC"
MEASURES = (ACCURACY, AUC)
CODECS = ("RAW", TEST)
TRAINED = "as trained"  # what tables call the running statistics of the training itself


@dataclass(frozen=True)
class Values:
    """What runs of an experiment are worth on a test set: seed -> a value for each crop, (N,)."""

    by_seed: dict[int, np.ndarray]
    units: np.ndarray

    @property
    def mean(self) -> float:
        """Over seeds and crops; NaN without a seed."""
        return float(np.mean(list(self.by_seed.values()))) if self.by_seed else float("nan")

    def since(self, first: int) -> Values:
        """The same without the seeds before this one."""
        later = {seed: values for seed, values in self.by_seed.items() if seed >= first}
        return Values(later, self.units)


class Told:
    """The study's predictions at a profile, each read once."""

    def __init__(self, e: Evidence):
        self.e = e.study
        self.units = e.units
        self.known: dict[tuple[str, str, str], Values] = {}

    def has(self, name: str) -> bool:
        """Whether there are predictions of this name, from the profile's first seed."""
        return self.e.has_predictions(name)

    def values(self, name: str, measure: str = ACCURACY, codec: str = TEST) -> Values:
        """An experiment's accuracy or AUC on a test set, from every seed that is there.

        name: as `restated` files it. measure: one of MEASURES.
        """
        if (name, measure, codec) not in self.known:
            self._read(name)
        return self.known[name, measure, codec]

    def levels(self, name: str) -> dict[str, float]:
        """How many seeds, accuracy on RAW and LQ, AUC at LQ, in percent; means over seeds."""
        lq = self.values(name)
        return {
            "seeds": len(lq.by_seed),
            "RAW": 100 * self.values(name, codec="RAW").mean,
            "LQ": 100 * lq.mean,
            "auc_LQ": 100 * self.values(name, AUC).mean,
        }

    def _read(self, name: str) -> None:
        """All measures of all seeds, from the profile's first on."""
        found: dict[tuple[str, str], dict[int, np.ndarray]] = {}
        for codec in CODECS:
            found |= {(measure, codec): {} for measure in MEASURES}
        seed = self.e.p.seed
        while self.e.has_predictions(name, seed):
            odds = self.e.log_odds(name, seed)
            for codec in CODECS:
                p = odds[codec].to_numpy()
                found[ACCURACY, codec][seed] = ((p >= 0) == self.e.y).astype(float)
                found[AUC, codec][seed] = auc_values(self.e.y, p)
            seed += 1
        for key, by_seed in found.items():
            self.known[name, *key] = Values(by_seed, self.units)


@dataclass(frozen=True)
class Difference:
    """One experiment minus another, as shares: mean, its 95 % interval, and how many seeds."""

    points: float
    low: float
    high: float
    seeds: int

    def columns(self, name: str) -> dict[str, float]:
        """A table's columns of that name: the difference and its interval, in points."""
        return {
            name: 100 * self.points,
            f"{name}_low": 100 * self.low,
            f"{name}_high": 100 * self.high,
        }


NOT_THERE = Difference(float("nan"), float("nan"), float("nan"), 0)


def minus(one: Values, other: Values) -> Difference:
    """The difference over the seeds that both have, on the same crops."""
    return told(contrast([(1.0, one), (-1.0, other)]), one.units)


def contrast(terms: Iterable[tuple[float, Values]]) -> list[np.ndarray]:
    """The weighted sum of experiments for each seed that all of them have: a value a crop, each."""
    terms = list(terms)
    shared = set(terms[0][1].by_seed)
    for _, each in terms:
        shared &= set(each.by_seed)
    sums = []
    for seed in sorted(shared):
        parts = [weight * each.by_seed[seed] for weight, each in terms]
        sums.append(np.sum(parts, axis=0))
    return sums


def told(sums: list[np.ndarray], units: np.ndarray) -> Difference:
    """A `contrast` as mean and interval; NOT_THERE where no seed is shared."""
    if not sums:
        return NOT_THERE
    low, high = over_trainings(np.array(sums), units)
    return Difference(float(np.mean(sums)), low, high, len(sums))
