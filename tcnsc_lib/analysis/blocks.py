"""Figure 1: what compression does to a picture, above all at the borders of blocks (section 1)."""
from __future__ import annotations

import numpy as np
import pandas as pd
from skimage.color import rgb2gray

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.analysis import sample, some
from tcnsc_lib.codecs import codec
from tcnsc_lib.faces.store import FaceSet

EACH = 100
BLOCK = 8  # pixels, of JPEG
SHOWN = paper.CODECS[:4]  # RAW HQ MQ LQ: the panels of the figure


def blocking(image: np.ndarray) -> float:
    """How much stronger neighbouring pixels differ across the borders of 8 x 8 blocks than inside.

    uint8 (H, W, 3) -> ratio of mean absolute grey differences; 1: no trace of blocks. A flat
    picture gives 1, one of flat blocks infinity. The grid starts in the upper left corner, as that
    of JPEG does. Raises CompanionError for a picture without a border: fewer than 9 px a side.
    """
    if min(image.shape[:2]) <= BLOCK:
        raise CompanionError(
            f"A picture of shape {image.shape} has no border of 8 x 8 blocks in it; take crops of "
            "9 pixels a side or more.")
    grey = rgb2gray(image)
    borders = []
    insides = []
    for axis in (0, 1):
        step = np.abs(np.diff(grey, axis=axis)).mean(axis=1 - axis)
        at_border = np.arange(1, len(step) + 1) % BLOCK == 0
        borders.append(step[at_border].mean())
        insides.append(step[~at_border].mean())
    across = np.mean(borders)
    inside = np.mean(insides)
    if inside == 0:
        return float("inf") if across > 0 else 1.0
    return float(across / inside)


def blocks(crops: FaceSet, seed: int) -> pd.DataFrame:
    """`blocking` of 100 real and 100 fake test crops after each codec.

    Columns crop, unit, label, codec, blocking.
    """
    chosen = sample(crops, EACH, seed)
    parts = []
    for name in paper.CODECS:
        images = crops.images(name, "test")[chosen.crop]
        ratios = [blocking(image) for image in images]
        parts.append(chosen.assign(codec=name, blocking=ratios))
    return pd.concat(parts, ignore_index=True)


def figure1(crops: FaceSet, pairs: pd.DataFrame) -> pd.DataFrame:
    """Figure 1's panels: a fake crop and the real one of the same frame at RAW HQ MQ LQ.

    pairs: `FaceSet.pairs`, of which the first is shown. crop: row of the test part. bytes: of the
    file; for RAW, of the bare pixels. mean_abs_difference: from RAW, in grey levels. blocking: see
    there. Raises CompanionError where there is no pair.
    """
    pick = some(pairs).iloc[0]
    files = crops.rows("test").file.tolist()
    rows = []
    for face, file in (("fake", pick.file), ("real", pick.file_real)):
        raw = crops.load(file)
        for name in SHOWN:
            about = {"face": face, "crop": files.index(file), "codec": name}
            rows.append({**about, **_panel(raw, name)})
    return pd.DataFrame(rows)


def _panel(raw: np.ndarray, name: str) -> dict[str, float]:
    """What is written under one panel: uint8 (S, S, 3) and a codec's name -> numbers."""
    image = codec(name)(raw)
    size = raw.nbytes if name == "RAW" else len(codec(name).encode(raw))
    difference = np.abs(image.astype(int) - raw).mean()
    return {"bytes": size, "mean_abs_difference": difference, "blocking": blocking(image)}
