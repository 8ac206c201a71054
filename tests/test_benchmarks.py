"""What benchmarks call is there, and takes what they give; their numbers are no test's."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

from tcnsc_lib.profiles import PROFILES

TINY = replace(PROFILES["demo"], size=32, width=8)


@pytest.fixture
def benchmark(request, monkeypatch):
    """benchmark("streaming"): that module."""
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")
    return importlib.import_module


@pytest.mark.parametrize("views", [1, 2])
def test_throughput_takes_steps(benchmark, monkeypatch, views):
    throughput = benchmark("throughput")
    monkeypatch.setattr(throughput, "SECONDS", 0.05)
    monkeypatch.setattr(throughput, "BATCH", 4)
    assert throughput.training(TINY, views) > 0


def test_streaming_and_plain_loaders_give_batches_that_a_training_takes(
    benchmark, monkeypatch, tmp_path
):
    streaming = benchmark("streaming")
    monkeypatch.setenv(streaming.BUDGET, "0")
    for name, value in (("BATCH", 4), ("CROPS", 8)):
        monkeypatch.setattr(streaming, name, value)
    pictures = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    streaming.build(tmp_path, 32, pictures)
    faces = streaming.opened(tmp_path, arrays=False)
    x, x_twin, y = next(iter(streaming.DataLoader(streaming.Plain(faces), 4)))
    ours, labels = streaming.ours(faces, 0).at(0)
    assert x.shape == x_twin.shape == ours[0].shape == ours[1].shape
    assert set(y.tolist()) == set(labels.tolist()) == {0, 1}


def test_extraction_tells_ratios(benchmark):
    extraction = benchmark("extraction")
    row = extraction.Row(1.0, 0.5, 0.1, 1.0, 0.25, 2, [1.0], [1.0])
    told = extraction.told(row)
    assert "followed 10.0 x" in told
    assert "followed_all_cores 4.0 x" in told
