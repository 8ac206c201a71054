"""Who is in which part of the data, and whether anybody is in two."""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, ConfigDict, RootModel

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import record
from tcnsc_lib.faces.store import SPLITS

SHARES = (0.70, 0.15, 0.15)  # of training, validation and test
NUMBERS = [f"{number:03d}" for number in range(1000)]  # the real videos of FaceForensics++
QUESTIONS = {
    "people": (
        "test people whose own video is in training",
        "test fakes whose source person is in training",
        "test fakes whose source face is in a training fake",
    ),
    "videos": (
        "test videos that are in training, too",
        "test fakes whose source video is in training",
        "test fakes whose source video is the source of a training fake",
    ),
    "pictures": (
        "test people who are in training, too",
        "test fakes whose source person is in training",
        "test fakes whose source face is in a training fake",
    ),
}
"""What `audit` asks, by what it counts: a manifest's names stand for people, or for videos"""


# ---------------------------------------------------------------- drawn at random


def random_split(people: Sequence[str] = NUMBERS, seed: int = 0) -> dict[str, str]:
    """The paper's split: person -> "train", "val" or "test", 70/15/15 % at random.

    Of FaceForensics++ those are 700/150/150 real videos; fakes follow their target. All 1000
    numbers are drawn, whichever are on disk, so that a partial copy's videos keep their part as it
    grows. It does not look at a fake's source, which may sit in another part; `audit` counts how
    often.
    """
    order = np.random.default_rng(seed).permutation(sorted(people))
    ends = np.cumsum(SHARES)
    train = round(len(order) * ends[0])
    val = round(len(order) * ends[1])
    counts = (train, val - train, len(order) - val)
    parts = np.repeat(SPLITS, counts).tolist()
    return dict(zip(order.tolist(), parts, strict=True))


# ---------------------------------------------------------------- read from FaceForensics++'s files


def _number(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch("[0-9]{3}", value):
        return value
    raise ValueError(
        f'a video is named by a text of three digits, like "003", not by {reprlib.repr(value)}'
    )


def _group(value: Any) -> Any:
    if isinstance(value, list):
        return value
    raise ValueError(f"a list of video numbers belongs here, not {reprlib.repr(value)}")


def _pair(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 2:
        return value
    given = reprlib.repr(value)
    raise ValueError(f'a pair of video numbers like ["000", "003"] belongs here, not {given}')


Number = Annotated[str, BeforeValidator(_number)]
Group = Annotated[list[Number], BeforeValidator(_group)]
Pair = Annotated[Group, BeforeValidator(_pair)]


class Groups(RootModel[list[Group]]):
    """people.json: lists of the videos that show one person, [["043", "179"], ...]."""

    model_config = ConfigDict(strict=True, frozen=True)


class Pairs(RootModel[list[Pair]]):
    """A file of FaceForensics++'s split: pairs of videos, [["000", "003"], ...]."""

    model_config = ConfigDict(strict=True, frozen=True)


def official_split(root: Path) -> dict[str, str]:
    """Video number -> "train", "val" or "test": both of an official pair are in one part.

    Raises CompanionError where one of the three files isn't there or isn't a list of pairs, or
    where a video is in two parts, or twice in one.
    """
    cure = (
        "copy the three files of dataset/splits of the FaceForensics++ repository there, or use "
        "the profile with the paper's random split"
    )
    split = {}
    for part in SPLITS:
        path = Path(root) / "splits" / f"{part}.json"
        for number in sum(record(path, Pairs, cure).root, []):
            if number in split:
                other = "twice" if split[number] == part else f"as {split[number]}.json has"
                raise CompanionError(
                    f"{path} has the video {number} {other}, and a video is in one pair of one "
                    f"part only; {cure}."
                )
            split[number] = part
    return split


def people_of(root: Path) -> dict[str, str] | None:
    """Video number -> the first video of the same person, from <root>/splits/people.json.

    None where there is no such file. Raises CompanionError where it isn't a list of lists of video
    numbers, or where a video is in it twice.
    """
    path = Path(root) / "splits" / "people.json"
    if not os.path.lexists(path):
        return None
    cure = 'write a list a person there, like [["043", "179"], ["000", "999"]], or remove the file'
    people = {}
    for group in record(path, Groups, cure).root:
        for number in group:
            if number in people:
                raise CompanionError(f"{path} has the video {number} twice; {cure}.")
            people[number] = group[0]
    return people


# ---------------------------------------------------------------- who is in two parts


def by_person(manifest: pd.DataFrame, people: dict[str, str]) -> pd.DataFrame:
    """The manifest with one identity, and one source, for all videos of a person."""
    renamed = {name: manifest[name].replace(people) for name in ("identity", "source")}
    return manifest.assign(**renamed)


def audit(manifest: pd.DataFrame, counted: str = "people") -> pd.DataFrame:
    """Leaks between the parts of a split: how many of the test part, out of how many.

    counted: what an identity stands for, "people", or "videos" where one person may have several
    of them; "pictures" where it is people of whom there are no videos. One row a question (index),
    columns count and of. A random split over targets puts the source person of most test fakes into
    training; that face has been seen.
    """
    train = manifest[manifest.split == "train"]
    test = manifest[manifest.split == "test"]
    fakes = test[test.label == 1].drop_duplicates(["method", "video"])
    people = set(test.identity) - {""}
    seen = set(train.identity) - {""}
    lent = set(train.source) - {""}
    from_seen = int(fakes.source.isin(seen).sum())
    from_lent = int(fakes.source.isin(lent).sum())
    counts = [(len(people & seen), len(people)), (from_seen, len(fakes)), (from_lent, len(fakes))]
    rows = dict(zip(QUESTIONS[counted], counts, strict=True))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["count", "of"])
    return table.rename_axis("question")
