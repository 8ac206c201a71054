"""MTCNN: frames -> boxes -> square crops.

Section 4.1; Zhang et al. 2016, the weights of facenet-pytorch. The crop is the detector's box made
square on its longer side and enlarged about its centre (`paper.OPEN`, 12); where it leaves the
frame, the frame's edge is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from facenet_pytorch import MTCNN
from PIL import Image

from tcnsc_lib.machine import threads

BATCH = 32  # frames of up to VGA, fewer of larger ones
VGA = 640 * 480  # pixels
MIN_PROBABILITY = 0.9
MIN_SIDE = 20  # pixels; MTCNN's smallest face, smaller frames make it fail
CENTRAL = 0.4


@dataclass(frozen=True)
class Faces:
    """The main face of each of T frames, NaN where there is none.

    boxes: float64 (T, 4), x0 y0 x1 y1 in pixels. probabilities: (T,) in [0, 1]. landmarks:
    (T, 5, 2), x y of left eye, right eye, nose, left and right corner of the mouth (left in the
    picture).
    """

    boxes: np.ndarray
    probabilities: np.ndarray
    landmarks: np.ndarray


class FaceFinder:
    """Finds the main face in frames of one size.

    Among those with p >= min_probability it is the largest, and central. "Largest" alone takes a
    neighbour whom the picture's border cuts; so areas are weighted by a Gaussian of the distance to
    the frame's centre, CENTRAL of the shorter side wide. In frames of more than 240 pixels a side,
    faces under a twelfth of it aren't looked for: in full HD that saves nearly all of the time.
    """

    def __init__(self, device: str = "cpu", min_probability: float = MIN_PROBABILITY) -> None:
        self.mtcnn = MTCNN(keep_all=True, device=device)
        self.min_probability = min_probability

    def __call__(self, frames: np.ndarray) -> Faces:
        """uint8 (T, H, W, 3) -> Faces of T rows."""
        height, width = frames.shape[1:3]
        shorter = min(height, width)
        if shorter < MIN_SIDE:
            return _nowhere(len(frames))
        batch = min(BATCH, BATCH * VGA // (height * width))
        batch = max(1, batch)
        self.mtcnn.min_face_size = max(MIN_SIDE, shorter // 12)
        found = []
        # One thread moves boxes by some 1e-5 pixels, and a manifest is the same everywhere or
        # another one.
        with threads(2):
            for i in range(0, len(frames), batch):
                results = self.mtcnn.detect(frames[i : i + batch], landmarks=True)
                for result in zip(*results, strict=True):
                    found.append(self._main((height, width), *result))
        boxes, probabilities, landmarks = zip(*found, strict=True)
        return Faces(np.stack(boxes), np.array(probabilities), np.stack(landmarks))

    def _main(
        self,
        shape: tuple[int, int],
        boxes: np.ndarray | None,
        probabilities: np.ndarray | None,
        landmarks: np.ndarray | None,
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """The main one of a frame's faces; shape: its height and width in pixels."""
        if boxes is None:
            return _no_face()
        boxes = np.asarray(boxes, float)
        probabilities = np.asarray(probabilities, float)
        corners = boxes[:, :2]
        opposite = boxes[:, 2:]
        sides = opposite - corners
        middle = np.array(shape[::-1]) / 2
        offsets = (corners + opposite) / 2 - middle
        offsets = offsets / (CENTRAL * min(shape))
        central = np.exp(-(offsets**2).sum(1))
        weight = sides.prod(1) * central * (probabilities >= self.min_probability)
        best = int(weight.argmax())
        if not weight[best] > 0:
            return _no_face()
        return boxes[best], float(probabilities[best]), np.asarray(landmarks[best], float)


def _no_face() -> tuple[np.ndarray, float, np.ndarray]:
    return np.full(4, np.nan), float("nan"), np.full((5, 2), np.nan)


def _nowhere(count: int) -> Faces:
    boxes = np.full((count, 4), np.nan)
    landmarks = np.full((count, 5, 2), np.nan)
    return Faces(boxes, np.full(count, np.nan), landmarks)


def square(box: Sequence[float], enlarge: float) -> tuple[int, int, int]:
    """Left, top and side, whole pixels, of the square around a box.

    box: x0 y0 x1 y1. side = enlarge * the longer side.
    """
    x0, y0, x1, y1 = box
    side = max(1, round(enlarge * max(x1 - x0, y1 - y0)))
    left = round((x0 + x1 - side) / 2)
    top = round((y0 + y1 - side) / 2)
    return left, top, side


def to_crop(points: np.ndarray, box: Sequence[float], size: int, enlarge: float) -> np.ndarray:
    """Where points of the frame lie in the `crop` of this box, in its pixels.

    points: float (..., 2), x y in pixels.
    """
    left, top, side = square(box, enlarge)
    inside = np.asarray(points) - (left, top) + 0.5
    return inside * size / side - 0.5


def crop(frame: np.ndarray, box: Sequence[float], size: int, enlarge: float) -> np.ndarray:
    """The face in a frame: uint8 (H, W, 3) -> uint8 (size, size, 3), antialiased (Lanczos)."""
    height, width = frame.shape[:2]
    left, top, side = square(box, enlarge)
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    cut = np.ascontiguousarray(frame[rows[:, None], columns])
    resized = Image.fromarray(cut).resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(resized)
