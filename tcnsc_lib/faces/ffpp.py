"""FaceForensics++ on disk: its layout, its splits, and face crops from its videos (section 4.1).

    <root>/original_sequences/youtube/<quality>/videos/NNN.mp4            real, quality in raw, c23, c40
    <root>/manipulated_sequences/<method>/<quality>/videos/AAA_BBB.mp4    fake: target AAA, source BBB
    <root>/splits/{train,val,test}.json                                   the official pairs [[AAA, BBB], ...]

Boxes are found once for each video, in the first quality extracted, and reused for the others, so that crops of
the same frame at raw, c23 and c40 match pixel for pixel. The demo is read by this module too.
"""
from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.detect import FaceFinder, crop, to_crop
from tcnsc_lib.faces.store import LANDMARKS, SPLITS, Builder, FaceSet
from tcnsc_lib.faces.video import read_frames
from tcnsc_lib.files import read_json, signature, write_json

QUALITIES = ("raw", "c23", "c40")
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
SHARES = (0.70, 0.15, 0.15)
TOUCHED = 0.05  # of a mask's weight, from which a pixel counts as forged


@dataclass(frozen=True)
class Video:
    """One video: method "original" (label 0) or a manipulation (label 1)."""

    path: Path
    name: str
    method: str
    split: str

    @property
    def label(self) -> int:
        return int(self.method != "original")

    @property
    def identity(self) -> str:
        return self.name.split("_")[0]

    @property
    def source(self) -> str:
        return self.name.split("_")[1] if self.label else ""


def folder(root: Path, method: str, quality: str) -> Path:
    """Where the videos of a method ("original" or a manipulation) lie at a quality ("raw", "c23", "c40")."""
    if method == "original":
        return Path(root) / "original_sequences" / "youtube" / quality / "videos"
    if method not in METHODS:
        raise CompanionError(f"There is no method {method!r} in FaceForensics++; choose one of {', '.join(METHODS)}.")
    return Path(root) / "manipulated_sequences" / method / quality / "videos"


def official_split(root: Path) -> dict[str, str]:
    """Video number -> "train", "val" or "test", from the official pairs: both of a pair are in one part."""
    split = {}
    for part in SPLITS:
        path = Path(root) / "splits" / f"{part}.json"
        if not path.exists():
            raise CompanionError(f"{path} is missing; copy the three files of dataset/splits of the FaceForensics++ "
                                 "repository there, or use the profile with the paper's random split.")
        pairs = read_json(path)
        if not all(isinstance(pair, list) and all(isinstance(number, str) for number in pair) for pair in pairs):
            raise CompanionError(f"{path} is not a list of pairs of video numbers like [\"000\", \"003\"]; copy it again "
                                 "from the FaceForensics++ repository.")
        split |= {number: part for pair in pairs for number in pair}
    return split


NUMBERS = [f"{number:03d}" for number in range(1000)]


def random_split(numbers: list[str] = NUMBERS, seed: int = 0) -> dict[str, str]:
    """The paper's split: 70/15/15 % of the real videos at random (700/150/150 of 1000), fakes follow their target.

    All 1000 numbers are drawn, whichever are on disk, so that a partial copy's videos keep their part as it grows.

    It does not look at a fake's source, which may sit in another part; `audit` counts how often.
    """
    order = np.random.default_rng(seed).permutation(sorted(numbers))
    train, val = (round(len(order) * share) for share in np.cumsum(SHARES)[:2])
    parts = ["train"] * train + ["val"] * (val - train) + ["test"] * (len(order) - val)
    return dict(zip(order.tolist(), parts, strict=True))


def videos(root: Path, method: str, quality: str, split: str, seed: int = 0) -> list[Video]:
    """The real videos and one method's fakes at a quality that are on disk, each with its part.

    split: "official" or "paper" (random 700/150/150). Raises CompanionError on a wrong
    layout. Videos that no part claims are left out.
    """
    found = {}
    for kind in ("original", method):
        place = folder(root, kind, quality)
        found[kind] = sorted(place.glob("*.mp4"))
        if not found[kind]:
            raise CompanionError(f"No videos (*.mp4) in {place}; FaceForensics++ goes into {root} in its own layout, "
                                 "see data/README.md.")
    if odd := [path for path in found[method] if path.stem.count("_") != 1]:
        raise CompanionError(f"{odd[0]} is not named target_source like 000_003.mp4; move it out of the folder.")
    parts = official_split(root) if split == "official" else random_split(seed=seed)
    return [Video(path, path.stem, kind, parts[path.stem.split("_")[0]])
            for kind in found for path in found[kind] if path.stem.split("_")[0] in parts]


def missing(root: Path, method: str, quality: str) -> pd.DataFrame:
    """What a copy lacks: videos present, reals without a fake, fakes without their target, and missing splits."""
    stems = {kind: {p.stem for p in folder(root, kind, quality).glob("*.mp4")} for kind in ("original", method)}
    targets = {stem.split("_")[0] for stem in stems[method]}
    rows = [("real videos", len(stems["original"]), ""), (f"{method} videos", len(stems[method]), ""),
            ("real videos without a fake", *_named(stems["original"] - targets)),
            ("fakes without their real video", *_named(targets - stems["original"])),
            ("split files missing", *_named({p for p in SPLITS if not (Path(root) / f"splits/{p}.json").exists()}))]
    return pd.DataFrame(rows, columns=["what", "count", "which"])


def _named(names: set[str]) -> tuple[int, str]:
    return len(names), " ".join(sorted(names)[:5]) + (" ..." if len(names) > 5 else "")


def audit(manifest: pd.DataFrame) -> pd.DataFrame:
    """Leaks between the parts of a split, one row a question: how many of the test part, out of how many.

    A random split over targets puts the source person of most test fakes into training; that face has been seen.
    """
    train, test = (manifest[manifest.split == part] for part in ("train", "test"))
    fakes = test[test.label == 1].drop_duplicates(["method", "video"])
    seen = set(train.identity)
    rows = [("test people whose own video is in training", len(set(test.identity) & seen), test.identity.nunique()),
            ("test fakes whose source person is in training", int(fakes.source.isin(seen).sum()), len(fakes)),
            ("test fakes whose source face is in a training fake",
             int(fakes.source.isin(set(train.source) - {""}).sum()), len(fakes))]
    return pd.DataFrame(rows, columns=["question", "count", "of"]).set_index("question")


def extract(clips: list[Video], out: Path, quality: str, *, size: int, enlarge: float, frames: int,
            settings: dict | None = None, device: str = "cpu") -> FaceSet:
    """Crops of these videos in <out>/<quality>, a FaceSet; boxes in <out>/boxes. Goes on where it was stopped.

    size: pixels of a crop. enlarge: of the box. frames: sampled a video, evenly. settings: whatever else determines
    the crops (split, seed). A frame without a face and a video that doesn't decode are listed in `missed`.
    """
    out = Path(out)
    settings = {"size": size, "enlarge": enlarge, "frames": frames, "quality": quality, **(settings or {})}
    builder = Builder(out / quality, settings)
    keys = [(clip.method, clip.name, *signature(clip.path)) for clip in clips]
    if builder.complete(keys):
        return FaceSet(builder.root)
    finder, failed = FaceFinder(device), {}
    todo = [(clip, key) for clip, key in zip(clips, keys, strict=True) if not builder.done(*key[:2], list(key[2:]))]
    for clip, key in tqdm(todo, desc=f"faces ({quality}) -> {os.path.relpath(builder.root)}", disable=not todo):
        about = {"video": clip.name, "method": clip.method, "split": clip.split}
        try:
            box, pictures = _boxes(clip, out / "boxes" / clip.method / f"{clip.name}.json", finder, frames)
        except CompanionError as error:
            failed[key] = {**about, "frame": "", "reason": str(error)}
        else:
            builder.add(*key[:2], *_piece(clip, about, box, pictures, size, enlarge), list(key[2:]))
    return builder.finish(keys, failed)


def _piece(clip: Video, about: dict, box: dict, frames: np.ndarray, size: int, enlarge: float) -> tuple:
    """Rows, crops and what was missed of one video."""
    rows, crops, missed = [], [], []
    for number, frame, corners, p, points in zip(box["frames"], frames, box["boxes"], box["probabilities"],
                                                 box["landmarks"], strict=True):
        if corners is None:
            missed.append({**about, "frame": number, "reason": "no face"})
            continue
        rows.append({**about, "label": clip.label, "frame": number, "identity": clip.identity, "source": clip.source,
                     "probability": p, **dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True)),
                     **dict(zip(LANDMARKS, to_crop(points, corners, size, enlarge).ravel().round(2), strict=True))})
        crops.append(crop(frame, corners, size, enlarge))
    return rows, crops, missed


def forged_area(rows: pd.DataFrame, root: Path, size: int, enlarge: float) -> np.ndarray:
    """The pixels that the forgery touched, from the mask videos: rows of a manifest -> bool (N, size, size).

    Nowhere in real crops, nor where a mask video is absent (FaceForensics++ has them apart, its raw ones only) or doesn't
    decode, which is warned of.
    """
    area = np.zeros((len(rows), size, size), bool)
    rows = rows.reset_index(drop=True)
    for (method, video), group in rows[rows.label == 1].groupby(["method", "video"]):
        path = folder(root, method, "masks") / f"{video}.mp4"
        if path.exists():
            try:
                mask = dict(zip(*read_frames(path, np.unique(group.frame))))
            except CompanionError as error:
                warnings.warn(f"{error} Its fakes count as fakes without a known mask.", stacklevel=2)
                continue
            for row in group.itertuples():
                cut = crop(mask[row.frame], (row.x0, row.y0, row.x1, row.y1), size, enlarge)
                area[row.Index] = cut.max(-1) > TOUCHED * 255
    return area


def _boxes(clip: Video, path: Path, finder: FaceFinder, count: int) -> tuple[dict, np.ndarray]:
    """The video's boxes and the frames they belong to; found now, or read back if their video is still the same."""
    if path.exists() and (known := read_json(path))["count"] == count and "landmarks" in known:
        origin = clip.path.parents[2] / known["found in"]
        if origin.exists() and signature(origin) == known["signature"]:
            return known, read_frames(clip.path, np.array(known["frames"]))[1]
    numbers, frames = read_frames(clip.path, count=count)
    faces = finder(frames)
    box = {"count": count, "found in": str(clip.path.relative_to(clip.path.parents[2])), "signature": signature(clip.path),
           "frames": numbers.tolist(), "boxes": [None if np.isnan(b[0]) else b.round(2).tolist() for b in faces.boxes],
           "landmarks": [None if np.isnan(points[0, 0]) else points.round(2).tolist() for points in faces.landmarks],
           "probabilities": [None if np.isnan(p) else round(p, 5) for p in faces.probabilities]}
    write_json(path, box)
    return box, frames
