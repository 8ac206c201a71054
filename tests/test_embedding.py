"""Who is drawn, means with intervals, and how far apart real and fake lie: by hand, and never through the same person."""
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import P
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tcnsc_lib.analysis import embedding, means, sample
from tcnsc_lib.analysis.embedding import neighbour, probe, tsne
from tcnsc_lib.detectors import Detector

# who is drawn

Y = np.array([0, 0, 1] * 20)
PEOPLE = np.repeat([f"{person:03d}" for person in range(12)][::-1], 5)
CROPS = SimpleNamespace(labels=lambda split: {"test": Y}[split], units=lambda split: {"test": PEOPLE}[split])


@pytest.mark.parametrize("each, reals, fakes", [(7, 7, 7), (20, 20, 20), (30, 30, 20), (1000, 40, 20)])
def test_as_many_reals_as_fakes_are_drawn_as_long_as_there_are_any(each, reals, fakes):
    chosen = sample(CROPS, each, seed=0)
    assert (chosen.label == 0).sum() == reals and (chosen.label == 1).sum() == fakes
    assert chosen.crop.is_monotonic_increasing and chosen.crop.is_unique  # in the part's order, none twice
    assert chosen.label.tolist() == Y[chosen.crop].tolist()
    pairs = set(zip(chosen.unit, PEOPLE[chosen.crop]))
    assert len(pairs) == chosen.unit.nunique() == len(set(PEOPLE[chosen.crop]))  # a number for each person


def test_a_draw_depends_on_the_seed_alone():
    one, again, other = (sample(CROPS, 7, seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one, again)
    assert one.crop.tolist() != other.crop.tolist()
    drawn = np.concatenate([sample(CROPS, 7, seed).crop for seed in range(60)])
    assert set(drawn) == set(range(60))


# means

def rows(*values: tuple) -> pd.DataFrame:
    return pd.DataFrame(values, columns=["label", "codec", "unit", "a", "b"])


def test_means_by_hand_with_an_interval_over_people_not_crops():
    table = rows((0, "LQ", 5, 0.0, 1), (0, "LQ", 9, 1.0, 2), (0, "LQ", 9, 1.0, 3), (0, "LQ", 9, 1.0, 4),
                 (1, "LQ", 5, 0.3, 7), (1, "LQ", 9, 0.5, 7))
    out = means(table, ["label", "codec"], ["a", "b"])
    assert out.columns.tolist() == ["label", "codec", "measure", "mean", "low", "high", "crops"]
    assert out.iloc[:, :3].values.tolist() == [[0, "LQ", "a"], [0, "LQ", "b"], [1, "LQ", "a"], [1, "LQ", "b"]]
    # two people: in a quarter of the draws both are the one, in a quarter both the other
    expected = [[0.75, 0, 1, 4], [2.5, 1, 3, 4], [0.4, 0.3, 0.5, 2], [7, 7, 7, 2]]
    np.testing.assert_allclose(out.iloc[:, 3:].astype(float), expected)


def test_a_crop_without_a_value_does_not_count():
    nan = np.nan
    table = rows((0, "LQ", 5, 0.2, nan), (0, "LQ", 5, nan, nan), (0, "LQ", 9, 0.6, nan), (1, "LQ", 5, 0.3, 1),
                 (1, "LQ", 5, 0.5, 2))
    out = means(table, ["label"], ["a", "b"]).set_index(["label", "measure"])
    assert out.loc[(0, "a")].tolist() == pytest.approx([0.4, 0.2, 0.6, 2])
    assert out.loc[(0, "b")].tolist() == pytest.approx([nan, nan, nan, 0], nan_ok=True)
    assert out.loc[(1, "a")].tolist() == pytest.approx([0.4, nan, nan, 2], nan_ok=True)  # one person has no interval


# how far apart

def test_a_neighbour_of_the_same_person_does_not_count():
    h, y, people = np.array([[0.0], [0.1], [1.0], [1.1]]), np.array([0, 0, 1, 1]), np.array(["a", "a", "b", "b"])
    assert neighbour(h, y, people).tolist() == [False] * 4  # each has its like beside it, which is the same person
    assert neighbour(h, y, np.array(["a", "b", "c", "d"])).tolist() == [True] * 4
    beside = np.array([[0.0, 0], [0, 1], [3, 0], [3, 1]])  # one's own fake is nearer than the other person's real
    assert neighbour(beside, np.array([0, 1, 0, 1]), people).tolist() == [True] * 4


def test_the_nearest_stranger_counts_crop_by_crop():
    h, y = np.array([[0.0], [2.0], [3.0], [7.0], [8.5]]), np.array([0, 0, 1, 1, 1])
    assert neighbour(h, y, np.array([0, 1, 2, 3, 4])).tolist() == [True, False, False, True, True]


def test_a_probe_that_knows_the_person_knows_nothing():
    y = np.repeat([0, 1] * 5, 6)  # everybody is all real or all fake
    people = np.repeat(np.arange(10), 6)
    h = np.eye(10)[people]
    unsplit = cross_val_predict(make_pipeline(StandardScaler(), LogisticRegression()), h, y,
                                cv=KFold(5, shuffle=True, random_state=0))
    assert (unsplit == y).all()  # who has seen the person knows the label
    assert probe(h, y, people).mean() <= 0.5


def test_a_probe_finds_what_all_people_share():
    random = np.random.default_rng(0)
    y, people = np.tile([0, 1], 30), np.repeat(np.arange(10), 6)
    h = np.column_stack([0.1 * random.normal(size=60) + y, random.normal(size=(60, 3))])
    found = probe(h, y, people)
    assert found.dtype == bool and found.shape == (60,) and found.mean() > 0.95
    assert probe(h * 1e-4, y, people).tolist() == found.tolist()  # standardised
    assert 0.2 < probe(random.normal(size=(60, 4)), y, people).mean() < 0.8


def test_tsne_gives_the_same_picture_twice_and_keeps_groups_apart():
    random = np.random.default_rng(0)
    y = np.arange(60) % 2
    h = (random.normal(size=(60, 8)) + 20 * y[:, None]).astype(np.float32)
    place = tsne(h, seed=3)
    assert place.shape == (60, 2) and place.dtype == np.float32
    np.testing.assert_array_equal(place, tsne(h, seed=3))
    assert neighbour(place, y, np.arange(60)).all()
    assert tsne(h[:4], seed=3).shape == (4, 2)  # of few crops too


# the figure's table

class Bright(Detector):
    """h: a crop's mean red, green and blue."""

    def __init__(self):
        super().__init__(32)
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def features(self, x):
        return x.mean((2, 3))


class Blind(Bright):
    """h: two pixels in a corner, less the crop's mean."""

    def features(self, x):
        return (x - x.mean((2, 3), keepdim=True))[:, 0, 0, :2]


def test_figure_3_has_each_crop_of_each_panel(monkeypatch, toy_faces):
    right = pd.DataFrame({name: (np.arange(8) + i) % 3 == 0 for i, name in enumerate(("RAW", "MQ", "LQ"))}).astype(float)
    monkeypatch.setattr(embedding, "faces", lambda p: toy_faces)
    monkeypatch.setattr(embedding, "right", lambda name, p: right)
    monkeypatch.setattr(embedding, "train_experiment",
                        lambda name, p: SimpleNamespace(detector=Blind() if name == "model B" else Bright()))
    table = embedding.figure3(P)
    assert list(table.groupby(["model", "codec"], sort=False).groups) == [
        (model, name) for model in ("TCNSC", "model B", "Xception-RAW") for name in ("RAW", "MQ", "LQ")]
    for (model, name), panel in table.groupby(["model", "codec"]):
        assert panel.crop.tolist() == list(range(8)) and panel.label.tolist() == toy_faces.labels("test").tolist()
        assert panel.classifier.tolist() == right[name].tolist() and panel[["x", "y"]].notna().all(axis=None)
        if model != "model B":
            assert (panel[["neighbour", "probe"]] == 1).all(axis=None)
    assert table[table.model == "model B"].neighbour.mean() < 1
    panel = table[(table.model == "TCNSC") & (table.codec == "LQ")]
    h = toy_faces.images("LQ", "test").mean((1, 2)) / 255 / np.array([0.229, 0.224, 0.225])  # as ImageNet's are scaled
    y = panel.label.to_numpy()
    for i, found in enumerate(panel.silhouette):
        near = np.linalg.norm(h - h[i], axis=1)
        own, other = near[y == y[i]].sum() / 3, near[y != y[i]].mean()
        assert found == pytest.approx((other - own) / max(own, other), rel=1e-4)
