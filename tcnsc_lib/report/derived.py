"""Derived tables, checked before a sentence is made of them: their columns, and the rows needed."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, create_model

from tcnsc_lib import CompanionError, checked
from tcnsc_lib.checked import Stored
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.results import claims

AGAIN = "restore it, or make it again as figures/README.md says"
Percent = Annotated[float, Field(ge=0, le=100)]
Gap = Annotated[float, Field(allow_inf_nan=True)]  # a number that may lack


class Score(Stored):
    """A row of Tables 1 to 3: rates in percent of a detector on a test set."""

    training: str
    codec: str
    accuracy: Percent
    auc: Gap


class Difference(Stored):
    """A row of table2_differences.csv: points, their interval, whether every seed agrees."""

    codec: str
    difference: float
    low: Gap
    high: Gap
    settled: Literal["yes", "no"]


NUMBERS = dict.fromkeys(("paper", "ours", "low", "high"), (Gap, ...))
HOLDS = {"holds here": (Literal["yes", "no", "can't tell"], ...)}  # a name that a class can't have
Judged = create_model("Judged", __base__=Stored, id=(str, ...), **NUMBERS, **HOLDS)


def claim(e: Evidence, claim_id: str) -> pd.Series:
    """The stored row of a claim, checked. Raises CompanionError, as `claims.lookup` does."""
    row = claims.lookup(e, claim_id)
    name = claims.stored_as(claims.CLAIMS[claim_id].item)
    checked.check(e.read(name), Judged, e.path(name), AGAIN)
    return row


def scores(e: Evidence, name: str, codecs: Iterable[str] = ("RAW", "LQ"),
           trainings: Iterable[str] = ()) -> pd.DataFrame:
    """A table of `Score` with one row for each training and test set.

    codecs: those that each training must have. trainings: those that must be there. Raises
    CompanionError.
    """
    table = seeds(e, name)
    counts = table.value_counts(["training", "codec"])
    if (counts > 1).any():
        raise _lacks(e, name, f"has more than one row for {_named(counts[counts > 1].index[0])}")
    for training in dict.fromkeys([*trainings, *table.training]):
        for codec in codecs:
            if (training, codec) not in counts.index:
                raise _lacks(e, name, f"has no row for {_named((training, codec))}")
    return table


def seeds(e: Evidence, name: str) -> pd.DataFrame:
    """A table of `Score` with any number of rows for a training and test set."""
    table = e.read(name)
    checked.check(table, Score, e.path(name), AGAIN)
    return table


def differences(e: Evidence, codec: str) -> pd.DataFrame:
    """Rows of `Difference` at one test set; the index says which difference each is."""
    name = "table2_differences"
    table = e.read(name)
    checked.check(table, Difference, e.path(name), AGAIN)
    rows = table[table.codec == codec]
    indexed = rows.set_index(table.columns[0])
    if indexed.index.has_duplicates:
        raise _lacks(e, name, f"names a difference twice at {codec}")
    return indexed


def _named(key: tuple[str, str]) -> str:
    return f"{key[0]} at {key[1]}"


def _lacks(e: Evidence, name: str, what: str) -> CompanionError:
    return CompanionError(f"{e.path(name)} {what}; {AGAIN}.")
