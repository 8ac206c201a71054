"""Four short videos, one of which doesn't decode, and all files that an extraction leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from skimage import data

from tcnsc_lib.faces.clips import Video
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.video import write_video

CUT = FaceSettings(size=32, enlarge=1.3, frames=2)
NAMES = ("000", "001", "000_001", "002")


def listed(root: Path) -> list[Video]:
    """The videos that `film` makes."""
    videos = []
    for name in NAMES:
        method = "Deepfakes" if "_" in name else "original"
        path = root / method / "raw/videos" / f"{name}.mp4"
        masks = (root / "mask.mp4",) if "_" in name else ()
        videos.append(Video(path, name, method, "train", masks))
    return videos


def film(root: Path) -> list[Video]:
    """Two reals, a fake whose mask can't be read, and a real one that doesn't decode."""
    face = data.astronaut()[:200, 130:330]
    videos = listed(root)
    for number, video in enumerate(videos):
        write_video(video.path, np.stack([np.roll(face, 4 * number, axis=1)] * 3), 0)
    broken = videos[-1].path
    broken.write_bytes(broken.read_bytes()[:100])
    (root / "mask.mp4").write_bytes(b"no video")
    return videos


def contents(root: Path) -> dict[str, bytes]:
    """Every file below a folder: crops, pieces, boxes and tables; or a run's."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}
