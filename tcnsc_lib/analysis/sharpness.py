"""How smooth a face is, as one number: grain, and the cue that sharpness alone gives (section 1).

All is measured from second differences along the rows of the inner face, of the mean of R, G and B.
They cancel smooth shading and keep fine detail: noise, skin, edges.
"""
from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from tcnsc_lib import paper
from tcnsc_lib.analysis import both_kinds
from tcnsc_lib.codecs import codec
from tcnsc_lib.faces import forge
from tcnsc_lib.faces.masks import face_mask
from tcnsc_lib.faces.store import FaceSet

FAKE = "fake against real"
SMALL = "itself at low resolution against real"
FULL = "itself at full resolution against real"


def _second_difference(images: np.ndarray) -> np.ndarray:
    """Of the inner face, the middle third of each side: uint8 (N, S, S, 3) -> float (N, h, w)."""
    s = images.shape[1]
    middle = slice(s // 3, 2 * s // 3)
    inner = images[:, middle, middle].mean(-1)
    return inner[:, :, :-2] - 2 * inner[:, :, 1:-1] + inner[:, :, 2:]


def grain(images: np.ndarray) -> float:
    """Noise level of crops in grey levels: uint8 (N, S, S, 3) -> standard deviation, mean over N.

    A Gaussian's median absolute value is 0.6745 sigma, and the second difference of noise has
    1 + 4 + 1 times its variance.
    """
    typical = np.median(np.abs(_second_difference(images)), axis=(1, 2))
    return typical.mean() / (0.6745 * 6**0.5)


def trace(crops: FaceSet) -> pd.DataFrame:
    """`grain` of all fake and all real test crops: a row each (column face), a column a codec.

    Raises CompanionError where one of the two is missing.
    """
    y = both_kinds(crops)
    table = pd.DataFrame({"face": ["fake", "real"]})
    for name in paper.CODECS:
        images = crops.images(name, "test")
        table[name] = [grain(images[y == label]) for label in (1, 0)]
    return table


def sharpness(images: np.ndarray) -> np.ndarray:
    """Mean absolute second difference of each crop, in grey levels, from 0 on.

    uint8 (N, S, S, 3), S at least 9 -> float64 (N,).
    """
    return np.abs(_second_difference(images)).mean(axis=(1, 2))


def cue(crops: FaceSet, bottleneck: int) -> pd.DataFrame:
    """How well low `sharpness` alone tells fake test crops from real ones, and resampling from not.

    bottleneck: side of a swap's square, px of the crops; less than `forge.LEAST` is taken as that.
    Three rows, by the column `case`: fake crops against real ones; real crops whose own face was
    passed through such a square (`forge.resampled`) against the same crops untouched; and the same
    at each crop's own resolution. Real crops without landmarks are left out of the last two.
    side: of the square, px (the median where it is each crop's own; NaN for fakes). crops: how many
    are to be told from real ones. Then a column a codec, applied last: the AUC in percent, of which
    50 means that the number tells nothing, less that they are the sharper ones; NaN without crops.
    Deterministic. Raises CompanionError where real crops or fakes are missing.
    """
    y = both_kinds(crops)
    stored = pd.DataFrame({name: _each(crops.images(name, "test")) for name in paper.CODECS})
    rows = [_row(FAKE, np.nan, stored[y == 1], stored[y == 0])]
    points = crops.landmarks("test")
    known = (y == 0) & np.isfinite(points).all(axis=(1, 2))
    own = [forge.own_resolution(face) for face in points[known]]
    small = [max(forge.LEAST, bottleneck)] * len(own)
    raw = crops.images("RAW", "test")
    for case, sides in ((SMALL, small), (FULL, own)):
        scores = []
        for i, side in zip(np.flatnonzero(known), sides, strict=True):
            passed = _itself(raw[i], points[i], side)
            scores.append({name: _one(codec(name)(passed)) for name in paper.CODECS})
        median = pd.Series(sides, dtype=float).median()
        soft = pd.DataFrame(scores, columns=paper.CODECS)
        rows.append(_row(case, median, soft, stored[known]))
    return pd.DataFrame(rows)


def _itself(image: np.ndarray, landmarks: np.ndarray, side: int) -> np.ndarray:
    """A crop whose own face was passed through a square of `side` px: uint8 (S, S, 3)."""
    return forge.resampled(image, landmarks, face_mask(landmarks, image.shape), side)


def _one(image: np.ndarray) -> float:
    return float(sharpness(image[None])[0])


def _each(images: np.ndarray) -> list[float]:
    """`sharpness` of many crops, one at a time: all at once may not fit into memory."""
    return [_one(image) for image in images]


def _row(case: str, side: float, soft: pd.DataFrame, sharp: pd.DataFrame) -> dict:
    """A row of `cue`. soft, sharp: sharpness, a row a crop, a column a codec."""
    row = {"case": case, "side": side, "crops": len(soft)}
    for name in paper.CODECS:
        row[name] = _auc(soft[name].to_numpy(), sharp[name].to_numpy())
    return row


def _auc(soft: np.ndarray, sharp: np.ndarray) -> float:
    """How often one of the first is less sharp than one of the second, in percent."""
    if not len(soft):
        return float("nan")
    labels = np.repeat([1, 0], [len(soft), len(sharp)])
    return 100 * float(roc_auc_score(labels, -np.concatenate([soft, sharp])))
