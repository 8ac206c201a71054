"""Analyses behind Figures 1 and 3 to 6: crops and trained runs in, numbers out; nothing here draws.

Most tables have a row a crop, so that whatever is said about a mean can be given an interval over people: `crop` is the
row of the test part, `unit` a number for the person, or the two who lent each other their faces (`FaceSet.units`), and
`label` is 0 real, 1 fake.
"""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib.evaluation import interval
from tcnsc_lib.faces.store import FaceSet


def sample(faces: FaceSet, each: int, seed: int) -> pd.DataFrame:
    """Up to `each` real and `each` fake test crops, drawn without replacement: crop, unit, label, in the part's order.

    The paper draws at random too: 1000 of each for Figure 3, 100 of each for Figures 5 and 6.
    """
    y, units = faces.labels("test"), np.unique(faces.units("test"), return_inverse=True)[1]
    rng = np.random.default_rng([seed, each])
    drawn = [rng.choice(np.flatnonzero(y == label), min(each, int((y == label).sum())), replace=False) for label in (0, 1)]
    crops = np.sort(np.concatenate(drawn))
    return pd.DataFrame({"crop": crops, "unit": units[crops], "label": y[crops]})


def mean(values: np.ndarray, units: np.ndarray) -> tuple[float, float, float, int]:
    """Mean of a value per crop, its 95 % interval over units, and how many crops have one (NaN: none)."""
    values = np.asarray(values, float)
    known = ~np.isnan(values)
    if not known.any():
        return np.nan, np.nan, np.nan, 0
    low, high = interval(values[known], units[known])
    return values[known].mean(), low / 100, high / 100, int(known.sum())


def means(table: pd.DataFrame, by: list[str], measures: list[str]) -> pd.DataFrame:
    """Mean and 95 % interval over people of each measure in each group: by, measure, mean, low, high, crops.

    Groups come in the order in which their names first appear, the first name of `by` changing last. table: a row a crop,
    with `unit`.
    """
    rows, order = [], [list(dict.fromkeys(table[name])) for name in by]
    groups = sorted(table.groupby(by), key=lambda item: [known.index(k) for known, k in zip(order, item[0])])
    for key, group in groups:
        for measure in measures:
            rows.append((*key, measure, *mean(group[measure].to_numpy(), group.unit.to_numpy())))
    return pd.DataFrame(rows, columns=[*by, "measure", "mean", "low", "high", "crops"])


def spelled(numbers: pd.DataFrame) -> pd.DataFrame:
    """`means` to read: its groups as rows, its measures as columns, both in their order, "0.92 (0.91 to 0.93)" in the cells.

    A group by `label` is spelled real or fake.
    """
    by = list(numbers)[: list(numbers).index("measure")]
    words = [f"{mean:.2f} ({low:.2f} to {high:.2f})" if mean == mean else "" for mean, low, high in
             numbers[["mean", "low", "high"]].round(2).to_numpy() + 0.0]
    out = numbers.assign(words=words).set_index([*by, "measure"]).words.unstack(sort=False)
    return out.rename(index={0: "real", 1: "fake"}, level="label") if "label" in by else out
