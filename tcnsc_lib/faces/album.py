"""What a folder of photographs holds: whose they are, what isn't read, and who shares pictures.

    <root>/<person>/<anything>.jpg (.jpeg .png .webp, in capitals too)

Folders whose names agree in `spelling.normal` are one person, called as the first of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.source import LeftOut
from tcnsc_lib.faces.spelling import is_text, normal, short, shown

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
NOT_TEXT = "names that aren't UTF-8, or hold control characters (rename them)"
LOOSE = "outside any person's folder (move them into one)"
DEEPER = "deeper than a person's folder (move them up)"
EMPTY = "folders that hold nothing"
TOLD = 10  # lines about people who share a picture


@dataclass(frozen=True)
class Photo:
    """A photograph of one person; `name` is unique in the folder and fit for file names."""

    path: Path
    person: str

    @cached_property
    def name(self) -> str:
        file = f"{self.path.stem}-{self.path.suffix[1:]}"
        return f"{short(self.path.parent.name)}/{short(file)}"


@dataclass(frozen=True)
class Album:
    """photos: sorted by folder and file, broken links among them. left_out: what isn't read."""

    photos: list[Photo]
    left_out: list[LeftOut]

    @property
    def spellings(self) -> dict[str, list[str]]:
        """Person -> the folders taken for theirs, where there are several."""
        folders: dict[str, list[str]] = {}
        for photo in self.photos:
            theirs = folders.setdefault(photo.person, [])
            if photo.path.parent.name not in theirs:
                theirs.append(photo.path.parent.name)
        return {person: theirs for person, theirs in folders.items() if len(theirs) > 1}


def album(root: Path) -> Album:
    """All photographs under <root>/<person>/, and what else lies there.

    Hidden files and folders (macOS's "._" ones among them) are neither read nor told. Raises
    CompanionError where there is no such folder, or no photograph in it.
    """
    root = Path(root)
    if not os.path.isdir(root):
        raise CompanionError(
            f"There is no folder {root}; put photographs there, one subfolder for each person, "
            "see data/README.md."
        )
    files: list[Path] = []
    left_out: list[LeftOut] = []
    for path in _visible(root):
        if not is_text(path.name):
            left_out.append(LeftOut(path, NOT_TEXT))
        elif os.path.isdir(path):
            _look_into(path, files, left_out)
        else:
            left_out.append(LeftOut(path, LOOSE))
    if not files:
        raise CompanionError(
            f"{root} holds no photographs in subfolders; one subfolder for each person is needed"
            f"{told(left_out)}."
        )
    people: dict[str, str] = {}
    for file in files:
        people.setdefault(normal(file.parent.name), file.parent.name)
    photos = [Photo(file, people[normal(file.parent.name)]) for file in files]
    return Album(photos, left_out)


def _visible(folder: Path) -> list[Path]:
    """What isn't hidden in a folder, sorted."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _look_into(folder: Path, files: list[Path], left_out: list[LeftOut]) -> None:
    """Add a person's photographs, and what else their folder holds."""
    try:
        inside = _visible(folder)
    except OSError as error:
        left_out.append(LeftOut(folder, f"folders that can't be opened ({error.strerror})"))
        return
    if not inside:
        left_out.append(LeftOut(folder, EMPTY))
    for path in inside:
        if not is_text(path.name):
            left_out.append(LeftOut(path, NOT_TEXT))
        elif os.path.isdir(path):
            left_out += [LeftOut(deep, DEEPER) for deep in files_below(path)]
        elif path.suffix.lower() in SUFFIXES:
            files.append(path)
        else:
            left_out.append(LeftOut(path, _unread(path)))


def _unread(path: Path) -> str:
    kind = f"the format {path.suffix}" if path.suffix else "files without a suffix"
    return f"{kind} (save as {' '.join(SUFFIXES)})"


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and its subfolders that aren't hidden; links to folders stay shut."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in sorted(names) if not name.startswith(".")]
    return found


def told(left_out: Sequence[LeftOut]) -> str:
    """What was left out, as the end of a sentence: "; not read: 3 deeper than ..."."""
    reasons = [item.reason for item in left_out]
    counts = [f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons)]
    return f"; not read: {', '.join(counts)}" if counts else ""


def tell_spellings(album: Album) -> None:
    """A line a person who has several folders, on standard error."""
    lines = []
    for person, folders in album.spellings.items():
        several = ", ".join(repr(folder) for folder in folders)
        lines.append(f"one person, {person}, in {len(folders)} folders: {several}")
    _tell(lines)


# ---------------------------------------------------------------- the same picture twice


def same_pictures(photos: Sequence[Photo], pixels: Mapping[str, str]) -> list[list[Photo]]:
    """Photographs whose pixels agree, in groups of two or more. pixels: photo's name -> digest."""
    groups: dict[str, list[Photo]] = {}
    for photo in photos:
        if photo.name in pixels:
            groups.setdefault(pixels[photo.name], []).append(photo)
    return [group for group in groups.values() if len(group) > 1]


def together(people: Iterable[str], groups: Sequence[Sequence[Photo]]) -> dict[str, str]:
    """Person -> the first, by name, of all whom shared pictures tie to them; else themselves."""
    first = {person: person for person in people}
    for group in groups:
        tied = {first[photo.person] for photo in group}
        for person, head in first.items():
            if head in tied:
                first[person] = min(tied)
    return first


def tell_same(groups: Sequence[Sequence[Photo]]) -> None:
    """On standard error, lines about pictures that are there twice; across people first."""
    across = []
    within = 0
    for group in groups:
        people = sorted({photo.person for photo in group})
        if len(people) == 1:
            within += len(group) - 1
            continue
        files = ", ".join(f"{photo.path.parent.name}/{photo.path.name}" for photo in group)
        across.append(
            f"the same picture under {len(people)} people, who are kept in one part and out of "
            f"each other's fakes: {files}"
        )
    lines = across[:TOLD]
    if len(across) > TOLD:
        lines.append(f"and {len(across) - TOLD} more pictures under several people")
    if within:
        lines.append(f"photographs that repeat another one of the same person (all kept): {within}")
    _tell(lines)


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        print(f"tcnsc: {shown(line)}", file=sys.stderr)
