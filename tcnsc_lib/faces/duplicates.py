"""Which pictures show the same: pixel for pixel, or nearly, as a copy in another size or format.

A difference hash tells of a small copy which of two neighbouring pixels is the brighter one: 64
bits of neighbours in rows, and as many of neighbours in columns. Two pictures are near-duplicates
where both hashes differ in at most `NEAR` bits. The first one finds them, by scikit-learn's search
for neighbours; the second one confirms it, since tight crops of two people may agree in one of the
two.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import NearestNeighbors

NEAR = 4  # bits of 64
SIDE = 8


def hashes(image: np.ndarray) -> tuple[str, str]:
    """Both difference hashes of a picture, uint8 (H, W, 3): 16 hexadecimal digits each."""
    grey = Image.fromarray(image).convert("L")
    wide = _small(grey, SIDE + 1, SIDE)
    high = _small(grey, SIDE, SIDE + 1)
    return _digits(np.diff(wide, axis=1) > 0), _digits(np.diff(high, axis=0) > 0)


def _small(grey: Image.Image, width: int, height: int) -> np.ndarray:
    return np.asarray(grey.resize((width, height), Image.Resampling.LANCZOS)).astype(int)


def _digits(bits: np.ndarray) -> str:
    return np.packbits(bits).tobytes().hex()


def _bits(digits: Sequence[str]) -> np.ndarray:
    """Hexadecimal digits of N hashes -> bool (N, 64)."""
    data = np.frombuffer(bytes.fromhex("".join(digits)), np.uint8)
    return np.unpackbits(data.reshape(-1, SIDE), axis=1).astype(bool)


def near(pairs_of_hashes: Sequence[tuple[str, str]]) -> np.ndarray:
    """For each picture the number of its group: int (N,), counted from 0 in order of appearance.

    Near-duplicates, and what near-duplicates tie to each other, are one group.
    """
    if not pairs_of_hashes:
        return np.empty(0, int)
    each: dict[tuple[str, str], int] = {}
    which = [each.setdefault(pair, len(each)) for pair in pairs_of_hashes]
    rows = _bits([pair[0] for pair in each])
    columns = _bits([pair[1] for pair in each])
    # Of ones and zeros, the square of the Euclidean distance is the number that differ.
    radius = (NEAR + 0.5) ** 0.5
    search = NearestNeighbors(radius=radius, algorithm="brute").fit(rows.astype(np.float32))
    close = np.column_stack(search.radius_neighbors_graph().nonzero())
    differ = (columns[close[:, 0]] != columns[close[:, 1]]).sum(1)
    return tied(len(each), close[differ <= NEAR])[which]


def tied(count: int, pairs: np.ndarray) -> np.ndarray:
    """The number of each thing's group, int (count,), where pairs, int (P, 2), tie two of them."""
    ends = np.asarray(pairs, int).reshape(-1, 2)
    edges = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return connected_components(edges, directed=False)[1].astype(int)
