"""FaceForensics++ on disk: its layout, its official split, its masks (section 4.1).

    <root>/original_sequences/youtube/<quality>/videos/NNN.mp4          real: raw, c23 or c40
    <root>/manipulated_sequences/<method>/<quality>/videos/AAA_BBB.mp4  fake: face BBB on head AAA
    <root>/manipulated_sequences/<method>/masks/videos/AAA_BBB.mp4      where, if it is at hand
    <root>/splits/{train,val,test}.json                                 pairs [["AAA", "BBB"], ...]

AAA is the target, BBB the source. The demo is read by this module too.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.clips import Video, extract
from tcnsc_lib.faces.detect import crop
from tcnsc_lib.faces.source import Source
from tcnsc_lib.faces.splits import random_split
from tcnsc_lib.faces.store import SPLITS, FaceSet
from tcnsc_lib.faces.video import read_frames
from tcnsc_lib.files import read_json

QUALITIES = ("raw", "c23", "c40")
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
TOUCHED = 0.05  # of a mask's weight, from which a pixel counts as forged


class FaceForensics(Source):
    """FaceForensics++ (Rossler et al. 2019): one method, by its own or the paper's split."""

    has_videos = True
    same_frame = ("identity", "frame")

    def clips(self, quality: str = "raw") -> list[Video]:
        settings = self.settings
        return videos(self.root, settings.method, quality, settings.split, settings.seed)

    def faces(self, quality: str = "raw") -> FaceSet:
        clips = self.clips(quality)
        return extract(clips, self.out, quality, self.settings, self.determined_by())

    def determined_by(self) -> dict:
        """What determines the crops beside how they are cut."""
        settings = self.settings
        return {"method": settings.method, "split": settings.split, "seed": settings.seed}

    def forged_area(self, crops: FaceSet, rows: pd.DataFrame) -> np.ndarray:
        """From the mask videos, bool (N, S, S): where more than TOUCHED of the source's face is.

        Nowhere in real crops, nor where a mask video is absent (FaceForensics++ has them apart, its
        raw ones only) or doesn't decode, which is warned of.
        """
        rows = rows.reset_index(drop=True)
        area = np.zeros((len(rows), crops.size, crops.size), bool)
        fakes = rows[rows.label == 1]
        for (method, video), of_video in fakes.groupby(["method", "video"]):
            mask = _mask(self.root, method, video, of_video.frame)
            if mask is None:
                continue
            for row in of_video.itertuples():
                box = (row.x0, row.y0, row.x1, row.y1)
                cut = crop(mask[row.frame], box, crops.size, self.settings.enlarge)
                area[row.Index] = cut.max(-1) > TOUCHED * 255
        return area


def _mask(root: Path, method: str, video: str, frames: pd.Series) -> dict[int, np.ndarray] | None:
    """Frame number -> frame of a fake's mask video, uint8 (H, W, 3); None if it can't be had."""
    path = folder(root, method, "masks") / f"{video}.mp4"
    if not path.exists():
        return None
    try:
        numbers, masks = read_frames(path, np.unique(frames))
    except CompanionError as error:
        message = f"{error} Its fakes count as fakes without a known mask."
        warnings.warn(message, stacklevel=3)
        return None
    return dict(zip(numbers, masks, strict=True))


# ---------------------------------------------------------------- the layout


def folder(root: Path, method: str, quality: str) -> Path:
    """Where the videos of a method lie: "original" or a manipulation; "raw", "c23" or "c40"."""
    if method == "original":
        return Path(root) / "original_sequences" / "youtube" / quality / "videos"
    if method not in METHODS:
        names = ", ".join(METHODS)
        raise CompanionError(
            f"There is no method {method!r} in FaceForensics++; choose one of {names}."
        )
    return Path(root) / "manipulated_sequences" / method / quality / "videos"


def official_split(root: Path) -> dict[str, str]:
    """Video number -> "train", "val" or "test": both of an official pair are in one part."""
    split = {}
    for part in SPLITS:
        for pair in _official_pairs(Path(root) / "splits" / f"{part}.json"):
            split |= dict.fromkeys(pair, part)
    return split


def _official_pairs(path: Path) -> list[list[str]]:
    if not path.exists():
        raise CompanionError(
            f"{path} is missing; copy the three files of dataset/splits of the FaceForensics++ "
            "repository there, or use the profile with the paper's random split."
        )
    pairs = read_json(path)
    if not all(map(_is_pair, pairs)):
        raise CompanionError(
            f'{path} is not a list of pairs of video numbers like ["000", "003"]; copy it again '
            "from the FaceForensics++ repository."
        )
    return pairs


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(number, str) for number in value)


def videos(root: Path, method: str, quality: str, split: str, seed: int = 0) -> list[Video]:
    """The real videos and one method's fakes at a quality that are on disk, each with its part.

    split: "official" or "paper" (random 700/150/150). Raises CompanionError on a wrong
    layout. Videos that no part claims are left out.
    """
    reals = _files(root, "original", quality)
    fakes = _files(root, method, quality)
    for path in fakes:
        if path.stem.count("_") != 1:
            raise CompanionError(
                f"{path} is not named target_source like 000_003.mp4; move it out of the folder."
            )
    parts = official_split(root) if split == "official" else random_split(seed=seed)
    found = []
    for kind, paths in (("original", reals), (method, fakes)):
        for path in paths:
            target = path.stem.split("_")[0]
            if target in parts:
                found.append(Video(path, path.stem, kind, parts[target]))
    return found


def _files(root: Path, method: str, quality: str) -> list[Path]:
    place = folder(root, method, quality)
    files = sorted(place.glob("*.mp4"))
    if not files:
        raise CompanionError(
            f"No videos (*.mp4) in {place}; FaceForensics++ goes into {root} in its own layout, "
            "see data/README.md."
        )
    return files


def missing(root: Path, method: str, quality: str) -> pd.DataFrame:
    """What a copy lacks, columns what, count and which.

    Videos present, reals without a fake, fakes without their target, and missing splits.
    """
    reals = {path.stem for path in folder(root, "original", quality).glob("*.mp4")}
    fakes = {path.stem for path in folder(root, method, quality).glob("*.mp4")}
    targets = {stem.split("_")[0] for stem in fakes}
    splits = {path.stem for path in (Path(root) / "splits").glob("*.json")}
    rows = [("real videos", len(reals), ""), (f"{method} videos", len(fakes), "")]
    lacks = {
        "real videos without a fake": reals - targets,
        "fakes without their real video": targets - reals,
        "split files missing": set(SPLITS) - splits,
    }
    rows += [(what, *_named(names)) for what, names in lacks.items()]
    return pd.DataFrame(rows, columns=["what", "count", "which"])


def _named(names: Collection[str]) -> tuple[int, str]:
    """How many names, and the first five of them."""
    first = " ".join(sorted(names)[:5])
    return len(names), first + (" ..." if len(names) > 5 else "")
