"""SSIM and block borders against values worked out by hand, and the tables of Figures 1 and 5."""
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from tcnsc_lib import paper
from tcnsc_lib.analysis import quality
from tcnsc_lib.analysis.quality import VARIANTS, blocking, ssim
from tcnsc_lib.codecs import Codec, codec
from tcnsc_lib.profiles import Profile

FACE = data.astronaut()[40:168, 170:298]
TOY = Profile("toy", "demo", seed=3)


@pytest.fixture
def crops(monkeypatch, toy_faces):
    monkeypatch.setattr(quality, "faces", lambda p: toy_faces)
    return toy_faces


def flat(*colour: int) -> np.ndarray:
    return np.broadcast_to(np.uint8(colour), (32, 32, 3)).copy()


# SSIM

@pytest.mark.parametrize("variant", VARIANTS)
def test_a_picture_is_wholly_similar_to_itself(variant):
    assert ssim(FACE, FACE.copy(), variant) == 1


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("a, b", [(100, 150), (0, 255), (3, 4)])
def test_ssim_of_two_flat_pictures_by_hand(variant, a, b):
    c1 = (0.01 * 255) ** 2  # without variance only the term of the means is left
    expected = (2 * a * b + c1) / (a**2 + b**2 + c1)
    assert ssim(flat(a, a, a), flat(b, b, b), variant) == pytest.approx(expected, rel=1e-6)


def test_grey_ssim_compares_brightness_and_colour_ssim_each_channel():
    one, other = flat(200, 10, 10), flat(10, 10, 200)
    c1 = (0.01 * 255) ** 2
    red, blue = (np.dot(weights, (0.2125, 0.7154, 0.0721)) for weights in ((200, 10, 10), (10, 10, 200)))
    assert ssim(one, other) == pytest.approx((2 * red * blue + c1) / (red**2 + blue**2 + c1), rel=1e-6)
    channel = (2 * 200 * 10 + c1) / (200**2 + 10**2 + c1)
    assert ssim(one, other, "colour, Gaussian") == pytest.approx((2 * channel + 1) / 3, rel=1e-6)


def test_ssim_is_that_of_wang_et_al_on_grey():
    after = codec("MQ")(FACE)
    one, other = (image @ np.array([0.2125, 0.7154, 0.0721]) for image in (FACE, after))
    expected = structural_similarity(one, other, data_range=255, gaussian_weights=True, sigma=1.5, win_size=11,
                                     use_sample_covariance=False, K1=0.01, K2=0.03)
    assert ssim(FACE, after) == pytest.approx(expected, abs=1e-9) and quality.OURS == "grey, Gaussian" in VARIANTS


def test_window_and_colour_change_the_value():
    values = [ssim(FACE, codec("MQ")(FACE), variant) for variant in VARIANTS]
    assert min(abs(a - b) for i, a in enumerate(values) for b in values[:i]) > 1e-3 and np.ptp(values) > 0.02


@pytest.mark.parametrize("variant", VARIANTS)
def test_ssim_falls_with_quality(variant):
    raw, *worse = (ssim(FACE, codec(name)(FACE), variant) for name in ("RAW", "HQ", "MQ", "LQ"))
    assert raw == 1 and worse == sorted(worse, reverse=True) and 0.8 < worse[2] < worse[0] < 1


# block borders

def squares(levels: np.ndarray) -> np.ndarray:
    """(n, n) grey levels -> squares of 8 x 8 pixels of them, (8 n, 8 n, 3)."""
    return np.repeat(np.kron(levels, np.ones((8, 8)))[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("size", [11, 16, 96, 128])
@pytest.mark.parametrize("colour", [(0, 0, 0), (77, 77, 77), (255, 3, 77)])
def test_a_flat_picture_has_no_blocks(size, colour):
    assert blocking(np.broadcast_to(np.uint8(colour), (size, size, 3)).copy()) == 1


def test_blocking_by_hand():
    levels = squares(np.array([[50, 90], [130, 170]]))
    levels[:, ::2] += 2  # neighbours in a row differ by 2, across the border by 42; in a column by 0 and by 80
    assert blocking(levels) == pytest.approx((42 + 80) / (2 + 0))


def test_blocks_of_one_level_each_are_told_from_a_flat_picture():
    assert blocking(squares(np.random.default_rng(0).integers(0, 256, (8, 8)))) > 100


def test_noisy_blocks_have_strong_borders_only_on_the_grid_of_jpeg():
    random = np.random.default_rng(0)
    image = squares(random.integers(10, 240, (12, 12))) + random.integers(0, 3, (96, 96, 1)).astype(np.uint8)
    assert blocking(image) > 50
    assert blocking(image[3:-5, 3:-5]) < 0.2  # the same borders, beside the grid


def test_noise_has_no_blocks():
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    assert blocking(image) == pytest.approx(1, abs=0.03)


def test_blocks_grow_as_the_quality_falls():
    raw = data.astronaut()
    values = [blocking(raw), *(blocking(Codec("", "jpeg", quality)(raw)) for quality in (80, 50, 20))]
    assert values == sorted(values) and values[0] == pytest.approx(1, abs=0.05) and values[3] > 1.5


def test_the_table_of_blocks_has_every_crop_at_every_codec(crops):
    table = quality.blocks(TOY)
    assert table.codec.tolist() == [name for name in paper.CODECS for _ in range(8)]
    assert table.crop.tolist() == list(range(8)) * 5 and table.label.tolist() == crops.labels("test").tolist() * 5
    assert table[table.codec == "LQ"].blocking.tolist() == [blocking(image) for image in crops.images("LQ", "test")]


# Figure 1

def test_a_fake_whose_first_frame_has_no_real_crop_is_shown_at_another():
    rows = pd.DataFrame([("000", "000", 0, 0), ("000", "000", 2, 0), ("000_001", "000", 1, 1), ("000_001", "000", 2, 1)],
                        columns=["video", "identity", "frame", "label"])
    pairs = quality.same_frame(SimpleNamespace(rows=lambda split: rows), "ffpp")
    assert pairs[["video", "video_real", "frame"]].values.tolist() == [["000_001", "000", 2]]
    photos = rows.assign(video=["a", "b", "a", "b"], frame=0)  # a photograph gives both, under one name
    pairs = quality.same_frame(SimpleNamespace(rows=lambda split: photos), "photos")
    assert pairs.video.tolist() == ["a", "b"] and (pairs.label_real == 0).all()


def test_same_frame_pairs_each_fake_with_the_real_crop_under_it(crops):
    pairs = quality.same_frame(crops, "demo")
    assert pairs.video.tolist() == ["test0-1", "test1-1"] and pairs.video_real.tolist() == ["test0-0", "test1-0"]
    assert (pairs.frame == 0).all() and (pairs.label == 1).all() and (pairs.label_real == 0).all()


def test_figure_1_has_a_fake_and_a_real_crop_of_one_frame(crops):
    table = quality.figure1(TOY)
    assert table.face.tolist() == ["fake"] * 4 + ["real"] * 4 and table.codec.tolist() == list(paper.CODECS[:4]) * 2
    test = crops.rows("test")
    for face, rows in table.groupby("face"):
        (number,) = set(rows.crop)
        assert test.label[number] == (face == "fake") and (test.identity[number], test.frame[number]) == ("test0", 0)
        raw = crops.load(test.file[number])
        values = rows.set_index("codec")
        assert values.bytes.RAW == 32 * 32 * 3 and values.mean_abs_difference.RAW == 0
        for name in ("HQ", "MQ", "LQ"):
            after = codec(name)(raw)
            assert values.bytes[name] == len(codec(name).encode(raw)) < values.bytes.RAW
            assert values.mean_abs_difference[name] == pytest.approx(np.mean(np.abs(after.astype(float) - raw)))
            assert values.blocking[name] == blocking(after)
        assert values.mean_abs_difference.HQ < values.mean_abs_difference.MQ < values.mean_abs_difference.LQ


# Figure 5

def test_figure_5_compares_each_crop_with_itself_before(crops):
    table = quality.figure5(TOY)
    assert table.codec.tolist() == [name for name in ("HQ", "MQ", "LQ", "WEBP") for _ in range(8)]
    raw = crops.images("RAW", "test")
    for name in ("MQ", "WEBP"):
        rows = table[table.codec == name]
        assert rows.crop.tolist() == list(range(8))
        for variant in VARIANTS:
            assert rows[variant].tolist() == [ssim(raw[i], codec(name)(raw[i]), variant) for i in range(8)]


def test_the_bars_of_figure_5_by_hand():
    rows = [{"crop": 2 * unit + label, "unit": unit, "label": label, "codec": name,
             **dict.fromkeys(VARIANTS, 0.5), "grey, Gaussian": 0.9 - 0.1 * unit - 0.2 * label - 0.01 * (name == "LQ")}
            for name in ("HQ", "MQ", "LQ", "WEBP") for unit in (0, 1) for label in (0, 1)]
    table = quality.figure5_means(pd.DataFrame(rows)).set_index(["label", "codec", "measure"])
    assert len(table) == 2 * 4 * len(VARIANTS)
    fake = table.loc[(1, "LQ", "grey, Gaussian")]
    assert fake[["mean", "low", "high", "crops", "paper"]].tolist() == pytest.approx([0.64, 0.59, 0.69, 2, 1 - 0.202])
    real = table.loc[(0, "MQ", "grey, Gaussian")]
    assert real[["mean", "low", "high", "crops", "paper"]].tolist() == pytest.approx([0.85, 0.8, 0.9, 2, 1 - 0.113])
    known = table.paper.dropna()  # the paper has MQ and LQ, and no more than one SSIM
    assert set(known.index) == {(label, name, "grey, Gaussian") for label in (0, 1) for name in ("MQ", "LQ")}
