"""Repairs of a collapse against hand calculation, in plain Python where it is short."""
import math

import pytest
import torch
from test_ablations import made
from test_method import gradients, moved, printed_equation_1, views
from torch import Tensor, nn

from tcnsc_lib.detectors.repairs import (
    Agreement,
    Negatives,
    Predictor,
    Variance,
    covariance,
    lacking,
)
from tcnsc_lib.detectors.tcnsc import TCNSC

REPAIRS = (Predictor, Negatives, Variance, Agreement)
ALL = pytest.mark.parametrize("kind", REPAIRS, ids=lambda kind: kind.name)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def bare(kind: type[TCNSC]) -> TCNSC:
    """g hands on what it gets, so that z is what a test says; float64 where the method allows."""
    model = made(kind)
    model.g = nn.Identity()
    return model


# all of them


@ALL
def test_a_repair_is_tcnsc_but_for_what_it_asks_of_the_two_views(kind):
    x, x_twin, y = views()
    model = made(kind, 0.3)
    losses = model.losses(x, y, x_twin)
    theirs = made().losses(x, y, x_twin)
    cro = losses["cro"].item()
    assert cro == pytest.approx(theirs["cro"].item(), abs=1e-6)
    assert losses["total"].item() == pytest.approx(cro + 0.3 * losses["sim"].item(), abs=1e-5)
    assert losses["sim"].item() != pytest.approx(theirs["sim"].item(), abs=1e-3)
    model.zero_grad()
    losses["sim"].backward()
    assert all(moved(grad) for grad in gradients(model.f))


@ALL
def test_twins_may_change_places(kind):
    h = noise(6, 32)
    h_twin = noise(6, 32, seed=1)
    model = made(kind)
    there = model.similarity(h, h_twin).item()
    assert there == pytest.approx(model.similarity(h_twin, h).item(), rel=1e-5)


# SimSiam


def test_only_the_prediction_is_pulled_and_no_gradient_reaches_the_target():
    model = bare(Predictor)
    for weight in model.q.parameters():
        nn.init.zeros_(weight)
    model.q[2].bias.data[0] = 1.0  # q(z) doesn't depend on z
    z = noise(5, 8).requires_grad_()
    z_twin = noise(5, 8, seed=1).requires_grad_()
    model.similarity(z, z_twin).backward()
    assert not z.grad.any()
    assert not z_twin.grad.any()
    assert moved(model.q[2].bias.grad)


def test_the_predictors_loss_is_the_mean_over_both_directions_by_hand():
    model = bare(Predictor)
    z = noise(5, 8)
    z_twin = noise(5, 8, seed=1)
    q = model.q(z).tolist()
    q_twin = model.q(z_twin).tolist()
    total = 0.0
    for i in range(5):
        total += 1 - printed_equation_1(q[i], z_twin[i].tolist())
        total += 1 - printed_equation_1(q_twin[i], z[i].tolist())
    assert model.similarity(z, z_twin).item() == pytest.approx(total / 10, abs=1e-5)


def test_the_predictor_is_a_narrow_head_on_z_and_learns():
    first, middle, last = Predictor(width_z=128).q
    assert isinstance(middle, nn.ReLU)
    assert (first.in_features, first.out_features, last.out_features) == (128, 32, 128)
    x, x_twin, y = views()
    model = made(Predictor)
    model.losses(x, y, x_twin)["sim"].backward()
    assert all(moved(grad) for grad in gradients(model.q) + gradients(model.g))
    assert all(grad is None for grad in gradients(model.c))


# NT-Xent


def printed_nt_xent(z: list[list[float]], z_twin: list[list[float]]) -> float:
    """SimCLR's loss over 2N images, temperature 1/2, as a loop."""
    both = z + z_twin
    n = len(z)
    total = 0.0
    for i, one in enumerate(both):
        twin = (i + n) % (2 * n)
        others = [k for k in range(2 * n) if k != i]
        chances = {k: math.exp(printed_equation_1(one, both[k]) / 0.5) for k in others}
        total -= math.log(chances[twin] / sum(chances.values()))
    return total / (2 * n)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_nt_xent_is_the_printed_loop(n):
    z = noise(n, 8)
    z_twin = z + 0.5 * noise(n, 8, seed=1)
    ours = bare(Negatives).similarity(z, z_twin).item()
    assert ours == pytest.approx(printed_nt_xent(z.tolist(), z_twin.tolist()), abs=1e-5)


@pytest.mark.parametrize("n", [2, 7])
def test_to_nt_xent_a_constant_z_costs_as_much_as_a_guess_among_all_others(n):
    z = torch.ones(n, 8)
    ours = bare(Negatives).similarity(z, 3 * z).item()
    assert ours == pytest.approx(math.log(2 * n - 1), abs=1e-5)


def test_nt_xent_prefers_twins_to_be_close_and_others_apart():
    z = 3 * torch.eye(4)
    model = bare(Negatives)
    own = model.similarity(z, z).item()
    assert own == pytest.approx(math.log(1 + 6 / math.exp(2)), abs=1e-5)
    assert model.similarity(z, z.roll(1, 0)).item() > own + 1


# VICReg

SMALL = torch.tensor([[1.0, 0.0, 2.0], [3.0, 0.2, 0.0], [2.0, 0.1, 4.0]])
# Columns: variances 1, 0.01, 4; covariances 0.1, 1, and 0.1 of the second with the third.
COVARIANCES = (0.1, 1.0, 0.1)


def by_hand(z: list[list[float]]) -> dict[tuple[int, int], float]:
    """Every unbiased covariance of columns, in plain Python."""
    columns = list(zip(*z, strict=True))
    means = [sum(column) / len(z) for column in columns]
    found = {}
    for i, one in enumerate(columns):
        for j, other in enumerate(columns):
            pairs = zip(one, other, strict=True)
            products = [(a - means[i]) * (b - means[j]) for a, b in pairs]
            found[i, j] = sum(products) / (len(z) - 1)
    return found


def test_what_lacks_in_variance_by_hand():
    known = by_hand(SMALL.tolist())
    assert [known[i, i] for i in range(3)] == pytest.approx([1, 0.01, 4])
    missing = 1 - math.sqrt(0.01 + 1e-4)
    assert lacking(SMALL).item() == pytest.approx(missing / 3, abs=1e-4)
    assert lacking(torch.ones(4, 3)).item() == pytest.approx(1 - 0.01, abs=1e-5)
    assert lacking(10 * noise(50, 8)).item() == 0


def test_covariances_of_different_values_by_hand():
    known = by_hand(SMALL.tolist())
    squares = [value**2 for (i, j), value in known.items() if i != j]
    assert covariance(SMALL).item() == pytest.approx(sum(squares) / 3, rel=1e-4)
    assert covariance(torch.diag(torch.ones(4)) - 0.25).item() == pytest.approx(1 / 48, abs=1e-6)


def test_vicreg_is_its_three_terms_with_the_weights_of_their_ratios():
    z = noise(6, 8)
    z_twin = z + 0.3 * noise(6, 8, seed=1)
    apart = 0.0
    for one, other in zip(z.flatten().tolist(), z_twin.flatten().tolist(), strict=True):
        apart += (one - other) ** 2 / 48
    flat = (lacking(z).item() + lacking(z_twin).item()) / 2
    shared = covariance(z).item() + covariance(z_twin).item()
    total = (25 * apart + 25 * flat + shared) / 25
    assert bare(Variance).similarity(z, z_twin).item() == pytest.approx(total, rel=1e-4)
    assert min(apart, flat, shared) > 1e-3


def test_to_vicreg_a_constant_z_costs_its_variance():
    z = torch.ones(6, 8)
    assert bare(Variance).similarity(z, z).item() == pytest.approx(0.99, abs=1e-5)


# agreement


def printed_kl(p: list[float], q: list[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def test_agreement_is_the_mean_divergence_of_both_directions_by_hand():
    model = made(Agreement)
    model.c = nn.Identity()
    logits = [[0.2, 1.4], [-0.5, 0.3], [2.0, -1.0]]
    twins = [[1.0, 1.0], [-0.5, 0.3], [0.0, 0.7]]
    total = 0.0
    for one, other in zip(logits, twins, strict=True):
        p = softmax(one)
        q = softmax(other)
        total += (printed_kl(p, q) + printed_kl(q, p)) / 2
    ours = model.similarity(torch.tensor(logits), torch.tensor(twins)).item()
    assert ours == pytest.approx(total / 3, abs=1e-6)


def softmax(logits: list[float]) -> list[float]:
    powers = [math.exp(value) for value in logits]
    return [power / sum(powers) for power in powers]


def test_agreement_is_0_for_equal_predictions_whatever_else_h_says():
    h = noise(6, 32)
    model = made(Agreement)
    assert model.similarity(h, h.clone()).item() == pytest.approx(0, abs=1e-7)
    weight = model.c.weight.detach()
    aside = noise(6, 32, seed=1)
    onto = torch.linalg.pinv(weight) @ weight
    unseen = h + aside - aside @ onto.T  # what c doesn't see
    assert model.similarity(h, unseen).item() == pytest.approx(0, abs=1e-5)
    assert model.similarity(h, aside).item() > 1e-2


def test_agreement_moves_c_and_leaves_g_out():
    x, x_twin, y = views()
    model = made(Agreement)
    model.losses(x, y, x_twin)["sim"].backward()
    assert all(grad is None for grad in gradients(model.g))
    assert moved(model.c.weight.grad)


# what is said of them


def test_what_a_repair_compares_is_said_as_it_is():
    assert {kind.name: kind.compared for kind in REPAIRS} == {
        "predictor, stop-gradient": "q(z) with z'",
        "negatives (NT-Xent)": "z, against others",
        "variance and covariance (VICReg)": "z, which must vary",
        "agreement of predictions (KL)": "c(h) with c(h')",
    }
    assert {kind.classified for kind in REPAIRS} == {"X"}
