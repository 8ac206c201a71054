"""Calibration by hand: its error, its bins, and the corrections that validation crops choose."""
import numpy as np
import pytest
from scipy.special import expit, logit

from tcnsc_lib.analysis.calibration import (
    BINS,
    HOTTEST,
    Line,
    binned,
    ece,
    ece_values,
    platt,
    reliability,
    temperature,
)
from tcnsc_lib.evaluation import auc_values

N = 40_000


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels that follow p(fake), and the log-odds of that p: calibrated by construction."""
    random = np.random.default_rng(seed)
    x = random.normal(0, 2, N)
    return (random.random(N) < expit(x)).astype(int), x


def auc(y: np.ndarray, x: np.ndarray) -> float:
    return auc_values(y, x).mean()


# the error and its bins

def test_the_error_by_hand():
    """Three crops at 0.8, of which two are right, and one at 0.6 that is wrong."""
    y = np.array([1, 0, 1, 1])
    x = logit([0.8, 0.2, 0.2, 0.4])
    assert ece(y, x) == pytest.approx((3 * abs(2 / 3 - 0.8) + 0.6) / 4)
    assert ece_values(y, x) == pytest.approx([-0.2, -0.2, 0.8, 0.6])


def test_a_bin_that_is_less_sure_than_right_counts_as_much():
    y = np.ones(4, int)
    assert ece(y, logit(np.full(4, 0.7))) == pytest.approx(0.3)
    mixed = np.array([1, 1, 1, 0])
    assert ece(mixed, logit(np.full(4, 0.7))) == pytest.approx(abs(0.7 - 0.75))


def test_real_and_fake_are_treated_alike():
    y, x = drawn()
    assert ece(1 - y, -x) == pytest.approx(ece(y, x))
    assert binned(np.array([0, 1]), np.array([-3.0, 3.0])).nunique().tolist() == [1, 1, 1]


@pytest.mark.parametrize("p, place", [(0.5, 0), (0.549, 0), (0.551, 1), (0.449, 1), (0.999, 9),
                                      (1 - 1e-18, 9), (1e-300, 9)])
def test_a_crop_is_in_the_bin_of_its_confidence(p, place):
    assert binned(np.array([1]), np.array([logit(p)]))["bin"].tolist() == [place]
    assert binned(np.array([1]), np.array([800.0]))["bin"].tolist() == [BINS - 1]


def test_a_calibrated_detector_has_next_to_no_error():
    """In the mean at most sqrt(BINS / 4 N): a bin's sum of n crops has a variance of n / 4 at most.

    By Jensen's inequality its absolute value is at most sqrt(n) / 2 in the mean; the sum over bins
    is largest where all have N / BINS crops. One crop moves the error by 1 / N at most, so by
    McDiarmid's inequality it is beyond t more once in exp(2 N t^2) times: here in a million.
    """
    y, x = drawn()
    beyond = np.sqrt(np.log(1e6) / (2 * N))
    bound = np.sqrt(BINS / (4 * N)) + beyond
    assert ece(y, x) < bound < 0.025
    assert ece(y, 3 * x) > 4 * bound
    assert ece(y, x / 3) > 4 * bound
    assert ece(y, x + 2) > 4 * bound


def test_the_bins_hold_all_crops_and_give_the_error():
    y, x = drawn()
    table = reliability(y, 3 * x)
    assert table.n.sum() == N and len(table) == BINS
    assert table.right.sum() == (((x >= 0) == y).sum())
    assert table.low.tolist() == pytest.approx([0.5 + 0.05 * i for i in range(10)])
    assert (table.low <= table.confidence).all() and (table.confidence <= table.high).all()
    gaps = (table.n * table.confidence - table.right).abs()
    assert gaps.sum() / N == pytest.approx(ece(y, 3 * x))


def test_an_empty_bin_has_no_crops_and_stands_in_its_middle():
    table = reliability(np.array([1, 0]), np.array([9.0, 9.0]))
    assert table.n.tolist() == [0] * 9 + [2] and table.right.tolist() == [0] * 9 + [1]
    assert table.confidence[0] == pytest.approx(0.525)


# corrections

def test_the_temperature_by_hand():
    """Four in five crops are right, all with log-odds of 2: best is p = 0.8, so 2 / T = ln 4."""
    y = np.array([1, 1, 1, 1, 0] + [0, 0, 0, 0, 1])
    x = np.repeat([2.0, -2.0], 5)
    assert temperature(y, x) == pytest.approx(2 / np.log(4), rel=1e-5)


@pytest.mark.parametrize("factor", [3.0, 1.0, 0.2])
def test_log_odds_that_are_scaled_come_back_with_that_temperature(factor):
    y, x = drawn()
    found = temperature(y, factor * x)
    assert found == pytest.approx(factor, rel=0.03)
    assert found == pytest.approx(factor * temperature(y, x), rel=1e-5)
    assert ece(y, factor * x / found) == pytest.approx(ece(y, x / temperature(y, x)), abs=1e-5)


def test_where_nothing_is_wrong_the_temperature_is_the_lowest():
    y = np.array([0, 1])
    assert temperature(y, np.array([-1.0, 1.0])) == pytest.approx(1 / HOTTEST, rel=0.01)


def test_platt_by_hand():
    """Of four crops on each side three are as they should; F = R = 4, so targets are 5/6 and 1/6.

    Two values, two unknowns: p at 1 is the mean of the targets there, 2/3, so a = ln 2, b = 0.
    """
    y = np.array([1, 1, 1, 0, 0, 0, 0, 1])
    x = np.repeat([1.0, -1.0], 4)
    assert platt(y, x) == pytest.approx((np.log(2), 0), abs=1e-5)
    assert platt(y, 10 * x + 30) == pytest.approx((np.log(2) / 10, -3 * np.log(2)), abs=1e-5)


def test_platt_brings_back_what_was_scaled_and_moved():
    y, x = drawn()
    line = platt(y, (x - 1.5) * 3)
    np.testing.assert_allclose(line.of((x - 1.5) * 3), x, atol=0.15)
    assert line == pytest.approx((1 / 3, 1.5), rel=0.04)


def test_platt_stays_finite_where_a_threshold_parts_all_crops():
    line = platt(np.array([0, 0, 1, 1]), np.array([-2.0, -1.0, 1.0, 2.0]))
    assert 0 < line.slope < 10 and abs(line.shift) < 1e-5
    alike = platt(np.array([0, 1]), np.array([5.0, 5.0]))
    assert alike.of(np.array([5.0])) == pytest.approx([0], abs=1e-5)


def test_a_temperature_changes_no_answer_and_nothing_changes_the_order():
    y, x = drawn()
    moved = 3 * x + 4
    cooler = Line(1 / temperature(y, moved)).of(moved)
    corrected = platt(y, moved).of(moved)
    assert ((cooler >= 0) == (moved >= 0)).all()
    assert auc(y, cooler) == auc(y, moved) == auc(y, corrected)
    right = [((each >= 0) == y).mean() for each in (cooler, corrected)]
    assert right[1] > right[0] + 0.05
    assert ece(y, corrected) < 0.01 and ece(y, cooler) > 0.03
