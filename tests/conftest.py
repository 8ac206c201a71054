"""What several test files share."""
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from tcnsc_lib import claims, evaluation, experiments, paper, tables
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.detect import FaceFinder
from tcnsc_lib.experiments import EXPERIMENTS, PROBE, UNTRAINED
from tcnsc_lib.faces.store import LANDMARKS, Builder, FaceSet
from tcnsc_lib.profiles import Profile
from tcnsc_lib.training import Run, Schedule, train

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the tests are the CPU's, wherever they run
TINY = Schedule(iterations=8, batch_size=8, learning_rate=5e-3, precision="float32", validate=4)


@pytest.fixture(autouse=True)
def seeded():
    """No test's random weights depend on which ran before."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder()


def build(root: Path, seed: int = 0, size: int = 32) -> FaceSet:
    """24 training crops, 8 for validation, 8 for test, of two people: dark noise is real, bright noise is fake.

    No two crops have the same landmarks.
    """
    random, builder, keys = np.random.default_rng(seed), Builder(root, {"size": size}), []
    for split, people in (("train", 6), ("val", 2), ("test", 2)):
        for video in (f"{split}{person}-{label}" for person in range(people) for label in (0, 1)):
            label = int(video[-1])
            rows = [{"label": label, "video": video, "frame": frame, "identity": video[:-2], "split": split,
                     "source": "someone" if label else "", "method": "swap" if label else "original",
                     "x0": 0, "y0": 0, "x1": size, "y1": size, "probability": 1.0,
                     **dict(zip(LANDMARKS, 10 * (2 * len(keys) + frame) + np.arange(10.0)))} for frame in range(2)]
            crops = [(random.integers(0, 90, (size, size, 3)) + 120 * label).astype(np.uint8) for _ in rows]
            keys.append((rows[0]["method"], video))
            builder.add(*keys[-1], rows, crops, [])
    return builder.finish(keys)


def tiny(kind: type[TCNSC] = TCNSC) -> TCNSC:
    """With dropout, so that a resumed run has to draw the same random numbers."""
    model = kind(input_size=32, width=4, width_z=8)
    model.c = nn.Sequential(nn.Dropout(0.5), model.c)
    return model


def fit(faces: FaceSet, root: Path, schedule: Schedule = TINY, make=tiny, **settings) -> Run:
    return train("(RAW, LQ)", make, faces, ("RAW", "LQ"), schedule, root, **settings)


P = Profile("toy", "photos", seed=3, seeds=2)
Hits = tuple[int, int]  # how many of four crops are right, of the one and of the other person


@pytest.fixture(scope="session")
def toy_faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def say(monkeypatch, toy_faces):
    """say(name, RAW=(4, 3), ..., seed=3): what an experiment gets right; all (4, 4) where nothing is said."""
    y, said = toy_faces.labels("test"), {}
    monkeypatch.setattr(evaluation, "RESAMPLES", 200)  # for speed; of two people, both are the same in half of them

    def right(hits: Hits) -> np.ndarray:
        return np.concatenate([np.arange(4) < count for count in hits])

    def predictions(name, p, seed=None):
        assert name in EXPERIMENTS or name in (PROBE, UNTRAINED), name
        hits = said.get((name, p.seed if seed is None else seed), {})
        return pd.DataFrame({codec: np.where(right(hits.get(codec, (4, 4))) == (y == 1), 0.9, 0.1)
                             for codec in paper.CODECS})

    for module in (experiments, tables, claims.tables):
        monkeypatch.setattr(module, "faces", lambda p, quality="raw": toy_faces)
    monkeypatch.setattr(experiments, "predictions", predictions)
    return lambda name, seed=3, **hits: said.update({(name, seed): hits})
