"""The faces found in a video, kept so that all its qualities are cut alike; and whether they fit.

    <out>/boxes/<method>/<name>.json   the boxes of a video's sampled frames, and what tells it

They are found once, in raw wherever that is, and written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from PIL import Image
from pydantic import Field, model_validator

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import Box, Count, FivePoints, Share, Stored, record
from tcnsc_lib.faces.video import EVERY, Film, Turn, about, count_frames, sample_indices
from tcnsc_lib.files import write_once, write_text

SIDE = 16  # pixels of a thumbnail
SAME = 0.9  # correlation of two thumbnails from which they show one frame
DIM = 4.0  # grey levels by which thumbnails of one frame may differ, whatever they correlate
BEYOND = 1  # frame sizes that a box may reach beyond the frame

Grey = Annotated[int, Field(ge=0, le=255)]
Signature = list[int | str]


class Thumbnail(Stored):
    """A frame, made small and grey."""

    number: Count
    grey: list[list[Grey]]


class Boxes(Stored):
    """One face of each sampled frame of a video, or None; and what tells that video.

    count: frames that were asked for. found_in: the file, below the folder of all qualities.
    signature: of that file. masks: the signatures of its masks. height, width, total, rate: of the
    video. frames: their numbers. faces: how many each has. taken: why this one, where
    that is doubtful.
    """

    count: Count
    found_in: str
    signature: Signature
    masks: list[Signature]
    height: Annotated[int, Field(gt=0)]
    width: Annotated[int, Field(gt=0)]
    total: Count
    rate: Annotated[float, Field(ge=0)]
    frames: list[Count]
    boxes: list[Box | None]
    probabilities: list[Share | None]
    landmarks: list[FivePoints | None]
    faces: list[Count]
    taken: list[str]
    thumbnails: list[Thumbnail]

    @model_validator(mode="after")
    def _belong_together(self) -> Boxes:
        lists = (self.boxes, self.probabilities, self.landmarks, self.faces, self.taken)
        if any(len(values) != len(self.frames) for values in lists):
            raise ValueError("not as many boxes as frames")
        for box, p, points in zip(self.boxes, self.probabilities, self.landmarks, strict=True):
            if (box is None, p is None) != (points is None, points is None):
                raise ValueError("a face without a box, or a box without a face")
            if box is not None:
                self._lies_inside(box)
        if any(np.shape(small.grey) != (SIDE, SIDE) for small in self.thumbnails):
            raise ValueError("a thumbnail of another size")
        return self

    def _lies_inside(self, box: Box) -> None:
        """About inside the frame: a box of 1e5 pixels would be cut out of nothing."""
        x0, y0, x1, y1 = box
        across = -BEYOND * self.width <= x0 < x1 <= (1 + BEYOND) * self.width
        down = -BEYOND * self.height <= y0 < y1 <= (1 + BEYOND) * self.height
        if not across or not down:
            raise ValueError(f"a box {box} outside the frame")


# ---------------------------------------------------------------- kept, and read back


def known(
    path: Path, count: int, found_in: str, of: Sequence[Signature], turn: Turn = EVERY
) -> Boxes | None:
    """Boxes found before, if they are those asked for.

    of: the signatures of the file `found_in` and of the masks used. turn: which of the sampled
    frames. None where there are none, or what lies there is damaged or of another file; they are
    found again then.
    """
    try:
        boxes = record(path, Boxes, "delete it")
    except CompanionError:
        return None
    if (boxes.count, boxes.found_in) != (count, found_in):
        return None
    if not boxes.total or boxes.frames != sample_indices(boxes.total, count, turn).tolist():
        return None
    return boxes if [boxes.signature, *boxes.masks] == list(of) else None


def keep(path: Path, boxes: Boxes, turn: Turn = EVERY) -> Boxes:
    """Write boxes, unless another process has done so meanwhile; what stands there afterwards."""
    text = boxes.model_dump_json(indent=1) + "\n"
    if not write_once(path, text):
        of = [boxes.signature, *boxes.masks]
        first = known(path, boxes.count, boxes.found_in, of, turn)
        if first is not None:
            return first
        write_text(path, text)
    return boxes


def of_frames(boxes: Boxes, turn: Turn) -> Boxes:
    """The boxes of those of the sampled frames that have their turn; see `video.sample_indices`."""
    wanted = sample_indices(boxes.total, boxes.count, turn).tolist()
    places = [boxes.frames.index(number) for number in wanted]
    some = {}
    for name in ("frames", "boxes", "probabilities", "landmarks", "faces", "taken"):
        every = getattr(boxes, name)
        some[name] = [every[i] for i in places]
    return boxes.model_copy(update=some)


# ---------------------------------------------------------------- whether they fit a video


def thumbnail(number: int, frame: np.ndarray) -> Thumbnail:
    """A frame, uint8 (H, W, 3), made small and grey."""
    grey = Image.fromarray(frame).convert("L")
    small = grey.resize((SIDE, SIDE), Image.Resampling.BOX)
    return Thumbnail(number=number, grey=np.asarray(small).tolist())


def thumbnails_of(numbers: np.ndarray) -> set[int]:
    """Of which of the sampled frames thumbnails are kept: two, neither first nor last."""
    third = len(numbers) // 3
    return {int(numbers[third]), int(numbers[-1 - third])}


def difference(boxes: Boxes, path: Path) -> str:
    """How a video is another one than that of the boxes by size, length or rate; "" if it isn't."""
    film = about(path)
    total = film.frames if film.frames == boxes.total else count_frames(path)
    if (film.height, film.width) != (boxes.height, boxes.width):
        return f"{_size(film)} pixels and {_size(boxes)}"
    if total != boxes.total:
        return f"{total} frames and {boxes.total}"
    if not film.has_rate_of(boxes.rate):
        return f"{film.rate:g} frames a second and {boxes.rate:g}"
    return ""


def _size(film: Film | Boxes) -> str:
    return f"{film.width} x {film.height}"


def other_picture(boxes: Boxes, number: int, frame: np.ndarray) -> str:
    """How a frame shows something else than that of the boxes; "" if it doesn't, or can't tell."""
    for before in boxes.thumbnails:
        if before.number != number:
            continue
        old = np.array(before.grey, float).ravel()
        new = np.array(thumbnail(number, frame).grey, float).ravel()
        if np.abs(old - new).mean() <= DIM:
            continue
        varied = min(old.std(), new.std()) > 0
        correlation = np.corrcoef(old, new)[0, 1] if varied else 0.0
        if correlation < SAME:
            return f"frame {number} shows something else, correlation {correlation:.2f}"
    return ""
