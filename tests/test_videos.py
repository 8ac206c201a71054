"""Whole videos: what their frames say together, by hand (toy crops: four videos of two frames)."""
import numpy as np
import pandas as pd
import pytest
from conftest import P

from tcnsc_lib import paper
from tcnsc_lib.results import videos

SEEDS = range(P.seed, P.seed + P.seeds)


def told(e, experiment: str, odds: list[float]) -> None:
    """Store the same log-odds for every test set, from every seed."""
    table = pd.DataFrame({codec: odds for codec in paper.CODECS})
    for seed in SEEDS:
        e.save_predictions(experiment, seed, table)


def row(e, training: str, codec: str = "LQ") -> pd.Series:
    table = videos.table3_videos(e).set_index(["training", "codec"])
    return table.loc[(training, codec)]


def test_the_frames_of_a_video_are_those_of_one_label_unit_and_person(toy):
    seen = videos.videos(toy)
    assert seen.frames.tolist() == [2, 2, 2, 2]
    assert sorted(seen.label) == [0, 0, 1, 1]
    of_video = pd.Series(toy.y).groupby(videos.numbers(toy))
    assert (of_video.nunique() == 1).all()


def test_a_sure_frame_outweighs_an_unsure_one_in_the_mean_and_not_in_a_vote(toy):
    odds = np.where(toy.y == 1, 2.0, -2.0)
    fake = np.flatnonzero(toy.y == 1)[0]
    odds[fake] = -0.5  # its video's other frame says 2
    told(toy, "Meso4", odds.tolist())
    found = row(toy, "Meso4")
    assert found.frame == pytest.approx(100 * 7 / 8)
    assert found["mean"] == 100 and found.majority == 100  # one vote of two is enough for fake
    assert found.gain == pytest.approx(12.5)
    odds[fake] = -2.5
    told(toy, "Meso4", odds.tolist())
    found = row(toy, "Meso4")
    assert found["mean"] == pytest.approx(75)
    assert found.gain == pytest.approx(75 - 87.5)
    assert found.majority == 100


def test_a_videos_auc_is_that_of_its_mean_log_odds(toy):
    odds = np.where(toy.y == 1, 2.0, -2.0)
    odds[np.flatnonzero(toy.y == 1)[:2]] = -3.0  # one of two fake videos is below all real ones
    told(toy, "FWA", odds.tolist())
    assert row(toy, "FWA").auc == pytest.approx(50)
    assert row(toy, "Meso4").auc == 100


def test_every_detector_and_test_set_has_a_row_and_says_how_many_seeds(toy):
    table = videos.table3_videos(toy)
    assert len(table) == len(table.training.unique()) * len(paper.CODECS)
    assert set(table.videos) == {4} and set(table.frames) == {2.0}
    seeds = table.drop_duplicates("training").set_index("training").seeds
    assert seeds["TCNSC"] == P.seeds and seeds["Meso4"] == 1


def test_where_all_frames_are_right_nothing_is_gained(toy):
    found = row(toy, "TCNSC", "RAW")
    assert (found.frame, found["mean"], found.gain, found.low, found.high) == (100, 100, 0, 0, 0)
