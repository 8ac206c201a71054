"""Spectra of pictures whose spectrum is known: waves, noise, a flat area, and Durall et al.'s definition in plain loops."""
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import P
from skimage import data

from tcnsc_lib import paper
from tcnsc_lib.analysis import spectrum
from tcnsc_lib.analysis.spectrum import BANDS, bands, durall, gains, power
from tcnsc_lib.codecs import codec

S = 128


def grey(values: np.ndarray) -> np.ndarray:
    """(S, S) -> uint8 (S, S, 3)."""
    return np.repeat(np.rint(values)[..., None], 3, axis=2).astype(np.uint8)


def wave(cycles: int, amplitude: float, axis: int) -> np.ndarray:
    return 100 + amplitude * np.cos(2 * np.pi * cycles * np.indices((S, S))[axis] / S)


def ring_size(r: int) -> int:
    """How many of the S x S frequencies lie from r to r + 1 away from zero."""
    return sum(r**2 <= x**2 + y**2 < (r + 1) ** 2 for x in range(-S // 2, S // 2) for y in range(-S // 2, S // 2))


@pytest.mark.parametrize("axis", [0, 1], ids=["vertical", "horizontal"])
@pytest.mark.parametrize("cycles, amplitude, tolerance", [(5, 90, 1e-2), (19, 90, 1e-2), (32, 60, 1e-9), (64, 60, 1e-9)])
def test_a_wave_has_all_its_power_at_its_own_radius(cycles, amplitude, tolerance, axis):
    line = power(grey(wave(cycles, amplitude, axis)))
    assert len(line) == 65 and line[1:].argmax() + 1 == cycles
    # two peaks of |F| = amplitude S^2 / 2; the finest wave has one, of amplitude S^2. Waves of 32 and 64 are exact in 8 bits
    total = amplitude**2 * S**2 / 2 if cycles < S // 2 else amplitude**2 * S**2
    assert line[cycles] == pytest.approx(total / ring_size(cycles), rel=tolerance)
    assert np.delete(line, [0, cycles]).max() < tolerance * line[cycles]
    assert line[0] == pytest.approx(100**2 * S**2, rel=tolerance)


def test_a_diagonal_wave_lies_at_the_length_of_its_frequency():
    y, x = np.indices((S, S))
    line = power(grey(100 + 90 * np.cos(2 * np.pi * (9 * x + 12 * y) / S)))
    assert line[1:].argmax() + 1 == 15  # 9, 12, 15


def test_colours_count_by_their_brightness():
    stripes = grey(wave(32, 60, 0))
    red = stripes * np.uint8([1, 0, 0])
    assert power(red)[32] == pytest.approx(0.2125**2 * power(stripes)[32])


def test_white_noise_is_flat_at_its_variance():
    random = np.random.default_rng(0)
    line = np.mean([power(grey(random.integers(0, 256, (S, S)))) for _ in range(12)], axis=0)
    variance = (256**2 - 1) / 12
    assert line[1:].mean() == pytest.approx(variance, rel=0.05)
    np.testing.assert_allclose(line[12:], variance, rtol=0.25)  # rings of 70 frequencies and more
    assert line[8:37].mean() == pytest.approx(line[37:].mean(), rel=0.05)


def test_a_flat_picture_has_its_mean_and_nothing_else():
    line = power(np.full((96, 96, 3), 77, np.uint8))
    assert line[0] == pytest.approx(77**2 * 96**2) and len(line) == 49
    assert np.abs(line[1:]).max() < 1e-6
    assert np.isfinite(durall(np.full((96, 96, 3), 77, np.uint8))).all()


# Durall et al.

def in_loops(image: np.ndarray, logarithm_first: bool = True) -> list[float]:
    """The definition without any cleverness; one weighs red, green and blue like CRT phosphors (ITU-R BT.709)."""
    side = len(image)
    f = np.fft.fft2(image @ np.array([0.2125, 0.7154, 0.0721]))
    rings: dict[int, list[float]] = {}
    for i in range(side):
        for j in range(side):  # row i of the centred transform is frequency i - side // 2
            size = abs(f[(i - side // 2) % side, (j - side // 2) % side])
            rings.setdefault(math.floor(math.dist((i, j), [(side - 1) / 2] * 2)), []).append(size)
    order = sorted(rings)[1:-1]
    if logarithm_first:
        line = [20 * sum(math.log(size + 1e-8) for size in rings[r]) / len(rings[r]) for r in order]
    else:
        line = [20 * math.log(sum(rings[r]) / len(rings[r]) + 1e-8) for r in order]
    return [value / line[0] for value in line]


@pytest.mark.parametrize("side", [16, 31, 48])
def test_durall_is_its_definition(side):
    image = np.random.default_rng(side).integers(0, 256, (side, side, 3)).astype(np.uint8)
    np.testing.assert_allclose(durall(image, points=None), in_loops(image), rtol=1e-7)


def test_durall_averages_logarithms_not_amplitudes():
    image = data.astronaut()[40:88, 190:238]
    line, other = durall(image, points=None), in_loops(image, logarithm_first=False)
    np.testing.assert_allclose(line, in_loops(image), rtol=1e-7)
    assert np.abs(line - other).max() > 0.01


def test_durall_leaves_88_values_of_128_px_and_gives_300():
    image = data.astronaut()[40:168, 170:298]
    raw, line = durall(image, points=None), durall(image)
    assert (len(raw), len(line)) == (88, 300) and raw.dtype == line.dtype == np.float64
    assert raw[0] == line[0] == 1 and line[-1] == pytest.approx(raw[-1])
    np.testing.assert_allclose(durall(image, points=2 * 88 - 1)[::2], raw)  # the spline goes through every value


@pytest.mark.parametrize("spectrum_of", [durall, power])
@pytest.mark.parametrize("shape", [(32, 48, 3), (48, 32, 3), (32, 32)])
def test_a_picture_that_is_not_square_is_refused(spectrum_of, shape):
    with pytest.raises(ValueError, match="square"):
        spectrum_of(np.zeros(shape, np.uint8))


# bands

def test_bands_by_hand():
    line = np.array([1e9, 5, 15, 100, -20, 1, 1999])  # the zero frequency, then two radii a third
    np.testing.assert_allclose(bands(line), [10, 40, 1000])


def test_jpeg_changes_high_frequencies_more_than_low_ones():
    raw = data.astronaut()[40:168, 170:298]
    before, after = (10 * np.log10(power(image)) for image in (raw, codec("LQ")(raw)))
    low, middle, high = bands(np.abs(after - before))
    assert 0 < 3 * low < middle < high / 2 and middle < 1 < high
    gain = bands(after) - bands(before)
    assert abs(gain[0]) < low / 5 and abs(gain[1]) < 0.5 and gain[2] < -1


CHANGES = [f"{name}_change" for name in BANDS]


def test_a_loss_and_a_gain_cancel_in_the_level_and_not_in_the_change(monkeypatch, toy_faces):
    db = {name: [90, 10, 10, 20, 20, 30, 30] for name in paper.CODECS} | {  # the zero frequency, then two radii a third
        "HQ": [0, 10, 10, 20, 20, 30, 30], "LQ": [90, 9, 9, 21, 18, 33, 27]}
    faces = SimpleNamespace(labels=toy_faces.labels, units=toy_faces.units, images=lambda name, part: np.array(
        [np.array(db[name]) + 5 * crop for crop in range(8)]))  # each crop 5 dB above the one before
    monkeypatch.setattr(spectrum, "faces", lambda p: faces)
    monkeypatch.setattr(spectrum, "power", lambda image: 10 ** (image / 10))
    monkeypatch.setattr(spectrum, "durall", lambda image: np.ones(3))
    crops = spectrum.figure6(P)[1].set_index(["codec", "crop"])
    expected = {"RAW": (10, 20, 30, 0, 0, 0), "HQ": (10, 20, 30, 0, 0, 0), "LQ": (9, 19.5, 30, 1, 1.5, 3)}
    for name, (low, middle, high, *changes) in expected.items():
        for crop in range(8):
            levels = np.array([low, middle, high]) + 5 * crop
            np.testing.assert_allclose(crops.loc[(name, crop), [*BANDS, *CHANGES]].astype(float), [*levels, *changes],
                                       atol=1e-4)


def test_flat_pictures_have_finite_levels_and_no_change(monkeypatch, toy_faces):
    faces = SimpleNamespace(labels=toy_faces.labels, units=toy_faces.units,
                            images=lambda name, part: np.full((8, 32, 32, 3), 77, np.uint8))
    monkeypatch.setattr(spectrum, "faces", lambda p: faces)
    curves, crops = spectrum.figure6(P)
    assert crops[list(BANDS)].to_numpy().min() >= -120 and crops[list(BANDS)].to_numpy().max() < -60
    assert (crops[CHANGES] == 0).all(axis=None) and np.isfinite(curves[["mean", "sd"]]).all(axis=None)


def test_gains_are_taken_from_the_same_crops_raw():
    rows = [(7, "LQ", 1, 2, 3), (4, "RAW", 10, 20, 30), (7, "RAW", 5, 5, 5), (4, "LQ", 9, 22, 30)]
    table = pd.DataFrame(rows, columns=["crop", "codec", *BANDS])
    assert gains(table).values.tolist() == [[7, "LQ", -4, -3, -2], [4, "LQ", -1, 2, 0]]
    assert table.values.tolist() == [list(row) for row in rows]  # as it was


def test_figure_6_has_every_crops_bands_and_each_groups_curves(monkeypatch, toy_faces):
    monkeypatch.setattr(spectrum, "faces", lambda p: toy_faces)
    curves, crops = spectrum.figure6(P)
    y, images, raw = toy_faces.labels("test"), toy_faces.images("LQ", "test"), toy_faces.images("RAW", "test")
    assert crops.codec.tolist() == [name for name in paper.CODECS for _ in range(8)]
    at_lq = crops[crops.codec == "LQ"]
    assert at_lq.crop.tolist() == list(range(8)) and at_lq.label.tolist() == y.tolist()
    lines = [10 * np.log10([power(image), power(before)]) for image, before in zip(images, raw, strict=True)]
    np.testing.assert_allclose(at_lq[list(BANDS)], [bands(line) for line, _ in lines], atol=1e-4)
    np.testing.assert_allclose(at_lq[CHANGES], [bands(np.abs(line - before)) for line, before in lines], atol=1e-4)
    assert at_lq[CHANGES].to_numpy().min() > 0 and (crops[crops.codec == "RAW"][CHANGES] == 0).all(axis=None)
    for definition, length in (("Durall", 300), ("power", 17)):
        for label in (0, 1):
            part = curves[(curves.definition == definition) & (curves.label == label) & (curves.codec == "LQ")]
            these = [durall(i) if definition == "Durall" else 10 * np.log10(power(i)) for i in images[y == label]]
            np.testing.assert_allclose(part["mean"], np.mean(these, axis=0))
            np.testing.assert_allclose(part.sd, np.sqrt(((these - np.mean(these, axis=0)) ** 2).sum(0) / 3), atol=1e-12)
            assert len(part) == length and part.radius.iloc[[0, -1]].tolist() == [0, 1]
