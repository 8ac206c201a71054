"""What the claims about figures are measured from: a stored table with a row a crop."""
from __future__ import annotations

from collections.abc import Callable

import pandas as pd

LABELS = {"real": 0, "fake": 1}


class PerCrop:
    """A table of an analysis, as values per crop.

    table: crop, unit, label, the columns `keys` and measures; a row for each crop and keys, in any
    order. `m("same", "TCNSC", "LQ")` is the measure where the keys are these: a Series over all
    crops in their order, NaN where the table has none; so are `label` and `units`.
    """

    def __init__(self, table: pd.DataFrame, *keys: str):
        self.table = table.set_index([*keys, "crop"]).sort_index()
        crops = table.drop_duplicates("crop").set_index("crop").sort_index()
        self.label = crops.label
        self.units = crops.unit.to_numpy()

    def __call__(self, measure: str, *key: str) -> pd.Series:
        return self.table[measure].loc[key].reindex(self.label.index)


class PerSeed:
    """The same of several trainings: `trainings` has a `PerCrop` for each seed, in their order.

    table: as for `PerCrop`, with a column seed; every training is measured on the same crops.
    """

    def __init__(self, table: pd.DataFrame, *keys: str):
        self.trainings = [PerCrop(rows, *keys) for _, rows in table.groupby("seed")]
        self.units = self.trainings[0].units


Measure = Callable[[PerCrop], pd.Series]
MeasureOfSeeds = Callable[[PerSeed], list[pd.Series]]


def each_seed(measure: Measure) -> MeasureOfSeeds:
    """A measure of one training, taken of each: a Series a seed."""
    return lambda m: [measure(training) for training in m.trainings]


def only(word: str, measure: Measure) -> Measure:
    """The same of real or of fake crops alone; the others have no value."""
    return lambda m: measure(m).where(m.label == LABELS[word])
