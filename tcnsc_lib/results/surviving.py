"""Notebook 9 from its evidence: rates after every chain, and differences between detectors."""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib.analysis import survival
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import ASKED, seeds_of
from tcnsc_lib.results.seeds import Values


def needed(e: Evidence) -> list[str]:
    """The test crops, and what every detector says from each of the profile's seeds."""
    names = []
    for experiment in ASKED.values():
        names += [e.chains.predicted(experiment, seed) for seed in seeds_of(experiment, e.p)]
    return ["crops", *names]


def quality(e: Evidence) -> pd.DataFrame:
    """`survival.rates` of the rows of notebook 9."""
    told = {}
    for row, experiment in ASKED.items():
        told[row] = [e.chains.log_odds(experiment, seed) for seed in seeds_of(experiment, e.p)]
    return survival.rates(e.y, e.units, told)


def usable(e: Evidence) -> pd.DataFrame:
    """`survival.usable` of the same."""
    return survival.usable(quality(e))


class Survived:
    """What runs say after chains at a profile, each read once; the material of its claims."""

    def __init__(self, e: Evidence):
        self.e = e.chains
        self.units = e.units
        self.known: dict[tuple[str, int], pd.DataFrame] = {}

    def values(self, experiment: str, measure: str, names: list[str]) -> Values:
        """Seed -> a value a crop, whose mean is the measure's mean over these chains, each alike.

        measure: one of `survival.MEASURES`. Seeds that aren't there are left out.
        """
        by_seed = {}
        for seed in seeds_of(experiment, self.e.p):
            if self.e.has_predictions(experiment, seed):
                odds = self._odds(experiment, seed)[names].to_numpy()
                every = [survival.values(measure, self.e.y, column) for column in odds.T]
                by_seed[seed] = np.mean(every, axis=0)
        return Values(by_seed, self.units)

    def _odds(self, experiment: str, seed: int) -> pd.DataFrame:
        if (experiment, seed) not in self.known:
            self.known[experiment, seed] = self.e.log_odds(experiment, seed)
        return self.known[experiment, seed]
