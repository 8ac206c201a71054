"""FaceForensics++ on disk: where its videos lie, how they are named, and what else lies there.

    <root>/original_sequences/youtube/<quality>/videos/NNN.mp4          real: raw, c23 or c40
    <root>/manipulated_sequences/<method>/<quality>/videos/AAA_BBB.mp4  fake: face BBB on head AAA
    <root>/manipulated_sequences/<method>/masks/videos/AAA_BBB.mp4      where, if it is at hand

AAA is the target, BBB the source. A name is read whole or not at all; `.MP4` counts as `.mp4`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.source import LeftOut
from tcnsc_lib.faces.spelling import shown
from tcnsc_lib.faces.store import SPLITS

QUALITIES = ("raw", "c23", "c40")
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
SUFFIX = ".mp4"
REAL = re.compile("[0-9]{3}")
FAKE = re.compile("[0-9]{3}_[0-9]{3}")
REAL_IS_NAMED = "real videos are named by three digits, as 000.mp4"
FAKE_IS_NAMED = "fakes are named by target and source, three digits each, as 000_003.mp4"


def folder(root: Path, method: str, quality: str) -> Path:
    """Where the videos of a method lie: "original" or a manipulation; "raw", "c23" or "c40"."""
    if method == "original":
        return Path(root) / "original_sequences" / "youtube" / quality / "videos"
    _check_method(method)
    return Path(root) / "manipulated_sequences" / method / quality / "videos"


def methods_in(text: str) -> tuple[str, ...]:
    """The methods in a list with commas, each once, in the order of METHODS.

    Raises CompanionError where one isn't a method of FaceForensics++, or none is named.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        _check_method(name)
    return tuple(method for method in METHODS if method in names)


def _check_method(method: str) -> None:
    if method not in METHODS:
        names = ", ".join(METHODS)
        raise CompanionError(
            f"There is no method {method!r} in FaceForensics++; choose one of {names}."
        )


# ---------------------------------------------------------------- what lies there


@dataclass(frozen=True)
class Listing:
    """A folder of videos. videos: name ("000", "000_003") -> file. left_out: what isn't read."""

    videos: dict[str, Path]
    left_out: list[LeftOut]


def listing(root: Path, method: str, quality: str) -> Listing:
    """The videos of a method at a quality ("masks": its mask videos) that are on disk, by name.

    Only regular files are taken, and links to such. Hidden files, macOS's "._" ones among them, are
    neither read nor told. Where two suffixes differ in case only, the first of them is read.
    """
    place = folder(root, method, quality)
    left_out = []
    for path in _visible(place.parent):
        if path.suffix.lower() == SUFFIX:
            left_out.append(LeftOut(path, "it lies beside the folder videos, not in it"))
    videos = {}
    for path in sorted(_visible(place), key=_by_name):
        reason = _unreadable(path) or _misnamed(path, method)
        if not reason and path.stem in videos:
            reason = "another file of that name is read, whose suffix has other letters"
        if reason:
            left_out.append(LeftOut(path, reason))
        else:
            videos[path.stem] = path
    return Listing(videos, left_out)


def _visible(place: Path) -> list[Path]:
    """What a folder holds but hidden files; nothing if it isn't a folder."""
    if not place.is_dir():
        return []
    return [path for path in place.iterdir() if not path.name.startswith(".")]


def _by_name(path: Path) -> tuple[str, bool, str]:
    """`.mp4` comes before `.MP4`."""
    return path.stem, path.suffix != SUFFIX, path.name


def _unreadable(path: Path) -> str:
    """Why no file can be read there, or ""."""
    if os.path.isfile(path):
        return ""
    if os.path.isdir(path):
        return "it is a folder, and videos must lie directly in videos"
    if os.path.exists(path):
        return "it is a pipe or a device, not a file"
    return "it is a link to nothing"


def _misnamed(path: Path, method: str) -> str:
    """Why a file's name isn't that of a video, or ""."""
    if path.suffix.lower() != SUFFIX:
        return f"only {SUFFIX} is read"
    form = REAL if method == "original" else FAKE
    if form.fullmatch(path.stem):
        return ""
    return must_be_named(method)


def must_be_named(method: str) -> str:
    """How the videos of a method are named, as a part of a sentence."""
    return REAL_IS_NAMED if method == "original" else FAKE_IS_NAMED


# ---------------------------------------------------------------- what is lacking


def no_videos(root: Path, method: str, quality: str, left_out: list[LeftOut]) -> CompanionError:
    """The sentence where none of a method's videos can be read."""
    place = folder(root, method, quality)
    if not left_out:
        return CompanionError(
            f"No videos (*.mp4) in {place}; FaceForensics++ goes into {root} in its own layout"
            f"{_other_copy(root, method, quality)}, see data/README.md."
        )
    first = left_out[0]
    named = f"{REAL_IS_NAMED}, and {FAKE_IS_NAMED}"
    because = "" if first.reason == must_be_named(method) else f", because {first.reason}"
    return CompanionError(
        f"No video in {place} can be read ({len(left_out)} left out, the first, "
        f"{shown(first.path.name)}{because}); {named}, see data/README.md."
    )


def _other_copy(root: Path, method: str, quality: str) -> str:
    """What else to do where raw isn't there and c23 is, as a part of a sentence."""
    if quality == "raw" and listing(root, method, "c23").videos:
        return ", or profile ffpp-c23 takes the c23 copy for RAW"
    return ""


def missing(root: Path, method: str, quality: str) -> pd.DataFrame:
    """What a copy lacks, columns what, count and which.

    Videos present, reals without a fake, fakes without their target, and missing splits.
    """
    reals = set(listing(root, "original", quality).videos)
    fakes = listing(root, method, quality).videos
    targets = {name.split("_")[0] for name in fakes}
    rows = [("real videos", len(reals), ""), (f"{method} videos", len(fakes), "")]
    lacks = {
        "real videos without a fake": reals - targets,
        "fakes without their real video": targets - reals,
        "split files missing": [part for part in SPLITS if not _split_is_there(root, part)],
    }
    rows += [(what, *_named(names)) for what, names in lacks.items()]
    return pd.DataFrame(rows, columns=["what", "count", "which"])


def _split_is_there(root: Path, part: str) -> bool:
    return os.path.isfile(Path(root) / "splits" / f"{part}.json")


def _named(names: Collection[str]) -> tuple[int, str]:
    """How many names, and the first five of them."""
    first = " ".join(sorted(names)[:5])
    return len(names), first + (" ..." if len(names) > 5 else "")
