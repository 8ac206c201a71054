"""SSIM against values worked out by hand, and the table of Figure 5."""
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from tcnsc_lib import CompanionError
from tcnsc_lib.analysis.ssim import OURS, VARIANTS, figure5, figure5_means, ssim
from tcnsc_lib.codecs import codec

FACE = data.astronaut()[40:168, 170:298]
BT709 = np.array([0.2125, 0.7154, 0.0721])  # how bright red, green and blue are
C1 = (0.01 * 255) ** 2  # the constant of SSIM's term of means


def flat(*colour: int) -> np.ndarray:
    return np.broadcast_to(np.uint8(colour), (32, 32, 3)).copy()


def of_means(a: float, b: float) -> float:
    """SSIM of two flat grey pictures: without variance only the term of the means is left."""
    return (2 * a * b + C1) / (a**2 + b**2 + C1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_picture_is_wholly_similar_to_itself(variant):
    assert ssim(FACE, FACE.copy(), variant) == 1


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("a", "b"), [(100, 150), (0, 255), (3, 4)])
def test_ssim_of_two_flat_pictures_by_hand(variant, a, b):
    value = ssim(flat(a, a, a), flat(b, b, b), variant)
    assert value == pytest.approx(of_means(a, b), rel=1e-6)


def test_grey_ssim_compares_brightness_and_colour_ssim_each_channel():
    one = flat(200, 10, 10)
    other = flat(10, 10, 200)
    red = one[0, 0] @ BT709
    blue = other[0, 0] @ BT709
    assert ssim(one, other) == pytest.approx(of_means(red, blue), rel=1e-6)
    expected = (2 * of_means(200, 10) + 1) / 3
    assert ssim(one, other, "colour, Gaussian") == pytest.approx(expected, rel=1e-6)


def test_ssim_is_that_of_wang_et_al_on_grey():
    after = codec("MQ")(FACE)
    window = {"gaussian_weights": True, "sigma": 1.5, "win_size": 11}
    constants = {"use_sample_covariance": False, "K1": 0.01, "K2": 0.03, "data_range": 255}
    expected = structural_similarity(FACE @ BT709, after @ BT709, **window, **constants)
    assert ssim(FACE, after) == pytest.approx(expected, abs=1e-9)
    assert OURS == "grey, Gaussian"


def test_window_and_colour_change_the_value():
    after = codec("MQ")(FACE)
    values = [ssim(FACE, after, variant) for variant in VARIANTS]
    gaps = [abs(a - b) for a, b in combinations(values, 2)]
    assert min(gaps) > 1e-3
    assert max(gaps) > 0.02


@pytest.mark.parametrize("variant", VARIANTS)
def test_ssim_falls_with_quality(variant):
    raw, *worse = (ssim(FACE, codec(name)(FACE), variant) for name in ("RAW", "HQ", "MQ", "LQ"))
    assert raw == 1
    assert worse == sorted(worse, reverse=True)
    assert 0.8 < worse[2] < worse[0] < 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_picture_smaller_than_the_window_is_refused(variant):
    small = flat(1, 2, 3)[:10]
    with pytest.raises(CompanionError, match="11 pixels a side"):
        ssim(small, small, variant)


# Figure 5

def test_figure_5_compares_each_crop_with_itself_before(toy_faces):
    table = figure5(toy_faces, seed=3)
    assert table.codec.tolist() == list(np.repeat(["HQ", "MQ", "LQ", "WEBP"], 8))
    raw = toy_faces.images("RAW", "test")
    for name in ("MQ", "WEBP"):
        rows = table[table.codec == name]
        assert rows.crop.tolist() == list(range(8))
        for variant in VARIANTS:
            expected = [ssim(image, codec(name)(image), variant) for image in raw]
            assert rows[variant].tolist() == expected


@pytest.fixture
def bars() -> pd.DataFrame:
    """The bars of two people, a real and a fake crop each, whose SSIM is known."""
    rows = []
    for name in ("HQ", "MQ", "LQ", "WEBP"):
        for crop in range(4):
            unit, label = divmod(crop, 2)
            ours = 0.9 - 0.1 * unit - 0.2 * label - 0.01 * (name == "LQ")
            about = {"crop": crop, "unit": unit, "label": label, "codec": name}
            rows.append({**about, **dict.fromkeys(VARIANTS, 0.5), OURS: ours})
    return figure5_means(pd.DataFrame(rows)).set_index(["label", "codec", "measure"])


def test_the_bars_of_figure_5_by_hand(bars):
    assert len(bars) == 2 * 4 * len(VARIANTS)
    numbers = bars[["mean", "low", "high", "crops", "paper"]]
    fake = numbers.loc[(1, "LQ", OURS)].tolist()
    assert fake == pytest.approx([0.64, 0.59, 0.69, 2, 1 - 0.202])
    real = numbers.loc[(0, "MQ", OURS)].tolist()
    assert real == pytest.approx([0.85, 0.8, 0.9, 2, 1 - 0.113])


def test_the_paper_has_mq_and_lq_and_no_more_than_one_ssim(bars):
    known = bars.paper.dropna()
    assert set(known.index) == {
        (0, "MQ", OURS), (1, "MQ", OURS), (0, "LQ", OURS), (1, "LQ", OURS)}
