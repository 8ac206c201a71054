"""What a source of faces is. A new one is a file with a subclass, and a line in `profiles`.

A source knows where its pictures lie (`root`), where its crops go (`out`), and how they are cut
(`settings`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import forge
from tcnsc_lib.faces.detect import to_crop
from tcnsc_lib.faces.spelling import shown
from tcnsc_lib.faces.store import LANDMARKS, FaceSet

NAMED = 3  # files that a line names
Promise = Mapping[str, set[int]]  # part -> the labels that it will have: 0 real, 1 fake


@dataclass(frozen=True)
class FaceSettings:
    """How faces are cut. A source uses what concerns it.

    size: pixels of a crop's side. enlarge: of MTCNN's box. frames: sampled a video, evenly.
    method: of FaceForensics++, or several with commas between. split: "official", or "paper" (at
    random). bottleneck: of a swap, as a share of a crop's side. seed: of what is drawn, the split
    and the donors. raw_quality: of the videos that stand for RAW. boxes: a fake video is cut with
    its "own", or with those of its real "target", frame by frame. found: a picture's face, by
    "mtcnn"; or the picture is a face that was "cut" before.
    """

    size: int = 224
    enlarge: float = 1.3
    frames: int = 300
    method: str = "Deepfakes"
    split: str = "paper"
    bottleneck: float = 0.39
    seed: int = 0
    raw_quality: str = "raw"
    boxes: str = "own"
    found: str = "mtcnn"

    @property
    def square(self) -> int:
        """Side of the square that a swapped face passes through, pixels."""
        return max(forge.LEAST, round(self.bottleneck * self.size))


@dataclass(frozen=True)
class Trial:
    """What a few of a source's videos or pictures tell of all of them, before any is cut.

    unit: "videos", "photographs" or "pictures". items: how many, a row for each part, columns real
    and fake. pictures: the frames sampled in them, likewise; where there are no videos, the items.
    share: of pictures in which a face was found. search, cut: seconds of one core to look through
    all pictures, and to cut all crops at one quality. file: bytes of a crop's file. first: seconds
    of one core to make the videos, where they aren't there. sample: some crops, uint8 (N, S, S, 3).
    measured_on: a line.
    """

    unit: str
    items: pd.DataFrame
    pictures: pd.DataFrame
    share: float
    search: float
    cut: float
    file: float
    sample: np.ndarray
    measured_on: str
    first: float = 0.0


@dataclass(frozen=True)
class LeftOut:
    """A file or folder in a source that isn't read; reason: why, as a part of a sentence."""

    path: Path
    reason: str


def tell_left_out(root: Path, left_out: Sequence[LeftOut]) -> None:
    """A line a reason on standard error: how many files of a source aren't read, and which."""
    for line in left_out_lines(root, left_out):
        print(f"tcnsc: {line}", file=sys.stderr)


def left_out_lines(root: Path, left_out: Sequence[LeftOut]) -> list[str]:
    """A line a reason: how many files of a source aren't read, and which."""
    lines = []
    for reason in dict.fromkeys(item.reason for item in left_out):
        names = [_inside(item.path, root) for item in left_out if item.reason == reason]
        first = ", ".join(names[:NAMED])
        more = ", ..." if len(names) > NAMED else ""
        lines.append(f"{len(names)} not read, {reason}: {first}{more}")
    return lines


def _inside(path: Path, root: Path) -> str:
    """A path below the source's folder."""
    return shown(path.relative_to(root) if path.is_relative_to(root) else path)


class Source:
    """Where crops come from.

    private: whether crops show real people; those are never written into figures.
    has_videos: whether there are videos (`clips`) at more than one quality.
    same_frame: the columns of the manifest that a fake shares with the real crop of its frame; none
    where no frame is known to be another's, see `FaceSet.pairs`.
    ways_found: the ways to find faces that it knows (`FaceSettings.found`).
    methods: the manipulations among which one may choose; empty where there is no choice. shows:
    what the faces are, in words. limits: how far what a run learns of them reaches, a sentence.
    """

    private = True
    has_videos = False
    same_frame: tuple[str, ...] = ("video",)
    methods: tuple[str, ...] = ()
    ways_found: tuple[str, ...] = ("mtcnn",)
    shows: str
    limits: str

    def __init__(self, root: Path, out: Path, settings: FaceSettings) -> None:
        self.root = Path(root)
        self.out = Path(out)
        self.settings = settings

    def faces(self, quality: str | None = None) -> FaceSet:
        """The crops at a video quality ("raw", "c23", "c40"); made or completed if not there.

        Without one, here and below, it is the quality that stands for RAW. Raises CompanionError
        where the source lacks something.
        """
        raise NotImplementedError

    def promised(self, quality: str | None = None) -> Promise | None:
        """Which labels each part will have, by the names of files alone.

        None where names don't tell. Raises CompanionError where the source lacks something.
        """
        return None

    def trial(self, folder: Path) -> Trial:
        """How many crops its RAW will give, and how long that takes, from a few of its pictures.

        Writes only into `folder`, an empty one. Raises CompanionError where the source lacks
        something, or where no face is found in what was tried.
        """
        raise NotImplementedError

    def left_out(self, quality: str | None = None) -> list[LeftOut]:
        """What lies in the source's folder and isn't read, and why; hidden files aren't told."""
        return []

    def forged_area(self, crops: FaceSet, rows: pd.DataFrame) -> np.ndarray:
        """The pixels that the forgery touched in crops, given by rows of their manifest.

        bool (N, S, S). Nowhere in real crops; nowhere, either, in fakes whose mask isn't known.
        """
        raise NotImplementedError

    def clips(self, quality: str | None = None) -> list:
        """The videos at a quality, each with its part. CompanionError where there are none."""
        raise CompanionError(f"{self.root} holds no videos; choose profile demo or ffpp.")


def face_columns(
    box: Sequence[float], landmarks: Sequence, probability: float, settings: FaceSettings
) -> dict[str, float]:
    """The columns of a manifest that tell where a face was found.

    box: x0 y0 x1 y1. landmarks: (5, 2). Both in pixels of the frame; in the manifest, landmarks are
    in pixels of the crop.
    """
    inside = to_crop(landmarks, box, settings.size, settings.enlarge)
    corners = dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))
    points = dict(zip(LANDMARKS, inside.ravel().round(2), strict=True))
    return {"probability": probability, **corners, **points}
