"""Which labelled pictures belong together, and in which part of the data each of them is.

Pictures of one person, near-duplicates, and what these tie to each other stay in one part. Groups
are divided 70/15/15 with the profile's seed, those that are all real, all fake and both each by
themselves, so that every part gets of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.duplicates import near, tied
from tcnsc_lib.faces.imagefolder import Labelled, Picture
from tcnsc_lib.faces.looks import Look
from tcnsc_lib.faces.splits import random_split
from tcnsc_lib.faces.store import SPLITS, lack


@dataclass(frozen=True)
class Divided:
    """Labelled pictures and what is known of them; all lists in one order.

    looks: what each file shows. groups: int (N,), equal for near-duplicates. identities: the
    person, else a person of its group, else the name of its group's first picture. splits: each
    picture's part.
    """

    pictures: list[Picture]
    looks: list[Look]
    groups: np.ndarray
    identities: list[str]
    splits: list[str]


def divide(root: Path, content: Labelled, looks: list[Look], seed: int) -> Divided:
    """Who belongs together, and each picture's part, given or drawn.

    Raises CompanionError where a part has no real pictures, or no fakes, that can be opened.
    """
    pictures = content.pictures
    groups = near_duplicates(looks)
    names = identities(pictures, groups)
    splits = [picture.split for picture in pictures]
    why = "has folders for its parts"
    if not content.is_divided:
        splits = _drawn(pictures, groups, seed)
        why = "is divided by people and near-duplicates"
    for part in SPLITS:
        labels = zip(pictures, splits, looks, strict=True)
        there = {one.label for one, split, look in labels if split == part and not look.reason}
        lacking = lack(there, "pictures")
        if lacking:
            raise CompanionError(
                f"{root} {why}, and that leaves no {lacking} that can be opened in {part}; bring "
                "pictures of more people, or divide them into train, val and test."
            )
    return Divided(pictures, looks, groups, names, splits)


def near_duplicates(looks: Sequence[Look]) -> np.ndarray:
    """The number of each picture's group, int (N,); what can't be opened is alone."""
    groups = np.arange(len(looks)) + len(looks)
    seen = [i for i, look in enumerate(looks) if not look.reason]
    groups[seen] = near([looks[i].hashes for i in seen])
    return groups


def identities(pictures: Sequence[Picture], groups: Sequence[int]) -> list[str]:
    """Whose picture each is, as far as that is known: see `Divided`."""
    of_group: dict[int, str] = {}
    for picture, group in zip(pictures, groups, strict=True):
        if picture.person:
            of_group.setdefault(group, picture.person)
    for picture, group in zip(pictures, groups, strict=True):
        of_group.setdefault(group, picture.name)
    known = zip(pictures, groups, strict=True)
    return [picture.person or of_group[group] for picture, group in known]


def _drawn(pictures: Sequence[Picture], groups: Sequence[int], seed: int) -> list[str]:
    """The part of each picture, by the rule above."""
    first: dict[object, int] = {}
    ties = []
    for i, (picture, group) in enumerate(zip(pictures, groups, strict=True)):
        ties.append((first.setdefault(int(group), i), i))
        if picture.person:
            ties.append((first.setdefault(picture.person, i), i))
    bundles = tied(len(pictures), np.array(ties)).tolist()
    heads: dict[int, str] = {}
    labels: dict[str, set[int]] = {}
    for picture, bundle in zip(pictures, bundles, strict=True):
        head = heads.setdefault(bundle, picture.name)
        labels.setdefault(head, set()).add(picture.label)
    parts: dict[str, str] = {}
    for kind in ({0}, {1}, {0, 1}):
        parts |= random_split([head for head in labels if labels[head] == kind], seed)
    return [parts[heads[bundle]] for bundle in bundles]
