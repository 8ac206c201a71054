"""Whose face goes onto whose head: the nearest in pose and colour, of another person.

Drawing donors among the nearest in landmarks is one of the steps of L. Li et al., "Face X-ray for
More General Face Forgery Detection", CVPR 2020.
"""

from collections.abc import Sequence

import numpy as np
from scipy.spatial.distance import cdist
from skimage.color import rgb2lab

from tcnsc_lib.faces.forge import align, five_points, sample

CELLS = 4  # the descriptor's colour part is a grid of this many cells a side
CELL = 8  # pixels a side of each
# Colour is corrected after the choice, pose is not: a nose 0.1 aside outweighs any usual gap in
# colour.
POSE_WEIGHT = 15.0


def descriptor(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Pose and colour of a face for `choose_donors`, float32 (58,).

    Euclidean distances between them are meant. The pose part is the ten landmark coordinates in the
    canonical square (translation, scale and rotation are gone), the colour part the mean CIE Lab
    colour in each cell of a 4 x 4 grid over the square, which also tells where the light comes from
    and whether hair hides the forehead. Raises ValueError on bad landmarks.
    """
    side = CELLS * CELL
    to_square = align(landmarks, side)
    pose = to_square(five_points(landmarks)) / side
    lab = rgb2lab(sample(image, to_square, side))
    cells = lab.reshape(CELLS, CELL, CELLS, CELL, 3).mean(axis=(1, 3)) / 50
    both = [POSE_WEIGHT * pose.ravel(), cells.ravel()]
    return np.concatenate(both).astype(np.float32)


def choose_donors(
    descriptors: np.ndarray,
    identities: Sequence[str],
    groups: Sequence[str],
    k: int = 5,
    seed: int = 0,
) -> np.ndarray:
    """Index of a donor for every target, int64 (N,).

    Drawn evenly among its k nearest by descriptor (N, D). Candidates share the target's group
    (train, val or test) and have another identity; where fewer than k exist, all of them count. The
    same seed gives the same draw. Raises ValueError if the lengths differ, k < 1, or a group holds
    fewer than two identities.
    """
    features = np.asarray(descriptors, dtype=np.float64)
    people = np.unique(np.asarray(identities), return_inverse=True)[1]
    labels, parts = np.unique(np.asarray(groups), return_inverse=True)
    if not len(features) == len(people) == len(parts) or k < 1:
        raise ValueError(
            "descriptors, identities and groups must have equal lengths and k must be at least 1"
        )
    for part, label in enumerate(labels):
        if len(np.unique(people[parts == part])) < 2:
            raise ValueError(
                f"group '{label}' needs at least two identities to find donors of another identity"
            )
    rng = np.random.default_rng(seed)
    donors = np.empty(len(features), dtype=np.int64)
    for i in range(len(features)):
        allowed = (parts == parts[i]) & (people != people[i])
        distance = cdist(features[i : i + 1], features)[0]
        order = np.argsort(np.where(allowed, distance, np.inf), kind="stable")
        nearest = order[: min(k, allowed.sum())]
        donors[i] = rng.choice(nearest)
    return donors
