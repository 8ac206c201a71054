"""Which of several people a video is about: faces are linked over its frames, one track is taken.

With a mask of the forgery it is the track that the mask lies on; without, the one that is largest
and most central over all frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product

import numpy as np

from tcnsc_lib.checked import Box
from tcnsc_lib.faces.detect import Candidates

LINKED = 0.1  # overlap (intersection over union) from which two boxes are of one face
ALIKE = 2.0  # faces that don't overlap are linked if neither is so many times as large ...
NEAR = 1.0  # ... and their centres are not farther apart, in sides of a box
ON_IT = 0.25  # of the smaller of box and mask: from there on, the mask lies on the face

STEADY = 0.3  # overlap of the boxes of two frames in a row; below it, the face jumped

ONLY = "the only face, elsewhere than before"
JUMPED = "its place or size jumped since the frame before"
BY_MASK = "the mask"
BY_TRACK = "its track"


@dataclass(frozen=True)
class Choice:
    """What is taken of a frame. index: of its candidates, None for none. faces: how many there are.

    taken: why this one, where that is doubtful; else "".
    """

    index: int | None
    faces: int
    taken: str = ""


@dataclass
class Track:
    """One face over the frames: frame -> index among its candidates; and where it was last."""

    places: dict[int, int] = field(default_factory=dict)
    box: np.ndarray | None = None

    def add(self, frame: int, index: int, box: np.ndarray) -> None:
        self.places[frame] = index
        self.box = box

    def meets(self, others: Iterable[Track]) -> bool:
        """Whether it is in a frame together with one of these; so they aren't one face."""
        return any(self.places.keys() & other.places.keys() for other in others)


def choose(
    candidates: Sequence[Candidates], shares: dict[int, np.ndarray] | None = None
) -> list[Choice] | None:
    """One face of each of T frames, all of the same person as far as that can be told.

    shares: frame -> (K,), how far the mask of the forgery lies on each candidate, 0 to 1; of some
    frames, all where it is known. None where the mask lies on no face at all.
    """
    shares = shares or {}
    tracks = link(candidates)
    if not tracks:
        return [Choice(None, 0)] * len(candidates)
    on_mask = {id(track): _mean_share(track, shares) for track in tracks}
    weights = {id(track): _weight(track, candidates) for track in tracks}

    def order(track: Track) -> tuple[bool, float, float]:
        lies_on_it = on_mask[id(track)] >= ON_IT
        return lies_on_it, sum(_shares(track, shares)), weights[id(track)]

    ranked = sorted(tracks, key=order, reverse=True)
    if shares and not on_mask[id(ranked[0])] >= ON_IT:
        return None
    taken = [ranked[0]]
    for track in ranked[1:]:
        may = _is_mostly_alone(track, candidates)
        if shares and not np.isnan(on_mask[id(track)]):
            may = on_mask[id(track)] >= ON_IT
        if may and not track.meets(taken):
            taken.append(track)
    return _choices(candidates, taken, BY_MASK if shares else BY_TRACK)


def link(candidates: Sequence[Candidates]) -> list[Track]:
    """Faces linked from frame to frame: nearest ones first, none twice."""
    tracks: list[Track] = []
    for frame, faces in enumerate(candidates):
        links = {}
        for track, index in product(tracks, range(len(faces))):
            links[id(track), index] = nearness(track.box, faces.boxes[index])
        named = {id(track): track for track in tracks}
        free = set(range(len(faces)))
        for (name, index), near in sorted(links.items(), key=lambda item: -item[1]):
            if near > 0 and name in named and index in free:
                named.pop(name).add(frame, index, faces.boxes[index])
                free.remove(index)
        for index in sorted(free):
            tracks.append(Track())
            tracks[-1].add(frame, index, faces.boxes[index])
    return tracks


def nearness(one: np.ndarray, other: np.ndarray) -> float:
    """How likely two boxes (x0 y0 x1 y1) are of one face: 0 for not at all, above 1 for overlap."""
    overlap = overlap_of(one, other)
    if overlap >= LINKED:
        return 1 + overlap
    areas = [float((box[2:] - box[:2]).prod()) for box in (one, other)]
    larger = max(areas) ** 0.5
    smaller = min(areas) ** 0.5
    if larger > ALIKE * smaller:
        return 0.0
    apart = np.hypot(*(one[:2] + one[2:] - other[:2] - other[2:])) / 2
    return max(0.0, 1 - apart / (NEAR * larger))


def overlap_of(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes (x0 y0 x1 y1), a share in [0, 1]."""
    corner = np.maximum(one[:2], other[:2])
    opposite = np.minimum(one[2:], other[2:])
    common = np.clip(opposite - corner, 0, None).prod()
    areas = [float((box[2:] - box[:2]).prod()) for box in (one, other)]
    return float(common / (sum(areas) - common))


def jumps(boxes: Sequence[Box | None]) -> set[int]:
    """The frames whose box overlaps by less than STEADY with that of the last frame that has one.

    boxes: one a frame, x0 y0 x1 y1, None where no face was found. After a cut the face may be
    another person's; a lone frame that jumps there and back gives two.
    """
    found = [i for i, box in enumerate(boxes) if box is not None]
    corners = {i: np.array(boxes[i], float) for i in found}
    return {i for before, i in pairwise(found) if overlap_of(corners[before], corners[i]) < STEADY}


def _choices(candidates: Sequence[Candidates], taken: list[Track], why: str) -> list[Choice]:
    """What each frame gives of the tracks taken, the main one first; they never meet."""
    choices = []
    for frame, faces in enumerate(candidates):
        of_frame = [track for track in taken if frame in track.places]
        if not of_frame:
            choices.append(Choice(None, len(faces)))
            continue
        reason = "" if of_frame[0] is taken[0] else ONLY
        if len(faces) > 1:
            reason = why
        choices.append(Choice(of_frame[0].places[frame], len(faces), reason))
    return choices


def _weight(track: Track, candidates: Sequence[Candidates]) -> float:
    return sum(float(candidates[frame].weights[i]) for frame, i in track.places.items())


def _shares(track: Track, shares: dict[int, np.ndarray]) -> list[float]:
    """How far the mask lies on a track's boxes, in those of its frames where that is known."""
    return [float(shares[frame][i]) for frame, i in track.places.items() if frame in shares]


def _mean_share(track: Track, shares: dict[int, np.ndarray]) -> float:
    """NaN where it isn't known."""
    known = _shares(track, shares)
    return sum(known) / len(known) if known else float("nan")


def _is_mostly_alone(track: Track, candidates: Sequence[Candidates]) -> bool:
    """Whether in most of its frames there is no other face."""
    alone = sum(len(candidates[frame]) == 1 for frame in track.places)
    return 2 * alone > len(track.places)
