"""What enters a batch normalisation: by hand, for a detector of two normalisations in a row."""
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from tcnsc_lib.analysis import channels
from tcnsc_lib.analysis.channels import BINS, TAIL, channel, moments, shifts
from tcnsc_lib.detectors import Detector

SIZE = 4


class TwoLayers(Detector):
    """Its channels are the colours, from 0 to 1; the second layer sees what the first puts out."""

    mean = (0.0, 0.0, 0.0)
    std = (1.0, 1.0, 1.0)

    def __init__(self):
        super().__init__(SIZE)
        self.one = nn.BatchNorm2d(3)
        self.two = nn.BatchNorm2d(3)
        self.one.running_mean = torch.tensor([0.1, 0.2, 0.5])
        for norm, sd in ((self.one, 0.2), (self.two, 0.5)):
            norm.running_var = torch.full((3,), sd**2 - norm.eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(self.one(x)).mean((2, 3))[:, :2]


def crops(*colours: tuple[int, int, int]) -> np.ndarray:
    """A crop for each pair of colours: one half of its pixels has the one, one half the other."""
    found = np.empty((len(colours) // 2, SIZE, SIZE, 3), np.uint8)
    found[:, :2] = np.array(colours[::2])[:, None, None]
    found[:, 2:] = np.array(colours[1::2])[:, None, None]
    return found


DARK = (51, 51, 51)
IMAGES = {
    "RAW": crops(DARK, (102, 51, 102), DARK, (102, 51, 102), DARK, (102, 51, 102)),
    "LQ": crops((102, 51, 0), (102, 51, 0), (102, 51, 0), (102, 51, 0), (102, 51, 0), (102, 51, 0)),
}
"""RAW: half of all values 0.2, half 0.4 (but in the second channel); LQ: 0.4, 0.2 and 0."""


@pytest.fixture
def detector(monkeypatch):
    monkeypatch.setattr(channels, "AT_ONCE", 2)  # three crops: a batch of two, and one of one
    return TwoLayers()


def row(table: pd.DataFrame, layer: int, number: int, codec: str) -> list[float]:
    (found,) = table.query("layer == @layer and channel == @number and codec == @codec").iloc
    return found[["mean", "sd", "running_mean", "running_sd", "shift"]].tolist()


def test_the_moments_of_a_channel_by_hand(detector):
    table = moments(detector, IMAGES)
    assert len(table) == 2 * 2 * 3
    assert row(table, 0, 0, "RAW") == pytest.approx([0.3, 0.1, 0.1, 0.2, 1.0])
    assert row(table, 0, 1, "RAW") == pytest.approx([0.2, 0, 0.2, 0.2, 0], abs=1e-4)
    assert row(table, 0, 0, "LQ") == pytest.approx([0.4, 0, 0.1, 0.2, 1.5], abs=1e-4)
    assert row(table, 0, 2, "LQ") == pytest.approx([0, 0, 0.5, 0.2, -2.5], abs=1e-4)
    # (x - 0.1) / 0.2: 1 on average, 0.5 apart
    assert row(table, 1, 0, "RAW") == pytest.approx([1, 0.5, 0, 0.5, 2], rel=1e-4)
    assert row(table, 1, 2, "LQ") == pytest.approx([-2.5, 0, 0, 0.5, -5], rel=1e-4, abs=2e-3)


def test_a_crop_weighs_alike_in_a_batch_of_two_and_of_one(detector, monkeypatch):
    one_dark = {"RAW": np.concatenate([crops(DARK, DARK), IMAGES["LQ"][:2]])[::-1]}
    in_batches = moments(detector, one_dark)
    assert in_batches["mean"][0] == pytest.approx((0.2 + 0.4 + 0.4) / 3)
    monkeypatch.setattr(channels, "AT_ONCE", 64)
    pd.testing.assert_frame_equal(in_batches, moments(detector, one_dark), rtol=1e-6)


def test_the_shifts_of_a_layer_are_means_over_its_channels_of_distances(detector):
    table = shifts({"a": detector, "b": TwoLayers()}, IMAGES)
    assert table.columns.tolist() == ["model", "layer", "codec", "shift", "spread"]
    first = table[(table.model == "a") & (table.layer == 0)].set_index("codec")
    assert first["shift"].to_dict() == pytest.approx({"RAW": (1 + 0 + 1) / 3,
                                                      "LQ": (1.5 + 0 + 2.5) / 3}, abs=1e-4)
    assert first.spread.to_dict() == pytest.approx({"RAW": (0.5 + 0 + 0.5) / 3, "LQ": 0}, abs=1e-3)
    other = table[table.model == "b"].drop(columns="model").reset_index(drop=True)
    pd.testing.assert_frame_equal(other, table[table.model == "a"].drop(columns="model"))


@pytest.mark.parametrize(("codec", "number"), [("RAW", 0), ("LQ", 2)])
def test_the_channel_that_is_shifted_most_is_shown_on_all_codecs(detector, codec, number):
    detector.one.running_mean[2] = 0.21 if codec == "RAW" else 0.5
    table = channel(detector, IMAGES, 0, codec)
    assert (table.layer == 0).all() and (table.channel == number).all()
    assert table.codec.tolist() == ["RAW"] * BINS + ["LQ"] * BINS
    colours = [images[..., number] / 255 for images in IMAGES.values()]
    for (name, rows), values in zip(table.groupby("codec", sort=False), colours, strict=True):
        assert rows["mean"].iloc[0] == pytest.approx(values.mean(), abs=1e-6), name
    assert table.running_mean.unique() == pytest.approx(detector.one.running_mean[number].item())


def test_a_histogram_holds_all_values_but_its_tails(detector):
    random = np.random.default_rng(0)
    images = {"RAW": random.integers(0, 180, (40, SIZE, SIZE, 3), dtype=np.uint8),
              "LQ": random.integers(60, 256, (40, SIZE, SIZE, 3), dtype=np.uint8)}
    table = channel(detector, images, 0, "LQ")
    shares = table.groupby("codec", sort=False).share.sum()
    assert (shares <= 1).all()
    assert shares.mean() == pytest.approx(1 - 2 * TAIL / 100, abs=0.005)
    for name, rows in table.groupby("codec"):
        values = images[name][..., rows.channel.iloc[0]] / 255
        inside = (values >= rows.left.min() - 1e-6) & (values <= rows.right.max() + 1e-6)
        assert rows.share.sum() == pytest.approx(inside.mean(), abs=0.005)
        middle = np.average((rows.left + rows.right) / 2, weights=rows.share)
        assert middle == pytest.approx(values.mean(), abs=0.02)
    edges = table[table.codec == "RAW"]
    assert np.allclose(edges.left[1:], edges.right[:-1])


@pytest.mark.parametrize("analysis", [
    lambda detector: moments(detector, IMAGES), lambda detector: channel(detector, IMAGES, 1, "LQ"),
    lambda detector: shifts({"a": detector}, IMAGES)], ids=["moments", "channel", "shifts"])
def test_the_same_comes_out_twice_and_the_detector_stays_as_it_was(detector, analysis):
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    first = analysis(detector.train())
    pd.testing.assert_frame_equal(first, analysis(detector), check_exact=True)
    after = detector.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    for norm in (detector.one, detector.two):
        assert not norm._forward_pre_hooks  # or each later image would be kept
