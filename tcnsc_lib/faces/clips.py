"""From videos to crops: frames are sampled, a face is found in each, once a video, and cut
(section 4.1).

Boxes are found in raw wherever that is there, else in c23, else in c40, and reused for the other
qualities, so that crops of the same frame at raw, c23 and c40 match pixel for pixel. With
`FaceSettings.boxes` "target", a fake is cut with the boxes of its real target's video.
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
from tcnsc_lib.faces.boxes import (
    Boxes,
    Signature,
    difference,
    keep,
    known,
    of_frames,
    other_picture,
)
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.cutter import Cutter
from tcnsc_lib.faces.detect import FaceFinder
from tcnsc_lib.faces.layout import QUALITIES, SUFFIX
from tcnsc_lib.faces.search import found_now
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.store import FaceSet
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
    jobs = _jobs(clips, out / "boxes", settings.boxes)
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


def _jobs(clips: list[Video], folder: Path, boxes: str) -> list[Job]:
    """A job a video. folder: of the boxes. boxes: whose, see `FaceSettings`."""
    if boxes == "own":
        return [Job(clip, folder) for clip in clips]
    reals = {clip.name: clip for clip in clips if not clip.label}
    jobs = []
    for clip in clips:
        lent = reals.get(clip.identity) if clip.label else clip
        job = Job(clip, folder, lent)
        if lent is None:
            job.fault = (
                f"{clip.path} has no real video {clip.identity}, whose boxes it would have; copy "
                'that too, or choose the boxes "own".'
            )
        jobs.append(job)
    return jobs


def _determined_by(settings: FaceSettings, quality: str) -> dict:
    """What is written beside the crops: whoever asks for others is refused."""
    others = {} if settings.boxes == "own" else {"boxes": settings.boxes}
    return others | {
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

    of: the signatures of its file, of that in which its boxes are found, and of the masks used, in
    one list. fault: why one of them can't be read.
    """

    def __init__(self, clip: Video, folder: Path, lent: Video | None = None) -> None:
        """folder: of the boxes. lent: the video whose boxes it gets; without one, its own."""
        self.clip = clip
        self.boxed = lent or clip
        self.path = folder / self.boxed.method / f"{self.boxed.name}.json"
        self.fault = ""
        files = (clip.path, self.boxed.origin, *self.boxed.masks)
        self.signatures: list[Signature] = []
        for path in files:
            try:
                self.signatures.append(signature(regular(path, sys.maxsize, CURE)))
            except (CompanionError, OSError) as error:
                self.signatures.append([UNREAD])
                if path not in self.boxed.masks:
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
        is_origin = clip.path == self.boxed.origin
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
        """The boxes of its sampled frames, found now or read back."""
        boxed = self.boxed
        found_in = "/".join(boxed.origin.parts[-3:])
        of = self.signatures[1:]
        boxes = known(self.path, count, found_in, of, boxed.turn)
        if boxes is None:
            found = found_now(boxed, count, found_in, of, finder)
            boxes = keep(self.path, found, boxed.turn)
        return of_frames(boxes, self.clip.turn) if self.clip != boxed else boxes

    def _refuse(self, difference: str) -> None:
        if difference:
            other = "" if self.boxed == self.clip else ', or choose the boxes "own"'
            raise CompanionError(
                f"{self.clip.path} doesn't fit {self.boxed.origin}, in which its faces are found "
                f"({difference}); copy both again{other}."
            )
