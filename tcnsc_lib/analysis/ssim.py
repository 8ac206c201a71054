"""Figures 1 and 5: what compression leaves of a picture. SSIM against RAW (section 4.3) and block borders (section 1).

SSIM: Wang, Bovik, Sheikh and Simoncelli, IEEE Transactions on Image Processing 13(4), 2004. The paper names neither window
nor colours (`paper.OPEN`, 11); ours are those of Wang et al., and `VARIANTS` shows what another choice does.
"""
from __future__ import annotations

import numpy as np
import pandas as pd
from skimage.color import rgb2gray
from skimage.metrics import structural_similarity
from tqdm.auto import tqdm

from tcnsc_lib import paper
from tcnsc_lib.analysis import means, sample
from tcnsc_lib.codecs import codec
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.profiles import Profile, faces

GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}  # Wang et al.'s window, 11 x 11
VARIANTS = {"grey, Gaussian": (True, GAUSSIAN), "colour, Gaussian": (False, GAUSSIAN),
            "grey, 7 x 7": (True, {}), "colour, 7 x 7": (False, {})}
"""Name -> (grey or the mean of R, G and B; window). "7 x 7" is scikit-image's default."""
OURS = "grey, Gaussian"

EACH = 100
BLOCK = 8  # pixels, of JPEG


def ssim(image: np.ndarray, other: np.ndarray, variant: str = OURS) -> float:
    """SSIM of two pictures, uint8 (H, W, 3), at least 11 px a side: 1 if they are the same. variant: of `VARIANTS`."""
    grey, window = VARIANTS[variant]
    if grey:
        return float(structural_similarity(rgb2gray(image), rgb2gray(other), data_range=1.0, **window))
    return float(structural_similarity(image, other, data_range=255, channel_axis=-1, **window))


def blocking(image: np.ndarray) -> float:
    """How much stronger neighbouring pixels differ across the borders of 8 x 8 blocks than inside them.

    uint8 (H, W, 3) -> ratio of mean absolute grey differences; 1: no trace of blocks. A flat picture gives
    1, one of flat blocks infinity. The grid starts in the upper left corner, as JPEG's does.
    """
    grey = rgb2gray(image)
    steps = [np.abs(np.diff(grey, axis=axis)).mean(axis=1 - axis) for axis in (0, 1)]
    border = [np.arange(1, len(step) + 1) % BLOCK == 0 for step in steps]
    across = np.mean([step[at].mean() for step, at in zip(steps, border, strict=True)])
    inside = np.mean([step[~at].mean() for step, at in zip(steps, border, strict=True)])
    if inside == 0:
        return float("inf") if across > 0 else 1.0
    return float(across / inside)


def blocks(p: Profile) -> pd.DataFrame:
    """`blocking` of 100 real and 100 fake test crops after each codec: crop, unit, label, codec, blocking."""
    crops = faces(p)
    chosen = sample(crops, EACH, p.seed)
    images = {name: crops.images(name, "test")[chosen.crop] for name in paper.CODECS}
    return pd.concat([chosen.assign(codec=name, blocking=[blocking(image) for image in images[name]]) for name in images],
                     ignore_index=True)


def same_frame(crops: FaceSet, source: str) -> pd.DataFrame:
    """Fakes of the test part, each with the real crop of the same frame in columns that end in "_real"; one a video."""
    test = crops.rows("test")
    same = ["video"] if source == "photos" else ["identity", "frame"]
    return test[test.label == 1].merge(test[test.label == 0], on=same, suffixes=("", "_real")).drop_duplicates("video")


def figure1(p: Profile) -> pd.DataFrame:
    """Figure 1's panels, a fake crop and the real one of the same frame at RAW HQ MQ LQ.

    crop: row of the test part. bytes: of the file; for RAW, of the bare pixels. mean_abs_difference: from RAW, in grey
    levels. blocking: see there.
    """
    crops, rows = faces(p), []
    pick, files = same_frame(crops, p.source).iloc[0], crops.rows("test").file.tolist()
    for kind, file in (("fake", pick.file), ("real", pick.file_real)):
        raw = crops.load(file)
        for name in paper.CODECS[:4]:
            image = codec(name)(raw)
            rows.append({"face": kind, "crop": files.index(file), "codec": name,
                         "bytes": raw.nbytes if name == "RAW" else len(codec(name).encode(raw)),
                         "mean_abs_difference": np.abs(image.astype(int) - raw).mean(), "blocking": blocking(image)})
    return pd.DataFrame(rows)


def figure5(p: Profile) -> pd.DataFrame:
    """SSIM against RAW of 100 real and 100 fake test crops: crop, unit, label, codec (HQ MQ LQ WEBP), a column a variant."""
    crops, parts = faces(p), []
    chosen = sample(crops, EACH, p.seed)
    raw = crops.images("RAW", "test")
    for name in tqdm(paper.CODECS[1:], desc="SSIM"):
        after = crops.images(name, "test")
        parts.append(chosen.assign(codec=name, **{
            variant: [ssim(raw[i], after[i], variant) for i in chosen.crop] for variant in VARIANTS}))
    return pd.concat(parts, ignore_index=True)


def figure5_means(table: pd.DataFrame) -> pd.DataFrame:
    """The bars of Figure 5 from `figure5`'s table: label, codec, measure (variant), mean, low, high, crops, paper (or NaN)."""
    out = means(table, ["label", "codec"], list(VARIANTS))
    theirs = {(label, name): 1 + paper.FIGURE5.loc[word, name] / 100
              for label, word in enumerate(("real", "fake")) for name in paper.FIGURE5}
    known = [theirs.get((row.label, row.codec), np.nan) if row.measure == OURS else np.nan for row in out.itertuples()]
    return out.assign(paper=known)
