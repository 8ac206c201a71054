"""Every table that follows from the evidence, written again in a minute: no data, no training."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import pandas as pd

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.analysis import means, means_over_seeds
from tcnsc_lib.analysis.spectrum import BANDS, gains
from tcnsc_lib.analysis.ssim import figure5_means
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import MODEL_B, SEEDED, TABLE2, TABLE3, seeds_of
from tcnsc_lib.experiments.study import FACTORS, ROWS, restated
from tcnsc_lib.results import (
    calibrating,
    claims,
    contrasts,
    factors,
    surviving,
    tables,
    trained,
    videos,
)


class Derived(NamedTuple):
    """How a table is computed, and the names of the evidence that this takes at a profile."""

    make: Callable[[Evidence], pd.DataFrame]
    needs: Callable[[Evidence], list[str]]


# what a table needs

def _predictions(*experiments: str) -> Callable[[Evidence], list[str]]:
    """The test crops and predictions of these experiments, from the first seed."""
    return lambda e: ["crops", *(e.predicted(name) for name in experiments)]


def _of_seeds(*experiments: str) -> Callable[[Evidence], list[str]]:
    """The same from each seed of those that are trained from several."""
    def needs(e: Evidence) -> list[str]:
        names = []
        for experiment in experiments:
            names += [e.predicted(experiment, seed) for seed in seeds_of(experiment, e.p)]
        return ["crops", *names]

    return needs


def _with_marks(needs: Callable[[Evidence], list[str]]) -> Callable[[Evidence], list[str]]:
    """The same, and what says which detectors are trained to the end."""
    return lambda e: [*needs(e), trained.COSTS]


def _of_study(e: Evidence) -> list[str]:
    """The test crops, and what model B's run says, from the first seed; other rows may be there."""
    return ["crops", *_said_by(e, MODEL_B)]


def _of_factors(e: Evidence) -> list[str]:
    """The same, and what every combination of the factors says."""
    return [*_of_study(e), *_said_by(e, *FACTORS.values())]


def _said_by(e: Evidence, *experiments: str) -> list[str]:
    """What these rows of the study say, with all their statistics."""
    needed = []
    for row in ROWS:
        if row.name in experiments:
            filed = [restated(row.name, statistics) for statistics in ("", *row.statistics)]
            needed += [e.study.predicted(name) for name in filed]
    return needed


def _measured(*names: str) -> Callable[[Evidence], list[str]]:
    return lambda e: list(names)


PAIRS = [paper.pair_name(pair) for pair in paper.PAIRS]
OF_TABLE3 = _with_marks(_predictions(*TABLE3.values()))


# means over crops

FIGURE3 = ["silhouette", "neighbour", "probe", "classifier"]
FIGURE4 = ["heat", "same", "different", "trained", "covered", "inside", "chance", "hit", "auc"]
FIGURE6 = [*BANDS, *(f"{band}_change" for band in BANDS)]


def figure3_means(e: Evidence) -> pd.DataFrame:
    """Figure 3 in numbers: `analysis.means_over_seeds` of each measure, by model and codec."""
    return means_over_seeds(e.read("figure3_seeds"), ["model", "codec"], FIGURE3)


def figure4_means(e: Evidence) -> pd.DataFrame:
    """Figure 4 in numbers: `analysis.means` of each measure, by model, label and codec."""
    return means(e.read("figure4_maps"), ["model", "label", "codec"], FIGURE4)


def figure6_means(e: Evidence) -> pd.DataFrame:
    """Figure 6 in numbers, dB: `analysis.means` of gains and changes, by label and codec."""
    return means(gains(e.read("figure6_bands")), ["label", "codec"], FIGURE6)


def _claims(item: str, needs: Callable[[Evidence], list[str]]) -> dict[str, Derived]:
    return {claims.stored_as(item): Derived(partial(claims.judge, item), needs)}


DERIVED: dict[str, Derived] = {
    **_claims("Figure 1", _measured("figure1_blocks")),
    "table1": Derived(tables.table1, _predictions(*PAIRS)),
    "difficulty": Derived(tables.difficulty, _predictions(MODEL_B)),
    "table1_literal": Derived(tables.literal_table1, _predictions(*tables.LITERAL.values())),
    **_claims("Table 1", _of_seeds(*PAIRS, MODEL_B)),
    "table2": Derived(tables.table2, _predictions(*TABLE2.values())),
    "table2_seeds": Derived(tables.seeds, _of_seeds(*SEEDED)),
    "table2_differences": Derived(tables.seed_differences, _of_seeds(*SEEDED)),
    **_claims("Table 2", _of_seeds(*TABLE2.values())),
    "last_quarter": Derived(trained.last_quarter, _measured("validation")),
    "study": Derived(contrasts.study, _of_study),
    "study_factors": Derived(factors.factorial, _of_factors),
    "study_effects": Derived(factors.effects, _of_factors),
    "study_statistics": Derived(factors.alone, _of_study),
    **_claims("Study", _of_study),
    "quality": Derived(surviving.quality, surviving.needed),
    "quality_usable": Derived(surviving.usable, surviving.needed),
    **_claims("Quality", surviving.needed),
    "calibration": Derived(calibrating.calibration, calibrating.needed),
    "calibration_bins": Derived(calibrating.bins, calibrating.needed),
    **_claims("Calibration", calibrating.needed),
    "table3": Derived(tables.table3, OF_TABLE3),
    "table3_drops": Derived(tables.drops, OF_TABLE3),
    "table3_videos": Derived(videos.table3_videos, _of_seeds(*TABLE3.values())),
    **_claims("Table 3", _with_marks(_of_seeds(*TABLE3.values()))),
    "figure3_means": Derived(figure3_means, _measured("figure3_seeds")),
    **_claims("Figure 3", _measured("figure3_seeds")),
    "figure4_means": Derived(figure4_means, _measured("figure4_maps")),
    **_claims("Figure 4", _measured("figure4_maps")),
    "figure5_means": Derived(lambda e: figure5_means(e.read("figure5")), _measured("figure5")),
    **_claims("Figure 5", _measured("figure5")),
    "figure6_means": Derived(figure6_means, _measured("figure6_bands")),
    **_claims("Figure 6", _measured("figure6_bands")),
}
"""Name of a derived table -> how it is computed. A new one is one line here."""


def lacking(name: str, e: Evidence) -> list[str]:
    """The evidence that a derived table needs and that isn't there."""
    return [need for need in DERIVED[name].needs(e) if not e.has(need)]


def write(e: Evidence, names: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """Compute derived tables from the evidence and store them: all, or those named.

    Returns (name, what happened) for each: "new", "same", "changed", or "left as it is, for want
    of ..." where evidence is missing. Raises CompanionError for a name that there isn't.
    """
    names = list(DERIVED) if names is None else list(names)
    if unknown := [name for name in names if name not in DERIVED]:
        raise CompanionError(f"There is no derived table {unknown[0]!r}; choose some of "
                             f"{', '.join(DERIVED)}.")
    return [(name, _write_one(name, e)) for name in names]


def _write_one(name: str, e: Evidence) -> str:
    if missing := lacking(name, e):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"left as it is, for want of {missing[0]}{more}"
    path = e.folder / f"{name}.csv"
    before = path.read_bytes() if path.exists() else None
    try:
        table = DERIVED[name].make(e)
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        needs = ", ".join(DERIVED[name].needs(e)[:3])
        raise CompanionError(f"{name} can't be computed from {needs} in {e.measured} ({error}); "
                             "a file there is damaged: restore it, or make it again.") from error
    e.derive(name, table)
    if before is None:
        return "new"
    return "same" if path.read_bytes() == before else "changed"
