"""What the frames of one video give: crops, their rows, what is missed and what is doubtful."""

from __future__ import annotations

from typing import Protocol

from tcnsc_lib.faces.boxes import Boxes
from tcnsc_lib.faces.detect import crop
from tcnsc_lib.faces.source import FaceSettings, face_columns
from tcnsc_lib.faces.tracks import JUMPED, jumps


class Filed(Protocol):
    """What must be known of a video: see `clips.Video`."""

    columns: dict[str, str]
    label: int
    identity: str
    source: str


class Cutter:
    """Gathers what the frames of one video give."""

    def __init__(self, clip: Filed, boxes: Boxes, settings: FaceSettings) -> None:
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
