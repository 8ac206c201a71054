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
from contextlib import redirect_stderr
from functools import cache
from io import StringIO
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
from tcnsc_lib.faces.footage import Video
from tcnsc_lib.faces.layout import QUALITIES
from tcnsc_lib.faces.search import found_now
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.video import CURE, frames_of
from tcnsc_lib.files import signature
from tcnsc_lib.machine import device
from tcnsc_lib.pool import run_all

MOST = 32  # workers; each takes about 1 GB
ON_A_GPU = 4  # workers; each has its own copy of MTCNN there
FRAMES = 64  # sampled ones for each worker; it takes seconds to begin, as long as these
UNREAD = "unreadable"  # stands for the signature of what can't be read


def extract(
    clips: list[Video],
    out: Path,
    quality: str,
    settings: FaceSettings,
    more: dict | None = None,
    before: Callable[[], None] | None = None,
) -> FaceSet:
    """Crops of these videos in <out>/<quality>, a FaceSet; boxes in <out>/boxes.

    Goes on where it was stopped; works on all cores. more: what else determines the crops (split,
    seed). before: called once where there is something to do. A frame without a face, and a video
    that doesn't decode, isn't shown as the one of its boxes, or is forged where no face is, are
    listed in `missed`.
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
    todo = [job for job in jobs if job.fault or not builder.done(*job.key[:2], job.of)]
    title = f"faces ({quality}) -> {os.path.relpath(builder.root)}"
    tasks = [(job, builder, settings) for job in todo]
    at_once = _at_once(len(todo) * settings.frames)
    reasons = {}
    for key, reason, told in run_all(_cut, tasks, title, at_once, own_bars=False):
        if told:
            tqdm.write(told, file=sys.stderr, end="")
        if reason:
            reasons[key] = reason
    failed = {}
    for job in todo:
        if job.key in reasons:
            failed[job.key] = {**job.clip.columns, "frame": "", "reason": reasons[job.key]}
    return builder.finish(keys, failed)


def _at_once(frames: int) -> int:
    """How many workers at most are worth it for so many sampled frames.

    On a GPU a few, since they decode on the cores and take turns at the network.
    """
    most = ON_A_GPU if device() == "cuda" else MOST
    return max(1, min(most, frames // FRAMES))


def _cut(job: Job, builder: Builder, settings: FaceSettings) -> tuple[tuple, str, str]:
    """In a worker: the piece of one video. Its key, why it gives none, and what was told of it.

    What was told comes back as text, since a worker that wrote it would write into the progress bar
    of another process.
    """
    told = StringIO()
    with redirect_stderr(told):
        try:
            piece = job.cut(_finder(FaceFinder, device()), settings)
        except CompanionError as error:
            return job.key, str(error), told.getvalue()
        clip = job.clip
        builder.add(clip.method, clip.name, *piece[:3], of=job.of, doubtful=piece[3])
    return job.key, "", told.getvalue()


@cache
def _finder(kind: type[FaceFinder], where: str) -> FaceFinder:
    """One for all videos of a worker."""
    return kind(where)


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
