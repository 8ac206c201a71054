"""Evaluation: equation 5, AUC, EER and the interval against cases worked out by hand."""
import numpy as np
import pytest
import torch
from torch import nn

from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.evaluation import accuracy, eer, evaluate, features, interval, predict, probabilities, summary
from tcnsc_lib.faces.store import Builder, FaceSet

# equation 5, AUC, EER


@pytest.mark.parametrize(("y", "p", "percent"), [
    ([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.9], 100), ([0, 0, 1, 1], [0.9, 0.6, 0.4, 0.1], 0),
    ([0, 0, 1, 1], [0.49, 0.51, 0.51, 0.2], 50), ([0, 1, 1], [0.2, 0.3, 0.7], 200 / 3)])
def test_accuracy_is_correct_crops_over_all_crops(y, p, percent):
    assert accuracy(np.array(y), np.array(p)) == pytest.approx(percent)


def test_exactly_one_half_is_called_fake():
    assert accuracy(np.array([1]), np.array([0.5])) == 100
    assert accuracy(np.array([0]), np.array([0.5])) == 0


@pytest.mark.parametrize(("y", "p", "percent"), [
    ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], 100), ([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1], 0),
    ([0, 1] * 4, [0.7] * 8, 50), ([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], 75)])
def test_auc_is_the_share_of_pairs_in_order(y, p, percent):
    assert summary(np.array(y), np.array(p))["auc"] == pytest.approx(percent)


def test_auc_does_not_see_a_shifted_threshold_but_accuracy_does():
    y, p = np.array([0, 0, 0, 1, 1, 1]), np.array([0.1, 0.3, 0.55, 0.52, 0.6, 0.9])
    one, shifted = summary(y, p), summary(y, p**4)
    assert shifted["auc"] == pytest.approx(one["auc"]) and shifted["eer"] == pytest.approx(one["eer"])
    assert (one["accuracy"], shifted["accuracy"]) == pytest.approx((100 * 5 / 6, 100 * 4 / 6))


@pytest.mark.parametrize(("real", "fake", "percent"), [
    ([0.1, 0.2], [0.8, 0.9], 0), ([0.8, 0.9], [0.1, 0.2], 100), ([0.5] * 3, [0.5] * 3, 50),
    ([0.1, 0.2, 0.3, 0.7], [0.6, 0.8, 0.9, 0.95], 25),  # at 0.7, one of four is wrong on either side
    ([0.2, 0.6], [0.5, 0.7, 0.8], 100 / 3)],  # crosses between (0, 1/3) and (1/2, 1/3)
    ids=["separable", "swapped", "constant", "crossing", "between two points"])
def test_eer_by_hand(real, fake, percent):
    y = np.array([0] * len(real) + [1] * len(fake))
    assert eer(y, np.array(real + fake)) == pytest.approx(percent)


# the interval

def spread(n: int, right: int) -> np.ndarray:
    return np.arange(n) % n < right


@pytest.mark.parametrize("right", [10, 70, 100])
def test_the_interval_holds_the_estimate_and_is_the_same_each_time(right):
    correct, people = np.random.default_rng(0).permutation(spread(120, right)), np.repeat(np.arange(20), 6)
    low, high = interval(correct, people)
    assert 0 <= low < 100 * right / 120 < high <= 100
    assert (low, high) == interval(correct, people)


def test_the_interval_of_independent_crops_is_the_binomial_one():
    low, high = interval(spread(400, 320), np.arange(400))
    half = 196 * np.sqrt(0.8 * 0.2 / 400)
    assert (low, high) == pytest.approx((80 - half, 80 + half), abs=0.6)


def test_the_interval_is_wider_when_the_crops_of_a_person_fail_together():
    people = np.repeat(np.arange(20), 10)
    together, apart = people < 15, spread(200, 200) & (np.arange(200) % 4 != 0)
    assert together.mean() == apart.mean() == 0.75
    widths = [np.diff(interval(correct, people))[0] for correct in (together, apart)]
    assert widths[0] > 3 * widths[1]


def test_the_interval_weighs_people_by_their_crops():
    people = np.repeat([0, 1, 2, 3], [97, 1, 1, 1])
    low, high = interval(people == 0, people)
    assert low == 0 and high > 97  # the mean over people, each counted once, would stay at 75 or below


def test_a_person_does_not_have_to_be_a_number_or_in_order():
    correct, people = np.random.default_rng(0).permutation(spread(60, 40)), np.repeat(np.arange(10), 6)
    names = np.array([f"person {k}" for k in people])
    order = np.random.default_rng(1).permutation(60)
    assert interval(correct[order], names[order]) == pytest.approx(interval(correct, people))


def test_without_faults_the_interval_is_a_point():
    assert interval(np.ones(12, bool), np.repeat(np.arange(4), 3)) == (100, 100)


def test_a_paired_interval_is_narrower_than_either_detectors_own():
    people, random = np.repeat(np.arange(40), 5), np.random.default_rng(0)
    one = (np.repeat(random.random(40), 5) > 0.4).astype(float)  # some people are hard for both
    other = np.where(np.arange(200) % 10 == 3, 0.0, one)  # which is also wrong on one crop in ten
    low, high = interval(one - other, people)
    assert 0 < low < 100 * (one - other).mean() < high
    assert high - low < min(np.diff(interval(values, people))[0] for values in (one, other)) / 2


def test_the_interval_of_a_ratio_is_a_point_where_all_people_agree():
    people = np.repeat(np.arange(6), 4)
    right_on_raw, right_on_lq = np.tile([1.0, 1, 1, 0], 6), np.tile([1.0, 0, 1, 0], 6)
    assert interval(right_on_raw - right_on_lq, people, right_on_raw) == pytest.approx((100 / 3, 100 / 3))
    assert interval(right_on_raw - right_on_lq, people) == pytest.approx((25, 25))  # of all crops


def test_the_interval_of_a_ratio_is_of_sums_not_of_peoples_ratios():
    people = np.repeat(np.arange(10), [9] + [1] * 9)
    of, values = np.ones(18), (people > 0).astype(float)
    # Of ten draws k are of person 0: (10 - k) / (10 + 8 k); P(k = 0) = 35 %, P(k >= 3) = 7.0 %, P(k >= 4) = 1.3 %.
    assert interval(values, people, of) == pytest.approx((100 * 7 / 34, 100))
    assert interval(values, people, 2 * of) == pytest.approx((50 * 7 / 34, 50))


def test_of_two_people_the_interval_of_a_ratio_ends_at_their_own():
    people = np.repeat([0, 1], [4, 3])
    right_on_raw, right_on_lq = np.array([1.0, 1, 1, 1, 1, 1, 0]), np.array([1.0, 1, 1, 0, 0, 1, 1])
    assert interval(right_on_raw - right_on_lq, people, right_on_raw) == pytest.approx((0, 25))  # 0 of 2, 1 of 4


def test_one_person_gives_no_interval():
    assert np.isnan(interval(np.array([True, False, True]), np.zeros(3))).all()
    assert np.isnan(interval(np.array([1.0, 0, 1]), np.zeros(3), np.ones(3))).all()


def test_the_summary_counts_crops_and_units():
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.3])
    row = summary(y, p, np.array(["a", "b", "a", "c"]))
    assert (row["n"], row["units"], row["accuracy"]) == (4, 3, 75)
    assert row["low"] <= 75 <= row["high"]
    assert not {"low", "high", "units"} & set(summary(y, p))


def test_the_two_kinds_of_error_are_told_apart():
    row = summary(np.array([0, 0, 0, 0, 1, 1]), np.array([0.1, 0.5, 0.6, 0.7, 0.9, 0.2]))
    assert (row["reals_called_fake"], row["fakes_called_real"]) == pytest.approx((75, 50))


# a detector on crops

class Grain(Detector):
    """Calls grainy crops fake: known in advance, and blind once compression has taken the grain away."""

    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def __init__(self):
        super().__init__(16)
        self.scale = nn.Parameter(torch.tensor(1e4))

    def forward(self, x):
        grain = (x[..., 1:] - x[..., :-1]).abs().mean((1, 2, 3)) - 0.02
        return torch.stack([torch.zeros_like(grain), self.scale * grain], 1)


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    """Four people with two real and two fake crops in the test part. Fakes have grain; of d, reals have."""
    builder, keys = Builder(tmp_path_factory.mktemp("faces"), {"size": 16}), []
    board = 6 * (np.indices((16, 16)).sum(0) % 2 * 2 - 1)[..., None]
    for person in "abcd":
        for label in (0, 1):
            rows = [{"label": label, "video": f"{person}{label}", "frame": frame, "identity": person,
                     "source": "", "method": "m", "split": "test", "x0": 0, "y0": 0, "x1": 16, "y1": 16,
                     "probability": 1.0} for frame in range(2)]
            crop = np.full((16, 16, 3), 110 + ord(person) % 16) + board * (label != (person == "d"))
            keys.append(("m", f"{person}{label}"))
            builder.add(*keys[-1], rows, [crop.astype(np.uint8)] * 2, [])
    return builder.finish(keys)


def test_evaluate_has_a_row_each_codec_and_sees_the_crops_after_it(faces):
    table = evaluate(predict(Grain(), faces, ("RAW", "LQ")), faces)
    assert table.index.tolist() == ["RAW", "LQ"] and table.index.name == "codec"
    assert table.n.tolist() == [16, 16] and table.people.tolist() == [4, 4]
    assert table.accuracy["RAW"] == 75  # person d is wrong
    assert table.accuracy["LQ"] == 50  # no grain left: all called real
    assert table.low["RAW"] <= 75 <= table.high["RAW"] and table.high["RAW"] - table.low["RAW"] >= 50
    assert (table.reals_called_fake["LQ"], table.fakes_called_real["LQ"]) == (0, 100)


def test_predictions_are_in_the_order_of_the_rows(faces):
    calls = predict(Grain(), faces, ("RAW",)).RAW >= 0.5
    rows = faces.rows("test")
    assert calls.tolist() == ((rows.label == 1) != (rows.identity == "d")).tolist()


def test_evaluate_draws_people_not_crops(faces):
    predictions = predict(Grain(), faces, ("RAW",))
    row = evaluate(predictions, faces).loc["RAW"]
    correct = (predictions.RAW >= 0.5).to_numpy() == faces.labels("test")
    people = faces.rows("test").identity.to_numpy()
    assert (row.low, row.high) == interval(correct, people) != interval(correct, np.arange(16))


def test_a_crops_probability_does_not_depend_on_its_company():
    images = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), np.uint8)
    torch.manual_seed(0)
    model = TCNSC(input_size=32, width=4, width_z=8).train()
    p = probabilities(model, images)
    assert p.shape == (7,) and p.dtype == np.float64 and not model.training
    np.testing.assert_allclose(probabilities(model, images, batch_size=3), p, atol=1e-5)
    np.testing.assert_allclose([probabilities(model, image[None])[0] for image in images], p, atol=1e-5)


def test_a_probability_is_the_softmax_of_the_fake_column():
    class Fixed(Grain):
        def forward(self, x):
            return torch.tensor([[1.0, 3.0]]).expand(len(x), 2) * self.scale / 1e4

    p = probabilities(Fixed(), np.zeros((2, 16, 16, 3), np.uint8))
    assert p == pytest.approx([np.exp(3) / (np.exp(1) + np.exp(3))] * 2)


def test_features_are_h_of_each_crop_in_order_and_in_evaluation_mode():
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    torch.manual_seed(0)
    model = TCNSC(input_size=32, width=4, width_z=8).train()
    h = features(model, images, batch_size=2)
    assert h.shape == (5, 32) and h.dtype == np.float32 and not model.training
    with torch.no_grad():
        by_hand = torch.cat([model.f(model.prepare(torch.from_numpy(image[None]))) for image in images])
        np.testing.assert_allclose(h, by_hand.numpy(), rtol=1e-4, atol=1e-5)
        p = model.c(torch.from_numpy(h)).softmax(1)[:, 1].numpy()
    np.testing.assert_allclose(probabilities(model, images), p, atol=1e-5)
