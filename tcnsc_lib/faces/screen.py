"""A video as players show it: the right stream; frames upright, with square pixels, in RGB."""

from __future__ import annotations

import struct

import av
import numpy as np
from av.stream import Disposition
from PIL import Image

LARGEST_FRAME = 70_000_000  # pixels; 8K has 33 million
PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
"""Streams that are a cover or previews, not a film."""
SMALL = 0.5  # of another stream's pixels, in all frames: a stream so small is a preview
HDR = {16: "PQ", 18: "HLG"}  # transfer curves, as the standards number them
UNREAD = {8: "YCgCo", 10: "BT.2020 with constant luminance", 14: "ICtCp", 15: "IPT"}
"""Colour matrices that aren't undone; others are, as the stream says."""
SQUEEZED = 4  # a pixel is at most so many times as wide as high, or as high as wide
WHITE = 255


# ---------------------------------------------------------------- which stream


def film(container: av.container.InputContainer) -> av.VideoStream:
    """The stream that is the film: neither a cover nor previews.

    It is the container's default one, but where that merely comes first and is small beside
    another. Raises ValueError where there is none.
    """
    streams = container.streams.video
    films = [stream for stream in streams if not stream.disposition & PICTURES]
    if not films:
        reason = "it has a cover picture only" if streams else "it has no video stream"
        raise ValueError(reason)
    chosen = [stream for stream in films if stream.disposition & Disposition.default]
    best = (chosen or films)[0]
    if best is films[0]:
        # Some writers mark whatever comes first.
        all_counted = all(_frames(stream) for stream in films)
        sizes = [_size(stream, all_counted) for stream in films]
        if sizes[0] < SMALL * max(sizes):
            return films[int(np.argmax(sizes))]
    return best


def _frames(stream: av.VideoStream) -> int:
    """How many frames a stream has; 0 where its container doesn't say."""
    return stream.frames or 0


def _size(stream: av.VideoStream, all_counted: bool) -> int:
    """Pixels of a stream: of all its frames, or of one."""
    pixels = stream.codec_context.width * stream.codec_context.height
    return pixels * _frames(stream) if all_counted else pixels


# ---------------------------------------------------------------- what it shows


def not_shown(frame: av.VideoFrame) -> str:
    """Why a frame's colours can't be shown as they are, and what to do; "" where they can."""
    curve = int(frame.color_trc)
    if curve in HDR:
        return f"is HDR ({HDR[curve]}), which isn't read; convert it to SDR, or remove it"
    matrix = int(frame.colorspace)
    if matrix in UNREAD:
        return f"has colours in {UNREAD[matrix]}, which isn't read; convert it to BT.709"
    return ""


def shown(frame: av.VideoFrame, stream: av.VideoStream) -> np.ndarray:
    """A decoded frame as players show it: uint8 (H, W, 3), RGB.

    Colour matrix, range and bit depth are the stream's, BT.601 where it doesn't say; pixels are
    made square, transparent places white; turned and mirrored as the display matrix says. Raises
    ValueError for a matrix that turns by other than quarters.
    """
    picture = _square(_rgb(frame), _aspect(stream))
    return np.ascontiguousarray(_upright(picture, _matrix(frame)))


def _rgb(frame: av.VideoFrame) -> np.ndarray:
    """In RGB, on white where it is transparent; as stored otherwise."""
    is_alpha = [component.is_alpha for component in frame.format.components]
    if not any(is_alpha) and frame.format.name != "pal8":
        return frame.to_ndarray(format="rgb24")
    full = frame.to_ndarray(format="rgba")
    alpha = full[..., 3:].astype(np.uint32)
    if alpha.min() == WHITE:
        return full[..., :3]
    mixed = full[..., :3] * alpha + WHITE * (WHITE - alpha)
    return ((mixed + WHITE // 2) // WHITE).astype(np.uint8)


def _aspect(stream: av.VideoStream) -> float:
    """How many times as wide as high a pixel is shown. Raises ValueError for what can't be."""
    aspect = stream.sample_aspect_ratio
    if not aspect or aspect < 0:
        return 1.0
    if not 1 / SQUEEZED <= aspect <= SQUEEZED:
        raise ValueError(f"it says that its pixels are {aspect} times as wide as high")
    return float(aspect)


def _square(picture: np.ndarray, aspect: float) -> np.ndarray:
    """With square pixels; the side that is squeezed is stretched."""
    height, width = picture.shape[:2]
    wide = round(width * max(aspect, 1))
    high = round(height / min(aspect, 1))
    if (wide, high) == (width, height):
        return picture
    resized = Image.fromarray(picture).resize((wide, high), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def _matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """a, b, c, d of the display matrix: the pixel at x, y is shown at a x + c y, b x + d y."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data))
    return a, b, c, d


def _upright(picture: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Turned by quarters and mirrored as a display matrix says."""
    a, b, c, d = matrix
    is_straight = a and d and abs(a) > 99 * abs(b) and abs(d) > 99 * abs(c)
    is_turned = b and c and abs(b) > 99 * abs(a) and abs(c) > 99 * abs(d)
    if is_straight:
        across = a
        down = d
    elif is_turned:
        picture = picture.swapaxes(0, 1)
        across = c
        down = b
    else:
        raise ValueError("it is shown turned by other than quarters")
    if across < 0:
        picture = picture[:, ::-1]
    return picture if down > 0 else picture[::-1]
