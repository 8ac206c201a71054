"""labels.csv of a folder of labelled pictures: whose they are, and what the folders don't say.

    file,label,person,source,split
    fake/0001.jpg,fake,Ann,Bea,train

Only `file` is required: a path below the folder. label: real or fake, or 0 or 1. person: whose head
it is. source: of a fake, whose face was put in. split: train, val or test. A cell may be empty.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import Stored, table
from tcnsc_lib.faces.manifest import KINDS, SPLITS
from tcnsc_lib.faces.spelling import normal, shown

NAME = "labels.csv"
COLUMNS = ("file", "label", "person", "source", "split")
LABELS = {**{kind: label for label, kind in enumerate(KINDS)}, "0": 0, "1": 1}
CURE = f"it must be a table with the columns {','.join(COLUMNS)}, of which only file is required"


class Said(Stored):
    """A row: what the table says of a picture. "" where it says nothing."""

    file: Annotated[str, Field(min_length=1)]
    label: str = ""
    person: str = ""
    source: str = ""
    split: str = ""


def read(root: Path) -> dict[str, Said]:
    """Path below `root`, with slashes -> what the table says; empty where there is no table.

    Labels are "real" and "fake", parts are spelled as in SPLITS, and spellings of one person are
    one. Raises CompanionError where it is no such table, names a file twice, or holds a word that
    is no label or no part.
    """
    path = Path(root) / NAME
    if not os.path.lexists(path):
        return {}
    rows = table(path, Said, CURE, text=COLUMNS)
    people: dict[str, str] = {}
    said: dict[str, Said] = {}
    twice = []
    for row in rows.to_dict("records"):
        file = str(PurePosixPath(row["file"]))
        if file in said:
            twice.append(file)
        words = {name: row.get(name, "").strip() for name in COLUMNS[1:]}
        for name in ("person", "source"):
            words[name] = people.setdefault(normal(words[name]), words[name])
        said[file] = Said(file=file, **words)
    refuse(path, "a file twice", twice, "keep one row for each file")
    return _in_our_words(path, said)


def _in_our_words(path: Path, said: Mapping[str, Said]) -> dict[str, Said]:
    """The same with labels and parts in one spelling."""
    unknown = [f"{file} ({one.label})" for file, one in said.items() if not _is_label(one.label)]
    refuse(path, "a label that isn't known", unknown, "write real or fake, or 0 or 1")
    odd = [f"{file} ({one.split})" for file, one in said.items() if not _is_part(one.split)]
    refuse(path, "a part that isn't known", odd, f"write {', '.join(SPLITS)}, or nothing")
    spelled = {}
    for file, one in said.items():
        label = KINDS[LABELS[one.label.lower()]] if one.label else ""
        spelled[file] = one.model_copy(update={"label": label, "split": one.split.lower()})
    return spelled


def _is_label(word: str) -> bool:
    return not word or word.lower() in LABELS


def _is_part(word: str) -> bool:
    return not word or word.lower() in SPLITS


def refuse(path: Path, what: str, files: Sequence[str], cure: str) -> None:
    """Raise a CompanionError that counts the files about which a table is wrong, if there are any.

    what: what it has of them. cure: what to do, the end of the sentence.
    """
    if files:
        rows = "1 row" if len(files) == 1 else f"{len(files)} rows"
        first = shown(files[0])
        raise CompanionError(f"{path} has {what} in {rows}, the first of them {first}; {cure}.")
