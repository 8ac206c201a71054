"""Every item of the paper: its notebook, its picture, and its headline claims with their verdicts.

Nothing is computed here: claims are looked up by their id in the tables that `tcnsc report` made.
"""
from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from tcnsc_lib.evaluation import holds_printed
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.report import derived
from tcnsc_lib.report.text import NOTHING
from tcnsc_lib.results import claims
from tcnsc_lib.results.claims.holm import corrected

LABELS = {  # other profiles: "ours at <name>"
    "demo": "ours at demo",
    "photos": "photographs",
    "pictures": "labelled pictures",
    "pictures-cut": "labelled crops",
}


@dataclass(frozen=True)
class Item:
    """A table or figure of the paper: its notebook's stem, its picture's stem, its caption."""

    name: str
    notebook: str
    picture: str
    caption: str


ITEMS = (
    Item("Figure 1", "01_data", "figure1",
         "A fake and a real face under JPEG at quality 80, 50 and 20."),
    Item("Figure 2", "02_method", "figure2",
         "The method: two branches that share one encoder."),
    Item("Table 1", "03_compression_factor", "table1",
         "Four training pairs on five test sets: which pair is it best to train on?"),
    Item("Table 2", "04_ablation", "table2",
         "Each branch alone, both, and the controls that the paper lacks."),
    Item("Table 3", "05_comparison", "table3",
         "Nine detectors on five test sets."),
    Item("Figure 3", "06_features_and_heatmaps", "figure3",
         "t-SNE of the features of real and fake faces: the margin shrinks."),
    Item("Figure 4", "06_features_and_heatmaps", "figure4",
         "Grad-CAM: where TCNSC and Xception look, at each quality."),
    Item("Figure 5", "07_similarity_and_spectra", "figure5",
         "SSIM of compressed faces against RAW, and what the window does."),
    Item("Figure 6", "07_similarity_and_spectra", "figure6",
         "Power spectra: JPEG takes the high frequencies."),
)
"""In the paper's order of sections; Figure 2 is a drawing and claims nothing."""


STUDY = {"Study": "08_what_does_it"}
ENDS = ("", "_low", "_high", "_holds", "_p")  # of a profile's columns in `verdicts`


def heading(profile: str) -> str:
    """What a column with this profile's numbers is called."""
    return LABELS.get(profile, f"ours at {profile}")


def verdicts(evidences: Mapping[str, Evidence]) -> pd.DataFrame:
    """One row a headline claim, in the order of ITEMS and of the claims; the study's come last.

    Columns: id, item, notebook, claim, unit, paper; and for each profile of `evidences` <profile>
    (our number), <profile>_low, <profile>_high (its 95 % interval) and <profile>_holds: yes, no,
    can't tell, or "" where that profile's tables don't have that claim (its numbers are NaN). The
    verdicts of a profile are corrected for their number (`holm`), as far as its tables tell p.
    """
    rows = []
    for name, notebook in {**{item.name: item.notebook for item in ITEMS}, **STUDY}.items():
        for claim in _headlines(name):
            row = {"id": claim.id, "item": name, "notebook": notebook, "claim": claim.headline,
                   "unit": claim.unit, "paper": math.nan}
            for profile, e in evidences.items():
                row |= _ours(claim.id, profile, e, row)
            rows.append(row)
    columns = ["id", "item", "notebook", "claim", "unit", "paper"]
    for profile in evidences:
        columns += [profile + end for end in ENDS]
    table = pd.DataFrame(rows, columns=columns)
    for profile in evidences:
        holds = f"{profile}_holds"
        table[holds] = corrected(table[holds], table[f"{profile}_p"].astype(float))
    return table


def _headlines(item: str) -> list[claims.Claim]:
    return [claim for claim in claims.CLAIMS.values() if claim.item == item and claim.headline]


def _ours(claim: str, name: str, e: Evidence, row: dict) -> dict:
    """A profile's columns of a claim, and the paper's number if it isn't there yet."""
    table = claims.stored_as(row["item"])
    if not e.has(table) or claim not in e.read(table)["id"].to_numpy():
        numbers = dict.fromkeys(ENDS, math.nan) | {"_holds": ""}
        return {name + end: value for end, value in numbers.items()}
    found = derived.claim(e, claim)
    paper = found.paper if math.isnan(row["paper"]) else row["paper"]
    values = (found.ours, found.low, found.high, found["holds here"], found.get("p", math.nan))
    ours = {name + end: value for end, value in zip(ENDS, values, strict=True)}
    return ours | {"paper": paper}


def profiles_of(table: pd.DataFrame) -> list[str]:
    """The profiles whose columns a table of `verdicts` has, in its order."""
    return [name.removesuffix("_holds") for name in table.columns if name.endswith("_holds")]


def inside(row: Mapping, profile: str) -> str:
    """Whether the paper's number lies in our 95 % interval: yes, no, or a dash without either."""
    low = row[f"{profile}_low"]
    high = row[f"{profile}_high"]
    if any(math.isnan(x) for x in (row["paper"], low, high)):
        return NOTHING
    return "yes" if holds_printed(row["paper"], low, high) else "no"
