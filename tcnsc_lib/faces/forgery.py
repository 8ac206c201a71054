"""Where a video is forged, as its mask videos say: which face the mask lies on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.detect import Candidates
from tcnsc_lib.faces.video import Film, about, count_frames, frames_of, sample_indices

TOUCHED = 0.05  # of a mask's weight, from which a pixel counts as forged
CHECKED = 10  # frames of a video in which its mask is looked at


def touched(mask: np.ndarray) -> np.ndarray:
    """Which pixels of a mask's frame count as forged: uint8 (H, W, 3) -> bool (H, W)."""
    return mask.max(-1) > TOUCHED * 255


class Forgery:
    """Where a video is forged, in some of its sampled frames."""

    def __init__(self, film: Film, numbers: np.ndarray, may_be_shorter: bool) -> None:
        """film, numbers: of the video and its sampled frames.

        may_be_shorter: whether masks may end before the video does, as those of a real one's fakes.
        """
        self.film = film
        self.may_be_shorter = may_be_shorter
        some = sample_indices(len(numbers), CHECKED)
        self.places = {int(numbers[i]): int(i) for i in some}
        self.areas: dict[int, np.ndarray] = {}

    def add(self, path: Path) -> None:
        """Add what a mask video says. Raises CompanionError where it can't be read or doesn't fit.

        A mask that fails halfway adds nothing.
        """
        frames = self._check(path)
        numbers = [number for number in self.places if number < frames]
        areas = dict(self.areas)
        for number, mask in frames_of(path, np.array(numbers, int)) if numbers else ():
            place = self.places[number]
            forged = touched(mask)
            areas[place] = forged | areas[place] if place in areas else forged
        self.areas = areas

    def _check(self, path: Path) -> int:
        """How many frames a mask has, if it fits the video."""
        mask = about(path)
        film = self.film
        if (mask.height, mask.width) != (film.height, film.width):
            raise CompanionError(
                f"{path} has {mask.width} x {mask.height} pixels, its video {film.width} x "
                f"{film.height}"
            )
        frames = mask.frames
        if frames != film.frames:
            frames = count_frames(path)
        if frames > film.frames or frames < film.frames and not self.may_be_shorter:
            raise CompanionError(f"{path} has {frames} frames, its video {film.frames}")
        return frames

    def shares(self, candidates: Sequence[Candidates]) -> dict[int, np.ndarray]:
        """How far the mask lies on each face, of the smaller of mask and box: place -> (K,).

        candidates: of all sampled frames. Frames in which nothing is forged, or no face found, are
        left out.
        """
        shares = {}
        for place, area in self.areas.items():
            faces = candidates[place]
            if area.any() and len(faces):
                shares[place] = np.array([_share(area, box) for box in faces.boxes])
        return shares


def _share(area: np.ndarray, box: np.ndarray) -> float:
    """Of the smaller of a mask, bool (H, W), and a box, how much they have in common."""
    x0, y0 = np.clip(box[:2].round(), 0, area.shape[::-1]).astype(int)
    x1, y1 = np.clip(box[2:].round(), 0, area.shape[::-1]).astype(int)
    inside = area[y0:y1, x0:x1]
    smaller = min(inside.size, int(area.sum()))
    return float(inside.sum() / smaller) if smaller else 0.0
