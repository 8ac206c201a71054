"""How far apart real and fake lie: by hand, and never through the same person."""
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tcnsc_lib import CompanionError
from tcnsc_lib.analysis import tsne as module
from tcnsc_lib.analysis.tsne import figure3, figure3_seeds, neighbour, probe, tsne
from tcnsc_lib.detectors import Detector


def test_a_neighbour_of_the_same_person_does_not_count():
    h = np.array([[0.0], [0.1], [1.0], [1.1]])
    y = np.array([0, 0, 1, 1])
    people = np.array(["a", "a", "b", "b"])
    # each has its like beside it, which is the same person
    assert neighbour(h, y, people).tolist() == [False] * 4
    assert neighbour(h, y, np.array(["a", "b", "c", "d"])).tolist() == [True] * 4
    # one's own fake is nearer than the other person's real
    beside = np.array([[0.0, 0], [0, 1], [3, 0], [3, 1]])
    assert neighbour(beside, np.array([0, 1, 0, 1]), people).tolist() == [True] * 4


def test_the_nearest_stranger_counts_crop_by_crop():
    h = np.array([[0.0], [2.0], [3.0], [7.0], [8.5]])
    y = np.array([0, 0, 1, 1, 1])
    assert neighbour(h, y, np.arange(5)).tolist() == [True, False, False, True, True]


def test_a_probe_that_knows_the_person_knows_nothing():
    y = np.repeat([0, 1] * 5, 6)  # everybody is all real or all fake
    people = np.repeat(np.arange(10), 6)
    h = np.eye(10)[people]
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = KFold(5, shuffle=True, random_state=0)
    unsplit = cross_val_predict(model, h, y, cv=folds)
    assert (unsplit == y).all()  # who has seen the person knows the label
    assert probe(h, y, people).mean() <= 0.5


def test_a_probe_finds_what_all_people_share():
    random = np.random.default_rng(0)
    y = np.tile([0, 1], 30)
    people = np.repeat(np.arange(10), 6)
    signal = 0.1 * random.normal(size=60) + y
    h = np.column_stack([signal, random.normal(size=(60, 3))])
    found = probe(h, y, people)
    assert found.dtype == bool
    assert found.shape == (60,)
    assert found.mean() > 0.95
    assert probe(h * 1e-4, y, people).tolist() == found.tolist()  # standardised
    noise = random.normal(size=(60, 4))
    assert 0.2 < probe(noise, y, people).mean() < 0.8


def test_tsne_gives_the_same_picture_twice_and_keeps_groups_apart():
    random = np.random.default_rng(0)
    y = np.arange(60) % 2
    h = random.normal(size=(60, 8)) + 20 * y[:, None]
    h = h.astype(np.float32)
    place = tsne(h, seed=3)
    assert place.shape == (60, 2)
    assert place.dtype == np.float32
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
    """h: two pixels in a corner, minus the crop's mean."""

    def features(self, x):
        flat = x - x.mean((2, 3), keepdim=True)
        return flat[:, 0, 0, :2]


CODECS = ("RAW", "MQ", "LQ")
DETECTORS = {"TCNSC": Bright(), "model B": Blind(), "Xception-RAW": Bright()}


@pytest.fixture(scope="module")
def right() -> dict[str, pd.DataFrame]:
    """What each model's own classifier gets right, another third of the crops at each codec."""
    table = pd.DataFrame()
    for i, name in enumerate(CODECS):
        table[name] = ((np.arange(8) + i) % 3 == 0).astype(float)
    return {"TCNSC": table, "model B": 1 - table, "Xception-RAW": table}


@pytest.fixture(scope="module")
def table(toy_faces, right) -> pd.DataFrame:
    return figure3(DETECTORS, right, toy_faces, seed=3)


def test_figure_3_has_each_crop_of_each_panel(table, right, toy_faces):
    panels = table.groupby(["model", "codec"], sort=False)
    expected = []
    for model in DETECTORS:
        expected += [(model, name) for name in CODECS]
    assert list(panels.groups) == expected
    for (model, name), panel in panels:
        assert panel.crop.tolist() == list(range(8))
        assert panel.label.tolist() == toy_faces.labels("test").tolist()
        assert panel.classifier.tolist() == right[model][name].tolist()
        assert panel[["x", "y"]].notna().all(axis=None)


def test_who_sees_brightness_tells_toy_fakes_and_who_does_not_guesses(table):
    bright = table[table.model != "model B"]
    assert (bright[["neighbour", "probe"]] == 1).all(axis=None)
    assert table[table.model == "model B"].neighbour.mean() < 1


def test_the_silhouette_of_a_crop_by_hand(table, toy_faces):
    panel = table[(table.model == "TCNSC") & (table.codec == "LQ")]
    y = panel.label.to_numpy()
    colours = toy_faces.images("LQ", "test").mean((1, 2)) / 255
    h = colours / np.array([0.229, 0.224, 0.225])  # as ImageNet's are scaled
    for i, found in enumerate(panel.silhouette):
        near = np.linalg.norm(h - h[i], axis=1)
        own = near[y == y[i]].sum() / 3
        other = near[y != y[i]].mean()
        assert found == pytest.approx((other - own) / max(own, other), rel=1e-4)


def test_people_are_compared_with_others_so_one_is_too_few(toy_faces, right, monkeypatch):
    monkeypatch.setattr(toy_faces, "units", lambda split: np.array(["one"] * 8), raising=False)
    with pytest.raises(CompanionError, match="take faces of more people"):
        figure3(DETECTORS, right, toy_faces, seed=3)


FEW = {
    "a pair of people": ([0, 1, 0, 1], "aaaa", "one person or pair alone"),
    "two crops": ([0, 1], "ab", "has 2 crops, and Figure 3 needs 3 or more"),
    "reals of one, fakes of another": ([0, 0, 1, 1], "aabb", "Too few people have real and fake"),
    "a fake of one alone": ([0, 1, 0, 0], "aabc", "Too few people have real and fake"),
}


@pytest.mark.parametrize(("labels", "units", "words"), FEW.values(), ids=FEW)
def test_too_few_crops_are_told_in_a_sentence(toy_faces, right, monkeypatch, labels, units, words):
    monkeypatch.setattr(toy_faces, "labels", lambda split: np.array(labels), raising=False)
    monkeypatch.setattr(toy_faces, "units", lambda split: np.array(list(units)), raising=False)
    with pytest.raises(CompanionError, match=words):
        figure3(DETECTORS, right, toy_faces, seed=3)


def test_four_crops_of_two_people_are_enough(toy_faces, right, monkeypatch):
    monkeypatch.setattr(toy_faces, "labels", lambda split: np.array([0, 1, 0, 1]), raising=False)
    monkeypatch.setattr(toy_faces, "units", lambda split: np.array(list("aabb")), raising=False)
    table = figure3(DETECTORS, right, toy_faces, seed=3)
    assert len(table) == 4 * len(DETECTORS) * len(CODECS)
    assert table[["x", "y", "silhouette"]].notna().all(axis=None)


# several trainings of each model

TRAINED = {("TCNSC", 3): Bright(), ("TCNSC", 4): Blind(), ("model B", 3): Blind()}


@pytest.fixture(scope="module")
def right_by_seed(right) -> dict[tuple[str, int], pd.DataFrame]:
    """The first seed's as above; another training is wrong where that is right."""
    return {("TCNSC", 3): right["TCNSC"], ("TCNSC", 4): 1 - right["TCNSC"],
            ("model B", 3): right["model B"]}


@pytest.fixture(scope="module")
def of_seeds(toy_faces, right_by_seed) -> pd.DataFrame:
    return figure3_seeds(TRAINED, right_by_seed, toy_faces, seed=3)


def test_the_first_seed_is_measured_as_in_the_picture_and_on_the_same_crops(table, of_seeds):
    assert list(of_seeds) == ["crop", "unit", "label", "model", "codec", "seed", "silhouette",
                              "neighbour", "probe", "classifier"]
    for model in ("TCNSC", "model B"):
        first = of_seeds[(of_seeds.model == model) & (of_seeds.seed == 3)].drop(columns="seed")
        shown = table[table.model == model].drop(columns=["x", "y"])
        pd.testing.assert_frame_equal(first.reset_index(drop=True), shown.reset_index(drop=True))


def test_each_training_is_measured_on_its_own_features_and_its_own_classifier(
        of_seeds, right_by_seed):
    panels = of_seeds.groupby(["model", "seed", "codec"])
    assert len(panels) == len(TRAINED) * len(CODECS)
    for (model, seed, name), panel in panels:
        assert panel.classifier.tolist() == right_by_seed[model, seed][name].tolist()
    columns = ["crop", "codec", "silhouette", "neighbour", "probe"]
    blind = of_seeds[of_seeds.seed == 4][columns].reset_index(drop=True)
    also_blind = of_seeds[of_seeds.model == "model B"][columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(blind, also_blind)
    bright = of_seeds[(of_seeds.model == "TCNSC") & (of_seeds.seed == 3)]
    assert bright.silhouette.mean() > blind.silhouette.mean()


def test_all_trainings_are_measured_on_one_draw_of_crops(toy_faces, right_by_seed, monkeypatch):
    monkeypatch.setattr(module, "EACH", 3)
    drawn = figure3_seeds(TRAINED, right_by_seed, toy_faces, seed=3)
    shown = figure3({"TCNSC": Bright()}, {"TCNSC": right_by_seed["TCNSC", 3]}, toy_faces, seed=3)
    crops = shown.crop.unique().tolist()
    assert len(crops) == 6
    for _, panel in drawn.groupby(["model", "seed", "codec"]):
        assert panel.crop.tolist() == crops


def test_people_are_too_few_for_several_trainings_too(toy_faces, right_by_seed, monkeypatch):
    monkeypatch.setattr(toy_faces, "units", lambda split: np.array(["one"] * 8), raising=False)
    with pytest.raises(CompanionError, match="take faces of more people"):
        figure3_seeds(TRAINED, right_by_seed, toy_faces, seed=3)
