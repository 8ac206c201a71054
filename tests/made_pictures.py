"""Small pictures with labels, as folders of them: noise of large blocks, no two of them alike."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from tcnsc_lib.faces.store import SPLITS

SIDE = 32


def blocks(seed: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """A picture of 8 x 8 blocks: uint8 (H, W, 3)."""
    colours = np.random.default_rng(seed).integers(0, 256, (8, 8, 3))
    rows = np.arange(height) * 8 // height
    columns = np.arange(width) * 8 // width
    return colours[rows[:, None], columns].astype(np.uint8)


def save(path: Path, image: np.ndarray, **how) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **how)
    return path


def undivided(root: Path, count: int = 20) -> Path:
    """<root>/{real,fake} with so many pictures in each, all PNG and all different."""
    for i in range(count):
        save(root / "real" / f"{i:02d}.png", blocks(i))
        save(root / "fake" / f"{i:02d}.png", blocks(1000 + i))
    return root


def divided(root: Path, count: int = 3, parts: Iterable[str] = SPLITS) -> Path:
    """The same in each of these parts."""
    for k, part in enumerate(parts):
        for i in range(count):
            seed = 100 * k + i
            save(root / part / "real" / f"{i:02d}.png", blocks(seed))
            save(root / part / "fake" / f"{i:02d}.png", blocks(1000 + seed))
    return root


def table(root: Path, *rows: str, columns: str = "file,label,person,source,split") -> Path:
    """Write labels.csv."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "labels.csv").write_text("\n".join([columns, *rows, ""]), encoding="utf-8")
    return root


def as_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """What a JPEG file of this quality keeps of a picture."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    with Image.open(file) as read:
        return np.asarray(read.convert("RGB"))
