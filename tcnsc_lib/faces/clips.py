"""From videos to crops: frames are sampled, a face is found in each, once a video, and cut
(section 4.1).

Boxes are found in raw wherever that is there, else in c23, else in c40, and reused for the other
qualities, so that crops of the same frame at raw, c23 and c40 match pixel for pixel.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import regular
from tcnsc_lib.faces.boxes import Boxes, Signature, difference, keep, known, other_picture
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.detect import FaceFinder, crop
from tcnsc_lib.faces.layout import QUALITIES, SUFFIX
from tcnsc_lib.faces.search import found_now
from tcnsc_lib.faces.source import FaceSettings, face_columns
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.tracks import JUMPED, jumps
from tcnsc_lib.faces.video import CURE, EVERY, Turn, frames_of
from tcnsc_lib.files import signature
from tcnsc_lib.machine import device

UNREAD = "unreadable"  # stands for the signature of what can't be read


@dataclass(frozen=True)
class Video:
    """One video: method "original" (label 0) or a manipulation (label 1).

    name: of the target, as 000, or of target and source, as 000_003. split: train, val or test.
    masks: videos of where the forgery is: a fake's own, or those of all fakes of a real one. turn:
    which of the sampled frames are taken (`video.sample_indices`).
    """

    path: Path
    name: str
    method: str
    split: str
    masks: tuple[Path, ...] = ()
    turn: Turn = EVERY

    @property
    def label(self) -> int:
        return int(self.method != "original")

    @property
    def identity(self) -> str:
        return self.name.split("_")[0]

    @property
    def source(self) -> str:
        return self.name.split("_")[1] if self.label else ""

    @cached_property
    def origin(self) -> Path:
        """The file in which its boxes are found: the best quality of this video that is there."""
        folder = self.path.parents[2] if len(self.path.parents) > 2 else self.path.parent
        if self.path.parents[1].name not in QUALITIES:
            return self.path
        for quality in QUALITIES:
            path = _same_video(folder / quality / self.path.parent.name, self.path)
            if path is not None:
                return path
        return self.path

    @property
    def columns(self) -> dict[str, str]:
        """What a manifest's rows and the missed ones say alike."""
        return {"video": self.name, "method": self.method, "split": self.split}


def _same_video(place: Path, path: Path) -> Path | None:
    """The file in a folder with the name of this one; its suffix may have other letters."""
    plain = place / f"{path.stem}{SUFFIX}"
    if os.path.isfile(plain):
        return plain
    others = sorted(place.glob(f"{path.stem}.*"))
    videos = [other for other in others if other.suffix.lower() == SUFFIX and other.is_file()]
    return videos[0] if videos else None


def extract(
    clips: list[Video],
    out: Path,
    quality: str,
    settings: FaceSettings,
    more: dict | None = None,
    before: Callable[[], None] | None = None,
) -> FaceSet:
    """Crops of these videos in <out>/<quality>, a FaceSet; boxes in <out>/boxes.

    Goes on where it was stopped. more: what else determines the crops (split, seed). before: called
    once where there is something to do. A frame without a face, and a video that doesn't decode,
    isn't shown as the one of its boxes, or is forged where no face is, are listed in `missed`.
    """
    out = Path(out)
    found_in = {"boxes found in": _qualities_of_origins(clips, quality)}
    determined_by = _determined_by(settings, quality) | found_in | (more or {})
    methods = {clip.method for clip in clips if clip.label}
    builder = Builder(out / quality, determined_by, by_method=len(methods) > 1)
    jobs = [Job(clip, out / "boxes") for clip in clips]
    keys = [job.key for job in jobs]
    if builder.complete(keys):
        return FaceSet(builder.root)
    if before is not None:
        before()
    failed = {}
    todo = [job for job in jobs if job.fault or not builder.done(*job.key[:2], job.of)]
    finder = FaceFinder(device())
    title = f"faces ({quality}) -> {os.path.relpath(builder.root)}"
    for job in tqdm(todo, title, disable=not todo):
        try:
            piece = job.cut(finder, settings)
        except CompanionError as error:
            failed[job.key] = {**job.clip.columns, "frame": "", "reason": str(error)}
        else:
            clip = job.clip
            builder.add(clip.method, clip.name, *piece[:3], of=job.of, doubtful=piece[3])
    return builder.finish(keys, failed)


def _determined_by(settings: FaceSettings, quality: str) -> dict:
    """What is written beside the crops: whoever asks for others is refused."""
    return {
        "size": settings.size,
        "enlarge": settings.enlarge,
        "frames": settings.frames,
        "quality": quality,
    }


def _qualities_of_origins(clips: list[Video], quality: str) -> str:
    """Where the boxes of all videos are found: "raw", or "raw, c23"."""
    names = {clip.origin.parents[1].name for clip in clips if clip.origin != clip.path}
    if any(clip.origin == clip.path for clip in clips):
        names.add(quality)
    return ", ".join(name for name in QUALITIES if name in names)


class Job:
    """One video that is to be cut.

    of: the signatures of its file, of that in which its boxes are found, and of its masks, in one
    list. fault: why one of them can't be read.
    """

    def __init__(self, clip: Video, folder: Path) -> None:
        """folder: of the boxes."""
        self.clip = clip
        self.path = folder / clip.method / f"{clip.name}.json"
        self.fault = ""
        files = (clip.path, clip.origin, *clip.masks)
        self.signatures: list[Signature] = []
        for path in files:
            try:
                self.signatures.append(signature(regular(path, sys.maxsize, CURE)))
            except (CompanionError, OSError) as error:
                self.signatures.append([UNREAD])
                if path not in clip.masks:
                    self.fault = str(error)

    @property
    def of(self) -> list[int | str]:
        return list(chain.from_iterable(self.signatures))

    @property
    def key(self) -> tuple:
        return (self.clip.method, self.clip.name, *self.of)

    def cut(
        self, finder: FaceFinder, settings: FaceSettings
    ) -> tuple[list[dict], list, list[dict], list[dict]]:
        """Rows, crops, what was missed, and what is doubtful. CompanionError: it gives nothing."""
        if self.fault:
            raise CompanionError(self.fault)
        clip = self.clip
        boxes = self._boxes(finder, settings.frames)
        is_origin = clip.path == clip.origin
        if not is_origin:
            self._refuse(difference(boxes, clip.path))
        cutter = Cutter(clip, boxes, settings)
        numbered = frames_of(clip.path, boxes.frames)
        for i, (number, frame) in enumerate(numbered):
            if not is_origin:
                self._refuse(other_picture(boxes, number, frame))
            cutter.add(i, frame)
        return cutter.rows, cutter.crops, cutter.missed, cutter.doubtful

    def _boxes(self, finder: FaceFinder, count: int) -> Boxes:
        """The video's boxes, found now or read back."""
        clip = self.clip
        origin = clip.origin
        found_in = "/".join(origin.parts[-3:])
        of = self.signatures[1:]
        boxes = known(self.path, count, found_in, of, clip.turn)
        if boxes is not None:
            return boxes
        return keep(self.path, found_now(clip, count, found_in, of, finder), clip.turn)

    def _refuse(self, difference: str) -> None:
        if difference:
            raise CompanionError(
                f"{self.clip.path} doesn't fit {self.clip.origin}, in which its faces are found "
                f"({difference}); copy both again."
            )


class Cutter:
    """Gathers what the frames of one video give."""

    def __init__(self, clip: Video, boxes: Boxes, settings: FaceSettings) -> None:
        self.clip = clip
        self.boxes = boxes
        self.settings = settings
        self.jumps = jumps(boxes.boxes)
        self.rows: list[dict] = []
        self.crops: list = []
        self.missed: list[dict] = []
        self.doubtful: list[dict] = []

    def add(self, i: int, frame) -> None:
        """The i-th of the sampled frames, uint8 (H, W, 3)."""
        clip = self.clip
        boxes = self.boxes
        settings = self.settings
        place = {**clip.columns, "frame": boxes.frames[i]}
        box = boxes.boxes[i]
        if box is None:
            reason = "its face isn't found in this frame" if boxes.faces[i] else "no face"
            self.missed.append({**place, "reason": reason})
            return
        where = face_columns(box, boxes.landmarks[i], boxes.probabilities[i], settings)
        who = {"label": clip.label, "identity": clip.identity, "source": clip.source}
        self.rows.append({**place, **who, **where})
        self.crops.append(crop(frame, box, settings.size, settings.enlarge))
        taken = boxes.taken[i] or (JUMPED if i in self.jumps else "")
        if taken:
            self.doubtful.append({**place, "faces": boxes.faces[i], "taken": taken})
