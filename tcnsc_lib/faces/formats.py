"""How a picture's file was written: format, size, JPEG's quality, tables and colour resolution.

Real pictures and fakes of different origin often differ in these. Then a detector may learn the
file instead of the face, so `confounds` counts how much each of them alone would tell.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, JpegImagePlugin

from tcnsc_lib.faces.manifest import KINDS
from tcnsc_lib.faces.opening import FORMATS
from tcnsc_lib.files import digest

SAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}  # as Pillow counts
NONE = "none"  # of what only JPEG files have
LIMIT = 0.60  # of a share that is told, above which a property is a warning
ERRORS = 3  # standard errors by which it must differ from 1/2 as well

FEATURES = {
    "format": "file format",
    "size": "pixel size",
    "quality": "JPEG quality",
    "tables": "quantisation tables",
    "sampling": "chroma subsampling",
}
"""Field of `Written` -> what it is called."""


class Written(NamedTuple):
    """How a file was written, as words. size: width x height of the file, in pixels.

    quality: 1 to 100, of the encoder's standard tables whichever are nearest. tables: a digest.
    "none" where it is no JPEG file.
    """

    format: str
    size: str
    quality: str
    tables: str
    sampling: str


def written(path: Path) -> Written:
    """What a file's header says; the pixels aren't decoded. Raises what Pillow raises."""
    with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
        size = f"{image.width} x {image.height}"
        if not isinstance(image, JpegImagePlugin.JpegImageFile):
            return Written(str(image.format), size, NONE, NONE, NONE)
        tables = {place: list(table) for place, table in image.quantization.items()}
        sampling = "grey" if image.mode == "L" else SAMPLING.get(_sampling(image), "other")
        quality = NONE if not tables else str(_quality(tables[min(tables)]))
        return Written(str(image.format), size, quality, digest(tables), sampling)


def _sampling(image: JpegImagePlugin.JpegImageFile) -> int:
    return JpegImagePlugin.get_sampling(image)


def _quality(table: Sequence[int]) -> int:
    """The quality whose standard luminance table is nearest to this one of 64 numbers."""
    distances = np.abs(_standard() - np.array(table)).sum(1)
    return 100 - int(distances[::-1].argmin())


@cache
def _standard() -> np.ndarray:
    """The luminance table of each quality from 1 to 100: int (100, 64)."""
    found = []
    for quality in range(1, 101):
        file = io.BytesIO()
        Image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
        with Image.open(file) as image:
            found.append(image.quantization[0])
    return np.array(found)


# ---------------------------------------------------------------- what it would tell


def confounds(files: Sequence[Written], labels: Sequence[int]) -> pd.DataFrame:
    """How often each property alone tells real from fake: a row each, in the order of FEATURES.

    files, labels: of the same pictures; 0 real, 1 fake. Each file is called what most of the
    *others* with the same value are, a real and a fake counting so much that all of a label weigh
    alike; a draw counts one half. Columns what; tells: the mean of both labels' shares of right
    calls, 1/2 is chance; warns: whether it is above LIMIT, and farther from 1/2 than ERRORS
    standard errors of so many files.
    """
    table = pd.DataFrame(files, columns=list(Written._fields))
    y = np.array(labels, int)
    totals = np.bincount(y, minlength=2)
    spread = 0.25 * np.sqrt((1 / np.maximum(totals, 1)).sum())
    rows = []
    for name, what in FEATURES.items():
        tells = _told_by(table[name], y)
        rows.append((what, tells, bool(tells > max(LIMIT, 0.5 + ERRORS * spread))))
    return pd.DataFrame(rows, columns=["what", "tells", "warns"])


def _told_by(values: pd.Series, y: np.ndarray) -> float:
    """The share of right calls by one property, see `confounds`; 1/2 where a label is missing."""
    if not len(y):
        return 0.5
    counts = pd.crosstab(values.to_numpy(), y).reindex(columns=[0, 1], fill_value=0).to_numpy()
    totals = counts.sum(0)
    if not totals.all():
        return 0.5
    shares = []
    for label in (0, 1):
        own = counts[:, label]
        # In whole numbers: (own - 1) / (totals - 1) against the other label's share.
        here = (own - 1) * totals[1 - label]
        there = counts[:, 1 - label] * (totals[label] - 1)
        right = np.where(here == there, 0.5, here > there)
        shares.append((own * right).sum() / totals[label])
    return float(np.mean(shares))


def typical(files: Sequence[Written], labels: Sequence[int]) -> list[str]:
    """What real files and fakes mostly are: "real: 96 % JPEG at quality 95, ..." a sentence each.

    Each number is the share of the label's files that have the most frequent value.
    """
    table = pd.DataFrame(files, columns=list(Written._fields)).assign(label=list(labels))
    found = []
    for label, kind in enumerate(KINDS):
        own = table[table.label == label]
        if own.empty:
            continue
        words = [_most(own.format), _most(own["size"], " px")]
        jpeg = own[own.quality != NONE]
        if len(jpeg):
            words.append(f"of the JPEG files {_most(jpeg.quality, before='quality ')}")
            words.append(_most(jpeg.sampling))
        found.append(f"{kind}: {', '.join(words)}")
    return found


def _most(values: pd.Series, unit: str = "", before: str = "") -> str:
    """The most frequent value and its share: "96 % JPEG"; of two alike the first by name."""
    counts = values.value_counts()
    first = min(counts.index[counts == counts.max()])
    return f"{100 * counts.max() / len(values):.0f} % {before}{first}{unit}"
