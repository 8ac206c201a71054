"""Analyses: crops and trained detectors, or what these say, in; DataFrames out.

Nothing here trains, fetches or draws.

    blocks     Figure 1: block borders
    sharpness  how smooth faces are: grain, and how far that alone tells fake from real
    tsne       Figure 3: how far apart real and fake lie in feature space
    gradcam    Figure 4: heat maps
    heatmaps   what is asked of heat maps: do two agree, do they lie on the forgery
    ssim       Figure 5: likeness to RAW
    spectrum   Figure 6: power spectra
    survival   what is left of detectors after every chain (not in the paper)
    runs       what networks and trainings tell: Figure 2, collapse, costs, agreement of pairs

Most tables have a row a crop, so that whatever is said about a mean can be given an interval over
people. `crop` is the row of the test part. `unit` is a number for the person, or for the two who
lent each other their faces (`FaceSet.units`). `label` is 0 real, 1 fake.
"""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.evaluation import interval, over_trainings
from tcnsc_lib.faces.store import FaceSet


def sample(faces: FaceSet, each: int, seed: int) -> pd.DataFrame:
    """Up to `each` real and `each` fake test crops, drawn without replacement.

    Columns crop, unit, label; rows in the order of the test part. The paper draws at random too:
    1000 of each for Figure 3, 100 of each for Figures 5 and 6. Raises CompanionError where there
    are no real crops or no fakes.
    """
    y = both_kinds(faces)
    unit = np.unique(faces.units("test"), return_inverse=True)[1]
    rng = np.random.default_rng([seed, each])
    drawn = []
    for label in (0, 1):
        these = np.flatnonzero(y == label)
        drawn.append(rng.choice(these, min(each, len(these)), replace=False))
    crops = np.sort(np.concatenate(drawn))
    return pd.DataFrame({"crop": crops, "unit": unit[crops], "label": y[crops]})


def both_kinds(faces: FaceSet) -> np.ndarray:
    """The labels of the test crops. Raises CompanionError where not both are there."""
    y = faces.labels("test")
    fakes = int(y.sum())
    if not 0 < fakes < len(y):
        raise CompanionError(
            f"The test part has {len(y) - fakes} real and {fakes} fake crops, and figures compare "
            "the one with the other; take faces that have both.")
    return y


def some(pairs: pd.DataFrame) -> pd.DataFrame:
    """`FaceSet.pairs` as they are. Raises CompanionError where there are none."""
    if pairs.empty:
        raise CompanionError(
            "No fake of the test part has the real crop of its frame, and pairs of them are shown; "
            "bring the real videos of the fakes too.")
    return pairs


def mean(values: np.ndarray, units: np.ndarray) -> tuple[float, float, float, int]:
    """Mean of a value per crop, its 95 % interval over units, and how many crops have a value.

    values: float (N,), NaN where a crop has none. units: of each crop, (N,). The mean and the two
    limits are in the unit of `values`; NaN where no crop has one.
    """
    values = np.asarray(values, float)
    known = ~np.isnan(values)
    if not known.any():
        return np.nan, np.nan, np.nan, 0
    low, high = interval(values[known], np.asarray(units)[known])
    return values[known].mean(), low, high, int(known.sum())


def means(table: pd.DataFrame, by: list[str], measures: list[str]) -> pd.DataFrame:
    """Mean and 95 % interval over people of each measure in each group.

    table: a row a crop, with `unit`. Returns the columns `by`, measure, mean, low, high, crops.
    Groups come in the order in which their names first appear, the first name of `by` changing
    last.
    """
    rows = []
    for key, group in _groups(table, by):
        units = group.unit.to_numpy()
        for measure in measures:
            numbers = mean(group[measure].to_numpy(), units)
            rows.append((*key, measure, *numbers))
    return pd.DataFrame(rows, columns=[*by, "measure", "mean", "low", "high", "crops"])


def means_over_seeds(table: pd.DataFrame, by: list[str], measures: list[str]) -> pd.DataFrame:
    """The same over crops and trainings; the interval covers another training too.

    table: a row a crop and training, with `unit` and `seed`; each training is measured on the same
    crops, and each crop has a value. Columns as of `means`; the interval is
    `evaluation.over_trainings`, cut to [-1, 1], beyond which none of these measures goes.
    """
    rows = []
    for key, group in _groups(table, by):
        units = group.drop_duplicates("crop").sort_values("crop").unit.to_numpy()
        for measure in measures:
            values = group.pivot(index="seed", columns="crop", values=measure).to_numpy()
            limits = np.clip(over_trainings(values, units), -1, 1)
            rows.append((*key, measure, values.mean(), *limits, values.shape[1]))
    return pd.DataFrame(rows, columns=[*by, "measure", "mean", "low", "high", "crops"])


def _groups(table: pd.DataFrame, by: list[str]) -> list[tuple[tuple, pd.DataFrame]]:
    """The groups of a table with their keys, in the order in which names first appear."""
    order = [list(dict.fromkeys(table[name])) for name in by]

    def place(item: tuple[tuple, pd.DataFrame]) -> list[int]:
        return [names.index(name) for names, name in zip(order, item[0], strict=True)]

    return sorted(table.groupby(by), key=place)


def spelled(numbers: pd.DataFrame) -> pd.DataFrame:
    """`means` to read: groups as rows, measures as columns, "0.92 (0.91 to 0.93)" in the cells.

    Both keep their order. A group by `label` is spelled real or fake.
    """
    columns = list(numbers)
    by = columns[: columns.index("measure")]
    rounded = numbers[["mean", "low", "high"]].round(2) + 0.0  # + 0.0: no "-0.00"
    words = [_words(*row) for row in rounded.to_numpy()]
    table = numbers.assign(words=words).set_index([*by, "measure"])
    out = table.words.unstack(sort=False)
    return out.rename(index={0: "real", 1: "fake"}, level="label") if "label" in by else out


def _words(middle: float, low: float, high: float) -> str:
    return "" if np.isnan(middle) else f"{middle:.2f} ({low:.2f} to {high:.2f})"
