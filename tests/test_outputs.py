"""What a detector says of crops: log-odds, features, probes, statistics estimated anew."""
import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from torch import nn

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector, outputs
from tcnsc_lib.detectors.normalisation import reestimated
from tcnsc_lib.detectors.outputs import (
    OWN,
    STATISTICS,
    best_threshold,
    features,
    log_odds,
    predict,
    predict_by_probe,
    predict_reestimated,
    probabilities,
    unlabelled,
)
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.store import FaceSet

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


# log-odds, p(fake), features


def test_crops_are_seen_after_the_codec(faces):
    called_fake = predict(Grain(), faces, ("RAW", "LQ")) >= 0
    assert called_fake.RAW.sum() == 8
    assert called_fake.LQ.sum() == 0  # no grain left


def test_predictions_are_in_the_order_of_the_rows(faces):
    called_fake = predict(Grain(), faces, ("RAW",)).RAW >= 0
    rows = faces.rows("test")
    assert called_fake.tolist() == ((rows.label == 1) != (rows.identity == "d")).tolist()


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


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_finite_number_is_never_a_prediction(bad):
    with pytest.raises(CompanionError, match="Fixed gives no finite number for 2 of 2 crops"):
        probabilities(Fixed(0.0, bad), NOISE)


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


# a probe


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


def test_a_probe_needs_training_crops_of_both_kinds(faces, monkeypatch):
    reals = faces.manifest[faces.manifest.label == 0].reset_index(drop=True)
    monkeypatch.setattr(faces, "manifest", reals)
    with pytest.raises(CompanionError, match="train part has no fakes"):
        predict_by_probe(Grain(), faces, ("RAW",))


# statistics estimated anew

SHAPE = {"input_size": 16, "width": 4, "width_z": 8}


def normed() -> TCNSC:
    """An untrained TCNSC, in evaluation mode."""
    torch.manual_seed(0)
    return TCNSC(**SHAPE).eval()


def test_statistics_are_of_training_crops_after_the_codecs_that_their_name_says(faces):
    seen = list(unlabelled(normed(), faces, ("RAW", "LQ")))
    assert len(seen) == 2  # all 16 crops in a batch, of one codec each
    for x, name in zip(seen, ("RAW", "LQ"), strict=True):
        crops = torch.from_numpy(np.array(faces.images(name, "train")))
        torch.testing.assert_close(x, normed().prepare(crops), rtol=0, atol=0)


def test_so_many_crops_are_drawn_in_batches_of_so_many_the_same_each_time(faces, monkeypatch):
    monkeypatch.setattr(outputs, "SEEN", 10)
    monkeypatch.setattr(outputs, "AT_ONCE", 4)
    seen = list(unlabelled(normed(), faces, ("RAW", "LQ")))
    assert [len(x) for x in seen] == [4, 4, 4, 4, 2, 2]
    again = list(unlabelled(normed(), faces, ("RAW", "LQ")))
    assert all(torch.equal(x, same) for x, same in zip(seen, again, strict=True))


@pytest.mark.parametrize("statistics", STATISTICS)
def test_predictions_after_it_are_those_of_a_copy_with_these_statistics(faces, statistics):
    table = predict_reestimated(normed(), faces, ("RAW", "LQ"), statistics)
    assert list(table) == ["RAW", "LQ"]
    for name, odds in table.items():
        views = (name,) if statistics == OWN else STATISTICS[statistics]
        copy = reestimated(normed(), unlabelled(normed(), faces, views))
        np.testing.assert_array_equal(odds, log_odds(copy, faces.images(name, "test")))
    before = predict(normed(), faces, ("RAW", "LQ"))
    assert np.abs(table - before).to_numpy().max() > 1e-3


def test_neither_a_label_nor_a_test_crop_goes_into_statistics(faces, monkeypatch):
    asked = []
    images = faces.images

    def listed(name, split):
        asked.append((name, split))
        return images(name, split)

    def never(*_):
        raise AssertionError("labels were read")

    monkeypatch.setattr(faces, "images", listed)
    monkeypatch.setattr(faces, "labels", never)
    list(unlabelled(normed(), faces, ("RAW", "LQ")))
    assert asked == [("RAW", "train"), ("LQ", "train")]
    asked.clear()
    predict_reestimated(normed(), faces, ("WEBP",), "LQ")
    assert asked == [("LQ", "train"), ("WEBP", "test")]


def test_the_detector_that_is_asked_stays_as_it_is(faces):
    asked = normed()
    before = {name: value.clone() for name, value in asked.state_dict().items()}
    predict_reestimated(asked, faces, ("RAW",), "LQ")
    assert all(torch.equal(before[name], value) for name, value in asked.state_dict().items())


def test_a_detector_without_batch_normalisation_says_the_same(faces):
    plain = predict(Grain(), faces, ("RAW", "LQ"))
    assert predict_reestimated(Grain(), faces, ("RAW", "LQ"), "LQ").equals(plain)


# the threshold


@pytest.mark.parametrize(
    ("real", "fake", "threshold"),
    [
        ([-3.0, -1.0], [2.0, 5.0], 0.5),
        ([2.0, 4.0], [7.0, 9.0], 5.5),  # all called fake at 0
        ([-9.0, -4.0], [-3.0, 1.0], -3.5),
        ([-2.0, -1.0, 3.0], [-1.5, 2.0, 4.0], 0.5),  # 4 of 6 are right
        ([0.0, 4.0], [1.0, 6.0], 0.5),  # as good at 5
        ([-8.0, -2.0], [-7.0, 3.0], 0.5),  # as good at -7.5
        ([-6.0, 1.0], [-1.0, 6.0], -3.5),  # as good at 3.5, and as near: the lower
        ([5.0], [3.0], 2.0),  # all fake, or none: 2 or 6
        ([-3.0], [-5.0], -2.0),  # -6 or -2
        ([1.0], [-1.0], -2.0),  # -2 or 2
        ([3.0, 3.0], [3.0, 3.0], 2.0),  # says the same of all
    ],
)
def test_the_best_threshold_by_hand(real, fake, threshold):
    y = np.array([0] * len(real) + [1] * len(fake))
    odds = np.array(real + fake)
    order = np.random.default_rng(0).permutation(len(y))
    assert best_threshold(y, odds) == threshold
    assert best_threshold(y[order], odds[order]) == threshold


def test_no_other_threshold_gets_more_right():
    random = np.random.default_rng(0)
    for _ in range(50):
        y = np.append(random.integers(0, 2, 20), [0, 1])
        odds = random.normal(y * 2, 2).round(1)  # so that some stand twice
        right = np.mean((odds >= best_threshold(y, odds)) == y)
        others = [np.mean((odds >= other) == y) for other in np.arange(-9, 9, 0.05)]
        assert right == max(others)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_gives_no_threshold(label):
    with pytest.raises(CompanionError, match="A threshold needs real and fake crops"):
        best_threshold(np.full(3, label), np.array([-1.0, 0.0, 2.0]))
