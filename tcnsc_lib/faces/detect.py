"""MTCNN: frames -> boxes -> square crops.

Section 4.1; Zhang et al. 2016, the weights of facenet-pytorch. Frames of more than LARGEST pixels
are looked at in a smaller copy; they are cut at full size. The crop is the detector's box made
square on its longer side and enlarged about its centre (`paper.OPEN`, 12); where it leaves the
frame, the frame's edge is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.near import Near
from tcnsc_lib.faces.region import Region, frames_at_once
from tcnsc_lib.machine import threads

BATCH = 32  # frames of up to VGA, fewer of larger ones
VGA = 640 * 480  # pixels
LARGEST = 4_000_000  # pixels of a frame that is looked at in full size; full HD has 2 million
MIN_PROBABILITY = 0.9
MIN_SIDE = 20  # pixels; MTCNN's smallest face, smaller frames make it fail
CENTRAL = 0.4


@dataclass(frozen=True)
class Candidates:
    """All K faces of one frame, the main one first.

    boxes: float64 (K, 4), x0 y0 x1 y1 in pixels. probabilities: (K,) in [0, 1]. landmarks:
    (K, 5, 2), x y of left eye, right eye, nose, left and right corner of the mouth (left in the
    picture). weights: (K,), area in pixels times how central, falling.
    """

    boxes: np.ndarray
    probabilities: np.ndarray
    landmarks: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)


class FaceFinder:
    """Finds faces in frames of one size, and which is the main one.

    Among those with p >= min_probability it is the largest, and central. "Largest" alone takes a
    neighbour whom the picture's border cuts; so areas are weighted by a Gaussian of the distance to
    the frame's centre, CENTRAL of the shorter side wide. In frames of more than 240 pixels a side,
    faces under a twelfth of it aren't looked for: in full HD that saves nearly all of the time.
    """

    def __init__(self, device: str = "cpu", min_probability: float = MIN_PROBABILITY) -> None:
        self.mtcnn = MTCNN(keep_all=True, device=device)
        self.min_probability = min_probability

    def all(self, frames: np.ndarray) -> list[Candidates]:
        """Every face: uint8 (T, H, W, 3) -> T Candidates.

        Raises CompanionError where MTCNN fails on frames of this shape.
        """
        height, width = frames.shape[1:3]
        shrink = _shrink(height, width)
        if min(height, width) // shrink < MIN_SIDE:
            return [_candidates(None, None, None)] * len(frames)
        batch = batch_of(height, width)
        found = []
        # One thread moves boxes by some 1e-5 pixels, and a manifest is the same everywhere or
        # another one.
        with threads(2):
            for i in range(0, len(frames), batch):
                small = _smaller(frames[i : i + batch], shrink)
                for boxes, probabilities, landmarks in zip(*self._detect(small), strict=True):
                    faces = _candidates(boxes, probabilities, landmarks, shrink)
                    found.append(self.ranked((height, width), faces))
        return found

    @cached_property
    def _near(self) -> Near:
        return Near(self.mtcnn)

    def near(self, frames: Sequence[np.ndarray], places: np.ndarray) -> list[Candidates]:
        """Every face about where one should be, for a small part of the price of `all`.

        frames: T of uint8 (H, W, 3). places: the boxes it may have, (P, 4), x0 y0 x1 y1 in pixels.
        Returns T Candidates.
        """
        shrink = _shrink(*frames[0].shape[:2])
        places = places / shrink
        together = frames_at_once(places)
        found = []
        for first in range(0, len(frames), together):
            some = frames[first : first + together]
            small = [_smaller(frame[None], shrink)[0] for frame in some]
            found += self._in(Region.around(small, places), frames[0].shape, shrink)
        return found

    def whole(self, frame: np.ndarray) -> Candidates:
        """Every face of uint8 (H, W, 3), as `near` finds them.

        `all` begins MTCNN's pyramid at another size, so its boxes are a little different.
        """
        height, width = frame.shape[:2]
        shrink = _shrink(height, width)
        small = _smaller(frame[None], shrink)[0]
        [faces] = self._in(Region.whole(small, _smallest(*small.shape[:2])), frame.shape, shrink)
        return faces

    def _in(self, region: Region, shape: tuple[int, ...], shrink: int) -> list[Candidates]:
        """Every face in a region of some frames. shape: of these, before they were made smaller."""
        # One number of threads, for the same digits everywhere; one, for other cores have frames
        # of their own.
        with threads(1):
            found = self._near(region)
        faces = [_candidates(*found.of(t), shrink) for t in range(region.count)]
        return [self.ranked(shape[:2], each) for each in faces]

    def _detect(self, frames: np.ndarray) -> tuple:
        """What MTCNN finds: for each frame boxes, probabilities and landmarks."""
        height, width = frames.shape[1:3]
        self.mtcnn.min_face_size = _smallest(height, width)
        try:
            return self.mtcnn.detect(frames, landmarks=True)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except (RuntimeError, ValueError, IndexError) as error:
            first = str(error).partition("\n")[0]
            raise CompanionError(
                f"MTCNN can't look for faces in {width} x {height} pixels ({first}); cut the "
                "picture to a more usual shape, or remove it."
            ) from error

    def ranked(self, shape: tuple[int, int], faces: Candidates) -> Candidates:
        """Those that are probable, by weight. shape: the frame's height and width in pixels."""
        corners = faces.boxes[:, :2]
        opposite = faces.boxes[:, 2:]
        sides = opposite - corners
        middle = np.array(shape[::-1]) / 2
        offsets = (corners + opposite) / 2 - middle
        offsets = offsets / (CENTRAL * min(shape))
        central = np.exp(-(offsets**2).sum(1))
        is_face = (faces.probabilities >= self.min_probability) & (sides > 0).all(1)
        weights = sides.prod(1) * central * is_face
        kept = [i for i in np.argsort(-weights, kind="stable") if weights[i] > 0]
        return Candidates(
            faces.boxes[kept], faces.probabilities[kept], faces.landmarks[kept], weights[kept]
        )


def batch_of(height: int, width: int) -> int:
    """How many frames of this size MTCNN is given at once; what bounds its memory."""
    batch = min(BATCH, BATCH * VGA // (height * width))
    return max(1, batch)


def _smallest(height: int, width: int) -> int:
    """The side of the smallest face that is looked for, in pixels."""
    return max(MIN_SIDE, min(height, width) // 12)


def _shrink(height: int, width: int) -> int:
    """The whole factor by which a frame is made smaller, so that it has at most LARGEST pixels."""
    shrink = 1
    while height * width > LARGEST * shrink**2:
        shrink += 1
    return shrink


def _smaller(frames: np.ndarray, shrink: int) -> np.ndarray:
    """uint8 (T, H, W, 3) -> the same, made smaller by a whole factor; each pixel is a mean."""
    if shrink == 1:
        return frames
    return np.stack([np.asarray(Image.fromarray(frame).reduce(shrink)) for frame in frames])


def _candidates(
    boxes: np.ndarray | None,
    probabilities: np.ndarray | None,
    landmarks: np.ndarray | None,
    enlarge: int = 1,
) -> Candidates:
    """What MTCNN says of a frame, not yet sorted; None where there is no face."""
    if boxes is None:
        return Candidates(np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2)), np.empty(0))
    scores = np.asarray(probabilities, float)
    points = np.asarray(landmarks, float) * enlarge
    return Candidates(np.asarray(boxes, float) * enlarge, scores, points, np.zeros(len(scores)))


def square(box: Sequence[float], enlarge: float) -> tuple[int, int, int]:
    """Left, top and side, whole pixels, of the square around a box.

    box: x0 y0 x1 y1. side = enlarge * the longer side.
    """
    x0, y0, x1, y1 = box
    side = max(1, round(enlarge * max(x1 - x0, y1 - y0)))
    left = round((x0 + x1 - side) / 2)
    top = round((y0 + y1 - side) / 2)
    return left, top, side


def central_square(image: np.ndarray) -> tuple[int, int, int, int]:
    """The largest square in the middle of a picture (H, W, 3): x0 y0 x1 y1 in pixels."""
    height, width = image.shape[:2]
    side = min(height, width)
    left = (width - side) // 2
    top = (height - side) // 2
    return left, top, left + side, top + side


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
