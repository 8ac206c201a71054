"""A picture file as it is displayed: upright, in sRGB, eight bits a channel."""

from __future__ import annotations

import io
import struct
import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from tcnsc_lib import CompanionError, checked

LARGEST_FILE = 500_000_000  # bytes
LARGEST = 180_000_000  # pixels
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "HEIF")
PHONES = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")  # what HEIC files begin as
SEVERAL = ("MPO", "HEIF")  # their further pictures are previews, depth or other views
CURE = "replace or remove it"

ORIENTATION = 0x0112  # EXIF's tag
TURN = Image.Transpose
UPRIGHT = {
    2: TURN.FLIP_LEFT_RIGHT,
    3: TURN.ROTATE_180,
    4: TURN.FLIP_TOP_BOTTOM,
    5: TURN.TRANSPOSE,
    6: TURN.ROTATE_270,
    7: TURN.TRANSVERSE,
    8: TURN.ROTATE_90,
}
PROFILED = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}  # mode -> a profile's space
DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")
DEEPEST = 65535
WHITE = (255, 255, 255)
GAMMA = 1 / 2.2  # of sRGB, as PNG's gAMA has it; what lies this near counts as sRGB
NEAR = 0.02

BROKEN = (OSError, SyntaxError, ValueError, struct.error, EOFError, IndexError, TypeError, KeyError)
"""What Pillow raises on damaged files."""


def open_image(path: Path) -> np.ndarray:
    """A photograph as viewers show it, uint8 (H, W, 3) sRGB.

    Turned as its EXIF or XMP says; colours converted by its ICC profile (a broken one is ignored);
    16 bits scaled to 8; transparent places on white; the first frame of an animation. HEIC where
    the package pillow-heif is installed. Raises CompanionError for what is no regular file, is
    larger than LARGEST_FILE bytes or LARGEST pixels, or can't be shown so.
    """
    return opened(path)[0]


def opened(path: Path) -> tuple[np.ndarray, str]:
    """`open_image`, and what a reader should know of it: of an animation, which frame; else ""."""
    path = Path(path)
    if not path.exists() and not path.is_symlink():
        raise CompanionError(f"There is no file {path}; check the name.")
    data = checked.content(path, LARGEST_FILE, CURE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of bombs (refused below) and odd metadata
            return _shown(data)
    except UnidentifiedImageError as error:
        reason = "its format is unknown"
        if _is_heic(data):
            reason = "HEIC needs a package: pip install pillow-heif"
        raise CompanionError(_no_image(path, reason)) from error
    except Image.DecompressionBombError as error:
        raise CompanionError(_no_image(path, _too_large())) from error
    except BROKEN as error:
        raise CompanionError(_no_image(path, str(error) or type(error).__name__)) from error


def _no_image(path: Path, reason: str) -> str:
    return f"{path} can't be read as an image ({reason}); {CURE}."


def _too_large() -> str:
    return f"it has more than {LARGEST // 10**6} megapixels"


def _is_heic(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in PHONES


@cache
def know_all_formats() -> None:
    """Let Pillow know all its formats, and HEIC if that package is there."""
    Image.init()
    if find_spec("pillow_heif"):
        import_module("pillow_heif").register_heif_opener()


def _shown(data: bytes) -> tuple[np.ndarray, str]:
    """The pixels of a file's bytes and a remark, see `opened`. Raises what Pillow raises."""
    know_all_formats()
    formats = [name for name in FORMATS if name in Image.OPEN]
    with Image.open(io.BytesIO(data), formats=formats) as image:
        if image.width * image.height > LARGEST:
            raise ValueError(_too_large())
        if max(image.size) > checked.FAR:
            raise ValueError(f"it has more than {checked.FAR} pixels a side")
        image.load()
        turn = UPRIGHT.get(_orientation(image))
        colours = _srgb(image)
        upright = colours if turn is None else colours.transpose(turn)
        frames = getattr(image, "n_frames", 1)
    moves = frames > 1 and image.format not in SEVERAL
    return np.array(upright), f"the first frame of {frames}" if moves else ""


def _orientation(image: ImageFile.ImageFile) -> int:
    """1 to 8, as EXIF counts; 1 where nothing says so, or nothing that can be read."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except BROKEN:
        return 1
    return value if isinstance(value, int) else 1


# ---------------------------------------------------------------- colours


def _srgb(image: Image.Image) -> Image.Image:
    """A picture of any mode as RGB in sRGB, on white. Raises ValueError where it can't be."""
    if image.mode == "F":
        raise ValueError("its pixels are fractions, and nothing says which one is white")
    if image.mode in DEEP:
        return _on_white(_eight_bits(image), _hidden(image))
    if not _is_see_through(image):
        return _converted(image, image.info)
    full = image.convert("RGBA")
    flat = _converted(full.convert("RGB"), image.info)
    return _on_white(flat, np.asarray(full.getchannel("A")))


def _is_see_through(image: Image.Image) -> bool:
    return "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La")


def _on_white(flat: Image.Image, alpha: np.ndarray | None) -> Image.Image:
    """An RGB picture over white; alpha: uint8 (H, W), or None where nothing shows through."""
    if alpha is None or alpha.min() == 255:
        return flat
    below = Image.new("RGB", flat.size, WHITE)
    return Image.composite(flat, below, Image.fromarray(alpha))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits as RGB of 8: 65535 is white."""
    deep = np.asarray(image).astype(np.int64)
    if deep.min() < 0 or deep.max() > DEEPEST:
        raise ValueError("its pixels have more than 16 bits, and nothing says which one is white")
    grey = (deep * 255 + DEEPEST // 2) // DEEPEST
    return _converted(Image.fromarray(grey.astype(np.uint8)), image.info)


def _hidden(image: Image.Image) -> np.ndarray | None:
    """Alpha of a deep grey picture, in which one value may stand for nothing: uint8 (H, W)."""
    nothing = image.info.get("transparency")
    if not isinstance(nothing, int):
        return None
    return np.where(np.asarray(image) == nothing, 0, 255).astype(np.uint8)


def _converted(image: Image.Image, info: dict) -> Image.Image:
    """An opaque picture as RGB in sRGB, by the profile or the gamma that its file names."""
    plain = image if image.mode in PROFILED else image.convert("RGB")
    profiled = _by_profile(plain, info.get("icc_profile"))
    if profiled is not None:
        return profiled
    if plain.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(plain, lab, _standard(), outputMode="RGB")
    return _by_gamma(plain.convert("RGB"), info)


def _standard() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _by_profile(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """Colours converted by an ICC profile; None where there is none, or none that fits."""
    if not profile:
        return None
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if own.profile.xcolor_space.strip() != PROFILED[image.mode]:
            return None
        if "sRGB" in ImageCms.getProfileDescription(own):
            return image.convert("RGB")  # exactly, where a conversion rounds
        return ImageCms.profileToProfile(image, own, _standard(), outputMode="RGB")
    except (ImageCms.PyCMSError, *BROKEN):
        return None


def _by_gamma(image: Image.Image, info: dict) -> Image.Image:
    """PNG's gAMA: the power of light that pixels hold, where it isn't sRGB's."""
    gamma = info.get("gamma")
    if not gamma or "srgb" in info or abs(gamma - GAMMA) < NEAR:
        return image
    levels = np.arange(256) / 255
    curve = np.rint(255 * levels ** (GAMMA / gamma)).astype(int)
    return image.point(curve.tolist() * 3)
