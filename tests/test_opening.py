"""A picture file is read as viewers show it, or refused in one sentence."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import opening
from tcnsc_lib.faces.opening import open_image, opened

ORIENTATION = 0x0112


@pytest.fixture
def picture() -> np.ndarray:
    """20 x 30, red to the right, green downwards."""
    y, x = np.mgrid[:20, :30]
    return np.stack([8 * x, 12 * y, np.full_like(x, 60)], -1).astype(np.uint8)


def refused(path: Path) -> str:
    with pytest.raises(CompanionError) as error:
        open_image(path)
    assert str(path) in str(error.value)
    return str(error.value)


# ---------------------------------------------------------------- upright


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_as_its_exif_says(tmp_path, picture, orientation, suffix):
    upright = Image.fromarray(picture)
    undo = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    turn = undo.get(orientation, opening.UPRIGHT.get(orientation))
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"a.{suffix}"
    lossless = {"lossless": True} if suffix == "webp" else {}
    stored.save(path, exif=exif, quality=100, **lossless)
    shown = open_image(path)
    assert shown.shape == picture.shape
    assert np.abs(shown.astype(int) - picture).mean() < 8


def test_a_picture_stands_as_its_xmp_says(tmp_path, picture):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    Image.fromarray(picture).transpose(Image.Transpose.ROTATE_90).save(
        tmp_path / "a.png", pnginfo=info
    )
    np.testing.assert_array_equal(open_image(tmp_path / "a.png"), picture)


@pytest.mark.parametrize("exif", [b"Exif\0\0broken", b"Exif\0\0II*\0\xff\xff\xff\xff", b""])
def test_broken_exif_is_ignored(tmp_path, picture, exif):
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(open_image(tmp_path / "a.png"), picture)


# ---------------------------------------------------------------- depth, channels, colours


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    deep = np.array([[0, 128, 257, 32896, 65535]], np.uint16)
    grey = np.array([0, 0, 1, 128, 255])
    for name in ("a.png", "a.tif"):
        Image.fromarray(deep).save(tmp_path / name)
        np.testing.assert_array_equal(open_image(tmp_path / name)[0], grey[:, None].repeat(3, 1))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(head: tuple, rows: bytes, *more: bytes) -> bytes:
    """A PNG file written by hand. head: width, height, bits, colour type."""
    about = chunk(b"IHDR", struct.pack(">IIBBBBB", *head, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + about + b"".join(more) + pixels + chunk(b"IEND", b"")


def test_colours_of_sixteen_bits_keep_their_high_byte(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png((1, 1, 16, 2), b"\0" + struct.pack(">HHH", 65535, 32896, 0)))
    assert open_image(path).tolist() == [[[255, 128, 0]]]


def test_one_bit_and_grey_pictures_become_three_channels(tmp_path):
    Image.new("1", (2, 2), 1).save(tmp_path / "one.png")
    Image.new("L", (2, 2), 7).save(tmp_path / "grey.png")
    assert (open_image(tmp_path / "one.png") == 255).all()
    assert (open_image(tmp_path / "grey.png") == 7).all()


def test_pictures_of_fractions_are_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    assert "its pixels are fractions" in refused(tmp_path / "a.tif")


def test_what_shows_through_is_white(tmp_path):
    half = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    half.putpixel((1, 0), (200, 0, 0, 128))
    half.save(tmp_path / "a.png")
    assert open_image(tmp_path / "a.png").tolist() == [[[255, 255, 255], [227, 127, 127]]]
    Image.new("LA", (2, 2), (0, 0)).save(tmp_path / "grey.png")
    assert (open_image(tmp_path / "grey.png") == 255).all()


def test_a_palettes_transparent_colour_is_white(tmp_path):
    image = Image.new("P", (2, 1), 0)
    image.putpalette([9, 9, 9, 200, 100, 0])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png", transparency=0)
    assert open_image(tmp_path / "a.png").tolist() == [[[255, 255, 255], [200, 100, 0]]]


def test_cmyk_is_converted(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    red = open_image(tmp_path / "a.jpg")[4, 4].astype(int)
    assert np.abs(red - [255, 0, 0]).max() < 6


def swapped_profile() -> bytes:
    """An ICC profile whose red and green primaries have changed places."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    place = data.index(b"rXYZ")
    other = data.index(b"gXYZ")
    data[place : place + 4] = b"gXYZ"
    data[other : other + 4] = b"rXYZ"
    return bytes(data).replace(b"s\0R\0G\0B", b"o\0t\0h\0e").replace(b"sRGB", b"othe")


def test_colours_are_converted_by_the_profile_and_broken_profiles_ignored(tmp_path, picture):
    image = Image.fromarray(picture)
    image.save(tmp_path / "a.png", icc_profile=swapped_profile())
    shown = open_image(tmp_path / "a.png").astype(int)
    assert np.abs(shown - picture[..., [1, 0, 2]]).max() < 6
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (plain, b"broken", plain[:200]):
        image.save(tmp_path / "b.png", icc_profile=profile)
        np.testing.assert_array_equal(open_image(tmp_path / "b.png"), picture)


def test_a_pngs_gamma_counts(tmp_path):
    path = tmp_path / "a.png"
    linear = chunk(b"gAMA", struct.pack(">I", 100_000))
    path.write_bytes(png((1, 1, 8, 0), b"\0\x37", linear))
    assert np.abs(open_image(path).astype(int) - 127).max() <= 2


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for name in ("a.png", "a.gif", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        assert open_image(tmp_path / name)[0, 0].tolist() == [255, 0, 0]


def test_which_frame_of_an_animation_was_read_is_said(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "green")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "b.png")
    assert opened(tmp_path / "a.gif")[1] == "the first frame of 3"
    assert opened(tmp_path / "b.png")[1] == ""


def test_a_phones_heic_is_read_upright(tmp_path):
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif isn't installed")
    tall = np.zeros((96, 64, 3), np.uint8)
    tall[:48] = (200, 30, 30)
    turned = Image.fromarray(np.rot90(tall).copy())
    tags = Image.Exif()
    tags[0x0112] = 6  # to be turned by a quarter, clockwise
    heif.register_heif_opener()
    turned.save(tmp_path / "phone.heic", exif=tags.tobytes(), quality=95)
    image = open_image(tmp_path / "phone.heic")
    assert image.shape == (96, 64, 3)
    assert np.abs(image[10, 32].astype(int) - (200, 30, 30)).max() < 12
    assert image[80, 32].max() < 12


def test_without_its_package_a_heic_says_what_is_missing(tmp_path):
    path = tmp_path / "phone.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    code = """
import sys
from tcnsc_lib import CompanionError
from tcnsc_lib.faces import opening
opening.find_spec = lambda name: None
try:
    opening.open_image(sys.argv[1])
except CompanionError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "HEIC needs a package: pip install pillow-heif" in told


# ---------------------------------------------------------------- refused


def test_links_to_nothing_pipes_and_folders_are_refused_at_once(tmp_path):
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    (tmp_path / "folder.jpg").mkdir()
    assert "is a link to nothing" in refused(tmp_path / "gone.jpg")
    assert "is a pipe" in refused(tmp_path / "pipe.jpg")
    assert "is a device" in refused(tmp_path / "device.jpg")
    assert "is a folder" in refused(tmp_path / "folder.jpg")
    assert "There is no file" in refused(tmp_path / "absent.jpg")


def test_what_is_no_picture_or_cut_short_is_refused(tmp_path, picture):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    Image.fromarray(picture).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert "its format is unknown" in refused(tmp_path / "text.jpg")
    assert "its format is unknown" in refused(tmp_path / "empty.png")
    assert "can't be read as an image" in refused(tmp_path / "cut.png")


@pytest.mark.parametrize("side", [10_000, 14_000, 60_000])
def test_bombs_are_refused_without_a_warning(tmp_path, recwarn, monkeypatch, side):
    monkeypatch.setattr(opening, "LARGEST", 90_000_000)
    rows = zlib.compress(bytes(1000))
    path = tmp_path / "a.png"
    path.write_bytes(png((side, side, 1, 0), rows))
    assert "megapixels" in refused(path)
    assert not recwarn.list


def test_files_of_too_many_bytes_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "LARGEST_FILE", 10)
    data = io.BytesIO()
    Image.new("L", (9, 9)).save(data, "PNG")
    (tmp_path / "a.png").write_bytes(data.getvalue())
    assert "more than" in refused(tmp_path / "a.png")
