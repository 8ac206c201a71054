"""Block borders against values worked out by hand, and the tables of Figure 1."""
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from skimage import data

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.analysis.blocks import blocking, blocks, figure1
from tcnsc_lib.codecs import Codec, codec
from tcnsc_lib.faces.store import FaceSet

SAME_FRAME = ("identity", "frame")


def squares(levels: np.ndarray) -> np.ndarray:
    """(n, n) grey levels -> squares of 8 x 8 pixels of them, (8 n, 8 n, 3)."""
    grey = np.kron(levels, np.ones((8, 8)))
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


# block borders

@pytest.mark.parametrize("size", [11, 16, 96, 128])
@pytest.mark.parametrize("colour", [(0, 0, 0), (77, 77, 77), (255, 3, 77)])
def test_a_flat_picture_has_no_blocks(size, colour):
    assert blocking(np.broadcast_to(np.uint8(colour), (size, size, 3)).copy()) == 1


def test_blocking_by_hand():
    levels = squares(np.array([[50, 90], [130, 170]]))
    levels[:, ::2] += 2
    # neighbours in a row differ by 2, across the border by 42; in a column by 0 and by 80
    assert blocking(levels) == pytest.approx((42 + 80) / (2 + 0))


def test_blocks_of_one_level_each_are_told_from_a_flat_picture():
    levels = np.random.default_rng(0).integers(0, 256, (8, 8))
    assert blocking(squares(levels)) > 100


def test_noisy_blocks_have_strong_borders_only_on_the_grid_of_jpeg():
    random = np.random.default_rng(0)
    image = squares(random.integers(10, 240, (12, 12)))
    image += random.integers(0, 3, (96, 96, 1)).astype(np.uint8)
    assert blocking(image) > 50
    assert blocking(image[3:-5, 3:-5]) < 0.2  # the same borders, beside the grid


def test_noise_has_no_blocks():
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    assert blocking(image) == pytest.approx(1, abs=0.03)


def test_blocks_grow_as_the_quality_falls():
    raw = data.astronaut()
    worse = [blocking(Codec("", "jpeg", quality)(raw)) for quality in (80, 50, 20)]
    values = [blocking(raw), *worse]
    assert values == sorted(values)
    assert values[0] == pytest.approx(1, abs=0.05)
    assert values[3] > 1.5


def test_a_picture_of_one_block_has_no_border_to_look_at():
    with pytest.raises(CompanionError, match="9 pixels a side or more"):
        blocking(squares(np.array([[50]])))


def test_the_table_of_blocks_has_every_crop_at_every_codec(toy_faces):
    table = blocks(toy_faces, seed=3)
    assert table.codec.tolist() == list(np.repeat(paper.CODECS, 8))
    assert table.crop.tolist() == list(range(8)) * 5
    assert table.label.tolist() == toy_faces.labels("test").tolist() * 5
    expected = [blocking(image) for image in toy_faces.images("LQ", "test")]
    assert table[table.codec == "LQ"].blocking.tolist() == expected


# Figure 1

SHARED = pd.DataFrame({
    "video": ["000", "000", "000_001", "000_001"],
    "identity": "000",
    "method": ["original", "original", "Deepfakes", "Deepfakes"],
    "frame": [0, 2, 1, 2],
    "label": [0, 0, 1, 1]})


def pairs_of(rows: pd.DataFrame, same_frame: tuple[str, ...]) -> pd.DataFrame:
    return FaceSet.pairs(SimpleNamespace(rows=lambda split: rows), "test", same_frame)


def test_a_fake_whose_first_frame_has_no_real_crop_is_shown_at_another():
    pairs = pairs_of(SHARED, SAME_FRAME)
    assert pairs[["video", "video_real", "frame"]].values.tolist() == [["000_001", "000", 2]]


def test_a_photograph_gives_both_crops_under_one_name():
    photos = SHARED.assign(video=["a", "b", "a", "b"], frame=0)
    pairs = pairs_of(photos, ("video",))
    assert pairs.video.tolist() == ["a", "b"]
    assert (pairs.label_real == 0).all()


def test_a_pair_is_a_fake_and_the_real_crop_under_it(toy_faces):
    pairs = toy_faces.pairs("test", SAME_FRAME)
    assert pairs.video.tolist() == ["test0-1", "test1-1"]
    assert pairs.video_real.tolist() == ["test0-0", "test1-0"]
    assert (pairs.frame == 0).all()
    assert (pairs.label == 1).all()
    assert (pairs.label_real == 0).all()


def test_without_a_pair_there_is_no_figure_1(toy_faces):
    none = toy_faces.pairs("test", SAME_FRAME).iloc[:0]
    with pytest.raises(CompanionError, match="real crop of its frame"):
        figure1(toy_faces, none)


@pytest.fixture(scope="module")
def table(toy_faces) -> pd.DataFrame:
    return figure1(toy_faces, toy_faces.pairs("test", SAME_FRAME))


def test_figure_1_has_a_fake_and_a_real_crop_of_one_frame(table, toy_faces):
    assert table.face.tolist() == ["fake"] * 4 + ["real"] * 4
    assert table.codec.tolist() == list(paper.CODECS[:4]) * 2
    test = toy_faces.rows("test")
    for face, rows in table.groupby("face"):
        (number,) = set(rows.crop)
        shown = test.loc[number]
        assert shown.label == (face == "fake")
        assert (shown.identity, shown.frame) == ("test0", 0)


def test_figure_1_tells_what_each_codec_did_to_its_crops(table, toy_faces):
    files = toy_faces.rows("test").file
    for row in table.itertuples():
        raw = toy_faces.load(files[row.crop])
        after = codec(row.codec)(raw)
        difference = np.abs(after.astype(float) - raw)
        assert row.mean_abs_difference == pytest.approx(difference.mean())
        assert row.blocking == blocking(after)
        bare = 32 * 32 * 3
        if row.codec == "RAW":
            assert (row.bytes, row.mean_abs_difference) == (bare, 0)
        else:
            assert row.bytes == len(codec(row.codec).encode(raw)) < bare


def test_a_lower_quality_changes_figure_1_more(table):
    for _, rows in table.groupby("face"):
        changes = rows.set_index("codec").mean_abs_difference
        assert 0 == changes.RAW < changes.HQ < changes.MQ < changes.LQ
