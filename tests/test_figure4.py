"""The tables of Figure 4: each map beside its own on RAW, those of strangers, and the forgery."""
from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import silhouette_score
from test_gradcam import unlearned
from toys import tiny

from tcnsc_lib import CompanionError
from tcnsc_lib.analysis import gradcam, sample
from tcnsc_lib.analysis.gradcam import SHUFFLED, by_seed, heat, maps, panels
from tcnsc_lib.analysis.heatmaps import enlarge, on_mask
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.outputs import features, probabilities
from tcnsc_lib.faces.store import FaceSet

SEED = 3
CODECS = ("RAW", "HQ", "MQ", "LQ")


def rank(one: np.ndarray, other: np.ndarray) -> float:
    return spearmanr(one.ravel(), other.ravel()).statistic


@dataclass
class Toy:
    """Eight test crops of two people; the upper halves of fakes are forged."""

    faces: FaceSet
    networks: dict[str, Detector]
    chosen: pd.DataFrame
    area: np.ndarray

    @property
    def y(self) -> np.ndarray:
        return self.faces.labels("test")

    def pairs(self) -> pd.DataFrame:
        return self.faces.pairs("test", ("identity", "frame"))

    def heat(self, model: str, codec: str) -> np.ndarray:
        return heat(self.networks[model], self.faces.images(codec, "test"), self.y)


@pytest.fixture(scope="module")
def toy(toy_faces) -> Toy:
    networks = {"TCNSC": unlearned("TCNSC"), "model B": tiny().eval(),
                "Xception-RAW": unlearned("Xception")}
    area = np.zeros((8, 32, 32), bool)
    area[toy_faces.labels("test") == 1, :16] = True
    return Toy(toy_faces, networks, sample(toy_faces, gradcam.EACH, SEED), area)


@pytest.fixture(scope="module")
def table(toy) -> pd.DataFrame:
    return maps(toy.networks, toy.faces, toy.chosen, toy.area, SEED)


# maps

def test_each_model_has_each_crop_at_each_quality(toy, table):
    panel = table.groupby(["model", "codec"], sort=False)
    assert list(panel.groups) == list(product([*toy.networks, SHUFFLED], CODECS))
    for _, rows in panel:
        assert rows.crop.tolist() == list(range(8))
        assert rows.label.tolist() == toy.y.tolist()


@pytest.mark.parametrize("model", ["TCNSC", "Xception-RAW"])
def test_each_map_is_compared_with_its_own_on_raw_and_with_strangers(toy, table, model):
    raw = toy.heat(model, "RAW")
    after = toy.heat(model, "LQ")
    rows = table[(table.model == model) & (table.codec == "LQ")]
    for i, row in enumerate(rows.itertuples()):
        assert row.heat == (after[i] > 0).any()
        own = rank(after[i], raw[i])
        assert row.same == pytest.approx(own, abs=1e-4, nan_ok=True)
        others = rows[(rows.unit != row.unit) & (rows.label == row.label)].crop
        strange = [rank(after[i], raw[j]) for j in others]
        assert len(strange) == 2
        assert min(strange) - 1e-4 <= row.different <= max(strange) + 1e-4


def test_a_map_agrees_with_itself_and_a_shuffled_network_with_nobody(table):
    same = table[(table.codec == "RAW") & (table.model != "model B")].same
    np.testing.assert_allclose(same.dropna(), 1)
    np.testing.assert_allclose(table[table.model == "TCNSC"].trained.dropna(), 1)
    assert table[table.model == SHUFFLED].trained.mean() < 0.9


def test_the_forgery_is_looked_for_in_fakes_alone(toy, table):
    fakes = table[table.label == 1]
    assert table[table.label == 0][["inside", "hit", "auc", "covered"]].isna().all(axis=None)
    assert (fakes.covered == 0.5).all()
    rows = fakes[(fakes.model == "Xception-RAW") & (fakes.codec == "MQ")]
    large = enlarge(toy.heat("Xception-RAW", "MQ"), 32)
    for row in rows.itertuples():
        own = large[row.crop]
        assert row.inside == pytest.approx(own[:16].sum() / own.sum(), abs=1e-4)
        assert row.hit == (own.argmax() < 16 * 32)


def rising(detector: torch.nn.Linear, images: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Maps that rise row by row from 0 to 1, on as many cells as the network has inputs.

    On 10 x 10 cells they fall for fakes.
    """
    cells = detector.in_features
    up = np.linspace(0, 1, cells**2, dtype=np.float32).reshape(cells, cells)
    down = up[::-1, ::-1]
    return np.stack([down if label and cells == 10 else up for label in y])


@pytest.fixture
def grids(toy, monkeypatch) -> dict[str, torch.nn.Module]:
    """Networks with 7 x 7 and 10 x 10 cells, whose maps are known."""
    monkeypatch.setattr(gradcam, "heat", rising)
    even = np.full(8, 0.5)
    monkeypatch.setattr(gradcam, "probabilities", lambda detector, images: even[: len(images)])
    small = torch.nn.Linear(7, 1)
    return {"TCNSC": small, "model B": small, "Xception-RAW": torch.nn.Linear(10, 1)}


@pytest.mark.parametrize(
    ("model", "fakes", "hit"), [("TCNSC", 1, 0), ("model B", 1, 0), ("Xception-RAW", -1, 1)])
def test_maps_with_other_grids_are_compared_on_trained_tcnscs(toy, grids, model, fakes, hit):
    table = maps(grids, toy.faces, toy.chosen, toy.area, SEED)
    rows = table[table.model == model]
    assert len(rows) == 4 * 8
    assert (rows[["same", "different"]] == 1).all(axis=None)
    assert (rows[rows.label == 0].trained == 1).all()
    assert (rows[rows.label == 1].trained == fakes).all()
    assert (rows[rows.label == 1].hit == hit).all()
    if model == "Xception-RAW":  # five of ten rows of cells
        assert (rows[rows.label == 1].chance == 0.5).all()


def test_maps_need_trained_tcnsc_to_compare_with(toy):
    alone = {"model B": toy.networks["model B"]}
    with pytest.raises(CompanionError, match="those of TCNSC, which isn't among model B"):
        maps(alone, toy.faces, toy.chosen, toy.area, SEED)


def test_the_forged_area_is_that_of_the_chosen_crops(toy):
    with pytest.raises(CompanionError, match=r"should have \(8, 32, 32\)"):
        maps(toy.networks, toy.faces, toy.chosen, toy.area[:7], SEED)


def test_where_no_forged_area_is_known_a_line_says_so_and_the_rest_is_as_ever(toy, table, capsys):
    capsys.readouterr()
    nowhere = np.zeros_like(toy.area)
    blind = maps(toy.networks, toy.faces, toy.chosen, nowhere, SEED)
    assert capsys.readouterr().out == gradcam.UNKNOWN + "\n"
    place = ["covered", "inside", "chance", "hit", "auc"]
    assert blind[place].isna().all(axis=None)
    pd.testing.assert_frame_equal(blind.drop(columns=place), table.drop(columns=place))
    seeds = by_seed({("TCNSC", 3): toy.networks["TCNSC"]}, toy.faces, toy.chosen, nowhere, SEED)
    assert seeds[["hit", "auc"]].isna().all(axis=None)
    assert seeds.silhouette_RAW.notna().all()


# panels

@pytest.fixture(scope="module")
def shown(toy) -> pd.DataFrame:
    return panels(toy.networks, toy.faces, toy.pairs())


def test_the_panels_show_a_fake_and_the_real_crop_of_its_frame(toy, shown):
    test = toy.faces.rows("test")
    assert len(shown) == 2 * 4 * 2 * gradcam.SUBJECTS
    for row in shown.itertuples():
        assert test.label[row.crop] == row.label
        assert test.frame[row.crop] == 0
    people = shown.groupby("subject").crop.agg(lambda crops: test.identity[crops].nunique())
    assert people.tolist() == [1, 1, 1]


def test_the_panels_hold_maps_and_p_of_their_crops(toy, shown):
    for model in ("TCNSC", "Xception-RAW"):
        detector = toy.networks[model]
        rows = shown[(shown.model == model) & (shown.codec == "LQ")]
        images = toy.faces.images("LQ", "test")[rows.crop.to_numpy()]
        np.testing.assert_allclose(rows.p, probabilities(detector, images), atol=1e-6)
        cells = rows[[f"c{i}" for i in range(36)]].to_numpy(float).reshape(-1, 6, 6)
        expected = heat(detector, images, rows.label.to_numpy())
        np.testing.assert_allclose(cells, expected, atol=1e-5)


def test_a_smaller_grid_leaves_the_last_columns_empty(toy, grids):
    table = panels(grids, toy.faces, toy.pairs())
    cells = table[[f"c{i}" for i in range(100)]].to_numpy(float)
    small = (table.model == "TCNSC").to_numpy()
    expected = np.tile(np.linspace(0, 1, 49), (small.sum(), 1))
    np.testing.assert_allclose(cells[small, :49], expected, atol=1e-6)
    assert np.isnan(cells[small, 49:]).all()
    assert not np.isnan(cells[~small]).any()


# seeds

@pytest.mark.filterwarnings("ignore:An input array is constant")
def test_another_seed_is_judged_by_its_own_network(toy):
    keys = [("TCNSC", 3), ("TCNSC", 4), ("model B", 3), ("model B", 4)]
    networks = {key: unlearned("TCNSC", number) for number, key in enumerate(keys)}
    table = by_seed(networks, toy.faces, toy.chosen, toy.area, SEED)
    assert list(zip(table.model, table.seed, strict=True)) == keys
    fake = toy.y == 1
    for row, detector in zip(table.itertuples(), networks.values(), strict=True):
        raw = toy.faces.images("RAW", "test")
        after = toy.faces.images("LQ", "test")
        one = heat(detector, raw, toy.y)
        other = heat(detector, after, toy.y)
        same = [rank(a, b) for a, b in zip(one[fake], other[fake], strict=True)]
        assert row.same == pytest.approx(np.nanmean(same))
        on = on_mask(enlarge(one, 32)[fake], toy.area[fake])
        assert (row.hit, row.auc) == pytest.approx((on.hit.mean(), on.auc.mean()))
        for name, images in (("RAW", raw), ("LQ", after)):
            margin = silhouette_score(features(detector, images), toy.y)
            assert getattr(row, f"silhouette_{name}") == pytest.approx(margin, abs=1e-6)
