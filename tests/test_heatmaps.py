"""What is asked of heat maps, by hand: do two agree, and does the heat lie on the forgery."""
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from tcnsc_lib import CompanionError
from tcnsc_lib.analysis.heatmaps import OTHERS, chance, correlation, enlarge, on_mask, strangers

NAN = float("nan")


def test_enlarged_maps_are_pictures_with_their_heat_in_the_same_place():
    maps = np.zeros((2, 3, 3), np.float32)
    maps[0, 1, 2] = 1
    maps[1, 2, 0] = 1
    big = enlarge(maps, 96)
    assert big.shape == (2, 96, 96)
    assert big.dtype == np.float32
    assert big.min() == 0
    assert big.max() == pytest.approx(1)
    for map_, (row, column) in zip(big, ((48, 80), (80, 16)), strict=True):
        around = map_[row - 16 : row + 16, column - 16 : column + 16]
        assert map_[row, column] > 0.9
        assert map_[:32].max() < 0.51
        assert around.sum() > map_.sum() / 2
    assert big[0, 48, 48] < 0.1  # the middle of the next cell


# agreement of maps

SQUARE = np.array([[1.0, 2], [3, 4]])


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ([[1, 2], [3, 4]], 1),
        ([[4, 3], [2, 1]], -1),
        ([[1, 2], [4, 3]], 0.8),  # 1 - 6 * 2 / (4 * 15)
        ([[1, 4], [9, 1e6]], 1),  # ranks, not values
        ([[1, 1], [2, 3]], 4.5 / 22.5**0.5),  # ranks 1.5 1.5 3 4
        ([[2, 2], [2, 2]], NAN),
    ])
def test_correlation_by_hand(other, expected):
    other = np.array(other, float)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert correlation(SQUARE, other) == pytest.approx(expected, nan_ok=True)
        assert correlation(other, SQUARE) == pytest.approx(expected, nan_ok=True)


def test_each_map_is_compared_with_its_own_others():
    random = np.random.default_rng(0)
    maps = random.normal(size=(4, 3, 3))
    others = random.normal(size=(4, 5, 3, 3))
    found = correlation(maps[:, None], others)
    assert found.shape == (4, 5)
    for i in range(4):
        for j in range(5):
            expected = spearmanr(maps[i].ravel(), others[i, j].ravel()).statistic
            assert found[i, j] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_strangers_are_other_people_with_the_same_label(seed):
    random = np.random.default_rng(seed)
    labels = random.permuted(np.tile([0, 0, 1, 1], (6, 1)), axis=1).ravel()
    people = np.repeat(np.arange(6), 4)
    chosen = pd.DataFrame({"unit": people, "label": labels}, index=random.permutation(24))
    found = strangers(chosen, seed)
    assert found.shape == (24, OTHERS)
    assert (people[found] != people[:, None]).all()
    assert (labels[found] == labels[:, None]).all()
    assert set(found.ravel()) == set(range(24))
    assert found.tolist() == strangers(chosen, seed).tolist()
    assert found.tolist() != strangers(chosen, seed + 1).tolist()


def test_the_strangers_of_the_committed_tables_stay_who_they_are():
    chosen = pd.DataFrame({"unit": [0, 0, 1, 1, 2, 2], "label": [0, 1] * 3})
    first = strangers(chosen, 0)[0].tolist()
    assert first == [4, 4, 2, 2, 2, 2, 4, 4, 4, 2, 2, 4, 2, 2, 4, 4, 2, 4, 4, 2]


def test_a_person_alone_has_no_strangers():
    chosen = pd.DataFrame({"unit": [0, 1, 1], "label": [0, 0, 1]})
    with pytest.raises(CompanionError, match="All fake crops .* of one person or pair"):
        strangers(chosen, 0)


# heat and forgery

HEAT = np.array([[1, 0.5], [0.25, 0.25]])


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        ([[1, 0], [0, 0]], (1 / 2, 1, 1, 1 / 4)),
        ([[0, 1], [1, 0]], (0.75 / 2, 0, 1.5 / 4, 1 / 2)),  # of four pairs one is right, one a tie
        ([[0, 0], [1, 1]], (0.5 / 2, 0, 0, 1 / 2)),
        ([[1, 1], [1, 0]], (1.75 / 2, 1, 2.5 / 3, 3 / 4)),
        ([[0, 0], [0, 0]], (NAN, NAN, NAN, NAN)),
        ([[1, 1], [1, 1]], (NAN, NAN, NAN, 1)),
    ])
def test_heat_on_a_mask_by_hand(area, expected):
    table = on_mask(HEAT[None], np.array([area], bool))
    assert table.columns.tolist() == ["inside", "hit", "auc", "covered"]
    assert table.iloc[0].tolist() == pytest.approx(list(expected), nan_ok=True)


def test_a_map_without_heat_hits_nothing_and_misses_nothing():
    area = np.array([[[1, 0], [0, 0]]] * 3, bool)
    table = on_mask(np.stack([HEAT, 0 * HEAT, HEAT]), area)
    assert table.inside.tolist() == pytest.approx([0.5, NAN, 0.5], nan_ok=True)
    assert table.hit.isna().tolist() == [False, True, False]
    assert table.auc.isna().tolist() == [False, True, False]
    assert table.covered.tolist() == [0.25] * 3


def test_chance_is_how_many_cells_have_their_hottest_pixel_in_the_area():
    area = np.zeros((4, 96, 96), bool)
    area[0, :, :48] = True  # a half
    area[1, 40:56, 40:56] = True  # the middle cell's centre
    area[2] = True  # everything; the last one: nothing
    assert chance(area, 2) == pytest.approx([1 / 2, 0, 1, NAN], nan_ok=True)
    area[0] = False
    area[0, :, :32] = True
    assert chance(area, 3) == pytest.approx([1 / 3, 1 / 9, 1, NAN], nan_ok=True)
