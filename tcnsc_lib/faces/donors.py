"""Whose face goes onto whose head: the nearest in pose and colour, of another person.

Drawing donors among the nearest in landmarks is one of the steps of L. Li et al., "Face X-ray for
More General Face Forgery Detection", CVPR 2020.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from skimage.color import rgb2lab
from tqdm.auto import tqdm

from tcnsc_lib.faces.forge import sample
from tcnsc_lib.faces.masks import align, five_points

CELLS = 4  # the descriptor's colour part is a grid of this many cells a side
CELL = 8  # pixels a side of each
SIDE = CELLS * CELL
# Colour is corrected after the choice, pose is not: a nose 0.1 aside outweighs any usual gap in
# colour.
POSE_WEIGHT = 15.0
# Of CIE Lab: how far colours lie from a curve over lightness, root mean square. Grey and toned
# photographs of LFW (23 of 3,600) have at most 1.7, all others at least 2.8.
MONOCHROME = 2.2
SLACK = 1e-9  # of squared distances; rounding errs by some 1e-15
SOME = 256  # targets whose distances are held at once
LONG = 3000  # targets; more get a progress bar


def descriptor(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Pose and colour of a face for `choose_donors`, float32 (58,).

    Euclidean distances between them are meant. The pose part is the ten landmark coordinates in the
    canonical square (translation, scale and rotation are gone), the colour part the mean CIE Lab
    colour in each cell of a 4 x 4 grid over the square, which also tells where the light comes from
    and whether hair hides the forehead. Raises ValueError on bad landmarks.
    """
    to_square = align(landmarks, SIDE)
    pose = to_square(five_points(landmarks)) / SIDE
    lab = rgb2lab(sample(image, to_square, SIDE))
    cells = lab.reshape(CELLS, CELL, CELLS, CELL, 3).mean(axis=(1, 3)) / 50
    both = [POSE_WEIGHT * pose.ravel(), cells.ravel()]
    return np.concatenate(both).astype(np.float32)


def is_monochrome(image: np.ndarray, landmarks: np.ndarray) -> bool:
    """Whether a face shows light alone, in grey or in one tone (brown, blue): no colours.

    Colours are those of the canonical square; in a monochrome picture they follow from lightness
    but for noise. Raises ValueError on bad landmarks.
    """
    lab = rgb2lab(sample(image, align(landmarks, SIDE), SIDE)).reshape(-1, 3)
    curve = np.vander(lab[:, 0] / 50 - 1, 4)
    colours = lab[:, 1:]
    fitted = curve @ np.linalg.lstsq(curve, colours, rcond=None)[0]
    off = ((colours - fitted) ** 2).sum(axis=1)
    return bool(np.sqrt(off.mean()) < MONOCHROME)


def choose_donors(
    descriptors: np.ndarray,
    identities: Sequence[str],
    groups: Sequence[str],
    k: int = 5,
    seed: int = 0,
    monochrome: Sequence[bool] | None = None,
) -> np.ndarray:
    """Index of a donor for every target, int64 (N,); -1 where there is none.

    Drawn evenly among its k nearest by descriptor (N, D). Candidates share the target's group
    (train, val or test) and have another identity; a monochrome face lends itself to monochrome
    ones only. Where fewer than k exist, all of them count. The same seed gives the same draw.
    Raises ValueError if the lengths differ, k < 1, or a group holds fewer than two identities.
    """
    features = np.asarray(descriptors, dtype=np.float64)
    people = np.unique(np.asarray(identities), return_inverse=True)[1]
    labels, parts = np.unique(np.asarray(groups), return_inverse=True)
    flat = np.zeros(len(people), bool) if monochrome is None else np.asarray(monochrome, bool)
    if not len(features) == len(people) == len(parts) == len(flat) or k < 1:
        raise ValueError(
            "descriptors, identities and groups must have equal lengths and k must be at least 1"
        )
    for part, label in enumerate(labels):
        if len(np.unique(people[parts == part])) < 2:
            raise ValueError(
                f"group '{label}' needs at least two identities to find donors of another identity"
            )
    faces = _Faces(features, people, parts, k)
    everybody = np.arange(len(features))
    in_colour = np.flatnonzero(~flat)
    drawn = _draw(faces.nearest(everybody, everybody), seed)
    # Who drew in vain draws again, apart from the others: their donors stay as they are.
    vain = in_colour[flat[[drawn[i] for i in in_colour]]]
    drawn |= _draw(faces.nearest(vain, in_colour), [seed, 1])
    return np.array([drawn[i] for i in everybody], dtype=np.int64)


def _draw(near: dict[int, np.ndarray], seed: int | list[int]) -> dict[int, int]:
    """Target -> one of its nearest, evenly; -1 where there is none."""
    rng = np.random.default_rng(seed)
    return {i: int(rng.choice(near[i])) if len(near[i]) else -1 for i in sorted(near)}


@dataclass(frozen=True)
class _Faces:
    """Descriptors (N, D), and numbers of people and parts (N,); k: how many nearest are meant."""

    features: np.ndarray
    people: np.ndarray
    parts: np.ndarray
    k: int

    def nearest(self, targets: np.ndarray, lenders: np.ndarray) -> dict[int, np.ndarray]:
        """Target -> its k nearest lenders of another identity in its part, nearest first.

        All are indices.
        """
        near: dict[int, np.ndarray] = {}
        with tqdm(total=len(targets), desc="donors", disable=len(targets) < LONG) as bar:
            for part in np.unique(self.parts[targets]):
                theirs = lenders[self.parts[lenders] == part]
                members = targets[self.parts[targets] == part]
                for some in np.array_split(members, len(members) // SOME + 1):
                    near.update(self._nearest(some, theirs))
                    bar.update(len(some))
        return near

    def _nearest(
        self, targets: np.ndarray, lenders: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray]]:
        """`nearest` in one part. Of two as near, the first comes first.

        What may be among the nearest is found by a matrix product, whose rounding SLACK covers;
        only that is measured exactly.
        """
        if not len(lenders):
            yield from ((target, lenders) for target in targets.tolist())
            return
        features = self.features
        squares = (features**2).sum(axis=1)
        products = features[targets] @ features[lenders].T
        rough = squares[targets][:, None] + squares[lenders] - 2 * products
        rough[self.people[targets][:, None] == self.people[lenders]] = np.inf
        last = min(self.k, len(lenders)) - 1
        reach = np.partition(rough, last, axis=1)[:, last]
        slack = SLACK * (1 + squares.max())
        for row, target in enumerate(targets.tolist()):
            candidates = lenders[(rough[row] <= reach[row] + slack) & np.isfinite(rough[row])]
            exact = cdist(features[target : target + 1], features[candidates])[0]
            yield target, candidates[np.argsort(exact, kind="stable")[: self.k]]
