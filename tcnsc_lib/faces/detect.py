"""MTCNN: frames -> boxes -> square crops (section 4.1; Zhang et al. 2016, the weights of facenet-pytorch).

The crop is the detector's box made square on its longer side and enlarged about its centre (`paper.OPEN`, 12);
where it leaves the frame, the frame's edge is repeated.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from facenet_pytorch import MTCNN
from PIL import Image

from tcnsc_lib.machine import threads

BATCH = 32  # frames of up to 640 x 480, fewer of larger ones
MIN_PROBABILITY = 0.9
MIN_SIDE = 20  # pixels; MTCNN's smallest face, smaller frames make it fail
CENTRAL = 0.4


@dataclass(frozen=True)
class Faces:
    """The main face of each of T frames, NaN where there is none.

    boxes: float64 (T, 4), x0 y0 x1 y1 in pixels. probabilities: (T,) in [0, 1]. landmarks: (T, 5, 2), x y of left
    eye, right eye, nose, left and right corner of the mouth (left in the picture).
    """

    boxes: np.ndarray
    probabilities: np.ndarray
    landmarks: np.ndarray


class FaceFinder:
    """Finds the main face in frames of one size: among those with p >= min_probability the largest, and central.

    "Largest" alone takes a neighbour whom the picture's border cuts; so areas are weighted by a Gaussian of the
    distance to the frame's centre, CENTRAL of the shorter side wide. In frames of more than 240 pixels a side, faces
    under a twelfth of it aren't looked for: in full HD that saves nearly all of the time.
    """

    def __init__(self, device: str = "cpu", min_probability: float = MIN_PROBABILITY):
        self.mtcnn = MTCNN(keep_all=True, device=device)
        self.min_probability = min_probability

    def __call__(self, frames: np.ndarray) -> Faces:
        """uint8 (T, H, W, 3) -> Faces of T rows."""
        if min(frames.shape[1:3]) < MIN_SIDE:
            return Faces(*(np.full((len(frames), *shape), np.nan) for shape in ((4,), (), (5, 2))))
        pixels, side = frames.shape[1] * frames.shape[2], min(frames.shape[1:3])
        batch = max(1, min(BATCH, BATCH * 640 * 480 // pixels))
        self.mtcnn.min_face_size = max(MIN_SIDE, side // 12)
        with threads(2):  # one thread moves boxes by some 1e-5 pixels, and a manifest is the same everywhere or another one
            found = [self._main(frames.shape[1:3], *result) for i in range(0, len(frames), batch)
                     for result in zip(*self.mtcnn.detect(frames[i : i + batch], landmarks=True))]
        boxes, probabilities, landmarks = zip(*found)
        return Faces(np.stack(boxes), np.array(probabilities), np.stack(landmarks))

    def _main(self, shape, boxes, probabilities, landmarks) -> tuple[np.ndarray, float, np.ndarray]:
        if boxes is not None:
            boxes, probabilities = np.asarray(boxes, float), np.asarray(probabilities, float)
            centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
            offsets = (centres - np.array(shape[::-1]) / 2) / (CENTRAL * min(shape))
            weight = sides.prod(1) * np.exp(-(offsets**2).sum(1)) * (probabilities >= self.min_probability)
            if weight[best := int(weight.argmax())] > 0:
                return boxes[best], float(probabilities[best]), np.asarray(landmarks[best], float)
        return np.full(4, np.nan), float("nan"), np.full((5, 2), np.nan)


def square(box: np.ndarray, enlarge: float) -> tuple[int, int, int]:
    """Left, top and side, whole pixels, of the square around a box; side = enlarge * the longer side."""
    x0, y0, x1, y1 = box
    side = max(1, round(enlarge * max(x1 - x0, y1 - y0)))
    return round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2), side


def to_crop(points: np.ndarray, box: np.ndarray, size: int, enlarge: float) -> np.ndarray:
    """Where points of the frame, float (..., 2), x y in pixels, lie in the `crop` of this box, in its pixels."""
    left, top, side = square(box, enlarge)
    return (np.asarray(points) - (left, top) + 0.5) * size / side - 0.5


def crop(frame: np.ndarray, box: np.ndarray, size: int, enlarge: float) -> np.ndarray:
    """The face in a frame: uint8 (H, W, 3) -> uint8 (size, size, 3), antialiased (Lanczos)."""
    left, top, side = square(box, enlarge)
    rows = np.clip(np.arange(top, top + side), 0, frame.shape[0] - 1)
    columns = np.clip(np.arange(left, left + side), 0, frame.shape[1] - 1)
    cut = Image.fromarray(np.ascontiguousarray(frame[rows[:, None], columns]))
    return np.asarray(cut.resize((size, size), Image.Resampling.LANCZOS))
