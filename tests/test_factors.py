"""The factors' tables, on predictions made by hand: two people, four crops each, two seeds."""
from itertools import product

import numpy as np
import pandas as pd
import pytest
from made_study import UNITS, between_people, made, right, tell

from tcnsc_lib.detectors.outputs import STATISTICS
from tcnsc_lib.evaluation import over_trainings
from tcnsc_lib.experiments import DUAL, LAMBDA_0, MODEL_B
from tcnsc_lib.experiments.study import FACTORS, ONE_BATCH, STATISTICS_OF_TWINS
from tcnsc_lib.results import factors as tables

CELLS = dict(zip(FACTORS.values(), [(4, 3), (2, 2), (3, 1), (1, 0), (4, 2), (3, 3), (2, 4), (0, 1)],
                 strict=True))
"""Hits of each combination at LQ, of the one and of the other person."""


@pytest.fixture
def e(tmp_path):
    return made(tmp_path)


@pytest.fixture
def factors(e):
    """Two seeds; the second is right once less for the first person, but in those without any."""
    for name, (one, other) in CELLS.items():
        tell(e, name, 3, LQ=(one, other))
        tell(e, name, 4, LQ=(max(one - 1, 0), other))
    return e


def gaps(more: str, fewer: str, *where: str) -> np.ndarray:
    """By hand: the mean of some cells minus that of others, (seeds, crops)."""
    sides = []
    for level in (more, fewer):
        keys = [key for key in FACTORS if {level, *where} <= set(key)]
        first = [CELLS[FACTORS[key]] for key in keys]
        second = [(max(one - 1, 0), other) for one, other in first]
        seeds = [np.mean(list(map(right, hits)), axis=0) for hits in (first, second)]
        sides.append(np.array(seeds))
    return sides[0] - sides[1]


def effect(table: pd.DataFrame, words: str, measure: str = "accuracy") -> pd.Series:
    return table[table.measure == measure].set_index("effect").loc[words]


def test_each_combination_of_factors_has_its_cell(factors):
    tell(factors, ONE_BATCH, statistics="LQ", RAW=(1, 1), LQ=(4, 4), shift=9)
    table = tables.factorial(factors)
    assert len(table) == 8 * (1 + len(STATISTICS))
    cells = table.set_index(["similarity", "passes", "labels", "statistics"])
    for key, name in FACTORS.items():
        one, other = CELLS[name]
        first = one + other
        second = max(one - 1, 0) + other
        assert cells.LQ[(*key, "as trained")] == pytest.approx(50 * (first + second) / 8), name
        assert cells.seeds[(*key, "as trained")] == 2
    numbers = cells.loc[("on", "one", "raw", "LQ"), ["seeds", "RAW", "LQ", "auc_LQ"]]
    assert numbers.tolist() == [1, 50, 50, 100]


@pytest.mark.parametrize(("words", "more", "fewer", "place"), [
    ("similarity: on minus off", "on", "off", 0), ("passes: two minus one", "two", "one", 1),
    ("labels: both views minus raw alone", "both", "raw", 2)])
def test_a_main_effect_is_the_mean_of_its_four_differences(factors, words, more, fewer, place):
    at_lq = tables.factorial(factors).query("statistics == 'as trained'")
    cells = at_lq.set_index(["similarity", "passes", "labels"]).LQ
    levels = [("on", "off"), ("two", "one"), ("raw", "both")]
    others = levels[:place] + levels[place + 1 :]
    differences = []
    for pair in product(*others):
        up = (*pair[:place], more, *pair[place:])
        down = (*pair[:place], fewer, *pair[place:])
        differences.append(cells[up] - cells[down])
    row = effect(tables.effects(factors), words)
    assert len(differences) == 4
    assert row.points == pytest.approx(np.mean(differences))
    by_hand = 100 * np.array(over_trainings(gaps(more, fewer), UNITS))
    assert row[["low", "high"]].tolist() == pytest.approx(by_hand.tolist())
    assert row.seeds == 2


@pytest.mark.parametrize(("words", "part"), [
    ("labels of raw, similarity: on minus off", ("on", "off", "raw")),
    ("labels of raw, passes: two minus one", ("two", "one", "raw")),
    ("labels of raw, two passes, similarity: on minus off", ("on", "off", "raw", "two")),
    ("labels of raw, one pass, similarity: on minus off", ("on", "off", "raw", "one"))])
def test_an_effect_in_a_part_of_the_table_is_of_its_cells_alone(factors, words, part):
    by_hand = gaps(*part)
    row = effect(tables.effects(factors), words)
    assert row.points == pytest.approx(100 * by_hand.mean())
    ends = 100 * np.array(over_trainings(by_hand, UNITS))
    assert row[["low", "high"]].tolist() == pytest.approx(ends.tolist())


def test_the_statistics_are_a_factor_too_and_change_the_others_where_they_are_named(factors):
    for name in FACTORS.values():
        for seed in (3, 4):
            hits = (4, 4) if name in (DUAL, LAMBDA_0) else (2, 2)
            tell(factors, name, seed, STATISTICS_OF_TWINS, LQ=hits)
    table = tables.effects(factors)
    cells = tables.factorial(factors).groupby("statistics").LQ.mean()
    main = effect(table, "statistics: RAW and LQ minus as trained")
    assert main.points == pytest.approx(cells[STATISTICS_OF_TWINS] - cells["as trained"])
    restated_passes = "labels of raw, statistics RAW and LQ, passes: two minus one"
    assert effect(table, restated_passes)[["points", "low", "high"]].tolist() == [50, 50, 50]
    restated_similarity = "labels of raw, statistics RAW and LQ, similarity: on minus off"
    assert effect(table, restated_similarity).points == 0


def test_a_threshold_moves_the_effect_on_accuracy_and_not_that_on_auc(factors):
    before = tables.effects(factors)
    one, other = CELLS[DUAL]
    tell(factors, DUAL, 3, shift=9, LQ=(one, other))
    after = tables.effects(factors)
    words = "labels of raw, two passes, similarity: on minus off"
    moved = effect(after, words).points - effect(before, words).points
    assert moved == pytest.approx((50 - 87.5) / 2)  # one of two seeds
    assert effect(after, words, "AUC").points == pytest.approx(effect(before, words, "AUC").points)


def test_an_effect_is_of_the_seeds_that_every_cell_has(factors):
    tell(factors, DUAL, 5)
    factors.path(factors.study.predicted(LAMBDA_0, 4)).unlink()
    table = tables.effects(factors)
    assert effect(table, "similarity: on minus off").seeds == 1
    assert effect(table, "labels of raw, one pass, similarity: on minus off").seeds == 2
    factors.path(factors.study.predicted(LAMBDA_0, 3)).unlink()
    lost = effect(tables.effects(factors), "similarity: on minus off")
    assert lost.seeds == 0 and np.isnan(lost.points)


# model B re-estimated

def test_model_b_with_each_statistics_by_hand(e):
    for seed in (3, 4):
        tell(e, MODEL_B, seed, LQ=(1, 1))
        tell(e, MODEL_B, seed, "RAW", LQ=(1, 2))
    tell(e, MODEL_B, 3, "LQ", RAW=(2, 2), LQ=(4, 4))
    table = tables.alone(e).set_index("statistics")
    assert table.index.tolist() == ["as trained", *STATISTICS]
    assert table.seeds.tolist() == [2, 2, 0, 1, 0]
    numbers = ["RAW", "LQ", "auc_LQ", "gain", "gain_low", "gain_high"]
    assert table.loc["as trained", numbers].tolist() == [100, 25, 25, 0, 0, 0]
    assert table.loc["LQ", numbers].tolist() == [50, 100, 100, 75, 75, 75]
    gain = [12.5, *between_people(0, 25)]
    assert table.loc["RAW", numbers[3:]].tolist() == pytest.approx(gain)
    assert table.auc_gain[["as trained", "LQ"]].tolist() == [0, 75]
    assert table.auc_gain["RAW"] == pytest.approx(12.5)
