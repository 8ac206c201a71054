"""From videos to crops: frames are sampled, faces are found once a video, and cut (section 4.1).

Boxes are found in the first quality extracted and reused for the others, so that crops of the same
frame at raw, c23 and c40 match pixel for pixel.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.detect import FaceFinder, Faces, crop
from tcnsc_lib.faces.source import FaceSettings, face_columns
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.video import read_frames
from tcnsc_lib.files import read_json, signature, write_json
from tcnsc_lib.machine import device


@dataclass(frozen=True)
class Video:
    """One video: method "original" (label 0) or a manipulation (label 1).

    name: of the target, as 000, or of target and source, as 000_003. split: train, val or test.
    """

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

    @property
    def columns(self) -> dict[str, str]:
        """What a manifest's rows and the missed ones say alike."""
        return {"video": self.name, "method": self.method, "split": self.split}


def extract(
    clips: list[Video],
    out: Path,
    quality: str,
    settings: FaceSettings,
    more: dict | None = None,
) -> FaceSet:
    """Crops of these videos in <out>/<quality>, a FaceSet; boxes in <out>/boxes.

    Goes on where it was stopped. more: what else determines the crops (split, seed). A frame
    without a face and a video that doesn't decode are listed in `missed`.
    """
    out = Path(out)
    builder = Builder(out / quality, _determined_by(settings, quality) | (more or {}))
    keys = [(clip.method, clip.name, *signature(clip.path)) for clip in clips]
    if builder.complete(keys):
        return FaceSet(builder.root)
    finder = FaceFinder(device())
    failed = {}
    pairs = zip(clips, keys, strict=True)
    todo = [(clip, key) for clip, key in pairs if not _is_done(builder, key)]
    title = f"faces ({quality}) -> {os.path.relpath(builder.root)}"
    for clip, key in tqdm(todo, title, disable=not todo):
        known = out / "boxes" / clip.method / f"{clip.name}.json"
        try:
            found, frames = _boxes(clip, known, finder, settings.frames)
        except CompanionError as error:
            failed[key] = {**clip.columns, "frame": "", "reason": str(error)}
        else:
            piece = _cut(clip, found, frames, settings)
            builder.add(clip.method, clip.name, *piece, of=list(key[2:]))
    return builder.finish(keys, failed)


def _determined_by(settings: FaceSettings, quality: str) -> dict:
    """What is written beside the crops: whoever asks for others is refused."""
    return {
        "size": settings.size,
        "enlarge": settings.enlarge,
        "frames": settings.frames,
        "quality": quality,
    }


def _is_done(builder: Builder, key: tuple) -> bool:
    method, name, *of = key
    return builder.done(method, name, of)


def _cut(
    clip: Video, found: dict, frames: np.ndarray, settings: FaceSettings
) -> tuple[list[dict], list[np.ndarray], list[dict]]:
    """Rows, crops and what was missed of one video."""
    rows = []
    crops = []
    missed = []
    for i, frame in enumerate(frames):
        number = found["frames"][i]
        box = found["boxes"][i]
        if box is None:
            missed.append({**clip.columns, "frame": number, "reason": "no face"})
            continue
        where = face_columns(box, found["landmarks"][i], found["probabilities"][i], settings)
        who = {"label": clip.label, "identity": clip.identity, "source": clip.source}
        rows.append({**clip.columns, "frame": number, **who, **where})
        crops.append(crop(frame, box, settings.size, settings.enlarge))
    return rows, crops, missed


def _boxes(clip: Video, path: Path, finder: FaceFinder, count: int) -> tuple[dict, np.ndarray]:
    """The video's boxes and the frames they belong to; found now, or read back from `path`.

    They are read back if the video that they were found in is still the same.
    """
    folder = clip.path.parents[2]  # that of all qualities
    known = _known(path, folder, count)
    if known is not None:
        wanted = np.array(known["frames"])
        return known, read_frames(clip.path, wanted)[1]
    numbers, frames = read_frames(clip.path, count=count)
    found = {
        "count": count,
        "found in": str(clip.path.relative_to(folder)),
        "signature": signature(clip.path),
        "frames": numbers.tolist(),
        **_rounded(finder(frames)),
    }
    write_json(path, found)
    return found, frames


def _known(path: Path, folder: Path, count: int) -> dict | None:
    """Boxes found before, if they are as many as asked for and of the same video."""
    if not path.exists():
        return None
    known = read_json(path)
    if known["count"] != count or "landmarks" not in known:
        return None
    origin = folder / known["found in"]
    if not origin.exists() or signature(origin) != known["signature"]:
        return None
    return known


def _rounded(faces: Faces) -> dict[str, list]:
    """Faces as JSON has them: a hundredth of a pixel, None where there is no face."""
    boxes = []
    landmarks = []
    probabilities = []
    for box, points, p in zip(faces.boxes, faces.landmarks, faces.probabilities, strict=True):
        is_face = not np.isnan(p)
        boxes.append(box.round(2).tolist() if is_face else None)
        landmarks.append(points.round(2).tolist() if is_face else None)
        probabilities.append(round(p, 5) if is_face else None)
    return {"boxes": boxes, "landmarks": landmarks, "probabilities": probabilities}
