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
    """`count` frame numbers spread evenly over 0..total-1, both ends included.

    All of them if there are fewer.
    """
    places = np.linspace(0, total - 1, min(count, total))
    return np.unique(places.round().astype(int))


def read_frames(
    path: Path, indices: np.ndarray | None = None, count: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Frames at `indices`, or `count` of them spread evenly: numbers (T,), uint8 (T, H, W, 3).

    Raises CompanionError where the file is absent, doesn't decode, or ends before a frame that was
    asked for.
    """
    try:
        wanted = _evenly(path, count) if indices is None else np.asarray(indices)
        frames = _decode(path, wanted)
        if indices is None and len(frames) < len(wanted):
            # The container may have promised more frames than it holds.
            total = count_frames(path)
            if 0 < total <= max(wanted):
                wanted = sample_indices(total, count)
                frames = _decode(path, wanted)
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise CompanionError(f"{path} doesn't decode ({error}); copy it again.") from error
    asked = len(set(wanted.tolist()))
    if len(frames) < asked:
        raise CompanionError(
            f"{path} ends early: {len(frames)} of {asked} sampled frames; copy it again."
        )
    return wanted, frames


def _evenly(path: Path, count: int) -> np.ndarray:
    """Numbers of `count` frames, spread evenly over as many as the container says there are."""
    with av.open(str(path)) as container:
        total = _stream(container, path).frames or count_frames(path)
    if not total:
        raise CompanionError(f"{path} has no frames; copy it again.")
    return sample_indices(total, count)


def _decode(path: Path, indices: np.ndarray) -> np.ndarray:
    """As many of these frames as the video has, in its order: uint8 (T, H, W, 3)."""
    wanted = set(map(int, indices))
    frames = None
    got = 0
    with av.open(str(path)) as container:
        _stream(container, path).thread_type = "AUTO"
        for number, frame in enumerate(container.decode(video=0)):
            if number not in wanted:
                continue
            if frames is None:
                frames = np.empty((len(wanted), frame.height, frame.width, 3), np.uint8)
            frames[got] = frame.to_ndarray(format="rgb24")
            got += 1
            if got == len(wanted):
                break
    return np.empty((0, 0, 0, 3), np.uint8) if frames is None else frames[:got]


def _stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    if not container.streams.video:
        raise CompanionError(f"{path} has no video stream; copy it again.")
    return container.streams.video[0]


def count_frames(path: Path) -> int:
    """Number of frames, by decoding them: some containers (MPEG-1) don't say."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def write_video(path: Path, frames: np.ndarray, crf: int, fps: int = 25) -> None:
    """Atomically write uint8 (T, H, W, 3) as H.264 in mp4; crf 0 is lossless RGB."""
    with atomic(path) as part:
        part.write_bytes(encode_clip(frames, crf, fps))


def audit_crf(path: Path) -> float | None:
    """The crf a video was really encoded with; None if its encoder left no trace of it.

    x264 leaves its settings in the stream. FaceForensics++ is filed by quality, and copies exist in
    which a file filed under c23 is crf 40.
    """
    with open(path, "rb") as file:
        head = file.read(1 << 20)
    pattern = rb"x264 - core.{0,2000}?(?:crf|qp)=(\d+(?:\.\d+)?)"
    settings = re.search(pattern, head, re.DOTALL)
    return float(settings.group(1)) if settings else None
