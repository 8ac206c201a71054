"""What is asked of heat maps: do two agree, and does the heat lie on the forgery (section 4.2.3)?

Maps are compared cell by cell. For pictures, masks and another network's grid they are resampled.
"""
from __future__ import annotations

import numpy as np
import pandas as pd
from pytorch_grad_cam.utils.image import scale_cam_image
from scipy.stats import rankdata

from tcnsc_lib import CompanionError

OTHERS = 20  # maps of other people that each map is compared with


def enlarge(maps: np.ndarray, size: int) -> np.ndarray:
    """Maps (N, cells, cells) as the package grad-cam shows them on a picture.

    Bilinear, float32 (N, size, size) in [0, 1].
    """
    return scale_cam_image(maps, (size, size))


def correlation(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of maps, cell by cell: (..., cells, cells) twice -> (...).

    NaN where one of the two is constant.
    """
    a = _centred_ranks(maps)
    b = _centred_ranks(others)
    sizes = (a**2).sum(-1) * (b**2).sum(-1)
    with np.errstate(invalid="ignore"):
        return (a * b).sum(-1) / np.sqrt(sizes)


def _centred_ranks(maps: np.ndarray) -> np.ndarray:
    """Ranks of the cells of each map around 0: (..., cells, cells) -> (..., cells^2)."""
    cells = maps.reshape(*maps.shape[:-2], -1)
    ranks = rankdata(cells, axis=-1)
    return ranks - ranks.mean(-1, keepdims=True)


def strangers(chosen: pd.DataFrame, seed: int) -> np.ndarray:
    """For each crop, rows of `OTHERS` crops of other people with the same label: int (N, OTHERS).

    chosen: columns unit and label, a row a crop. Drawn with replacement. Raises CompanionError
    where there is nobody else.
    """
    rng = np.random.default_rng([seed, OTHERS])
    y = chosen.label.to_numpy()
    units = chosen.unit.to_numpy()
    rows = []
    for label, unit in zip(y, units, strict=True):
        strange = np.flatnonzero((y == label) & (units != unit))
        if not len(strange):
            raise CompanionError(
                f"All {('real', 'fake')[label]} crops of the test part are of one person or pair, "
                "and heat maps are compared with other people's; take faces of more people.")
        rows.append(rng.choice(strange, OTHERS))
    return np.array(rows)


def on_mask(maps: np.ndarray, area: np.ndarray) -> pd.DataFrame:
    """Does the heat lie on the forgery? maps (N, S, S) in [0, 1], area bool (N, S, S): a row a map.

    inside: share of the heat in the area. hit: 1 if the hottest pixel is in it (the pointing game
    of Zhang et al., ECCV 2016). auc: area under the ROC curve of the heat as a classifier of the
    area's pixels, 1/2 = chance. covered: the area's share of the picture, which is what `inside`
    gives for heat without a place (for `hit` see `chance`).

    NaN for a map without heat, or an area that is empty (then `covered` too) or everything.
    """
    maps = maps.reshape(len(maps), -1).astype(float)
    area = area.reshape(len(area), -1)
    covered = area.mean(1)
    known = (maps.max(1) > 0) & (covered > 0) & (covered < 1)
    heat = maps[known]
    there = area[known]
    hottest = heat.argmax(1)
    table = pd.DataFrame(np.nan, range(len(maps)), ["inside", "hit", "auc"])
    inside = (heat * there).sum(1)
    hit = there[np.arange(len(there)), hottest]
    table.loc[known, "inside"] = inside / heat.sum(1)
    table.loc[known, "hit"] = hit.astype(float)
    table.loc[known, "auc"] = _auc(heat, there)
    return table.assign(covered=np.where(covered > 0, covered, np.nan))


def _auc(heat: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Mann and Whitney's share of pairs, one pixel inside and one outside, with more heat inside.

    heat: float (N, pixels). there: bool (N, pixels), neither empty nor full. Ties count one half.
    """
    n = there.sum(1)
    outside = there.shape[1] - n
    ranks = (rankdata(heat, axis=1) * there).sum(1)
    pairs = ranks - n * (n + 1) / 2
    return pairs / (n * outside)


def chance(area: np.ndarray, cells: int) -> np.ndarray:
    """How often a map of one hot cell, any of them alike, hits: area bool (N, S, S) -> (N,).

    NaN where the area is empty. With few cells the hottest pixel has few places to be, so this
    isn't the area's share of the picture.
    """
    single = np.eye(cells**2, dtype=np.float32).reshape(-1, cells, cells)
    enlarged = enlarge(single, area.shape[1]).reshape(cells**2, -1)
    places = enlarged.argmax(1)
    pixels = area.reshape(len(area), -1)
    hits = pixels[:, places].mean(1)
    return np.where(area.any((1, 2)), hits, np.nan)
