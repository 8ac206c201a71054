"""Watching in a run: when it looks, at which pairs, and that it leaves no trace."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from toys import TINY, build

from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.detectors.collapse import effective_rank
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training import loop
from tcnsc_lib.training.loop import Validation
from tcnsc_lib.training.run import Plan, Run, train
from tcnsc_lib.training.schedule import Schedule

ARGUMENTS = {"input_size": 32, "width": 4, "width_z": 8}


class Toy(TCNSC):
    """With dropout, which draws random numbers."""

    name = "toy"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.c = nn.Sequential(nn.Dropout(0.5), self.c)


class Unwatched(Toy):
    def watch(self, x, y, x_twin):
        return {}


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


def trained(faces: FaceSet, root: Path, kind: type[TCNSC] = Toy, schedule: Schedule = TINY) -> Run:
    plan = Plan(
        experiment="(RAW, LQ)",
        profile="toy",
        detector=kind,
        arguments=ARGUMENTS,
        views=("RAW", "LQ"),
        schedule=schedule,
        faces=faces,
        enlarge=1.3,
        root=root,
    )
    return train(plan)


def prepared(faces: FaceSet, codec: str) -> torch.Tensor:
    """The validation crops as the toy's input."""
    return Toy(**ARGUMENTS).prepare(torch.tensor(faces.images(codec, "val")))


def test_watching_changes_no_weight_and_no_loss(faces, tmp_path):
    watched = trained(faces, tmp_path / "watched")
    run = trained(faces, tmp_path / "unwatched", Unwatched)
    weights = load_file(watched.folder / "weights.safetensors")
    for name, value in run.detector.state_dict().items():
        assert torch.equal(weights[name], value), name
    assert "cos_twins_z" in watched.log
    assert "cos_twins_z" not in run.log
    pd.testing.assert_frame_equal(watched.log[run.log.columns], run.log)


def test_it_looks_at_fixed_pairs_before_steps_1_3_10_30_and_the_last(faces, tmp_path, monkeypatch):
    steps = []
    looks = []

    def step(*given):
        steps.append(given)
        return {"total": 0.0}

    def watch(self, *seen):
        looks.append((len(steps), seen))
        return {"look": len(looks)}

    monkeypatch.setattr(loop, "step", step)
    monkeypatch.setattr(TCNSC, "watch", watch)
    schedule = replace(TINY, iterations=35, validate=35)
    run = trained(faces, tmp_path, schedule=schedule)
    assert [number for number, _ in looks] == [0, 2, 9, 29, 34]
    assert run.log.dropna(subset="look").iteration.tolist() == [1, 3, 10, 30, 35]
    for _, (x, y, x_twin) in looks:
        assert y.tolist() == faces.labels("val").tolist()
        assert torch.equal(x, prepared(faces, "RAW"))
        assert torch.equal(x_twin, prepared(faces, "LQ"))


@pytest.mark.parametrize(
    ("views", "twin"),
    [(("RAW",), "LQ"), (("RAW", RANDOM_JPEG), "LQ"), (("LQ", "MQ"), "MQ")],
    ids=str,
)
def test_the_watched_twin_is_the_second_view_where_it_is_fixed_else_lq(faces, views, twin):
    validation = Validation(Toy(**ARGUMENTS), faces, views, "cpu")
    assert torch.equal(validation.x, prepared(faces, views[0]))
    assert torch.equal(validation.x_twin, prepared(faces, twin))


def test_the_first_look_is_at_the_untrained_model(faces, tmp_path):
    schedule = replace(TINY, iterations=1, validate=1)
    first = trained(faces, tmp_path, schedule=schedule).log.iloc[0]
    torch.manual_seed(0)
    untrained = Toy(**ARGUMENTS).train()
    h = untrained.f(prepared(faces, "RAW"))
    assert first.rank_h == pytest.approx(effective_rank(h), rel=1e-4)
    assert first.rank_z == pytest.approx(effective_rank(untrained.g(h)), rel=1e-4)
