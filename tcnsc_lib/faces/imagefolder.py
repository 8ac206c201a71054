"""A folder of labelled pictures: which are real and which fake, whose, and in which part.

    <root>/{train,val,test}/{real,fake}/**   divided already
    <root>/{real,fake}/{train,val,test}/**   likewise
    <root>/{real,fake}/**                    not divided
    <root>/labels.csv                        optional, see `labels`

The names of these folders may be in capitals. Below them anything goes; the first folder
below a fake's two (or its one) names the method of its fakes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from PIL import Image

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import labels
from tcnsc_lib.faces.album import NOT_TEXT
from tcnsc_lib.faces.labels import Said, refuse
from tcnsc_lib.faces.manifest import KINDS, SPLITS
from tcnsc_lib.faces.opening import FORMATS, know_all_formats
from tcnsc_lib.faces.source import LeftOut
from tcnsc_lib.faces.spelling import is_text, short, shown
from tcnsc_lib.faces.store import lack

EXPECTED = (
    "it must hold the folders train, val and test with real and fake in each, or real and fake "
    "alone, which are divided here"
)
UNLABELLED = "neither below real nor below fake, nor labelled in labels.csv"
PLAIN = "pictures"  # the method of fakes that lie directly in fake
MOST = 6  # folders that a sentence names


@dataclass(frozen=True)
class Picture:
    """A labelled picture. file: its path below the folder, with slashes.

    label: 0 real, 1 fake. method: "original", or a fake's. split: "" where nothing says it.
    person, source: whose head and whose face it is; "" where that isn't known.
    """

    path: Path
    file: str
    label: int
    method: str
    split: str = ""
    person: str = ""
    source: str = ""

    @cached_property
    def name(self) -> str:
        """Unique in the folder, and fit for the names of our files."""
        *folders, _ = self.file.split("/")
        steps = [*folders, f"{self.path.stem}-{self.path.suffix[1:]}"]
        return "/".join(short(step) for step in steps)


@dataclass(frozen=True)
class Labelled:
    """pictures: sorted by folder and file. left_out: what isn't read."""

    pictures: list[Picture]
    left_out: list[LeftOut]

    @property
    def is_divided(self) -> bool:
        """Whether folders or the table say every picture's part."""
        return bool(self.pictures[0].split)


@dataclass(frozen=True)
class Place:
    """What the folders above a picture say of it: part and kind, "" where nothing; method."""

    split: str
    kind: str
    method: str


def labelled(root: Path) -> Labelled:
    """All pictures of a folder that have a label, and what else lies there.

    Hidden files and folders are neither read nor told. Raises CompanionError where there is no such
    folder, where it is laid out otherwise, or where labels.csv contradicts it or itself.
    """
    root = Path(root)
    if not os.path.isdir(root):
        raise CompanionError(
            f"There is no folder {root}; put labelled pictures there, see data/README.md."
        )
    said = labels.read(root)
    found: dict[str, tuple[Path, Place]] = {}
    left_out: list[LeftOut] = []
    for path in _files(root):
        file = path.relative_to(root).as_posix()
        place = _place(file.split("/")[:-1])
        if file == labels.NAME:
            continue
        reason = _unread(path, file, place, said.get(file))
        if reason:
            left_out.append(LeftOut(path, reason))
        else:
            found[file] = (path, place)
    _check_table(root, said, {file: place for file, (_, place) in found.items()})
    pictures = []
    for file, (path, place) in found.items():
        pictures.append(_picture(path, file, place, said.get(file)))
    _check_parts(root, pictures)
    return Labelled(pictures, left_out)


@cache
def suffixes() -> frozenset[str]:
    """Those of the formats that are read, with their dots."""
    know_all_formats()
    every = Image.registered_extensions()
    return frozenset(suffix for suffix, kind in every.items() if kind in FORMATS)


def _files(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """All files below a folder that aren't hidden, sorted; linked folders too, but no circles.

    above: the true paths of the folders around this one. A folder that can't be opened is yielded.
    """
    within = above | {os.path.realpath(folder)}
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        yield folder
        return
    for path in inside:
        if path.name.startswith("."):
            continue
        if not os.path.isdir(path):
            yield path
        elif os.path.realpath(path) not in within:
            yield from _files(path, within)


def _place(folders: list[str]) -> Place:
    """What the names of the folders say, from the outermost on."""
    rest = list(folders)
    split = _taken(rest, SPLITS)
    kind = _taken(rest, KINDS)
    if kind and not split:
        split = _taken(rest, SPLITS)
    return Place(split, kind, rest[0] if kind == "fake" and rest else "")


def _taken(rest: list[str], known: Sequence[str]) -> str:
    """The first of these names, taken off where it is a known one; else ""."""
    return rest.pop(0).lower() if rest and rest[0].lower() in known else ""


def _unread(path: Path, file: str, place: Place, said: Said | None) -> str:
    """Why a file isn't read, or ""."""
    if not is_text(file):
        return NOT_TEXT
    if os.path.isdir(path):
        return "folders that can't be opened"
    if path.suffix.lower() not in suffixes():
        return f"the format {path.suffix}" if path.suffix else "files without a suffix"
    if not place.kind and not (said and said.label):
        return UNLABELLED
    return ""


def _picture(path: Path, file: str, place: Place, said: Said | None) -> Picture:
    kind = place.kind or said.label
    method = PLAIN if place.method in ("", "original") else place.method
    return Picture(
        path=path,
        file=file,
        label=KINDS.index(kind),
        method=method if kind == "fake" else "original",
        split=place.split or (said.split if said else ""),
        person=said.person if said else "",
        source=said.source if said else "",
    )


def _check_table(root: Path, said: Mapping[str, Said], found: Mapping[str, Place]) -> None:
    """Raise a CompanionError where labels.csv names what isn't there, or says what can't be."""
    path = root / labels.NAME
    there = [file for file in said if not os.path.lexists(root / file)]
    refuse(path, "a file that isn't there", there, "mend the name or remove the row")
    kinds = {file: said[file].label for file in found if file in said}
    other = [file for file, kind in kinds.items() if kind and found[file].kind not in ("", kind)]
    refuse(path, "another label than the folder", other, "move the file or mend the row")
    parts = {file: said[file].split for file in found if file in said}
    moved = [file for file, part in parts.items() if part and found[file].split not in ("", part)]
    refuse(path, "another part than the folder", moved, "move the file or mend the row")
    real = [file for file, kind in kinds.items() if "real" in (kind, found[file].kind)]
    lent = [file for file in real if said[file].source]
    refuse(path, "a source for a real picture", lent, "a real face has none: leave the cell empty")


def _check_parts(root: Path, pictures: list[Picture]) -> None:
    """Raise a CompanionError where there is nothing, or where parts aren't said or lack something.

    Of pictures that aren't divided, both labels must be there.
    """
    if not pictures:
        raise CompanionError(f"{root} holds {_layout(root)}; {EXPECTED}, see data/README.md.")
    without = [picture for picture in pictures if not picture.split]
    if without and len(without) < len(pictures):
        raise CompanionError(
            f"{root} says no part for {len(without)} of {len(pictures)} pictures, the first of "
            f"them {shown(without[0].file)}; give all of them a part, by folders "
            "or in labels.csv, or none."
        )
    lacks = []
    for part in ("",) if without else SPLITS:
        labels_there = {picture.label for picture in pictures if picture.split == part}
        lacking = lack(labels_there, "pictures")
        if lacking:
            lacks.append(f"no {lacking} in {part}" if part else f"no {lacking}")
    if lacks:
        raise CompanionError(
            f"{root} has {' and '.join(lacks)}: it holds {_layout(root)}, and {EXPECTED}."
        )


def _layout(root: Path) -> str:
    """The folders on top, with those in them: "the folders train (0, 1), test (0, 1)"."""
    tops = []
    for folder in _folders(root):
        inside = [shown(below.name) for below in _folders(folder)]
        names = ", ".join(inside[:MOST]) + (", ..." if len(inside) > MOST else "")
        tops.append(f"{shown(folder.name)} ({names})" if inside else shown(folder.name))
    if not tops:
        return "no folders"
    more = ", ..." if len(tops) > MOST else ""
    return f"the folders {', '.join(tops[:MOST])}{more}"


def _folders(place: Path) -> list[Path]:
    """Those in a folder that aren't hidden; none where it can't be opened."""
    try:
        inside = [path for path in place.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
    return sorted(path for path in inside if path.is_dir())
