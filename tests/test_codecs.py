"""Codecs: the compressions are the ones the paper names, not something that looks like them."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, JpegImagePlugin
from skimage.data import astronaut
from torchvision.io import decode_jpeg, encode_jpeg

from tcnsc_lib import CompanionError, codecs, paper
from tcnsc_lib.codecs import (
    CODECS,
    RANDOM_JPEG,
    codec,
    decode_clip,
    encode_clip,
    random_jpeg,
    versions,
)

PHOTOS = Path(__file__).resolve().parents[1] / "../shared/photos/lfw"
JPEG_QUALITY = {"HQ": 80, "MQ": 50, "LQ": 20}  # section 4.1, test sets
SIZES = [(96, 96), (224, 224), (97, 63), (33, 2), (1, 1)]


def face(height: int = 96, width: int = 96) -> np.ndarray:
    return np.ascontiguousarray(astronaut()[60 : 60 + height, 170 : 170 + width])


def clip(frames: int = 4, height: int = 64, width: int = 64) -> np.ndarray:
    """The face moves two pixels a frame."""
    picture = astronaut()[60 : 60 + height]
    return np.stack([picture[:, 170 + 2 * t : 170 + 2 * t + width] for t in range(frames)])


def error(ours: np.ndarray, original: np.ndarray) -> float:
    return float(np.abs(ours.astype(int) - original).mean())


def torchvisions(image: np.ndarray, quality: int) -> np.ndarray:
    """JPEG by torchvision, whose encoder is not Pillow's."""
    channels_first = torch.from_numpy(image).permute(2, 0, 1).contiguous()
    file = encode_jpeg(channels_first, quality=quality)
    return decode_jpeg(file).permute(1, 2, 0).numpy()


def test_there_is_a_codec_for_each_test_set_of_the_paper():
    assert list(CODECS)[:5] == list(paper.CODECS)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", JPEG_QUALITY)
def test_jpeg_is_torchvisions_bit_for_bit(name, size):
    image = face(*size)
    np.testing.assert_array_equal(codec(name)(image), torchvisions(image, JPEG_QUALITY[name]))


@pytest.mark.parametrize("name", JPEG_QUALITY)
def test_jpeg_halves_the_colour_resolution(name):
    with Image.open(io.BytesIO(codec(name).encode(face()))) as file:
        assert file.format == "JPEG"
        assert JpegImagePlugin.get_sampling(file) == 2  # Pillow's number for 4:2:0


def webp(image: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "webp", **options)
    return buffer.getvalue()


def test_webp_is_lossy_at_pillows_default_quality_80():
    image = face()
    ours = codec("WEBP").encode(image)
    assert ours == webp(image) == webp(image, quality=80)
    assert ours != webp(image, lossless=True)
    with Image.open(io.BytesIO(ours)) as decoded:
        np.testing.assert_array_equal(codec("WEBP")(image), np.asarray(decoded.convert("RGB")))


def test_lower_quality_means_more_error_and_fewer_bytes():
    image = face()
    errors = [error(codec(name)(image), image) for name in ("RAW", "HQ", "MQ", "LQ")]
    sizes = [len(codec(name).encode(image)) for name in ("HQ", "MQ", "LQ")]
    assert errors[0] == 0
    assert all(np.diff(errors) > 0.5)
    assert all(np.diff(sizes) < 0)


def test_lower_quality_means_more_error_on_real_faces():
    files = sorted(PHOTOS.glob("A*/*.jpg"))[:6]
    if not files:
        pytest.skip("the photographs lie outside the repository and are not here")
    for file in files:
        with Image.open(file) as opened:
            image = np.asarray(opened.convert("RGB"))
        errors = [error(codec(name)(image), image) for name in ("RAW", "HQ", "MQ", "LQ")]
        assert all(np.diff(errors) > 0), file.name


def test_raw_is_the_image_in_a_copy():
    image = face()
    out = codec("RAW")(image)
    np.testing.assert_array_equal(out, image)
    out[:] = 0
    assert image.any()


@pytest.mark.parametrize("name", CODECS)
def test_the_input_is_left_alone(name):
    image = face()
    before = image.copy()
    codec(name)(image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("size", [*SIZES, (64, 97)])
@pytest.mark.parametrize("name", CODECS)
def test_stills_keep_their_shape(name, size):
    out = codec(name)(face(*size))
    assert out.shape == (*size, 3)
    assert out.dtype == np.uint8


@pytest.mark.parametrize("size", [(64, 64), (63, 64), (64, 63), (63, 65)])
@pytest.mark.parametrize("name", ["LQ", "C23", "C40"])
def test_clips_keep_their_shape_and_their_frames_in_order(name, size):
    frames = clip(4, *size)
    out = codec(name)(frames)
    assert out.shape == frames.shape
    assert out.dtype == np.uint8
    for t, frame in enumerate(out):
        errors = [error(frame, other) for other in frames]
        assert np.argmin(errors) == t


def test_still_codecs_treat_the_frames_of_a_clip_one_by_one():
    frames = clip(2)
    one_by_one = np.stack([codec("LQ")(frame) for frame in frames])
    np.testing.assert_array_equal(codec("LQ")(frames), one_by_one)


@pytest.mark.parametrize("image", [face(), clip()], ids=["still", "clip"])
def test_c40_is_worse_than_c23(image):
    c23 = error(codec("C23")(image), image)
    c40 = error(codec("C40")(image), image)
    assert 0 < c23 < c40 / 1.5


def test_padding_of_odd_sides_leaves_no_trace():
    flat = np.full((63, 63, 3), (200, 60, 60), np.uint8)  # padded with black, the edge darkens
    assert np.abs(codec("C23")(flat).astype(int) - flat).max() <= 4


NOISE = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), np.uint8)


@pytest.mark.parametrize("frames", [clip(3), NOISE], ids=["face", "noise"])
def test_crf_0_is_lossless(frames):
    np.testing.assert_array_equal(decode_clip(io.BytesIO(encode_clip(frames, crf=0))), frames)


def test_crf_0_is_lossless_for_odd_sides_after_cropping():
    frames = clip(2, 33, 47)
    out = decode_clip(io.BytesIO(encode_clip(frames, crf=0)))
    assert out.shape == (2, 34, 48, 3)
    np.testing.assert_array_equal(out[:, :33, :47], frames)


@pytest.mark.parametrize("name", ["HQ", "MQ", "LQ", "WEBP"])
def test_the_same_still_gives_the_same_bytes(name):
    assert codec(name).encode(face()) == codec(name).encode(face())


@pytest.mark.parametrize("crf", [0, 23, 40])
def test_the_same_clip_gives_the_same_bytes(crf):
    assert encode_clip(clip(), crf) == encode_clip(clip(), crf)


# golden values: what each name means

DIFFERENCE = 0.02  # grey levels
BYTES = 0.01  # of a file's size
CHANGED = (
    "{} is another compression than before: if a codec's meaning changed on purpose, raise RECIPE "
    "in tcnsc_lib/training/identity.py and write the new values here"
)
GOLDEN = {  # mean absolute difference from RAW, and bytes of the file
    "RAW": (0.0, 76800),
    "HQ": (2.9851, 5322),
    "MQ": (3.9623, 3340),
    "LQ": (5.479, 2211),
    "WEBP": (2.9292, 3366),
    "C23": (4.304, 3229),
    "C40": (10.299, 1778),
}
GOLDEN_CLIPS = {"C23": (3.5381, 4275), "C40": (8.464, 2070)}
NEIGHBOURS = [
    ("HQ", 75), ("HQ", 82), ("MQ", 48), ("MQ", 52), ("LQ", 18), ("LQ", 22),
    ("WEBP", 78), ("WEBP", 82), ("C23", 22), ("C23", 24), ("C40", 39), ("C40", 42),
]  # fmt: skip


def measured(one: codecs.Codec, image: np.ndarray) -> tuple[float, int]:
    """Mean absolute difference from RAW and bytes; RAW has no file, so its pixels count."""
    return error(one(image), image), size_of(one, image)


def size_of(one: codecs.Codec, image: np.ndarray) -> int:
    if one.kind == "none":
        return image.nbytes
    if one.kind == "h264":
        frames = image if image.ndim == 4 else image[None]
        return len(encode_clip(frames, one.quality))
    return len(one.encode(image))


def is_golden(found: tuple[float, int], golden: tuple[float, int]) -> bool:
    """Within both tolerances."""
    difference = abs(found[0] - golden[0])
    share = abs(found[1] / golden[1] - 1)
    return difference <= DIFFERENCE and share <= BYTES


def test_every_codec_has_a_golden_value():
    assert list(GOLDEN) == list(CODECS)
    videos = [name for name, one in CODECS.items() if one.kind == "h264"]
    assert list(GOLDEN_CLIPS) == videos


@pytest.mark.parametrize("name", GOLDEN)
def test_a_codecs_still_is_the_golden_one(name):
    found = measured(codec(name), face(160, 160))
    assert is_golden(found, GOLDEN[name]), CHANGED.format(name)


@pytest.mark.parametrize("name", GOLDEN_CLIPS)
def test_a_codecs_clip_is_the_golden_one(name):
    found = measured(codec(name), clip(4, 160, 160))
    assert is_golden(found, GOLDEN_CLIPS[name]), CHANGED.format(name)


@pytest.mark.parametrize(("name", "quality"), NEIGHBOURS)
def test_golden_values_notice_a_neighbouring_quality(name, quality):
    neighbour = replace(codec(name), quality=quality)
    assert not is_golden(measured(neighbour, face(160, 160)), GOLDEN[name])
    if name in GOLDEN_CLIPS:
        found = measured(neighbour, clip(4, 160, 160))
        assert not is_golden(found, GOLDEN_CLIPS[name])


@pytest.mark.parametrize("subsampling", ["4:2:2", "4:4:4"])
@pytest.mark.parametrize("name", JPEG_QUALITY)
def test_golden_values_notice_another_subsampling(name, subsampling, monkeypatch):
    monkeypatch.setattr(codecs, "SUBSAMPLING", subsampling)
    assert not is_golden(measured(codec(name), face(160, 160)), GOLDEN[name])


def test_golden_values_notice_another_preset(monkeypatch):
    monkeypatch.setattr(codecs, "H264_PRESET", "slow")
    found = measured(codec("C40"), clip(4, 160, 160))
    assert not is_golden(found, GOLDEN_CLIPS["C40"])


WRONG = {
    "float": np.zeros((8, 8, 3)),
    "signed": np.zeros((8, 8, 3), np.int16),
    "grey": np.zeros((8, 8), np.uint8),
    "RGBA": np.zeros((8, 8, 4), np.uint8),
    "channels first": np.zeros((3, 8, 8), np.uint8),
    "five axes": np.zeros((1, 1, 8, 8, 3), np.uint8),
}


@pytest.mark.parametrize("image", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("name", ["RAW", "LQ", "WEBP", "C23"])
def test_what_is_no_rgb_image_is_refused(name, image):
    with pytest.raises(ValueError, match=f"{name} takes uint8"):
        codec(name)(image)


@pytest.mark.parametrize("name", ["jpeg", "raw", ""])
def test_an_unknown_name_is_told_the_names_there_are(name):
    with pytest.raises(CompanionError) as told:
        codec(name)
    assert repr(name) in str(told.value)
    assert str(told.value).endswith(".")
    assert all(known in str(told.value) for known in CODECS)


def test_versions_name_every_encoder():
    found = versions()
    assert {"Pillow", "libjpeg-turbo", "libwebp", "PyAV", "libavcodec"} <= set(found)
    assert all(isinstance(value, str) and value for value in found.values())


@pytest.mark.parametrize("name", ["C23", "C40"])
def test_h264_does_not_depend_on_what_memory_held_before(name):
    frames = np.stack([astronaut()[100:260, 150:310]] * 6)
    random = np.random.default_rng(0)
    seen = set()
    for i in range(12):
        heights = range(300 + 77 * i, 340 + 77 * i)
        litter = [random.integers(0, 255, (high, 160, 3), dtype=np.uint8) for high in heights]
        del litter
        seen.add(codec(name)(frames).tobytes())
    assert len(seen) == 1


# a random quality for each image


@pytest.fixture
def drawn(monkeypatch) -> list[int]:
    """The qualities at which codecs are made, in their order."""
    qualities = []
    real = codecs.Codec

    def noted(name: str, kind: str, quality: int) -> codecs.Codec:
        qualities.append(quality)
        return real(name, kind, quality)

    monkeypatch.setattr(codecs, "Codec", noted)
    return qualities


def test_random_qualities_are_drawn_evenly_from_20_to_100_for_each_image(drawn):
    random_jpeg(np.stack([face(16, 16)] * 1000), np.random.default_rng(0))
    assert len(drawn) == 1000
    assert (min(drawn), max(drawn)) == (20, 100)
    counts = np.bincount(drawn, minlength=101)[20:]  # 12 of each, if evenly
    assert counts.min() > 0
    assert counts.max() < 30
    assert np.mean(drawn) == pytest.approx(60, abs=3)
    assert min(JPEG_QUALITY.values()) >= 20  # the test sets' qualities are among them


def test_random_jpeg_is_torchvisions_at_the_quality_drawn(drawn):
    images = np.stack([face(16, 16)] * 20)
    out = random_jpeg(images, np.random.default_rng(0))
    for image, compressed, quality in zip(images, out, drawn, strict=True):
        np.testing.assert_array_equal(compressed, torchvisions(image, quality))


def test_random_jpeg_is_its_generators_and_leaves_the_input_alone():
    images = np.stack([face(32, 32)] * 6)
    before = images.copy()
    one, same, other = (random_jpeg(images, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert one.shape == images.shape
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert len({image.tobytes() for image in one}) > 3
    np.testing.assert_array_equal(images, before)


def test_random_jpeg_is_no_test_set():
    with pytest.raises(CompanionError, match=RANDOM_JPEG):
        codec(RANDOM_JPEG)
