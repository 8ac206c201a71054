"""The paper's sentences about its tables and figures, as numbers: do they hold here?

A claim is one entry in one of the `about_` modules and is known by its id everywhere else. Its
number is computed from the evidence (`judge`), stored as figures/<profile>/<item>_claims.csv, and
looked up there by notebooks and README (`lookup`).

Differences between detectors or codecs are taken on the same test crops, so their intervals are
paired. Those of Tables 1 to 3, Figure 3, the study, any quality and calibration are for the mean
over seeds, where there are several, and cover another training; those of the other figures are
about the choice of test people.
"""
from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.results.calibrating import Calibrated
from tcnsc_lib.results.claims.about_any_quality import ABOUT_ANY_QUALITY
from tcnsc_lib.results.claims.about_calibration import ABOUT_CALIBRATION
from tcnsc_lib.results.claims.about_compression import (
    ABOUT_FIGURE_1,
    ABOUT_FIGURE_5,
    ABOUT_FIGURE_6,
)
from tcnsc_lib.results.claims.about_features import ABOUT_FIGURE_3, ABOUT_FIGURE_4
from tcnsc_lib.results.claims.about_study import ABOUT_STUDY
from tcnsc_lib.results.claims.about_tables import ABOUT_TABLE_1, ABOUT_TABLE_2, ABOUT_TABLE_3
from tcnsc_lib.results.claims.material import PerCrop, PerSeed
from tcnsc_lib.results.claims.rules import Claim, judged
from tcnsc_lib.results.seeds import Told
from tcnsc_lib.results.surviving import Survived

__all__ = ["CLAIMS", "ITEMS", "Claim", "judge", "lookup", "of_item", "stored_as"]

EVERY = (
    *ABOUT_FIGURE_1,
    *ABOUT_TABLE_1,
    *ABOUT_TABLE_2,
    *ABOUT_TABLE_3,
    *ABOUT_FIGURE_3,
    *ABOUT_FIGURE_4,
    *ABOUT_FIGURE_5,
    *ABOUT_FIGURE_6,
    *ABOUT_STUDY,
    *ABOUT_ANY_QUALITY,
    *ABOUT_CALIBRATION,
)

CLAIMS: dict[str, Claim] = {claim.id: claim for claim in EVERY}
"""Every claim by its id, in the order of the paper's sections."""

ITEMS = tuple(dict.fromkeys(claim.item for claim in EVERY))
"""The tables and figures that claims are about, the study of notebook 8, and both of notebook 9."""

MATERIAL: dict[str, Callable[[Evidence], object]] = {
    "Figure 1": lambda e: PerCrop(e.read("figure1_blocks"), "codec"),
    "Figure 3": lambda e: PerSeed(e.read("figure3_seeds"), "model", "codec"),
    "Figure 4": lambda e: PerCrop(e.read("figure4_maps"), "model", "codec"),
    "Figure 5": lambda e: PerCrop(e.read("figure5"), "codec"),
    "Figure 6": lambda e: PerCrop(e.read("figure6_bands"), "codec"),
    "Study": Told,
    "Quality": Survived,
    "Calibration": Calibrated,
}
"""What an item's claims are measured from; those about tables, from the Evidence itself."""


def of_item(item: str) -> list[Claim]:
    """The claims about a table or figure ("Table 2"), in their order."""
    return [claim for claim in EVERY if claim.item == item]


def stored_as(item: str) -> str:
    """The name of the table with an item's claims: "Table 2" -> "table2_claims"."""
    return f"{item.lower().replace(' ', '')}_claims"


def judge(item: str, e: Evidence) -> pd.DataFrame:
    """An item's claims, measured and judged from the evidence: a row a claim.

    Columns: id, claim, holds if, paper, ours, low, high, crops, holds here, p; of Tables 1 to 3,
    Figure 3, the study, any quality and calibration also seeds, least, most; of Table 3 also the
    best other detector of a column, the paper's and ours.
    """
    material = MATERIAL[item](e) if item in MATERIAL else e
    return judged(of_item(item), material)


def lookup(e: Evidence, claim_id: str) -> pd.Series:
    """The stored row of a claim; `judge` has the columns.

    Raises CompanionError where there is no such claim, or none of its numbers is stored.
    """
    if claim_id not in CLAIMS:
        raise CompanionError(f"There is no claim {claim_id!r}; choose one of "
                             "tcnsc_lib/results/claims.")
    name = stored_as(CLAIMS[claim_id].item)
    table = e.read(name)
    found = table[table["id"] == claim_id] if "id" in table else table[:0]
    if len(found) != 1:
        raise CompanionError(f"{e.path(name)} has {len(found) or 'no'} rows for the claim "
                             f"{claim_id}; `tcnsc report` makes it again.")
    return found.iloc[0]
