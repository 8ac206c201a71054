"""Read, write and audit videos."""
from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import encode_clip
from tcnsc_lib.files import atomic


def sample_indices(total: int, count: int) -> np.ndarray:
    """`count` frame numbers spread evenly over 0..total-1, both ends included; all of them if there are fewer."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int))


def read_frames(path: Path, indices: np.ndarray | None = None,
                count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Frames at `indices`, or `count` of them spread evenly: their numbers (T,) and uint8 (T, H, W, 3).

    Raises CompanionError where the file is absent, doesn't decode, or ends before a frame that was asked for.
    """
    given = indices is not None
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise CompanionError(f"{path} has no video stream.")
            if indices is None:
                if not (total := container.streams.video[0].frames or count_frames(path)):
                    raise CompanionError(f"{path} has no frames; copy it again.")
                indices = sample_indices(total, count)
            wanted, frames, got = set(map(int, indices)), None, 0
            container.streams.video[0].thread_type = "AUTO"
            for number, frame in enumerate(container.decode(video=0)):
                if number in wanted:
                    if frames is None:
                        frames = np.empty((len(wanted), frame.height, frame.width, 3), np.uint8)
                    frames[got] = frame.to_ndarray(format="rgb24")
                    got += 1
                    if got == len(wanted):
                        break
        if got < len(wanted) and not given and 0 < (total := count_frames(path)) <= max(wanted):
            return read_frames(path, sample_indices(total, count))  # the container promised more than it holds
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise CompanionError(f"{path} doesn't decode ({error}); copy it again.") from error
    if got < len(wanted):
        raise CompanionError(f"{path} ends early: {got} of {len(wanted)} sampled frames; copy it again.")
    return np.asarray(indices), frames


def count_frames(path: Path) -> int:
    """Number of frames, by decoding them: some containers (MPEG-1) don't say."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def write_video(path: Path, frames: np.ndarray, crf: int, fps: int = 25) -> None:
    """Atomically write uint8 (T, H, W, 3) as H.264 in mp4; crf 0 is lossless RGB."""
    with atomic(path) as part:
        part.write_bytes(encode_clip(frames, crf, fps))


def audit_crf(path: Path) -> float | None:
    """The crf a video was really encoded with, from the settings x264 leaves in its stream; None if it left none.

    FaceForensics++ is filed by quality, and copies exist in which a file filed under c23 is crf 40.
    """
    with open(path, "rb") as file:
        head = file.read(1 << 20)
    settings = re.search(rb"x264 - core.{0,2000}?(?:crf|qp)=(\d+(?:\.\d+)?)", head, re.DOTALL)
    return float(settings.group(1)) if settings else None
