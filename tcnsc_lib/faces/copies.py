"""Whether videos are what they are filed as: their true quality, and whether copies match.

Only the heads of files are read, and one frame of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tcnsc_lib.faces.spelling import shown
from tcnsc_lib.faces.video import Film, about, audit_crf
from tcnsc_lib.files import signature

CRF = {"raw": 0, "c23": 23, "c40": 40}  # of FaceForensics++'s qualities


@dataclass(frozen=True)
class Stream:
    """What a video's file says of it. crf: None where it doesn't say."""

    crf: float | None
    film: Film

    def __str__(self) -> str:
        film = self.film
        size = f"{film.width}x{film.height} pixels"
        return f"{film.frames} frames of {size} at {film.rate:g} a second"


def stream(path: Path) -> Stream:
    """What a video's file says of it. Raises CompanionError where it can't be read as a video."""
    return Stream(audit_crf(path), about(path))


def mislabelled(streams: Mapping[Path, Stream], quality: str) -> list[str]:
    """A sentence a video whose crf isn't that of its quality. An unknown crf passes."""
    found = []
    for path, one in streams.items():
        if one.crf is not None and one.crf != CRF[quality]:
            found.append(
                f"{shown(path)} is filed under {quality} and was encoded with crf {one.crf:g}; "
                "copy it again."
            )
    return found


def unlike(streams: Mapping[Path, Stream], best: Mapping[Path, Stream]) -> list[str]:
    """A sentence a video that isn't its best copy's: of another size, rate or number of frames.

    best: the same videos at a better quality.
    """
    copies = {_video(path): (quality_of(path), one) for path, one in best.items()}
    found = []
    for path, one in streams.items():
        quality, other = copies.get(_video(path), ("", one))
        if not _match(one.film, other.film):
            found.append(f"{shown(path)} has {one}, its {quality} copy {other}; copy both again.")
    return found


def quality_of(path: Path) -> str:
    """The quality that a video is filed under."""
    return path.parents[1].name


def _video(path: Path) -> tuple[str, str]:
    """What all qualities of a video share: where its method lies, and its name."""
    return path.parents[2].name, path.stem


def _match(one: Film, other: Film) -> bool:
    if (one.width, one.height, one.frames) != (other.width, other.height, other.frames):
        return False
    return one.has_rate_of(other.rate)


def repeated(paths: Iterable[Path]) -> list[str]:
    """A sentence a file that holds the same as an earlier one under another name."""
    first = {}
    found = []
    for path in paths:
        known = first.setdefault(str(signature(path)), path)
        if known != path:
            found.append(f"{shown(path)} holds the same as {shown(known)}; copy both again.")
    return found
