"""The calibration of notebook 9's detectors from its evidence: tables, and what claims rest on."""
from __future__ import annotations

import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.analysis import corrections
from tcnsc_lib.analysis.corrections import Said
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import ASKED, seeds_of
from tcnsc_lib.results.seeds import Values


def needed(e: Evidence) -> list[str]:
    """The crops of both parts, and what every detector says of them from each of its seeds."""
    names = [e.of, e.validation.of]
    for experiment in ASKED.values():
        for seed in seeds_of(experiment, e.p):
            names += [e.predicted(experiment, seed), e.validation.predicted(experiment, seed)]
    return names


def calibration(e: Evidence) -> pd.DataFrame:
    """`corrections.rates` of the rows of notebook 9."""
    return corrections.rates(e.units, _told(e))


def bins(e: Evidence) -> pd.DataFrame:
    """`corrections.bins` of the same."""
    return corrections.bins(_told(e))


def _told(e: Evidence) -> dict[str, list[Said]]:
    """Row -> what its trainings say, one a seed."""
    told = {}
    for row, experiment in ASKED.items():
        told[row] = [said(e, experiment, seed) for seed in seeds_of(experiment, e.p)]
    return told


def said(e: Evidence, experiment: str, seed: int) -> Said:
    """What one training says of both parts. Raises CompanionError where they aren't of one set."""
    other = e.validation
    if other.faces(other.of) != e.faces(e.of):
        raise CompanionError(f"{e.path(other.of)} is of other faces than {e.path(e.of)}; make it "
                             "again by notebook 9, see figures/README.md.")
    return Said(e.y, e.log_odds(experiment, seed), other.y, other.log_odds(experiment, seed))


class Calibrated:
    """What runs say of both parts at a profile, each read once; the material of its claims."""

    def __init__(self, e: Evidence):
        self.e = e
        self.units = e.units
        self.known: dict[tuple[str, int], Said] = {}

    def values(self, experiment: str, column: str, codec: str) -> Values:
        """Seed -> a value a crop, whose mean is that column of `corrections.rates`, as a share.

        Seeds without predictions or validation are left out.
        """
        by_seed = {}
        for seed in seeds_of(experiment, self.e.p):
            parts = (self.e, self.e.validation)
            if all(part.has_predictions(experiment, seed) for part in parts):
                by_seed[seed] = corrections.values(column, self._said(experiment, seed), codec)
        return Values(by_seed, self.units)

    def _said(self, experiment: str, seed: int) -> Said:
        if (experiment, seed) not in self.known:
            self.known[experiment, seed] = said(self.e, experiment, seed)
        return self.known[experiment, seed]
