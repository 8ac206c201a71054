"""FaceForensics++ as a source of faces: its videos, its official split, its masks (section 4.1).

How it lies on disk is in `layout`. Beside the videos:

    <root>/splits/{train,val,test}.json   pairs [["AAA", "BBB"], ...]
    <root>/splits/people.json             optional: videos that show one person [["AAA", ...], ...]

The demo is read by this module too.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.clips import Video, extract
from tcnsc_lib.faces.detect import crop
from tcnsc_lib.faces.forgery import touched
from tcnsc_lib.faces.layout import METHODS, Listing, listing, methods_in, no_videos
from tcnsc_lib.faces.source import LeftOut, Promise, Source, Trial, tell_left_out
from tcnsc_lib.faces.splits import official_split, people_of, random_split
from tcnsc_lib.faces.store import SPLITS, FaceSet
from tcnsc_lib.faces.trial import try_videos
from tcnsc_lib.faces.video import EVERY, read_frames


class FaceForensics(Source):
    """FaceForensics++ (Rossler et al. 2019), by its own or the paper's split.

    Fakes are one method's. Where several are asked for, they take turns at the sampled frames: of k
    methods, each gives every k-th frame, and each begins at another one. So there are as many fakes
    as real crops, however many methods there are, and each real frame has one fake.
    """

    has_videos = True
    methods = METHODS
    same_frame = ("identity", "frame")
    shows = "faces of FaceForensics++"
    limits = (
        "it knows one kind of forgery alone; p(fake) is no chance that a picture is forged, and of "
        "other forgeries and cameras it means little."
    )

    def clips(self, quality: str | None = None) -> list[Video]:
        settings = self.settings
        quality = quality or settings.raw_quality
        return videos(self.root, settings.method, quality, settings.split, settings.seed)

    def faces(self, quality: str | None = None) -> FaceSet:
        quality = quality or self.settings.raw_quality
        clips = self.clips(quality)
        made_from = self.determined_by()
        tell = partial(self._tell, quality)
        return extract(clips, self.out, quality, self.settings, made_from, tell)

    def promised(self, quality: str | None = None) -> Promise:
        found: dict[str, set[int]] = {part: set() for part in SPLITS}
        for clip in self.clips(quality):
            found[clip.split].add(clip.label)
        return found

    def trial(self, folder: Path) -> Trial:
        clips = self.clips()
        kinds = [(clip.split, clip.label, clip.turn) for clip in clips]
        return try_videos(clips, kinds, self.settings)

    def _tell(self, quality: str) -> None:
        tell_left_out(self.root, self.left_out(quality))

    def left_out(self, quality: str | None = None) -> list[LeftOut]:
        settings = self.settings
        quality = quality or settings.raw_quality
        parts = parts_of(self.root, settings.split, settings.seed)
        return not_read(self.root, settings.method, quality, parts)

    def people(self) -> dict[str, str] | None:
        """Video -> the first video of the same person; None where that isn't known."""
        return people_of(self.root)

    def determined_by(self) -> dict:
        """What determines the crops beside how they are cut."""
        settings = self.settings
        return {"method": settings.method, "split": settings.split, "seed": settings.seed}

    def forged_area(self, crops: FaceSet, rows: pd.DataFrame) -> np.ndarray:
        """From the mask videos, bool (N, S, S): where they say that pixels are forged (`touched`).

        Nowhere in real crops, nor where a mask video is absent (FaceForensics++ has them apart, its
        raw ones only) or doesn't decode, which is warned of.
        """
        rows = rows.reset_index(drop=True)
        area = np.zeros((len(rows), crops.size, crops.size), bool)
        fakes = rows[rows.label == 1]
        masks = {method: _masks(self.root, method) for method in fakes.method.unique()}
        for (method, video), of_video in fakes.groupby(["method", "video"]):
            mask = _mask(masks[method].get(video), of_video.frame)
            if mask is None:
                continue
            for row in of_video.itertuples():
                box = (row.x0, row.y0, row.x1, row.y1)
                cut = crop(mask[row.frame], box, crops.size, self.settings.enlarge)
                area[row.Index] = touched(cut)
        return area


def _masks(root: Path, method: str) -> dict[str, Path]:
    """Fake -> its mask video, of those at hand."""
    return listing(root, method, "masks").videos


def _mask(path: Path | None, frames: pd.Series) -> dict[int, np.ndarray] | None:
    """Frame number -> frame of a fake's mask video, uint8 (H, W, 3); None if it can't be had."""
    if path is None:
        return None
    try:
        numbers, masks = read_frames(path, np.unique(frames))
    except CompanionError as error:
        message = f"{error} Its fakes count as fakes without a known mask."
        warnings.warn(message, stacklevel=3)
        return None
    return dict(zip(numbers, masks, strict=True))


# ---------------------------------------------------------------- the videos, each with its part


def parts_of(root: Path, split: str, seed: int = 0) -> dict[str, str]:
    """Video number -> part. split: "official" or "paper" (random 700/150/150)."""
    return official_split(root) if split == "official" else random_split(seed=seed)


def videos(root: Path, method: str, quality: str, split: str, seed: int = 0) -> list[Video]:
    """The real videos and the fakes at a quality that are on disk, each with its part.

    method: one, or several with commas between. A fake knows its mask video, a real one those of
    its fakes, where they are at hand. What `not_read` lists is left out. Raises CompanionError
    where no real video or no fake of a method is left, and for a split that can't be read.
    """
    methods = methods_in(method)
    found = {kind: listing(root, kind, quality) for kind in ("original", *methods)}
    for kind, there in found.items():
        if not there.videos:
            raise no_videos(root, kind, quality, there.left_out)
    parts = parts_of(root, split, seed)
    masks = {each: _masks(root, each) for each in methods}
    clips = []
    for kind, there in found.items():
        claimed = [name for name in there.videos if _target(name) in parts]
        if not claimed:
            unclaimed = _unclaimed(there, parts)
            raise no_videos(root, kind, quality, there.left_out + unclaimed)
        turn = (methods.index(kind), len(methods)) if kind in methods else EVERY
        for name in claimed:
            of_video = _masks_of(name, [masks[kind]] if kind in masks else masks.values())
            part = parts[_target(name)]
            clips.append(Video(there.videos[name], name, kind, part, of_video, turn))
    return clips


def _masks_of(name: str, masks: Iterable[dict[str, Path]]) -> tuple[Path, ...]:
    """A video's masks, of the first method that has any. masks: a dict a method."""
    for known in masks:
        found = [path for fake, path in known.items() if fake.startswith(name)]
        if found:
            return tuple(found)
    return ()


def not_read(root: Path, method: str, quality: str, parts: dict[str, str]) -> list[LeftOut]:
    """What lies among the real videos, the fakes and their masks, and isn't read; and why."""
    methods = methods_in(method)
    left_out = []
    for kind in ("original", *methods):
        found = listing(root, kind, quality)
        left_out += found.left_out + _unclaimed(found, parts)
    for each in methods:
        left_out += listing(root, each, "masks").left_out
    return left_out


def _unclaimed(found: Listing, parts: dict[str, str]) -> list[LeftOut]:
    left_out = []
    for name, path in found.videos.items():
        if _target(name) not in parts:
            whose = "it" if name == _target(name) else "its target"
            left_out.append(LeftOut(path, f"no part of the split names {whose}"))
    return left_out


def _target(name: str) -> str:
    return name.split("_")[0]
