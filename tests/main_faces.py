"""The main face of each frame, as arrays."""

from typing import NamedTuple

import numpy as np

from tcnsc_lib.faces.detect import FaceFinder


class MainFaces(NamedTuple):
    """Of T frames, NaN where there is none: boxes (T, 4), probabilities (T,), landmarks (T, 5, 2).
    """

    boxes: np.ndarray
    probabilities: np.ndarray
    landmarks: np.ndarray


def main_faces(finder: FaceFinder, frames: np.ndarray) -> MainFaces:
    """Those that a finder finds: uint8 (T, H, W, 3) -> T rows."""
    count = len(frames)
    boxes = np.full((count, 4), np.nan)
    probabilities = np.full(count, np.nan)
    landmarks = np.full((count, 5, 2), np.nan)
    for t, faces in enumerate(finder.all(frames)):
        if len(faces):
            boxes[t] = faces.boxes[0]
            probabilities[t] = faces.probabilities[0]
            landmarks[t] = faces.landmarks[0]
    return MainFaces(boxes, probabilities, landmarks)
