"""Figure 5: structural similarity (SSIM) of compressed crops to themselves on RAW (section 4.3).

SSIM: Wang, Bovik, Sheikh and Simoncelli, IEEE Transactions on Image Processing 13(4), 2004. The
paper names neither window nor colours (`paper.OPEN`, 11). Ours are those of Wang et al., and
`VARIANTS` shows what another choice does.
"""
from __future__ import annotations

import numpy as np
import pandas as pd
from skimage.color import rgb2gray
from skimage.metrics import structural_similarity
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.analysis import means, sample
from tcnsc_lib.faces.store import FaceSet

GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
"""Wang et al.'s window, 11 x 11."""

VARIANTS = {
    "grey, Gaussian": (True, GAUSSIAN),
    "colour, Gaussian": (False, GAUSSIAN),
    "grey, 7 x 7": (True, {}),
    "colour, 7 x 7": (False, {})}
"""Name -> (grey or the mean of R, G and B; window). "7 x 7" is scikit-image's default."""

OURS = "grey, Gaussian"
EACH = 100
SMALLEST = 11  # pixels a side: the window


def ssim(image: np.ndarray, other: np.ndarray, variant: str = OURS) -> float:
    """SSIM of two pictures, uint8 (H, W, 3): 1 if they are the same. variant: of `VARIANTS`.

    Raises CompanionError for pictures smaller than the window of 11 x 11 pixels.
    """
    if min(image.shape[:2]) < SMALLEST:
        raise CompanionError(
            f"SSIM needs pictures of {SMALLEST} pixels a side or more, not of shape {image.shape}; "
            "take larger crops.")
    grey, window = VARIANTS[variant]
    if grey:
        pair = (rgb2gray(image), rgb2gray(other))
        return float(structural_similarity(*pair, data_range=1.0, **window))
    value = structural_similarity(image, other, data_range=255, channel_axis=-1, **window)
    return float(value)


def figure5(crops: FaceSet, seed: int) -> pd.DataFrame:
    """SSIM against RAW of 100 real and 100 fake test crops.

    Columns crop, unit, label, codec (HQ MQ LQ WEBP), and one for each of `VARIANTS`.
    """
    chosen = sample(crops, EACH, seed)
    raw = crops.images("RAW", "test")[chosen.crop]
    parts = []
    for name in tqdm(paper.CODECS[1:], desc="SSIM"):
        after = crops.images(name, "test")[chosen.crop]
        part = chosen.assign(codec=name)
        for variant in VARIANTS:
            part[variant] = [ssim(a, b, variant) for a, b in zip(raw, after, strict=True)]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def figure5_means(table: pd.DataFrame) -> pd.DataFrame:
    """The bars of Figure 5 from `figure5`'s table.

    Columns label, codec, measure (variant), mean, low, high, crops, and the paper's SSIM (or NaN).
    """
    out = means(table, ["label", "codec"], list(VARIANTS))
    known = [_printed(*row) for row in zip(out.label, out.codec, out.measure, strict=True)]
    return out.assign(paper=known)


def _printed(label: int, name: str, variant: str) -> float:
    """What the paper says of this bar; NaN where it says nothing."""
    if variant != OURS or name not in paper.FIGURE5:
        return np.nan
    change = paper.FIGURE5.loc[("real", "fake")[label], name]  # in percent
    return 1 + change / 100
