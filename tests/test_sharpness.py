"""Grain and sharpness against values worked out by hand; what the one cue of a crop tells."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.analysis.sharpness import FAKE, FULL, SMALL, cue, grain, sharpness, trace
from tcnsc_lib.evidence.sheets import check_measured, read_table, write
from tcnsc_lib.faces import forge
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.masks import TEMPLATE
from tcnsc_lib.faces.store import LANDMARKS, FaceSet

CODECS = list(paper.CODECS)
SIZE = 48
EACH = 24  # test crops of each kind
NOISE = np.linspace(6, 24, EACH)  # standard deviation in each: cameras differ
FACE = TEMPLATE * 34 + 7  # landmarks: the square has 34 px of the crop's 48
BOX = {"x0": 0, "y0": 0, "x1": SIZE, "y1": SIZE, "probability": 1.0}


def noise(sigma: float, colours: int, seed: int = 0) -> np.ndarray:
    """Grey pictures of Gaussian noise, uint8 (4, 96, 96, 3); with 3 colours, of coloured noise."""
    random = np.random.default_rng(seed)
    values = random.normal(128, sigma, (4, 96, 96, colours))
    return np.broadcast_to(values.round(), (4, 96, 96, 3)).astype(np.uint8)


# grain


@pytest.mark.parametrize("sigma", [2, 8])
def test_grain_is_the_standard_deviation_of_noise(sigma):
    assert grain(noise(sigma, 1)) == pytest.approx(sigma, rel=0.1)


def test_grain_averages_colours_and_knows_no_slope():
    assert grain(noise(6, 3)) == pytest.approx(6 / 3**0.5, rel=0.1)
    slope = np.tile(np.arange(96, dtype=np.uint8)[:, None], (1, 96, 1, 3))
    assert grain(slope) == 0


@pytest.mark.parametrize("measure", [grain, sharpness])
def test_the_middle_alone_is_looked_at(measure):
    images = np.zeros((1, 96, 96, 3), np.uint8)
    random = np.random.default_rng(0)
    images[:, :32] = random.integers(0, 256, (32, 96, 3))
    assert measure(images) == 0


def test_the_trace_has_a_row_for_fakes_and_one_for_reals(toy_faces):
    table = trace(toy_faces)
    assert table.columns.tolist() == ["face", *CODECS]
    assert table.face.tolist() == ["fake", "real"]
    images = toy_faces.images("LQ", "test")
    y = toy_faces.labels("test")
    assert table.LQ.tolist() == [grain(images[y == 1]), grain(images[y == 0])]
    assert (table.RAW > table.LQ).all()  # compression takes noise away


# sharpness


def test_sharpness_by_hand():
    """The middle third of 12 px a side is rows and columns 4 to 7; two differences a row."""
    image = np.zeros((1, 12, 12, 3), np.uint8)
    image[0, 4, 4:8, 0] = (3, 9, 3, 12)  # red alone: a grey of 1, 3, 1, 4
    image[0, 5, 4:8] = np.array([10, 20, 30, 40])[:, None]  # a slope
    image[0, 6, 4:8] = np.array([0, 0, 8, 0])[:, None]
    # rows: |1 - 6 + 1| and |3 - 2 + 4|; 0 and 0; 8 and 16; 0 and 0
    assert sharpness(image) == pytest.approx([(4 + 5 + 8 + 16) / 8])


def test_each_picture_has_its_own_sharpness():
    images = np.concatenate([noise(2, 1), noise(8, 1)])
    values = sharpness(images)
    assert values.shape == (8,)
    assert values[4:].min() > 2 * values[:4].max()
    assert values[5] == sharpness(images[5:6])[0]


def test_what_is_blurred_is_less_sharp_and_what_is_constant_not_at_all():
    sharp = noise(20, 1)
    blurred = gaussian_filter(sharp, (0, 1, 1, 0))
    assert (sharpness(blurred) < 0.5 * sharpness(sharp)).all()
    assert sharpness(np.full((2, 16, 16, 3), 77, np.uint8)).tolist() == [0, 0]


# the cue


def faces(root: Path, blur: float, unknown: int = 0) -> FaceSet:
    """Real crops of noise and fakes of as much noise, blurred; all in the test part.

    unknown: how many real crops have no landmarks.
    """
    random = np.random.default_rng(0)
    builder = Builder(root, {"size": SIZE})
    keys = []
    for label, method in enumerate(("original", "swap")):
        rows = [_row(label, method, frame) for frame in range(EACH)]
        for row in rows[unknown * (1 - label):]:
            points = FACE + random.random(2)  # where pixels fall on pixels, nothing is resampled
            row |= dict(zip(LANDMARKS, points.ravel().round(3), strict=True))
        images = random.normal(128, NOISE, (SIZE, SIZE, 3, EACH)).transpose(3, 0, 1, 2)
        if label:
            images = gaussian_filter(images, (0, blur, blur, 0))
        builder.add(method, str(label), rows, list(images.round().astype(np.uint8)), [])
        keys.append((method, str(label)))
    return builder.finish(keys)


def _row(label: int, method: str, frame: int) -> dict:
    who = {"identity": "a", "source": "b" if label else "", "split": "test", "method": method}
    return {"label": label, "video": str(label), "frame": frame} | who | BOX


@pytest.fixture(scope="module")
def blurred(tmp_path_factory) -> FaceSet:
    return faces(tmp_path_factory.mktemp("blurred"), blur=1.5)


@pytest.fixture(scope="module")
def table(blurred) -> pd.DataFrame:
    return cue(blurred, 12).set_index("case")


def test_the_cue_has_three_cases(table):
    assert table.index.tolist() == [FAKE, SMALL, FULL]
    assert table.columns.tolist() == ["side", "crops", *CODECS]
    assert np.isnan(table.side[FAKE])
    assert table.side[SMALL] == 12
    assert table.side[FULL] == forge.own_resolution(FACE) == 34
    assert table.crops.tolist() == [EACH] * 3


def test_blurred_fakes_are_told_by_sharpness_alone(table):
    assert table.RAW[FAKE] == 100
    assert table.HQ[FAKE] > 95


def test_sharpness_tells_nothing_where_fakes_are_as_sharp(tmp_path):
    both = cue(faces(tmp_path, blur=0), 12).set_index("case")
    assert both.RAW[FAKE] == pytest.approx(50, abs=5)
    assert both.RAW[SMALL] > 90  # which needs no fakes


def test_fakes_that_are_the_sharper_ones_stand_below_chance(tmp_path):
    """Low sharpness means fake, so it must not count as found what is sharp."""
    sharp = faces(tmp_path, blur=1.5)
    turned = sharp.manifest.assign(label=1 - sharp.manifest.label)
    sharp.manifest = turned
    assert cue(sharp, 12).RAW[0] == 0


def test_the_fewer_pixels_a_face_passes_through_the_easier_it_is_told_from_itself(blurred, table):
    told = [cue(blurred, side).set_index("case").RAW[SMALL] for side in (12, 28, 50, 272)]
    assert told == sorted(told, reverse=True)
    assert told[0] > 99
    assert told[1] > table.RAW[FULL] > told[2]
    assert told[3] == pytest.approx(50, abs=12)  # so fine a square takes next to nothing


def test_at_its_own_resolution_it_is_one_square_or_the_other(blurred, table):
    same = cue(blurred, 34).set_index("case")
    assert same.loc[SMALL].tolist() == same.loc[FULL].tolist() == table.loc[FULL].tolist()


def test_a_square_has_at_least_the_pixels_that_the_forger_needs(blurred):
    assert cue(blurred, 2).equals(cue(blurred, forge.LEAST))


def test_the_codec_comes_after_the_square(blurred, table):
    """Compression takes the sharpness of both away, and the two come nearer."""
    at_lq = table.LQ[FULL]
    assert 50 < at_lq < table.RAW[FULL]


def test_real_crops_without_landmarks_are_left_out(tmp_path):
    some = cue(faces(tmp_path / "some", blur=1.5, unknown=4), 12)
    assert some.crops.tolist() == [EACH, EACH - 4, EACH - 4]
    assert some.notna().all(axis=None) == some.side.notna().all()
    none = cue(faces(tmp_path / "none", blur=1.5, unknown=EACH), 12)
    assert none.crops.tolist() == [EACH, 0, 0]
    assert none.loc[0, CODECS].notna().all()
    assert none.loc[1:, CODECS].isna().all(axis=None)


def test_without_fakes_there_is_nothing_to_tell(blurred, tmp_path):
    alone = faces(tmp_path, blur=0)
    alone.manifest = alone.manifest[alone.manifest.label == 0]
    with pytest.raises(CompanionError, match="24 real and 0 fake"):
        cue(alone, 12)


def test_the_table_is_the_same_each_time_and_can_be_kept(blurred, table, tmp_path):
    again = cue(blurred, 12)
    assert again.set_index("case").equals(table)
    path = write(tmp_path / "cue.csv", ["of a test"], again)
    stored = read_table(path)
    check_measured("cue", stored, path)
    assert stored[CODECS].to_numpy() == pytest.approx(again[CODECS].to_numpy())
