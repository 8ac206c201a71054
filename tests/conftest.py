"""What several test files share: crops of two toy people, and predictions of them made by hand."""
from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from commands import refusal
from made_costs import keep
from toys import build

from tcnsc_lib import evaluation, paper
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import EXPERIMENTS, PROBES, REESTIMATED, SEVERAL
from tcnsc_lib.faces.detect import FaceFinder
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.profiles import Profile
from tcnsc_lib.results.claims import rules

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the tests are the CPU's, wherever they run
torch.set_num_threads(1)  # small tensors; more threads wait for one another longer than they work

P = Profile("toy", "photos", seed=3, seeds=2)
Hits = tuple[int, int]  # how many of four crops are right, of the one and of the other person
ALL = (4, 4)


@pytest.fixture(autouse=True)
def seeded():
    """No test's random weights depend on which ran before."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="session")
def toy_faces(tmp_path_factory) -> FaceSet:
    """Eight test crops, of two people, a real and a fake video each."""
    return build(tmp_path_factory.mktemp("toy"))


def predicted(e: Evidence, experiment: str, seed: int, **hits: Hits) -> None:
    """Store predictions of the toy crops: so many of each person's four are right, else all."""
    table = {}
    for codec in paper.CODECS:
        right = [np.arange(4) < count for count in hits.get(codec, ALL)]
        called_fake = np.concatenate(right) == (e.y == 1)
        table[codec] = np.where(called_fake, 2.0, -2.0)
    e.save_predictions(experiment, seed, pd.DataFrame(table))


@pytest.fixture(scope="session")
def all_right(toy_faces, tmp_path_factory) -> Path:
    """A folder with the predictions of every experiment on the toy crops; none is wrong."""
    e = Evidence(P, tmp_path_factory.mktemp("evidence"))
    e.save_crops(toy_faces)
    for experiment in (*EXPERIMENTS, *PROBES, REESTIMATED):
        predicted(e, experiment, P.seed)
    for experiment in SEVERAL:
        predicted(e, experiment, P.seed + 1)
    keep(e)
    return e.folder


@pytest.fixture
def toy(all_right, tmp_path, monkeypatch) -> Evidence:
    """The evidence of profile P: every experiment is always right, until `say` says otherwise."""
    monkeypatch.setattr(evaluation, "RESAMPLES", 200)  # fast; in half of them both people are one
    folder = tmp_path / "figures" / P.name
    shutil.copytree(all_right, folder)
    return Evidence(P, folder)


@pytest.fixture
def extremes(monkeypatch) -> None:
    """In place of an interval: from the lowest person's mean to the highest one's."""

    def between(every, units):
        means = pd.Series(every.mean(axis=0)).groupby(units).mean()
        return means.min(), means.max()

    monkeypatch.setattr(rules, "over_trainings", between)


@pytest.fixture
def say(toy) -> Callable[..., None]:
    """say(name, RAW=(4, 3), ..., seed=3): what an experiment gets right of each person's crops."""

    def say(name: str, seed: int = P.seed, **hits: Hits) -> None:
        assert toy.has_predictions(name, seed), name
        predicted(toy, name, seed, **hits)

    return say


@pytest.fixture
def refused(capsys):
    """Run the command; it must end with `status` and one sentence, which comes back."""
    return lambda *argv, status=1: refusal(capsys, argv, status)
