"""Intervals over trainings and people, and AUC as a mean over crops: by hand and by simulation."""
import math

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_1samp
from sklearn.metrics import roc_auc_score

from tcnsc_lib.evaluation import auc_values, over_trainings, p_value, ratio_values

NAN = float("nan")
T1 = 12.70620474  # 97.5 % of Student's t with 1 and with 2 degrees of freedom, from its tables
T2 = 4.30265273


# by hand

def test_two_trainings_of_three_people_by_hand():
    one = [0.1, 0.1, 0.3, 0.3, 0.5, 0.5]  # two crops a person
    other = [0.3, 0.3, 0.3, 0.3, 0.9, 0.9]
    low, high = over_trainings(np.array([one, other]), np.array([0, 0, 1, 1, 2, 2]))
    # people's means 0.2, 0.3, 0.7: 0.4 with a variance of 0.07; trainings' 0.3, 0.5, of 0.02
    people = 0.07 / 3
    trainings = 0.02 / 2
    assert (low + high) / 2 == pytest.approx(0.4)
    half = math.sqrt(T2**2 * people + T1**2 * trainings)
    assert (high - low) / 2 == pytest.approx(half)


def test_with_one_training_it_is_the_interval_of_people_by_students_t():
    people = np.array([0.2, 0.9, 0.4, 0.45, 0.7])
    values = np.repeat(people, 3)[None]
    expected = ttest_1samp(people, 0).confidence_interval(0.95)
    ours = over_trainings(values, np.repeat(list("edcba"), 3))
    assert ours == pytest.approx((expected.low, expected.high))


def test_a_person_of_many_crops_weighs_more():
    values = np.array([[1, 1, 1, 1, 0, 0.5]])
    low, high = over_trainings(values, np.array([5, 5, 5, 5, 1, 2]))
    # deviations from 0.75, summed by person: 1, -0.75, -0.25
    variance = (1 + 0.5625 + 0.0625) / 36 * 3 / 2
    half = T2 * math.sqrt(variance)
    assert (low, high) == pytest.approx((0.75 - half, 0.75 + half))


def test_crops_of_a_person_bring_no_certainty_of_their_own():
    values = np.random.default_rng(0).random((2, 6))
    units = np.array([0, 0, 1, 1, 2, 2])
    again = over_trainings(np.repeat(values, 5, axis=1), np.repeat(units, 5))
    assert over_trainings(values, units) == pytest.approx(again)


def test_where_trainings_differ_and_people_do_not_only_trainings_count():
    values = np.array([[0.2] * 4, [0.4] * 4])
    low, high = over_trainings(values, np.array([0, 0, 1, 1]))
    half = T1 * 0.1  # the standard error of a mean of two is half their distance
    assert (low, high) == pytest.approx((0.3 - half, 0.3 + half))


def test_where_nothing_varies_it_is_a_point():
    assert over_trainings(np.full((3, 4), 0.25), np.array([0, 0, 1, 1])) == (0.25, 0.25)


@pytest.mark.parametrize("trainings", [1, 3])
def test_of_one_person_nobody_knows_another(trainings):
    values = np.random.default_rng(0).random((trainings, 4))
    assert over_trainings(values, np.zeros(4)) == pytest.approx((NAN, NAN), nan_ok=True)


def test_the_order_of_crops_and_of_trainings_means_nothing():
    random = np.random.default_rng(0)
    values = random.random((3, 8))
    units = np.repeat([0, 1, 2, 3], 2)
    order = random.permutation(8)
    again = over_trainings(values[::-1, order], units[order])
    assert over_trainings(values, units) == pytest.approx(again)


# by simulation: with noise like ours, in points

SEED_SD = 4.0
PERSON_SD = 5.0
BOTH_SD = 5.0  # of a person in a training
PEOPLE = 16
DRAWS = 4000
ERROR = 2 * math.sqrt(0.05 * 0.95 / DRAWS)  # two standard errors of a share of 5 %: 0.7 %


def simulated(seeds: int, seed_sd: float, effect: float, draws: int) -> tuple[float, float]:
    """Share of draws whose interval excludes 0, and of those where all seeds agree as well."""
    random = np.random.default_rng([seeds, int(seed_sd)])
    excluded = 0
    settled = 0
    for _ in range(draws):
        gaps = effect + random.normal(0, BOTH_SD, (seeds, PEOPLE))
        gaps += random.normal(0, seed_sd, (seeds, 1)) + random.normal(0, PERSON_SD, PEOPLE)
        low, high = over_trainings(gaps, np.arange(PEOPLE))
        single = gaps.mean(axis=1)
        if low > 0 or high < 0:
            excluded += 1
            settled += bool((single > 0).all() or (single < 0).all())
    return excluded / draws, settled / draws


@pytest.mark.parametrize(("seeds", "seed_sd"), [
    (3, SEED_SD), (5, SEED_SD), (3, 2 * SEED_SD), (5, 2 * SEED_SD)])
def test_without_an_effect_one_interval_in_twenty_misses_0_and_with_the_seeds_fewer(
    seeds, seed_sd
):
    excluded, settled = simulated(seeds, seed_sd, 0.0, DRAWS)
    assert 0 < excluded <= 0.05 + ERROR
    assert settled <= 0.05 + ERROR


@pytest.mark.parametrize("trainings", [1, 3])
def test_an_interval_that_just_reaches_a_bound_has_a_p_of_five_in_a_hundred(trainings):
    rng = np.random.default_rng(trainings)
    values = rng.normal(1, 1, (trainings, 60))
    units = np.repeat(np.arange(12), 5)
    low, high = over_trainings(values, units)
    for bound in (low, high):
        assert p_value(values, units, bound) == pytest.approx(0.05, abs=1e-6)
    assert p_value(values, units, low - 1) < 0.05 < p_value(values, units, low + 0.01)
    assert p_value(values, units, values.mean()) == 1


def test_a_p_of_no_variance_is_the_smallest_and_of_one_person_none():
    assert p_value(np.ones((2, 4)), np.arange(4), 0.5) == pytest.approx(0, abs=1e-9)
    assert np.isnan(p_value(np.ones((2, 4)), np.zeros(4), 0.5))


def test_a_large_effect_is_found():
    _, settled = simulated(5, SEED_SD, 15.0, 200)
    assert settled > 0.9


# ratios and AUC as a mean over crops

def test_the_mean_of_ratio_values_is_the_ratio_and_they_differ_as_it_would():
    """By hand, and against the spread of the ratio itself in a simulation."""
    top = np.array([[3.0, 1.0], [2.0, 2.0]])
    bottom = np.array([[4.0, 4.0], [2.0, 6.0]])
    values = ratio_values(top, bottom)
    np.testing.assert_allclose(values, [[0.75, 0.25], [0.75, 0.25]])
    assert values.mean() == pytest.approx(top.mean() / bottom.mean())
    rng = np.random.default_rng(0)
    draws = rng.normal((2.0, 4.0), (0.5, 0.4), (4000, 40, 2))
    ratios = draws[..., 0].mean(axis=1) / draws[..., 1].mean(axis=1)
    one = ratio_values(draws[:1, :, 0], draws[:1, :, 1])
    assert one.std(ddof=1) / np.sqrt(40) == pytest.approx(ratios.std(), rel=0.25)
    assert np.isnan(ratio_values(top, 0 * bottom)).all()



@pytest.mark.parametrize("levels", [2, 5, 1000], ids=["most tied", "some tied", "hardly any"])
def test_the_mean_of_auc_values_is_the_auc(levels):
    random = np.random.default_rng(levels)
    y = (random.random(90) < 0.3).astype(int)
    p = random.integers(0, levels, 90) + 0.4 * levels * y
    values = auc_values(y, p)
    assert values.shape == (90,)
    assert values.mean() == pytest.approx(roc_auc_score(y, p))


def test_auc_values_by_hand():
    y = np.array([1, 1, 0, 0, 0])
    p = np.array([3.0, 1.0, 2.0, 1.0, 0.0])
    # the fakes stand above 3 and 1.5 of 3 reals; the reals below 1, 1.5 and 2 of 2 fakes
    won = np.array([1, 0.5, 0.5, 0.75, 1])
    auc = 0.75
    kind = np.array([0.4, 0.4, 0.6, 0.6, 0.6])
    assert auc_values(y, p) == pytest.approx(auc + (won - auc) / kind)


def test_swapped_labels_or_scores_give_one_minus_auc_and_both_give_auc():
    random = np.random.default_rng(1)
    y = random.permutation([0] * 20 + [1] * 30)
    p = np.round(y + random.normal(0, 1, 50), 1)
    values = auc_values(y, p)
    auc = values.mean()
    assert 0.6 < auc < 0.95
    for labels, scores in ((1 - y, p), (y, -p)):
        assert auc_values(labels, scores).mean() == pytest.approx(1 - auc)
    assert auc_values(1 - y, -p) == pytest.approx(values)


def clustered(random: np.random.Generator, people: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of four crops a person, two of them fake, who are alike in a person."""
    y = np.tile([0, 1, 0, 1], people)
    alike = np.repeat(random.normal(0, 1, (people, 2)), 2, axis=0)  # of reals, and of fakes
    return y, y + alike.ravel() + random.normal(0, 0.3, 4 * people)


def variance_of(values: np.ndarray, units: np.ndarray) -> float:
    """What an interval of one training says of the variance of the mean."""
    low, high = over_trainings(values[None], units)
    quantile = student.ppf(0.975, len(set(units)) - 1)
    return ((high - low) / 2 / quantile) ** 2


def test_the_variance_of_an_auc_over_people_is_that_of_a_simulation():
    random = np.random.default_rng(2)
    people = 40
    units = np.repeat(np.arange(people), 4)
    aucs = []
    by_person = []
    by_crop = []
    for _ in range(800):
        values = auc_values(*clustered(random, people))
        aucs.append(values.mean())
        by_person.append(variance_of(values, units))
        by_crop.append(variance_of(values, np.arange(len(values))))
    true = np.var(aucs, ddof=1)
    assert np.mean(by_person) == pytest.approx(true, rel=0.15)
    assert np.mean(by_crop) < 0.7 * true  # crops of a person taken for strangers
