"""Evaluation: equation 5, AUC, EER and the interval against cases worked out by hand."""
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from torch import nn

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.evaluation import (
    accuracy,
    eer,
    evaluate,
    features,
    interval,
    log_odds,
    predict,
    predict_by_probe,
    probabilities,
    summary,
)
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.store import FaceSet

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


# a detector on crops

BOARD = 6 * (np.indices((16, 16)).sum(0) % 2 * 2 - 1)[..., None]  # a fine chequered pattern


class Grain(Detector):
    """Calls grainy crops fake: known in advance, and blind once compression took the grain away."""

    mean = (0.0, 0.0, 0.0)
    std = (1.0, 1.0, 1.0)

    def __init__(self):
        super().__init__(16)
        self.slope = nn.Parameter(torch.tensor(1e4))

    def features(self, x):
        change = x[..., 1:] - x[..., :-1]
        return change.abs().mean((1, 2, 3))[:, None]

    def forward(self, x):
        grain = self.features(x)[:, 0] - 0.02
        return torch.stack([torch.zeros_like(grain), self.slope * grain], 1)


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    """Four people with two real and two fake crops in each part.

    Fakes have grain; of d, reals have.
    """
    builder = Builder(tmp_path_factory.mktemp("faces"), {"size": 16})
    keys = []
    for number in range(16):
        split = ("train", "test")[number // 8]
        person = "abcd"[number % 4]
        label = number // 4 % 2
        grainy = label != (person == "d")
        crop = np.full((16, 16, 3), 110 + ord(person) % 16) + BOARD * grainy
        rows = [_row(split, person, label, frame) for frame in range(2)]
        keys.append(("m", rows[0]["video"]))
        builder.add(*keys[-1], rows, [crop.astype(np.uint8)] * 2, [])
    return builder.finish(keys)


def _row(split: str, person: str, label: int, frame: int) -> dict:
    whole = {"x0": 0, "y0": 0, "x1": 16, "y1": 16, "probability": 1.0}
    names = {"split": split, "identity": person, "source": "", "method": "m"}
    return {"label": label, "video": f"{split}-{person}{label}", "frame": frame, **names, **whole}


def evaluated(faces: FaceSet, log_odds: pd.DataFrame) -> pd.DataFrame:
    return evaluate(expit(log_odds), faces.labels("test"), faces.units("test"))


def test_evaluate_has_a_row_each_codec_and_sees_the_crops_after_it(faces):
    table = evaluated(faces, predict(Grain(), faces, ("RAW", "LQ")))
    assert table.index.tolist() == ["RAW", "LQ"]
    assert table.index.name == "codec"
    assert table.n.tolist() == [16, 16]
    assert table.units.tolist() == [4, 4]
    assert table.accuracy["RAW"] == 0.75  # person d is wrong
    assert table.accuracy["LQ"] == 0.5  # no grain left: all called real
    assert table.low["RAW"] <= 0.75 <= table.high["RAW"]
    assert table.high["RAW"] - table.low["RAW"] >= 0.5
    assert table.reals_called_fake["LQ"] == 0
    assert table.fakes_called_real["LQ"] == 1


def test_predictions_are_in_the_order_of_the_rows(faces):
    called_fake = predict(Grain(), faces, ("RAW",)).RAW >= 0
    rows = faces.rows("test")
    assert called_fake.tolist() == ((rows.label == 1) != (rows.identity == "d")).tolist()


def test_evaluate_draws_people_not_crops(faces):
    predictions = predict(Grain(), faces, ("RAW",))
    row = evaluated(faces, predictions).loc["RAW"]
    correct = (predictions.RAW >= 0).to_numpy() == faces.labels("test")
    people = faces.rows("test").identity.to_numpy()
    assert (row.low, row.high) == interval(correct, people)
    assert (row.low, row.high) != interval(correct, np.arange(16))


def test_a_crops_probability_does_not_depend_on_its_company():
    images = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), np.uint8)
    model = TCNSC(input_size=32, width=4, width_z=8).train()
    p = probabilities(model, images)
    assert p.shape == (7,)
    assert p.dtype == np.float64
    assert not model.training
    np.testing.assert_allclose(probabilities(model, images, batch_size=3), p, atol=1e-5)
    alone = [probabilities(model, image[None])[0] for image in images]
    np.testing.assert_allclose(alone, p, atol=1e-5)


class Fixed(Grain):
    """The same logits for every crop."""

    def __init__(self, real: float, fake: float):
        super().__init__()
        self.logits = torch.tensor([[real, fake]])

    def forward(self, x):
        return self.logits.expand(len(x), 2)


NOISE = np.zeros((2, 16, 16, 3), np.uint8)


def test_a_probability_is_the_softmax_of_the_fake_column():
    p = probabilities(Fixed(1.0, 3.0), NOISE)
    assert p == pytest.approx([np.exp(3) / (np.exp(1) + np.exp(3))] * 2)


def test_log_odds_are_the_fake_logit_minus_the_real_one_and_keep_what_a_probability_loses():
    odds = log_odds(Fixed(-30.0, 20.0), NOISE)
    assert odds.dtype == np.float64
    assert odds.tolist() == [50, 50]
    assert (probabilities(Fixed(-30.0, 20.0), NOISE) == 1).all()
    p = probabilities(Fixed(1.0, 3.0), NOISE)
    np.testing.assert_allclose(log_odds(Fixed(1.0, 3.0), NOISE), np.log(p / (1 - p)), rtol=1e-12)


def test_features_are_h_of_each_crop_in_order_and_in_evaluation_mode():
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    model = TCNSC(input_size=32, width=4, width_z=8).train()
    h = features(model, images, batch_size=2)
    assert h.shape == (5, 32)
    assert h.dtype == np.float32
    assert not model.training
    with torch.no_grad():
        each = [model.f(model.prepare(torch.from_numpy(image[None]))) for image in images]
        np.testing.assert_allclose(h, torch.cat(each).numpy(), rtol=1e-4, atol=1e-5)
        p = model.c(torch.from_numpy(h)).softmax(1)[:, 1].numpy()
    np.testing.assert_allclose(probabilities(model, images), p, atol=1e-5)


def test_a_probe_is_logistic_regression_on_standardised_features_of_raw_training_crops(faces):
    table = predict_by_probe(Grain(), faces, ("RAW", "LQ"))
    assert list(table) == ["RAW", "LQ"]
    h = features(Grain(), faces.images("RAW", "train"))
    centre = h.mean()
    scale = h.std()
    by_hand = LogisticRegression(max_iter=2000).fit((h - centre) / scale, faces.labels("train"))
    for codec, odds in table.items():
        seen = features(Grain(), faces.images(codec, "test"))
        p = by_hand.predict_proba((seen - centre) / scale)[:, 1]
        np.testing.assert_allclose(expit(odds), p, rtol=1e-5)
    assert ((table.RAW >= 0) == (predict(Grain(), faces, ("RAW",)).RAW >= 0)).all()


# what can't be scored


@pytest.mark.parametrize("label", [0, 1])
def test_crops_of_one_kind_have_no_scores(label):
    words = "Scores need real and fake crops"
    with pytest.raises(CompanionError, match=words):
        summary(np.full(3, label), np.array([0.1, 0.2, 0.9]))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_finite_number_is_never_a_prediction(bad):
    with pytest.raises(CompanionError, match="Fixed gives no finite number for 2 of 2 crops"):
        probabilities(Fixed(0.0, bad), NOISE)


def test_a_probe_needs_training_crops_of_both_kinds(faces, monkeypatch):
    reals = faces.manifest[faces.manifest.label == 0].reset_index(drop=True)
    monkeypatch.setattr(faces, "manifest", reals)
    with pytest.raises(CompanionError, match="train part has no fakes"):
        predict_by_probe(Grain(), faces, ("RAW",))
