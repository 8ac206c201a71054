"""Spectra of pictures whose spectrum is known, and Durall et al.'s definition in plain loops."""
import math
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.interpolate import griddata
from skimage import data

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.analysis import spectrum
from tcnsc_lib.analysis.spectrum import BANDS, CHANGES, bands, durall, figure6, gains, luma, power
from tcnsc_lib.codecs import codec

S = 128


def grey(values: np.ndarray) -> np.ndarray:
    """(S, S) -> uint8 (S, S, 3)."""
    return np.repeat(np.rint(values)[..., None], 3, axis=2).astype(np.uint8)


def wave(cycles: int, amplitude: float, axis: int) -> np.ndarray:
    place = np.indices((S, S))[axis] / S
    return 100 + amplitude * np.cos(2 * np.pi * cycles * place)


def ring_size(r: int) -> int:
    """How many of the S x S frequencies lie from r to r + 1 away from zero."""
    y, x = np.indices((S, S)) - S // 2
    squared = x**2 + y**2
    return int(((r**2 <= squared) & (squared < (r + 1) ** 2)).sum())


# the plain spectrum

@pytest.mark.parametrize("axis", [0, 1], ids=["vertical", "horizontal"])
@pytest.mark.parametrize(
    ("cycles", "amplitude", "tolerance"),
    [(5, 90, 1e-2), (19, 90, 1e-2), (32, 60, 1e-9), (64, 60, 1e-9)])  # the last are exact in 8 bits
def test_a_wave_has_all_its_power_at_its_own_radius(cycles, amplitude, tolerance, axis):
    line = power(grey(wave(cycles, amplitude, axis)))
    assert len(line) == 65
    assert line[1:].argmax() + 1 == cycles
    # two peaks of |F| = amplitude S^2 / 2; the finest wave has one, of amplitude S^2
    peaks = 1 / 2 if cycles < S // 2 else 1
    total = peaks * amplitude**2 * S**2
    assert line[cycles] == pytest.approx(total / ring_size(cycles), rel=tolerance)
    assert np.delete(line, [0, cycles]).max() < tolerance * line[cycles]
    assert line[0] == pytest.approx(100**2 * S**2, rel=tolerance)


def test_a_diagonal_wave_lies_at_the_length_of_its_frequency():
    y, x = np.indices((S, S))
    phase = 2 * np.pi * (9 * x + 12 * y) / S
    line = power(grey(100 + 90 * np.cos(phase)))
    assert line[1:].argmax() + 1 == 15  # 9, 12, 15


def test_colours_count_by_their_brightness():
    stripes = grey(wave(32, 60, 0))
    red = stripes * np.uint8([1, 0, 0])
    assert power(red)[32] == pytest.approx(0.2125**2 * power(stripes)[32])


def test_white_noise_is_flat_at_its_variance():
    random = np.random.default_rng(0)
    lines = [power(grey(random.integers(0, 256, (S, S)))) for _ in range(12)]
    line = np.mean(lines, axis=0)
    variance = (256**2 - 1) / 12
    assert line[1:].mean() == pytest.approx(variance, rel=0.05)
    np.testing.assert_allclose(line[12:], variance, rtol=0.25)  # rings of 70 frequencies and more
    assert line[8:37].mean() == pytest.approx(line[37:].mean(), rel=0.05)


def test_a_flat_picture_has_its_mean_and_nothing_else():
    flat = np.full((96, 96, 3), 77, np.uint8)
    line = power(flat)
    assert line[0] == pytest.approx(77**2 * 96**2)
    assert len(line) == 49
    assert np.abs(line[1:]).max() < 1e-6
    assert np.isfinite(durall(flat)).all()


# Durall et al.

def rings(image: np.ndarray) -> list[list[float]]:
    """|F| of a picture, ring by ring around (S - 1) / 2, without the first ring and the last.

    Without any cleverness.
    """
    side = len(image)
    f = np.fft.fft2(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    found: dict[int, list[float]] = {}
    for i in range(side):
        for j in range(side):  # row i of the centred transform is frequency i - side // 2
            size = abs(f[(i - side // 2) % side, (j - side // 2) % side])
            radius = math.dist((i, j), [(side - 1) / 2] * 2)
            found.setdefault(math.floor(radius), []).append(size)
    return [found[radius] for radius in sorted(found)[1:-1]]


def mean_of_logarithms(ring: list[float]) -> float:
    return 20 * np.mean([math.log(size + 1e-8) for size in ring])


def logarithm_of_mean(ring: list[float]) -> float:
    return 20 * math.log(np.mean(ring) + 1e-8)


def line_by(average, image: np.ndarray) -> np.ndarray:
    values = np.array([average(ring) for ring in rings(image)])
    return values / values[0]


@pytest.mark.parametrize("side", [16, 31, 48])
def test_durall_is_its_definition(side):
    random = np.random.default_rng(side)
    image = random.integers(0, 256, (side, side, 3)).astype(np.uint8)
    expected = line_by(mean_of_logarithms, image)
    np.testing.assert_allclose(durall(image, points=None), expected, rtol=1e-7)


def test_durall_averages_logarithms_not_amplitudes():
    image = data.astronaut()[40:88, 190:238]
    line = durall(image, points=None)
    np.testing.assert_allclose(line, line_by(mean_of_logarithms, image), rtol=1e-7)
    assert np.abs(line - line_by(logarithm_of_mean, image)).max() > 0.01


def test_durall_leaves_88_values_of_128_px_and_gives_300():
    image = data.astronaut()[40:168, 170:298]
    raw = durall(image, points=None)
    line = durall(image)
    assert (len(raw), len(line)) == (88, 300)
    assert raw.dtype == line.dtype == np.float64
    assert raw[0] == line[0] == 1
    assert line[-1] == pytest.approx(raw[-1])
    between = durall(image, points=2 * 88 - 1)
    np.testing.assert_allclose(between[::2], raw)  # the spline goes through every value


def theirs(grey: np.ndarray, points: int = 300) -> np.ndarray:
    """Their features of the luma that they read, in the steps that their code takes."""
    moved = np.fft.fftshift(np.fft.fft2(grey)) + 1e-8
    level = 20 * np.log(np.abs(moved))
    y, x = np.indices(level.shape)
    radius = np.hypot(x - x.max() / 2, y - y.max() / 2).astype(int)
    line = [level[radius == r].mean() for r in range(1, radius.max())]
    places = np.linspace(0, points, num=len(line))
    wanted = np.linspace(0, points, num=points)
    features = griddata(places, np.array(line), wanted, method="cubic")
    return features / features[0]


FACE = data.astronaut()[40:168, 170:298]


def test_durall_gives_their_features_of_the_luma_of_a_jpeg_file(tmp_path):
    path = tmp_path / "face.jpg"
    Image.fromarray(FACE).save(path, quality=95)
    read = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    features = theirs(read)
    np.testing.assert_allclose(durall(read), features, atol=1e-10)
    decoded = np.asarray(Image.open(path))
    assert np.abs(durall(decoded) - features).max() < 2e-3


def test_durall_gives_their_features_of_colours():
    grey = cv2.cvtColor(FACE[..., ::-1].copy(), cv2.COLOR_BGR2GRAY)
    np.testing.assert_allclose(durall(FACE), theirs(grey), atol=1e-10)


# Four pixels of a face, and what .299 R + .587 G + .114 B is of each, rounded by hand.
PIXELS = [((231, 176, 149), 189), ((255, 0, 0), 76), ((0, 0, 255), 29), ((7, 77, 177), 67)]


@pytest.mark.parametrize(("colour", "level"), PIXELS)
def test_luma_by_hand(colour, level):
    assert luma(np.uint8([[colour]])).tolist() == [[level]]


def test_luma_is_opencvs_bit_for_bit():
    green, blue = np.meshgrid(np.arange(256), np.arange(256))
    for red in (0, 1, 100, 254, 255):
        colours = np.stack([np.full_like(green, red), green, blue], 2).astype(np.uint8)
        assert np.array_equal(luma(colours), cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY))


@pytest.mark.parametrize("spectrum_of", [durall, power])
@pytest.mark.parametrize("shape", [(32, 48, 3), (48, 32, 3), (32, 48), (32,)])
def test_a_picture_that_is_not_square_is_refused(spectrum_of, shape):
    with pytest.raises(CompanionError, match="square"):
        spectrum_of(np.zeros(shape, np.uint8))


# bands

def test_bands_by_hand():
    line = np.array([1e9, 5, 15, 100, -20, 1, 1999])  # the zero frequency, then two radii a third
    np.testing.assert_allclose(bands(line), [10, 40, 1000])


def test_jpeg_changes_high_frequencies_more_than_low_ones():
    raw = data.astronaut()[40:168, 170:298]
    before = 10 * np.log10(power(raw))
    after = 10 * np.log10(power(codec("LQ")(raw)))
    low, middle, high = bands(np.abs(after - before))
    assert 0 < 3 * low < middle < high / 2
    assert middle < 1 < high
    gain = bands(after) - bands(before)
    assert abs(gain[0]) < low / 5
    assert abs(gain[1]) < 0.5
    assert gain[2] < -1


def crops_of(toy_faces, images) -> SimpleNamespace:
    """The toy people with other pictures: images(codec) -> a picture a crop."""
    return SimpleNamespace(labels=toy_faces.labels, units=toy_faces.units,
                           images=lambda name, part: images(name))


SPECTRA = dict.fromkeys(paper.CODECS, (90, 10, 10, 20, 20, 30, 30))
SPECTRA |= {"HQ": (0, 10, 10, 20, 20, 30, 30), "LQ": (90, 9, 9, 21, 18, 33, 27)}
"""Spectra in dB: the zero frequency, then two radii a third."""

LEVELS = [
    ("RAW", (10, 20, 30), (0, 0, 0)),
    ("HQ", (10, 20, 30), (0, 0, 0)),
    ("LQ", (9, 19.5, 30), (1, 1.5, 3))]


@pytest.mark.parametrize(("name", "levels", "changes"), LEVELS)
def test_a_loss_and_a_gain_cancel_in_the_level_and_not_in_the_change(
        monkeypatch, toy_faces, name, levels, changes):
    louder = 5 * np.arange(8)[:, None]  # each crop 5 dB above the one before
    crops = crops_of(toy_faces, lambda name: np.array(SPECTRA[name]) + louder)
    monkeypatch.setattr(spectrum, "power", lambda line: 10 ** (line / 10))
    monkeypatch.setattr(spectrum, "durall", lambda line: np.ones(3))
    table = figure6(crops, seed=3)[1]
    rows = table[table.codec == name]
    assert rows.crop.tolist() == list(range(8))
    np.testing.assert_allclose(rows[list(BANDS)], levels + louder, atol=1e-4)
    np.testing.assert_allclose(rows[list(CHANGES)], np.tile(changes, (8, 1)), atol=1e-4)


def test_flat_pictures_have_finite_levels_and_no_change(toy_faces):
    crops = crops_of(toy_faces, lambda name: np.full((8, 32, 32, 3), 77, np.uint8))
    curves, table = figure6(crops, seed=3)
    levels = table[list(BANDS)].to_numpy()
    assert levels.min() >= -120
    assert levels.max() < -60
    assert (table[list(CHANGES)] == 0).all(axis=None)
    assert np.isfinite(curves[["mean", "sd"]]).all(axis=None)


def test_gains_are_taken_from_the_same_crops_raw():
    rows = [(7, "LQ", 1, 2, 3), (4, "RAW", 10, 20, 30), (7, "RAW", 5, 5, 5), (4, "LQ", 9, 22, 30)]
    table = pd.DataFrame(rows, columns=["crop", "codec", *BANDS])
    assert gains(table).values.tolist() == [[7, "LQ", -4, -3, -2], [4, "LQ", -1, 2, 0]]
    assert table.values.tolist() == [list(row) for row in rows]  # as it was


# Figure 6

@pytest.fixture(scope="module")
def figure(toy_faces) -> tuple:
    return figure6(toy_faces, seed=3)


def test_figure_6_has_every_crops_bands(figure, toy_faces):
    table = figure[1]
    assert table.codec.tolist() == list(np.repeat(paper.CODECS, 8))
    rows = table[table.codec == "LQ"]
    assert rows.crop.tolist() == list(range(8))
    assert rows.label.tolist() == toy_faces.labels("test").tolist()
    after = [10 * np.log10(power(image)) for image in toy_faces.images("LQ", "test")]
    before = [10 * np.log10(power(image)) for image in toy_faces.images("RAW", "test")]
    levels = [bands(line) for line in after]
    changes = [bands(change) for change in np.abs(np.subtract(after, before))]
    np.testing.assert_allclose(rows[list(BANDS)], levels, atol=1e-4)
    np.testing.assert_allclose(rows[list(CHANGES)], changes, atol=1e-4)
    assert rows[list(CHANGES)].to_numpy().min() > 0
    assert (table[table.codec == "RAW"][list(CHANGES)] == 0).all(axis=None)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize(("definition", "length"), [("Durall", 300), ("power", 17)])
def test_figure_6_has_each_groups_curves(figure, toy_faces, definition, length, label):
    curves = figure[0]
    part = curves[(curves.definition == definition) & (curves.codec == "LQ")]
    part = part[part.label == label]
    images = toy_faces.images("LQ", "test")[toy_faces.labels("test") == label]
    if definition == "Durall":
        lines = np.array([durall(image) for image in images])
    else:
        lines = 10 * np.log10([power(image) for image in images])
    assert len(part) == length
    assert part.radius.iloc[[0, -1]].tolist() == [0, 1]
    np.testing.assert_allclose(part["mean"], lines.mean(0))
    deviations = lines - lines.mean(0)
    expected = np.sqrt((deviations**2).sum(0) / (len(images) - 1))
    np.testing.assert_allclose(part.sd, expected, atol=1e-12)
