"""Is the similarity loss satisfied by a constant? What is measured while training, by hand and without a trace."""
from copy import deepcopy
from dataclasses import replace

import pandas as pd
import pytest
import torch
from conftest import TINY, build, fit, tiny
from safetensors.torch import load_file
from torch import nn

from tcnsc_lib import training
from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.detectors.tcnsc import TCNSC, effective_rank, spread
from tcnsc_lib.faces.store import FaceSet


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


# how many directions, how far apart

TURN = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(0)))[0]


@pytest.mark.parametrize("v, rank", [
    (torch.eye(5), 5), (torch.eye(6)[:4], 4), (torch.outer(torch.arange(1.0, 8), torch.tensor([1.0, -1, 4])), 1),
    (torch.ones(9, 4), 1),  # uncentred: one direction
    (torch.diag(torch.tensor([2.0, 2, 0, 0])), 2), (100 * TURN[:, :3] @ TURN[:3], 3),
    (torch.diag(torch.tensor([3.0, 1.0])), 4 / 3**0.75)])  # shares 3/4 and 1/4
def test_effective_rank_by_hand(v, rank):
    assert effective_rank(v) == pytest.approx(rank, rel=1e-4)
    assert effective_rank(7 * v) == pytest.approx(rank, rel=1e-4)


def test_spread_by_hand():
    assert spread(torch.tensor([[1.0, 2, 3], [2, 4, 6], [0.5, 1, 1.5]])) == pytest.approx(0, abs=1e-6)  # one direction
    assert spread(torch.tensor([[1.0, 0], [-5, 0], [0, 1], [0, -9]])) == pytest.approx((2 * 2 / 3) ** 0.5)
    assert spread(torch.randn(20_000, 32, generator=torch.Generator().manual_seed(0))) == pytest.approx(1, abs=0.01)


# what TCNSC sees of itself

def pairs(n: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x, x_twin = torch.randn(2, n, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    return x, torch.arange(n) % 2, x_twin


def model(**settings) -> TCNSC:
    torch.manual_seed(0)
    return TCNSC(input_size=32, width=4, width_z=8, lam=0.3, **settings)


@pytest.mark.parametrize("training", [True, False])
def test_watching_leaves_the_model_as_it_is(training):
    watched = model().train(training)
    before = deepcopy(watched.state_dict())
    watched.watch(*pairs())
    after = watched.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())  # batch statistics among them
    assert all(module.training == training for module in watched.modules())
    assert all(weight.grad is None for weight in watched.parameters())


@pytest.mark.parametrize("classified", ["raw", "both", "none"])
def test_the_gradients_watched_are_those_of_the_terms_of_equation_4(classified):
    x, y, x_twin = pairs()
    seen = model(classified=classified).watch(x, y, x_twin)
    for term, weight in (("cro", classified != "none"), ("sim", 0.3)):
        direct = model(classified=classified).train()
        (weight * direct.losses(x, y, x_twin)[term]).backward()
        squares = sum((w.grad.double() ** 2).sum() for w in direct.f.parameters())
        assert seen[f"gradient_{term}"] == pytest.approx(squares.sqrt().item(), rel=1e-4, abs=1e-12)
    assert (seen["gradient_cro"] == 0) == (classified == "none") and seen["gradient_sim"] > 0


@pytest.mark.parametrize("space", "zh")
def test_cosines_of_twins_and_of_different_images_by_hand(space):
    (x, y, x_twin), direct = pairs(), model().train()
    seen = model().eval().watch(x, y, x_twin)
    with torch.no_grad():
        h = direct.f(torch.cat([x, x_twin]))
        ours, twins = (direct.g(h) if space == "z" else h).chunk(2)
    cos = [[(a @ b / a.norm() / b.norm()).item() for b in twins] for a in ours]
    different = [cos[i][j] for i in range(6) for j in range(6) if i != j]
    assert seen[f"cos_twins_{space}"] == pytest.approx(sum(cos[i][i] for i in range(6)) / 6, abs=1e-5)
    assert seen[f"cos_different_{space}"] == pytest.approx(sum(different) / 30, abs=1e-5)
    assert seen[f"rank_{space}"] == pytest.approx(effective_rank(ours), rel=1e-4)
    assert seen[f"spread_{space}"] == pytest.approx(spread(ours), rel=1e-4)


def test_a_constant_z_is_told_from_a_z_that_agrees():
    collapsed = model()
    nn.init.zeros_(collapsed.g[2].weight)
    seen = collapsed.watch(*pairs())
    assert seen["cos_twins_z"] == pytest.approx(1) and seen["cos_different_z"] == pytest.approx(1)
    assert seen["rank_z"] == pytest.approx(1, abs=1e-3) and seen["spread_z"] == pytest.approx(0, abs=1e-5)
    assert seen["rank_h"] > 3 and seen["cos_different_h"] < 0.9
    x, y, _ = pairs()
    seen = model().watch(x, y, x)
    assert seen["cos_twins_z"] == pytest.approx(1) and seen["cos_different_z"] < 0.9


def test_cosines_are_not_rounded_where_f_and_g_run_in_bfloat16():
    x, y, _ = pairs()
    x_twin = x + 0.02
    with torch.autocast("cpu", torch.bfloat16):
        sim = model().train().losses(x, y, x_twin)["sim"].item()
        assert model().watch(x, y, x_twin)["cos_twins_z"] == pytest.approx(1 - sim, abs=1e-5)


# in a run

class Unwatched(TCNSC):
    def watch(self, x, y, x_twin):
        return {}


def test_watching_changes_no_weight_and_no_loss(faces, tmp_path):
    watched = fit(faces, tmp_path / "watched")  # its dropout draws random numbers, while watching too
    run = fit(faces, tmp_path / "unwatched", make=lambda: tiny(Unwatched))
    for name, value in load_file(watched.folder / "weights.safetensors").items():
        assert torch.equal(value, run.detector.state_dict()[name]), name
    assert "cos_twins_z" in watched.log and "cos_twins_z" not in run.log
    pd.testing.assert_frame_equal(watched.log[run.log.columns], run.log)


def test_watched_are_fixed_pairs_before_steps_1_3_10_30_and_the_last(faces, tmp_path, monkeypatch):
    taken, looks = [], []
    monkeypatch.setattr(training, "step", lambda *given: taken.append(given[-1]) or {"total": 0.0})
    monkeypatch.setattr(TCNSC, "watch", lambda self, *seen: looks.append((len(taken), seen)) or {"look": len(looks)})
    run = fit(faces, tmp_path, replace(TINY, iterations=35, validate=35))
    assert [number for number, _ in looks] == [0, 2, 9, 29, 34]
    assert run.log.dropna(subset="look").iteration.tolist() == [1, 3, 10, 30, 35]
    for _, (x, y, x_twin) in looks:
        assert y.tolist() == faces.labels("val").tolist()
        for seen, codec in ((x, "RAW"), (x_twin, "LQ")):
            assert torch.equal(seen, tiny().prepare(torch.tensor(faces.images(codec, "val"))))


@pytest.mark.parametrize("views, twin", [(("RAW",), "LQ"), (("RAW", RANDOM_JPEG), "LQ"), (("LQ", "MQ"), "MQ")], ids=str)
def test_the_watched_twin_is_the_second_view_where_it_is_fixed_else_lq(faces, views, twin):
    x, _, x_twin = training._watched(tiny(), faces, views, "cpu")
    assert torch.equal(x, tiny().prepare(torch.tensor(faces.images(views[0], "val"))))
    assert torch.equal(x_twin, tiny().prepare(torch.tensor(faces.images(twin, "val"))))


def test_the_first_look_is_at_the_untrained_model(faces, tmp_path):
    first = fit(faces, tmp_path, replace(TINY, iterations=1, validate=1)).log.iloc[0]
    torch.manual_seed(0)
    untrained = tiny()
    untrained.c = nn.Identity()
    h = untrained.train().f(torch.cat(training._watched(untrained, faces, ("RAW", "LQ"), "cpu")[::2]))[:8]
    assert first.rank_h == pytest.approx(effective_rank(h), rel=1e-4)
    assert first.rank_z == pytest.approx(effective_rank(untrained.g(h)), rel=1e-4)
