"""What would make a detector of labelled pictures look better than it is, told before it trains.

A leak: a person, a picture, or nearly the same picture in two parts; or one picture under both
labels. A confound: a property of the files that tells real from fake by itself, see `formats`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from tcnsc_lib.faces.division import Divided
from tcnsc_lib.faces.duplicates import NEAR
from tcnsc_lib.faces.formats import LIMIT, confounds, typical
from tcnsc_lib.faces.manifest import KINDS, SPLITS
from tcnsc_lib.faces.spelling import shown


@dataclass(frozen=True)
class Warned:
    """Warnings of one kind. kind: for a file's name. summary: of all, in a line. each: a line each.

    There may be none.
    """

    kind: str
    summary: str
    each: list[str]


def leaks(found: Divided) -> list[Warned]:
    """All leaks, each kind by itself; kinds without one are there, and empty."""
    people = [picture.person for picture in found.pictures]
    pixels = [look.pixels for look in found.looks]
    in_parts = "the same person in two parts"
    same = "the same picture in two parts"
    both = "the same picture called real and fake"
    nearly = f"near-duplicates in two parts (at most {NEAR} of 64 bits differ)"
    by_part = found.splits
    by_label = [KINDS[picture.label] for picture in found.pictures]
    several = [group for group in _groups(found.groups.tolist()) if _differ(group, pixels)]
    return [
        _warned("people-in-two-parts", in_parts, _across(_groups(people), by_part), _of(found)),
        _warned("same-in-two-parts", same, _across(_groups(pixels), by_part), _of(found)),
        _warned("same-under-both-labels", both, _across(_groups(pixels), by_label), _of(found)),
        _warned("near-in-two-parts", nearly, _across(several, by_part), _of(found)),
    ]


def near_under_both_labels(found: Divided) -> int:
    """How many groups of near-duplicates hold real pictures and fakes, as an original and its fake.

    Groups of the same pixels don't count.
    """
    pixels = [look.pixels for look in found.looks]
    labels = [str(picture.label) for picture in found.pictures]
    several = [group for group in _groups(found.groups.tolist()) if _differ(group, pixels)]
    return len(_across(several, labels))


def format_confounds(found: Divided) -> tuple[pd.DataFrame, list[str]]:
    """`formats.confounds` and `formats.typical` of the pictures that can be opened."""
    known = [i for i, look in enumerate(found.looks) if not look.reason]
    files = [found.looks[i].written for i in known]
    labels = [found.pictures[i].label for i in known]
    return confounds(files, labels), typical(files, labels)


def told_confounds(table: pd.DataFrame) -> list[str]:
    """A sentence for each property that tells too much."""
    warned = table[table.warns]
    return [
        f"by {row.what} alone, real is told from fake in {100 * row.tells:.0f} % (50 % is chance, "
        f"{100 * LIMIT:.0f} % the limit)"
        for row in warned.itertuples()
    ]


def lines(found: Divided) -> list[str]:
    """The same in few lines: one for each kind of leak and each confound that there is."""
    told = []
    for one in leaks(found):
        if one.each:
            more = f", and {len(one.each) - 1} more" if len(one.each) > 1 else ""
            told.append(f"{one.summary}: {one.each[0]}{more}")
    table, kinds = format_confounds(found)
    warned = table[table.warns]
    if len(warned):
        rates = [f"{row.what} {100 * row.tells:.0f} %" for row in warned.itertuples()]
        chance = "real is told from fake by the file alone (50 % is chance)"
        told.append(f"{chance}: {', '.join(rates)}")
        told += kinds
    if told:
        told.append("`tcnsc audit` says more of this; a detector may learn it instead of faces")
    return told


# ---------------------------------------------------------------- groups


def _groups(values: Sequence) -> list[list[int]]:
    """The places of equal values, two or more of them; "" is none."""
    places: dict[object, list[int]] = {}
    for i, value in enumerate(values):
        if value != "":
            places.setdefault(value, []).append(i)
    return [group for group in places.values() if len(group) > 1]


def _differ(group: Iterable[int], pixels: Sequence[str]) -> bool:
    return len({pixels[i] for i in group}) > 1


def _across(groups: Iterable[list[int]], where: Sequence[str]) -> list[dict[str, list[int]]]:
    """Of the groups that lie in more than one place: place -> members."""
    found = []
    for group in groups:
        places: dict[str, list[int]] = {}
        for i in group:
            places.setdefault(where[i], []).append(i)
        if len(places) > 1:
            found.append(places)
    return found


def _of(found: Divided) -> Callable[[int], str]:
    return lambda i: shown(found.pictures[i].file)


def _warned(
    kind: str, summary: str, groups: list[dict[str, list[int]]], name: Callable[[int], str]
) -> Warned:
    """A line a group: how many of its pictures lie where, and the first of each."""
    order = [*SPLITS, *KINDS]
    each = []
    for places in groups:
        parts = []
        for place in sorted(places, key=order.index):
            some = places[place]
            more = f" and {len(some) - 1} more" if len(some) > 1 else ""
            parts.append(f"{name(some[0])}{more} ({place})")
        each.append(", ".join(parts))
    return Warned(kind, summary, each)
