"""Read, write and audit videos."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import regular
from tcnsc_lib.codecs import encode_clip
from tcnsc_lib.faces import screen
from tcnsc_lib.files import write_bytes

Turn = tuple[int, int]
EVERY: Turn = (0, 1)  # every sampled frame
SAME_RATE = 0.01  # by which the rates of two copies may differ, of the larger one
CURE = "copy it again"


class EndsEarly(CompanionError):
    """A video has fewer frames than were asked for. total: how many it has."""

    def __init__(self, message: str, total: int) -> None:
        super().__init__(message)
        self.total = total


@dataclass(frozen=True)
class Film:
    """What a video says of itself.

    height, width: of a frame as it is shown, pixels. frames: how many; some containers promise more
    than they hold. rate: frames a second, 0 where it isn't said.
    """

    height: int
    width: int
    frames: int
    rate: float

    def has_rate_of(self, rate: float) -> bool:
        """Whether another rate may be that of the same film; one that isn't said may be any."""
        slower = min(self.rate, rate)
        faster = max(self.rate, rate)
        return not slower or faster - slower <= SAME_RATE * faster


def sample_indices(total: int, count: int, turn: Turn = EVERY) -> np.ndarray:
    """`count` frame numbers spread evenly over 0..total-1, both ends included.

    All of them if there are fewer. Of these only those of a turn (i, k): the i-th, counted from 0,
    and every k-th after it; the last one where there are too few for that.
    """
    places = np.linspace(0, total - 1, min(count, total))
    numbers = np.unique(places.round().astype(int))
    first, step = turn
    return numbers[min(first, len(numbers) - 1) :: step]


# ---------------------------------------------------------------- reading


def about(path: Path) -> Film:
    """What a video says of itself; one frame is decoded. Raises CompanionError as `frames_of`."""
    with _opened(path) as (container, stream):
        frame = next(container.decode(stream), None)
        if frame is None:
            raise CompanionError(f"{path} has no frames; {CURE}.")
        _check(path, frame)
        height, width = screen.shown(frame, stream).shape[:2]
        rate = float(stream.average_rate or 0)
        frames = stream.frames
    return Film(height, width, frames or count_frames(path), round(rate, 3))


def count_frames(path: Path) -> int:
    """Number of frames, by decoding them: some containers (MPEG-1) don't say."""
    with _opened(path) as (container, stream):
        return sum(1 for _ in container.decode(stream))


def frames_of(path: Path, numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The frames of these numbers as players show them, one at a time: number, uint8 (H, W, 3).

    No more than one is held. Raises CompanionError where no regular file lies there, where it
    doesn't decode, can't be shown (HDR), changes its size, or ends before a frame asked for; that
    is an `EndsEarly`.
    """
    wanted = set(map(int, numbers))
    got = 0
    total = 0
    shape = None
    with _opened(path) as (container, stream):
        for number, frame in enumerate(container.decode(stream)):
            total = number + 1
            if number not in wanted:
                continue
            _check(path, frame)
            picture = screen.shown(frame, stream)
            shape = shape or picture.shape
            if picture.shape != shape:
                raise _changes(path, number, shape, picture.shape)
            yield number, picture
            got += 1
            if got == len(wanted):
                return
    message = f"{path} ends early: {got} of {len(wanted)} sampled frames; {CURE}."
    raise EndsEarly(message, total)


def read_frames(
    path: Path, indices: np.ndarray | None = None, count: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Frames at `indices`, or `count` of them spread evenly: numbers (T,), uint8 (T, H, W, 3).

    All are held at once: for short videos. Raises CompanionError as `frames_of`.
    """
    if indices is not None:
        wanted = np.asarray(indices)
        return wanted, _all(path, wanted)
    wanted = sample_indices(about(path).frames, count)
    try:
        return wanted, _all(path, wanted)
    except EndsEarly as error:
        # The container promised more frames than it holds.
        if not error.total:
            raise
        wanted = sample_indices(error.total, count)
        return wanted, _all(path, wanted)


def _all(path: Path, numbers: np.ndarray) -> np.ndarray:
    frames = None
    for i, (_, picture) in enumerate(frames_of(path, numbers)):
        if frames is None:
            frames = np.empty((len(set(numbers.tolist())), *picture.shape), np.uint8)
        frames[i] = picture
    return frames


@contextmanager
def _opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """A video and its film; whatever goes wrong with it becomes one sentence."""
    path = regular(path, sys.maxsize, CURE)
    try:
        with open(path, "rb") as file, av.open(file) as container:
            stream = screen.film(container)
            codec = stream.codec_context
            _check_size(path, codec.width, codec.height)
            stream.thread_type = "AUTO"
            yield container, stream
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise CompanionError(f"{path} doesn't decode ({error}); {CURE}.") from error


def _check(path: Path, frame: av.VideoFrame) -> None:
    """Refuse what can't be shown as it is."""
    _check_size(path, frame.width, frame.height)
    reason = screen.not_shown(frame)
    if reason:
        raise CompanionError(f"{path} {reason}.")


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > screen.LARGEST_FRAME:
        raise CompanionError(
            f"{path} has frames of {width} x {height} pixels; make it smaller, or remove it."
        )


def _changes(path: Path, number: int, before: tuple, after: tuple) -> CompanionError:
    sizes = [f"{width} x {height}" for height, width, _ in (before, after)]
    return CompanionError(
        f"{path} changes its frame size at frame {number}, from {sizes[0]} to {sizes[1]}; cut it "
        "there into two videos, or remove it."
    )


# ---------------------------------------------------------------- writing, auditing


def write_video(path: Path, frames: np.ndarray, crf: int, fps: int = 25) -> None:
    """Atomically write uint8 (T, H, W, 3) as H.264 in mp4; crf 0 is lossless RGB."""
    write_bytes(path, encode_clip(frames, crf, fps))


def audit_crf(path: Path) -> float | None:
    """The crf a video was really encoded with; None if its encoder left no trace of it.

    x264 leaves its settings in the stream. FaceForensics++ is filed by quality, and copies exist in
    which a file filed under c23 is crf 40.
    """
    with open(regular(path, sys.maxsize, CURE), "rb") as file:
        head = file.read(1 << 20)
    pattern = rb"x264 - core.{0,2000}?(?:crf|qp)=(\d+(?:\.\d+)?)"
    settings = re.search(pattern, head, re.DOTALL)
    return float(settings.group(1)) if settings else None
