"""Compression: a Codec turns an image into what is left of it.

This is the paper's "data compression module" (3.1). RAW HQ MQ LQ WEBP are the five test sets of
section 4.1. JPEG quality is 80/50/20 for HQ/MQ/LQ, on both the training and the test side (see
`paper.CONTRADICTIONS`, 1). Pillow encodes; its chroma subsampling is 4:2:0 here (`paper.OPEN`, 9),
so half of the colour resolution goes before the quantisation starts.

AVIF and JPEG 2000 are Pillow's too. No test set of the paper has them, and neither has a name in
`CODECS`: `chains` asks what detectors say of them.

C23 and C40 are the two H.264 qualities of FaceForensics++ (libx264, preset medium, crf 23 and 40),
through PyAV. A still that passes through C40 is a one-frame clip; neither is the same thing as JPEG
at 20.
"""

from __future__ import annotations

import io
import platform
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO

import av
import numpy as np
from PIL import Image, features

from tcnsc_lib import CompanionError

SUBSAMPLING = "4:2:0"
WEBP_QUALITY = 80
H264_PRESET = "medium"
AVIF = {"speed": 6, "max_threads": 1}  # the threads of an encoder may change its choices
RANDOM_JPEG = "random JPEG"  # a view for training, made anew each time an image is seen
RANDOM_QUALITIES = (20, 100)


@dataclass(frozen=True)
class Codec:
    """A named compression: `codec(image) -> image`, both uint8 (H, W, 3) RGB.

    kind: "none", "jpeg", "jpeg 4:4:4", "webp", "avif", "jpeg2000" or "h264". quality: in 1..100; of
    "h264" the crf in 0..51; of "jpeg2000" how many times smaller than the pixels the file shall be.
    A clip, uint8 (T, H, W, 3), is also taken: still codecs treat its frames one by one, h264 as one
    video. Raises ValueError on anything else.
    """

    name: str
    kind: str
    quality: int | None = None

    def __call__(self, image: np.ndarray) -> np.ndarray:
        self._check(image)
        if self.kind == "none":
            return image.copy()
        if self.kind == "h264":
            return self._as_video(image)
        if image.ndim == 4:
            return np.stack([self(frame) for frame in image])
        file = io.BytesIO(self.encode(image))
        with Image.open(file) as decoded:
            return np.array(decoded.convert("RGB"))

    def encode(self, image: np.ndarray) -> bytes:
        """The compressed file of one still: uint8 (H, W, 3) -> the bytes of a JPEG, WEBP, ..."""
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, **self._options())
        return buffer.getvalue()

    def _options(self) -> dict[str, object]:
        """How Pillow saves it."""
        if self.kind == "jpeg2000":
            rate = {"quality_mode": "rates", "quality_layers": [self.quality]}
            return {"format": "jpeg2000", "irreversible": True} | rate
        own = {
            "jpeg": {"subsampling": SUBSAMPLING},
            "jpeg 4:4:4": {"subsampling": "4:4:4"},
            "avif": AVIF,
        }
        kind = self.kind.removesuffix(" 4:4:4")
        return {"format": kind, "quality": self.quality} | own.get(self.kind, {})

    def _as_video(self, image: np.ndarray) -> np.ndarray:
        is_still = image.ndim == 3
        clip = image[None] if is_still else image
        height, width = clip.shape[1:3]
        file = io.BytesIO(encode_clip(clip, crf=self.quality))
        decoded = decode_clip(file)[:, :height, :width]
        return decoded[0] if is_still else decoded

    def _check(self, image: np.ndarray) -> None:
        is_rgb = image.ndim in (3, 4) and image.shape[-1] == 3
        if image.dtype != np.uint8 or not is_rgb:
            raise ValueError(
                f"{self.name} takes uint8 (H, W, 3) or (T, H, W, 3), "
                f"not {image.dtype} {image.shape}."
            )


_ALL = (
    Codec("RAW", "none"),
    Codec("HQ", "jpeg", 80),
    Codec("MQ", "jpeg", 50),
    Codec("LQ", "jpeg", 20),
    Codec("WEBP", "webp", WEBP_QUALITY),
    Codec("C23", "h264", 23),
    Codec("C40", "h264", 40),
)
CODECS = {codec.name: codec for codec in _ALL}


def codec(name: str) -> Codec:
    """The codec of that name, or a CompanionError that lists the names there are."""
    if name not in CODECS:
        names = ", ".join(CODECS)
        raise CompanionError(f"There is no codec {name!r}; choose one of {names}.")
    return CODECS[name]


def random_jpeg(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG at a quality of its own for each image: uint8 (N, H, W, 3) -> the same.

    Qualities are drawn evenly from RANDOM_QUALITIES, both ends included. This is the usual
    augmentation against compression; LQ, MQ and HQ lie in its range.
    """
    qualities = rng.integers(*RANDOM_QUALITIES, len(images), endpoint=True)
    compressed = []
    for quality, image in zip(qualities, images, strict=True):
        jpeg = Codec(RANDOM_JPEG, "jpeg", int(quality))
        compressed.append(jpeg(image))
    return np.stack(compressed)


def encode_clip(frames: np.ndarray, crf: int, fps: int = 25) -> bytes:
    """H.264 as in FaceForensics++: uint8 (T, H, W, 3) -> bytes of an mp4 file.

    crf 0 is lossless RGB (libx264rgb), any other crf is yuv420p. Odd sides are padded by repeating
    the edge; the decoder's caller crops. One thread, since x264's choices depend on the number of
    threads; for the assembler see `_assembler`.
    """
    frames = _with_even_sides(frames)
    height, width = frames.shape[1:3]
    options = {"crf": str(crf), "preset": H264_PRESET, "threads": "1", "x264-params": _assembler()}
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        encoder = "libx264rgb" if crf == 0 else "libx264"
        stream = container.add_stream(encoder, rate=fps, options=options)
        stream.height = height
        stream.width = width
        stream.pix_fmt = "rgb24" if crf == 0 else "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return buffer.getvalue()


def _assembler() -> str:
    """Which of x264's routines: SSE2's, which every x86-64 processor has; elsewhere plain C.

    Both give the same bytes, SSE2 in half the time. SSSE3 and later ones choose otherwise, and
    AVX-512 otherwise from call to call (x264 core 165, in PyAV 18.1).
    """
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return "asm=SSE2" if is_x86 else "asm=0"


def _with_even_sides(frames: np.ndarray) -> np.ndarray:
    height, width = frames.shape[1:3]
    pad = [(0, 0), (0, height % 2), (0, width % 2), (0, 0)]
    return np.pad(frames, pad, mode="edge")


def decode_clip(file: str | PathLike | BinaryIO) -> np.ndarray:
    """All frames of a video: uint8 (T, H, W, 3). Errors are PyAV's."""
    with av.open(file) as container:
        decoded = container.decode(video=0)
        return np.stack([frame.to_ndarray(format="rgb24") for frame in decoded])


def versions() -> dict[str, str]:
    """The encoders behind the codecs, for provenance."""
    libavcodec = av.library_versions["libavcodec"]
    return {
        "Pillow": features.version("pil"),
        "libjpeg-turbo": features.version("libjpeg_turbo") or "absent",
        "libwebp": features.version("webp"),
        "PyAV": av.__version__,
        "libavcodec": ".".join(map(str, libavcodec)),
        "chroma subsampling": SUBSAMPLING,
    }
