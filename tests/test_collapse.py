"""Is the similarity loss satisfied by a constant? What `watch` tells of f and g, by hand."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from tcnsc_lib.detectors.ablations import BothClassified, ClassifierAlone, OnH, SimilarityAlone
from tcnsc_lib.detectors.collapse import effective_rank, spread
from tcnsc_lib.detectors.tcnsc import TCNSC

ALL = (TCNSC, SimilarityAlone, ClassifierAlone, BothClassified, OnH)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# how many directions, how far apart

TURN = torch.linalg.qr(normal(6, 6))[0]


@pytest.mark.parametrize(
    ("v", "rank"),
    [
        (torch.eye(5), 5),
        (torch.eye(6)[:4], 4),
        (torch.outer(torch.arange(1.0, 8), torch.tensor([1.0, -1, 4])), 1),
        (torch.ones(9, 4), 1),  # uncentred: one direction
        (torch.diag(torch.tensor([2.0, 2, 0, 0])), 2),
        (100 * TURN[:, :3] @ TURN[:3], 3),
        (torch.diag(torch.tensor([3.0, 1.0])), 4 / 3**0.75),  # shares 3/4 and 1/4
    ],
)
def test_effective_rank_by_hand(v, rank):
    assert effective_rank(v) == pytest.approx(rank, rel=1e-4)
    assert effective_rank(7 * v) == pytest.approx(rank, rel=1e-4)


def test_spread_by_hand():
    one_direction = torch.tensor([[1.0, 2, 3], [2, 4, 6], [0.5, 1, 1.5]])
    assert spread(one_direction) == pytest.approx(0, abs=1e-6)
    four_ways = torch.tensor([[1.0, 0], [-5, 0], [0, 1], [0, -9]])
    assert spread(four_ways) == pytest.approx((2 * 2 / 3) ** 0.5)
    assert spread(normal(20_000, 32)) == pytest.approx(1, abs=0.01)


# what TCNSC sees of itself


def pairs(n: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    """X, y and X' of n images that are noise."""
    x, x_twin = normal(2, n, 3, 32, 32, seed=1)
    return x, torch.arange(n) % 2, x_twin


def made(kind: type[TCNSC] = TCNSC) -> TCNSC:
    torch.manual_seed(0)
    return kind(input_size=32, width=4, width_z=8, lam=0.3)


@pytest.mark.parametrize("training", [True, False])
def test_watching_leaves_the_model_as_it_is(training):
    watched = made().train(training)
    before = deepcopy(watched.state_dict())
    watched.watch(*pairs())
    after = watched.state_dict()  # batch statistics among them
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(module.training == training for module in watched.modules())
    assert all(weight.grad is None for weight in watched.parameters())


def test_watching_draws_no_random_numbers():
    watched = made()
    watched.c = nn.Sequential(nn.Dropout(0.5), watched.c)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    watched.watch(*pairs())
    assert torch.equal(torch.rand(4), expected)


def norm_in_f(kind: type[TCNSC], term: str) -> float:
    """Norm of the gradient of a loss with respect to all weights of f."""
    model = made(kind).train()
    x, y, x_twin = pairs()
    model.losses(x, y, x_twin)[term].backward()
    squares = [(weight.grad.double() ** 2).sum() for weight in model.f.parameters()]
    return sum(squares).sqrt().item()


@pytest.mark.parametrize("kind", [TCNSC, BothClassified, OnH])
def test_the_gradients_watched_are_those_of_the_terms_of_equation_4(kind):
    seen = made(kind).watch(*pairs())
    assert seen["gradient_cro"] == pytest.approx(norm_in_f(kind, "cro"), rel=1e-4)
    assert seen["gradient_sim"] == pytest.approx(0.3 * norm_in_f(kind, "sim"), rel=1e-4)
    assert seen["gradient_sim"] > 0


def test_a_term_that_does_not_count_sends_no_gradient():
    model_a = made(SimilarityAlone).watch(*pairs())
    assert model_a["gradient_cro"] == 0
    assert model_a["gradient_sim"] == pytest.approx(0.3 * norm_in_f(TCNSC, "sim"), rel=1e-4)
    model_b = made(ClassifierAlone).watch(*pairs())
    assert model_b["gradient_cro"] == pytest.approx(norm_in_f(TCNSC, "cro"), rel=1e-4)
    assert model_b["gradient_sim"] == 0


@pytest.mark.parametrize("kind", ALL)
def test_all_of_table_2s_models_are_watched_alike(kind):
    here = made(kind).watch(*pairs())
    there = made().watch(*pairs())
    assert here.keys() == there.keys()
    places = [name for name in here if not name.startswith("gradient")]
    assert len(places) == 8
    assert all(here[name] == there[name] for name in places)


@pytest.mark.parametrize("space", "zh")
def test_cosines_of_twins_and_of_different_images_by_hand(space):
    x, y, x_twin = pairs()
    seen = made().eval().watch(x, y, x_twin)
    model = made().train()
    with torch.no_grad():
        ours = model.f(x)
        twins = model.f(x_twin)
        if space == "z":
            ours = model.g(ours)
            twins = model.g(twins)
    same = []
    different = []
    for i, a in enumerate(ours):
        for j, b in enumerate(twins):
            cos = (a @ b / a.norm() / b.norm()).item()
            (same if i == j else different).append(cos)
    assert seen[f"cos_twins_{space}"] == pytest.approx(sum(same) / 6, abs=1e-5)
    assert seen[f"cos_different_{space}"] == pytest.approx(sum(different) / 30, abs=1e-5)
    assert seen[f"rank_{space}"] == pytest.approx(effective_rank(ours), rel=1e-4)
    assert seen[f"spread_{space}"] == pytest.approx(spread(ours), rel=1e-4)


def test_a_constant_z_is_told_from_a_z_that_agrees():
    collapsed = made()
    nn.init.zeros_(collapsed.g[2].weight)
    seen = collapsed.watch(*pairs())
    assert seen["cos_twins_z"] == pytest.approx(1)
    assert seen["cos_different_z"] == pytest.approx(1)
    assert seen["rank_z"] == pytest.approx(1, abs=1e-3)
    assert seen["spread_z"] == pytest.approx(0, abs=1e-5)
    assert seen["rank_h"] > 3
    assert seen["cos_different_h"] < 0.9
    x, y, _ = pairs()
    seen = made().watch(x, y, x)
    assert seen["cos_twins_z"] == pytest.approx(1)
    assert seen["cos_different_z"] < 0.9


def test_cosines_are_not_rounded_where_f_and_g_run_in_bfloat16():
    x, y, _ = pairs()
    x_twin = x + 0.02
    with torch.autocast("cpu", torch.bfloat16):
        sim = made().train().losses(x, y, x_twin)["sim"].item()
        seen = made().watch(x, y, x_twin)
    assert seen["cos_twins_z"] == pytest.approx(1 - sim, abs=1e-5)
