"""Which factor does it? The study's factorial experiment as tables, and model B re-estimated.

Rates are in percent, differences in points, intervals as in `contrasts`.
"""
from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import MODEL_B
from tcnsc_lib.experiments.study import FACTORS, ROWS, STATISTICS_OF_TWINS, Row, restated
from tcnsc_lib.results import seeds
from tcnsc_lib.results.seeds import ACCURACY, AUC, MEASURES, TRAINED, Told, Values, contrast, minus


def factorial(e: Evidence) -> pd.DataFrame:
    """Accuracy and AUC of each combination of the four factors, in percent; means over seeds.

    similarity: on or off. passes: two or one. labels: of raw images, or of both views. statistics:
    as trained, or re-estimated on unlabelled training crops at RAW, RAW and LQ, LQ, or at each test
    set's own codec.
    """
    told = Told(e)
    rows = []
    for key, name in FACTORS.items():
        for statistics in ("", *_row(name).statistics):
            filed = restated(name, statistics)
            row = dict(zip(("similarity", "passes", "labels"), key, strict=True))
            rows.append(row | {"statistics": statistics or TRAINED} | told.levels(filed))
    return pd.DataFrame(rows)


def _row(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


@dataclass(frozen=True)
class Effect:
    """A factor's effect: the mean of some cells minus the mean of others, all else alike.

    more, fewer: parts of a cell's key that single them out. where: what both have in common.
    statistics: of the first and of the second; "": as trained.
    """

    words: str
    more: str = ""
    fewer: str = ""
    where: tuple[str, ...] = ()
    statistics: tuple[str, str] = ("", "")

    def terms(self, told: Told, measure: str) -> list[tuple[float, Values]]:
        """The cells with their weights."""
        up = self._cells(self.more)
        down = self._cells(self.fewer)
        found = []
        for names, sign, statistics in zip(
            (up, down), (1.0, -1.0), self.statistics, strict=True
        ):
            for name in names:
                each = told.values(restated(name, statistics), measure)
                found.append((sign / len(names), each))
        return found

    def _cells(self, level: str) -> list[str]:
        wanted = {*self.where, level} - {""}
        return [name for key, name in FACTORS.items() if wanted <= {*key}]


EFFECTS = (
    Effect("similarity: on minus off", "on", "off"),
    Effect("passes: two minus one", "two", "one"),
    Effect("labels: both views minus raw alone", "both", "raw"),
    Effect("statistics: RAW and LQ minus as trained", statistics=(STATISTICS_OF_TWINS, "")),
    Effect("labels of raw, similarity: on minus off", "on", "off", ("raw",)),
    Effect("labels of raw, passes: two minus one", "two", "one", ("raw",)),
    Effect("labels of raw, two passes, similarity: on minus off", "on", "off", ("raw", "two")),
    Effect("labels of raw, one pass, similarity: on minus off", "on", "off", ("raw", "one")),
    Effect("labels of raw, statistics RAW and LQ, passes: two minus one", "two", "one", ("raw",),
           (STATISTICS_OF_TWINS, STATISTICS_OF_TWINS)),
    Effect("labels of raw, statistics RAW and LQ, similarity: on minus off", "on", "off", ("raw",),
           (STATISTICS_OF_TWINS, STATISTICS_OF_TWINS)),
)


def effects(e: Evidence) -> pd.DataFrame:
    """Each effect at LQ: effect, measure (accuracy, AUC), points, low, high, seeds.

    The first four are main effects: means over all cells of the other factors, as trained.
    """
    told = Told(e)
    rows = []
    for effect in EFFECTS:
        for measure in MEASURES:
            difference = seeds.told(contrast(effect.terms(told, measure)), told.units)
            row = {"effect": effect.words, "measure": measure} | difference.columns("points")
            rows.append(row | {"seeds": difference.seeds})
    table = pd.DataFrame(rows)
    return table.rename(columns={"points_low": "low", "points_high": "high"})


def alone(e: Evidence) -> pd.DataFrame:
    """Model B with each of the re-estimated statistics: statistics, seeds, RAW, LQ, auc_LQ, ...

    Then what that gains on model B as trained, in points at LQ, with its interval: gain of
    accuracy, auc_gain of AUC.
    """
    told = Told(e)
    rows = []
    for statistics in ("", *_row(MODEL_B).statistics):
        filed = restated(MODEL_B, statistics)
        row = {"statistics": statistics or TRAINED} | told.levels(filed)
        for column, measure in (("gain", ACCURACY), ("auc_gain", AUC)):
            gain = minus(told.values(filed, measure), told.values(MODEL_B, measure))
            row |= gain.columns(column)
        rows.append(row)
    return pd.DataFrame(rows)
