"""A FaceSet of 24 crops of noise, as several test files need it, and its parts."""

from pathlib import Path

import numpy as np

from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.store import SPLITS, FaceSet

SIZE = 16
SETTINGS = {"size": SIZE, "seed": 0}
BOX = {"x0": 1.5, "y0": 2, "x1": 3, "y1": 4, "probability": 0.99}


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def row(video: str, frame: int, split: str, method: str, source: str = "") -> dict:
    """A manifest's row, without landmarks."""
    about = {"label": int(method != "original"), "video": video, "frame": frame}
    who = {"identity": video.split("_")[0], "source": source, "method": method, "split": split}
    return about | who | BOX


def tiny_set(root: Path, pixel: int | None = None) -> tuple[FaceSet, dict[str, np.ndarray]]:
    """A FaceSet of 2 reals and 2 fakes in each part, two crops a video, and its crops by file."""
    builder = Builder(root, SETTINGS)
    keys = []
    crops = {}
    for i, part in enumerate(reversed(SPLITS)):
        for j, method in enumerate(("original", "swap", "original", "swap")):
            name = f"{i}{j}"
            images = list(noise(2, SIZE, SIZE, 3, seed=10 * i + j))
            if pixel is not None and name == "00":
                images[0][0, 0, 0] = pixel
            rows = [row(name, frame, part, method) for frame in range(2)]
            builder.add(method, name, rows, images, [])
            files = [about["file"] for about in rows]
            crops |= dict(zip(files, images, strict=True))
            keys.append((method, name))
    return builder.finish(keys), crops


def keys_of(faces: FaceSet) -> list[tuple[str, str]]:
    """What a set was finished of: (method, video) in its order."""
    return list(faces.manifest[["method", "video"]].drop_duplicates().itertuples(index=False))
