"""The faces of a video's sampled frames: each frame is looked at whole, or faces are followed.

Where frames lie close, a face hardly moves from one to the next. Then only every SPAN-th frame is
looked at whole (of full HD every 15th, since fewer are held), and the last one. Where two of these
show the same faces in about the same places, the first and those between are looked at near these
places only (`FaceFinder.near`); a frame where a face isn't found there, or another one is, is
looked at whole all the same. Where the two don't show the same faces, or show none, all frames
between are looked at whole: after a cut, or when somebody comes in or leaves. Only who comes and
leaves again between two whole looks isn't seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np

from tcnsc_lib.faces.detect import Candidates, FaceFinder, batch_of
from tcnsc_lib.faces.tracks import overlap_of
from tcnsc_lib.faces.video import Film

SPAN = 48  # sampled frames from one whole look to the next
CLOSE = 0.125  # seconds; frames that lie farther apart are all looked at whole
FEWEST = 25  # sampled frames; with fewer there is little to win
HELD = 32_000_000  # pixels of the frames held at once, 15 of full HD
STAYS = 0.5  # overlap of a face's boxes at both ends, and of a frame's with the place between


def is_close(film: Film, numbers: np.ndarray) -> bool:
    """Whether faces are followed: many frames of these numbers, all close in time."""
    if len(numbers) < FEWEST:
        return False
    return np.diff(numbers).max() <= CLOSE * film.rate


def looked(
    frames: Iterable[np.ndarray], film: Film, numbers: np.ndarray, finder: FaceFinder
) -> Iterator[Candidates]:
    """Every face of each frame, in order. No more frames are held than a batch, or a span.

    frames: uint8 (H, W, 3), those of `numbers` or the first of them. Errors as of `FaceFinder.all`
    where faces aren't followed.
    """
    span = min(SPAN, HELD // (film.height * film.width))
    if span > 1 and is_close(film, numbers):
        yield from _followed(frames, span, finder)
    else:
        yield from _whole(frames, film, finder)


def _whole(
    frames: Iterable[np.ndarray], film: Film, finder: FaceFinder
) -> Iterator[Candidates]:
    batch = batch_of(film.height, film.width)
    held = []
    for frame in frames:
        held.append(frame)
        if len(held) == batch:
            yield from finder.all(np.stack(held))
            held.clear()
    if held:
        yield from finder.all(np.stack(held))


def _followed(
    frames: Iterable[np.ndarray], span: int, finder: FaceFinder
) -> Iterator[Candidates]:
    held = []
    before = None
    for frame in frames:
        held.append(frame)
        if before is None:
            before = finder.whole(frame)
        elif len(held) > span:
            after = finder.whole(frame)
            yield from _between(held[:-1], before, after, finder)
            before = after
            held = [frame]
    if len(held) > 1:
        after = finder.whole(held[-1])
        yield from _between(held, before, after, finder)
    elif held:
        yield before


def _between(
    frames: Sequence[np.ndarray], before: Candidates, after: Candidates, finder: FaceFinder
) -> list[Candidates]:
    """Every face of frames in a row.

    before, after: those of the first, and of the last or the one after it, looked at whole.
    """
    found = _near(frames, before, after, finder)
    if found[0] is None:
        found[0] = before
    for i, frame in enumerate(frames):
        if found[i] is None:
            found[i] = finder.whole(frame)
    return [found[i] for i in range(len(frames))]


def _near(
    frames: Sequence[np.ndarray], before: Candidates, after: Candidates, finder: FaceFinder
) -> dict[int, Candidates | None]:
    """The faces that both ends show, in each frame; None where a frame must be looked at whole."""
    ways = _ways(before, after, len(frames))
    if not ways:
        return dict.fromkeys(range(len(frames)))
    seen = [finder.near(frames, way) for way in ways]
    shape = frames[0].shape[:2]
    found = {}
    for i in range(len(frames)):
        places = [way[i] for way in ways]
        faces = _same([each[i] for each in seen], places)
        found[i] = None if faces is None else finder.ranked(shape, faces)
    return found


def _ways(before: Candidates, after: Candidates, count: int) -> list[np.ndarray]:
    """Where each face should be in so many frames, (count, 4); empty if the faces aren't the same.
    """
    if len(before) != len(after):
        return []
    share = np.arange(count)[:, None] / count
    ways = []
    partners = set()
    for box in before.boxes:
        overlaps = [overlap_of(box, other) for other in after.boxes]
        partner = int(np.argmax(overlaps))
        if overlaps[partner] < STAYS or partner in partners:
            return []
        partners.add(partner)
        ways.append((1 - share) * box + share * after.boxes[partner])
    return ways


def _same(seen: Sequence[Candidates], places: Sequence[np.ndarray]) -> Candidates | None:
    """Of what is seen near each place, the face there; None if there is none, or another one."""
    parts = []
    for faces, place in zip(seen, places, strict=True):
        overlaps = [overlap_of(box, place) for box in faces.boxes]
        if max(overlaps, default=0.0) < STAYS:
            return None
        i = int(np.argmax(overlaps))
        parts.append((faces.boxes[i], faces.probabilities[i], faces.landmarks[i], 0.0))
    taken = Candidates(*map(np.array, zip(*parts, strict=True)))
    if any(overlap_of(*pair) >= STAYS for pair in combinations(taken.boxes, 2)):
        return None
    for box in np.concatenate([faces.boxes for faces in seen]):
        if max(overlap_of(box, other) for other in taken.boxes) < STAYS:
            return None
    return taken
