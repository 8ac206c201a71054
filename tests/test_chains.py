"""Chains: each does to a picture what its name says, and no more."""
from collections import Counter

import numpy as np
import pytest
from PIL import Image, features
from skimage.data import astronaut

from tcnsc_lib import CompanionError, chains, codecs
from tcnsc_lib.chains import (
    CHAINS,
    GROUPS,
    PICTURE,
    QUALITIES,
    Chain,
    Scaled,
    Shifted,
    chain,
    jpeg,
    passed_on,
)
from tcnsc_lib.codecs import Codec, codec


def face(height: int = 96, width: int = 96) -> np.ndarray:
    return np.ascontiguousarray(astronaut()[60 : 60 + height, 170 : 170 + width])


def error(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def colours(image: np.ndarray) -> np.ndarray:
    """Y, Cb, Cr: int (H, W, 3)."""
    return np.array(Image.fromarray(image).convert("YCbCr")).astype(int)


# what all have in common

@pytest.mark.parametrize("size", [(96, 96), (97, 63)])
@pytest.mark.parametrize("name", CHAINS)
def test_a_picture_keeps_size_and_type_and_is_left_alone(name, size):
    image = face(*size)
    before = image.copy()
    out = chain(name)(image)
    assert out.shape == image.shape and out.dtype == np.uint8
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(chain(name)(image), out)


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_changes_the_picture_and_raw_does_not(name):
    changed = error(chain(name)(face()), face())
    assert (changed == 0) == (name == "RAW")
    assert changed < 15


def test_each_group_has_chains_and_no_two_have_one_name():
    assert set(GROUPS) == {each.group for each in CHAINS.values()}
    assert max(Counter(each.name for each in chains._ALL).values()) == 1
    assert chains.names_in(*GROUPS) == list(CHAINS)


def test_every_network_says_where_its_numbers_are_from():
    for each in CHAINS.values():
        told = "assumed" in each.source or chains.MEASURED in each.source
        assert told == (each.group == chains.NETWORKS), each.name


def test_what_some_detector_saw_is_not_unseen():
    assert set(chains.SEEN) <= set(CHAINS)
    assert set(chains.unseen()) == set(CHAINS) - set(chains.SEEN)


def test_an_unknown_chain_is_named_with_the_known_ones():
    with pytest.raises(CompanionError, match="no chain 'JPEG 21'; choose one of: RAW; JPEG 5;"):
        chain("JPEG 21")


# JPEG

@pytest.mark.parametrize("name, quality", [("HQ", 80), ("MQ", 50), ("LQ", 20)])
def test_the_papers_qualities_are_its_test_sets_bit_for_bit(name, quality):
    np.testing.assert_array_equal(chain(f"JPEG {quality}")(face()), codec(name)(face()))


def test_webp_80_and_the_stills_of_h264_are_the_codecs_of_these_names():
    for name, known in (("WebP 80", "WEBP"), ("H.264 c23", "C23"), ("H.264 c40", "C40")):
        np.testing.assert_array_equal(chain(name)(face()), codec(known)(face()))


def test_lower_quality_is_more_error_and_100_hardly_any():
    errors = [error(chain(f"JPEG {q}")(face()), face()) for q in QUALITIES]
    assert all(np.diff(errors) < 0)
    luminance = error(colours(chain("JPEG 100")(face()))[..., 0], colours(face())[..., 0])
    assert luminance < 1
    assert CHAINS["JPEG 30"].quality == 30 and CHAINS["WebP 20"].quality is None


@pytest.mark.parametrize("quality", [20, 50, 80])
def test_4_4_4_differs_from_4_2_0_in_colour_and_hardly_in_brightness(quality):
    full = colours(chain(f"JPEG {quality}, 4:4:4")(face()))
    half = colours(chain(f"JPEG {quality}")(face()))
    apart = np.abs(full - half).mean(axis=(0, 1))
    assert apart[0] < 0.5 * min(apart[1:])
    true = colours(face())[..., 1:]
    assert error(full[..., 1:], true) < error(half[..., 1:], true)


def test_a_grid_moved_by_a_whole_block_is_not_moved_and_by_less_it_is():
    full = Codec("full colour", "jpeg 4:4:4", 20)
    aligned = full(face())
    np.testing.assert_array_equal(Shifted(full, 8)(face()), aligned)
    inner = (slice(2, -2), slice(2, -2))  # colours of half size are smoothed over the border
    np.testing.assert_array_equal(
        Shifted(jpeg(20), 16)(face())[inner], jpeg(20)(face())[inner])
    for by in (1, 4, 7):
        assert error(Shifted(full, by)(face()), aligned) > 1


def test_jpeg_twice_is_the_one_and_then_the_other():
    twice = jpeg(80)(jpeg(50)(face()))
    np.testing.assert_array_equal(chain("JPEG 50, then 80")(face()), twice)
    assert error(twice, jpeg(80)(face())) > 0.5


# other codecs

@pytest.mark.parametrize("worse, better", [
    ("AVIF 20", "AVIF 50"), ("JPEG 2000, 1:40", "JPEG 2000, 1:15"), ("WebP 20", "WebP 50"),
    ("H.264 c40", "H.264 c23")])
def test_other_codecs_have_a_worse_and_a_better_quality(worse, better):
    assert error(chain(worse)(face()), face()) > error(chain(better)(face()), face()) > 0


@pytest.mark.parametrize("kind, start", [
    ("avif", b"ftypavif"), ("jpeg2000", b"jP  \r\n"), ("jpeg 4:4:4", b"JFIF"), ("webp", b"WEBP")])
def test_a_file_is_of_the_kind_that_it_is_said_to_be(kind, start):
    assert start in Codec("any", kind, 40).encode(face())[:16]


@pytest.mark.parametrize("ratio", [15, 40])
def test_a_jpeg_2000_file_is_so_many_times_smaller_than_the_pixels(ratio):
    file = Codec("any", "jpeg2000", ratio).encode(face(256, 256))
    assert len(file) == pytest.approx(256 * 256 * 3 / ratio, rel=0.05)


def test_a_pillow_without_a_codec_is_told(monkeypatch):
    chains.check_encoders()
    assert "absent" not in chains.versions().values()
    assert codecs.versions().items() <= chains.versions().items()
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    with pytest.raises(CompanionError, match="has no avif, which chains need; install"):
        chains.check_encoders()


# scaling and networks

def test_scaling_takes_fine_detail_and_leaves_what_is_coarse():
    fine = np.zeros((96, 96, 3), np.uint8)
    fine[::2] = 200
    assert chain("to 1/2")(fine)[8:-8].std() < 5 < fine.std()
    coarse = np.full((96, 96, 3), 77, np.uint8)
    np.testing.assert_array_equal(chain("to 1/2")(coarse), coarse)
    assert Scaled(1 / 2)(fine).shape == (48, 48, 3)
    assert Scaled(1 / 200)(fine).shape == (1, 1, 3)


def test_a_network_scales_once_and_compresses_each_time():
    half = Scaled(2048 / PICTURE)
    assert passed_on(2048, 71) == (half, jpeg(71))
    assert passed_on(2048, 71, 3) == (half, jpeg(71), jpeg(71), jpeg(71))
    assert passed_on(PICTURE, 71) == (jpeg(71),)


def test_a_network_compresses_the_small_picture_and_not_the_one_that_is_shown():
    small = jpeg(70)(Scaled(1600 / PICTURE)(face()))
    assert small.shape == (38, 38, 3)
    shown = np.array(Image.fromarray(small).resize((96, 96), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(chain("messenger, 70")(face()), shown)


def test_a_chain_of_nothing_gives_a_copy():
    image = face()
    out = Chain("nothing", chains.PLAIN)(image)
    out[:] = 0
    assert image.any()
