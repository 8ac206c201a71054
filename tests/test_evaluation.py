"""Evaluation: equation 5, AUC, EER and the interval against cases worked out by hand."""
import numpy as np
import pandas as pd
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.evaluation import accuracy, eer, evaluate, interval, summary

# equation 5, AUC, EER


@pytest.mark.parametrize(
    ("y", "p", "share"),
    [
        ([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.9], 1),
        ([0, 0, 1, 1], [0.9, 0.6, 0.4, 0.1], 0),
        ([0, 0, 1, 1], [0.49, 0.51, 0.51, 0.2], 0.5),
        ([0, 1, 1], [0.2, 0.3, 0.7], 2 / 3),
    ],
)
def test_accuracy_is_correct_crops_over_all_crops(y, p, share):
    assert accuracy(np.array(y), np.array(p)) == pytest.approx(share)


def test_exactly_one_half_is_called_fake():
    assert accuracy(np.array([1]), np.array([0.5])) == 1
    assert accuracy(np.array([0]), np.array([0.5])) == 0


@pytest.mark.parametrize(
    ("y", "p", "share"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], 1),
        ([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1], 0),
        ([0, 1] * 4, [0.7] * 8, 0.5),
        ([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], 0.75),
    ],
)
def test_auc_is_the_share_of_pairs_in_order(y, p, share):
    assert summary(np.array(y), np.array(p))["auc"] == pytest.approx(share)


def test_auc_does_not_see_a_shifted_threshold_but_accuracy_does():
    y = np.array([0, 0, 0, 1, 1, 1])
    p = np.array([0.1, 0.3, 0.55, 0.52, 0.6, 0.9])
    one = summary(y, p)
    shifted = summary(y, p**4)
    assert shifted["auc"] == pytest.approx(one["auc"])
    assert shifted["eer"] == pytest.approx(one["eer"])
    assert (one["accuracy"], shifted["accuracy"]) == pytest.approx((5 / 6, 4 / 6))


@pytest.mark.parametrize(
    ("real", "fake", "share"),
    [
        ([0.1, 0.2], [0.8, 0.9], 0),
        ([0.8, 0.9], [0.1, 0.2], 1),
        ([0.5] * 3, [0.5] * 3, 0.5),
        # at 0.7, one of four is wrong on either side
        ([0.1, 0.2, 0.3, 0.7], [0.6, 0.8, 0.9, 0.95], 0.25),
        # crosses between (0, 1/3) and (1/2, 1/3)
        ([0.2, 0.6], [0.5, 0.7, 0.8], 1 / 3),
    ],
    ids=["separable", "swapped", "constant", "crossing", "between two points"],
)
def test_eer_by_hand(real, fake, share):
    y = np.array([0] * len(real) + [1] * len(fake))
    assert eer(y, np.array(real + fake)) == pytest.approx(share)


def test_of_one_class_alone_there_is_no_equal_error_rate():
    assert np.isnan(eer(np.ones(3, int), np.array([0.1, 0.5, 0.9])))


# the interval


def spread(n: int, right: int) -> np.ndarray:
    """The first `right` of n crops are right."""
    return np.arange(n) % n < right


def width(values: np.ndarray, people: np.ndarray) -> float:
    low, high = interval(values, people)
    return high - low


@pytest.mark.parametrize("right", [10, 70, 100])
def test_the_interval_holds_the_estimate_and_is_the_same_each_time(right):
    correct = np.random.default_rng(0).permutation(spread(120, right))
    people = np.repeat(np.arange(20), 6)
    low, high = interval(correct, people)
    assert 0 <= low < right / 120 < high <= 1
    assert (low, high) == interval(correct, people)


def test_the_interval_of_independent_crops_is_the_binomial_one():
    low, high = interval(spread(400, 320), np.arange(400))
    half = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert (low, high) == pytest.approx((0.8 - half, 0.8 + half), abs=0.006)


def test_the_interval_is_wider_when_the_crops_of_a_person_fail_together():
    people = np.repeat(np.arange(20), 10)
    together = people < 15
    apart = np.arange(200) % 4 != 0
    assert together.mean() == apart.mean() == 0.75
    assert width(together, people) > 3 * width(apart, people)


def test_the_interval_weighs_people_by_their_crops():
    people = np.repeat([0, 1, 2, 3], [97, 1, 1, 1])
    low, high = interval(people == 0, people)
    assert low == 0
    assert high > 0.97  # the mean over people, each counted once, would stay at 0.75 or below


def test_a_person_does_not_have_to_be_a_number_or_in_order():
    correct = np.random.default_rng(0).permutation(spread(60, 40))
    people = np.repeat(np.arange(10), 6)
    names = np.array([f"person {k}" for k in people])
    order = np.random.default_rng(1).permutation(60)
    assert interval(correct[order], names[order]) == pytest.approx(interval(correct, people))


def test_without_faults_the_interval_is_a_point():
    assert interval(np.ones(12, bool), np.repeat(np.arange(4), 3)) == (1, 1)


def test_a_paired_interval_is_narrower_than_either_detectors_own():
    people = np.repeat(np.arange(40), 5)
    ease = np.repeat(np.random.default_rng(0).random(40), 5)
    one = (ease > 0.4).astype(float)  # some people are hard for both
    other = np.where(np.arange(200) % 10 == 3, 0.0, one)  # also wrong on one crop in ten
    low, high = interval(one - other, people)
    assert 0 < low < (one - other).mean() < high
    assert high - low < min(width(one, people), width(other, people)) / 2


def test_the_interval_of_a_ratio_is_a_point_where_all_people_agree():
    people = np.repeat(np.arange(6), 4)
    on_raw = np.tile([1.0, 1, 1, 0], 6)
    lost = on_raw - np.tile([1.0, 0, 1, 0], 6)
    assert interval(lost, people, on_raw) == pytest.approx((1 / 3, 1 / 3))
    assert interval(lost, people) == pytest.approx((0.25, 0.25))  # of all crops


def test_the_interval_of_a_ratio_is_of_sums_not_of_peoples_ratios():
    people = np.repeat(np.arange(10), [9] + [1] * 9)
    of = np.ones(18)
    values = (people > 0).astype(float)
    # Of ten draws k are of person 0: (10 - k) / (10 + 8 k).
    # P(k = 0) = 35 %, P(k >= 3) = 7.0 %, P(k >= 4) = 1.3 %.
    assert interval(values, people, of) == pytest.approx((7 / 34, 1))
    assert interval(values, people, 2 * of) == pytest.approx((3.5 / 34, 0.5))


def test_of_two_people_the_interval_of_a_ratio_ends_at_their_own():
    people = np.repeat([0, 1], [4, 3])
    on_raw = np.array([1.0, 1, 1, 1, 1, 1, 0])
    lost = on_raw - np.array([1.0, 1, 1, 0, 0, 1, 1])
    assert interval(lost, people, on_raw) == pytest.approx((0, 0.25))  # 0 of 2, 1 of 4


def test_one_person_gives_no_interval():
    assert np.isnan(interval(np.array([True, False, True]), np.zeros(3))).all()
    assert np.isnan(interval(np.array([1.0, 0, 1]), np.zeros(3), np.ones(3))).all()


def test_the_summary_counts_crops_and_units():
    y = np.array([0, 0, 1, 1])
    p = np.array([0.1, 0.2, 0.8, 0.3])
    row = summary(y, p, np.array(["a", "b", "a", "c"]))
    assert (row["n"], row["units"], row["accuracy"]) == (4, 3, 0.75)
    assert row["low"] <= 0.75 <= row["high"]
    assert not {"low", "high", "units"} & set(summary(y, p))


def test_the_two_kinds_of_error_are_told_apart():
    y = np.array([0, 0, 0, 0, 1, 1])
    row = summary(y, np.array([0.1, 0.5, 0.6, 0.7, 0.9, 0.2]))
    assert row["reals_called_fake"] == pytest.approx(0.75)
    assert row["fakes_called_real"] == pytest.approx(0.5)


# a table of predictions

PEOPLE = np.repeat(list("abcd"), 4)
Y = np.tile([0, 0, 1, 1], 4)
WRONG = np.where((Y == 1) == (PEOPLE != "d"), 0.9, 0.1)  # person d's crops are


def test_evaluate_has_a_row_each_codec():
    blind = np.full(16, 0.1)
    table = evaluate(pd.DataFrame({"RAW": WRONG, "LQ": blind}), Y, PEOPLE)
    assert table.index.tolist() == ["RAW", "LQ"]
    assert table.index.name == "codec"
    assert table.n.tolist() == [16, 16]
    assert table.units.tolist() == [4, 4]
    assert table.accuracy["RAW"] == 0.75
    assert table.accuracy["LQ"] == 0.5  # all called real
    assert table.low["RAW"] <= 0.75 <= table.high["RAW"]
    assert table.high["RAW"] - table.low["RAW"] >= 0.5
    assert table.reals_called_fake["LQ"] == 0
    assert table.fakes_called_real["LQ"] == 1


def test_evaluate_draws_people_not_crops():
    row = evaluate(pd.DataFrame({"RAW": WRONG}), Y, PEOPLE).loc["RAW"]
    correct = PEOPLE != "d"
    assert (row.low, row.high) == interval(correct, PEOPLE)
    assert (row.low, row.high) != interval(correct, np.arange(16))


# what can't be scored


@pytest.mark.parametrize("label", [0, 1])
def test_crops_of_one_kind_have_no_scores(label):
    words = "Scores need real and fake crops"
    with pytest.raises(CompanionError, match=words):
        summary(np.full(3, label), np.array([0.1, 0.2, 0.9]))
