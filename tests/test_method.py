"""The method: f, g, c and equations 1-4 against hand calculation and literal transcriptions."""

import math

import pytest
import torch
from torch import Tensor, nn

from tcnsc_lib.detectors.tcnsc import TCNSC, cosine, loss_cro, loss_sim


@pytest.fixture
def model() -> TCNSC:
    torch.manual_seed(0)
    return TCNSC(input_size=32, width=4, width_z=8, lam=0.3)


def views(n: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    """X, X' and y of n images that are noise."""
    random = torch.Generator().manual_seed(1)
    x, x_twin = torch.randn(2, n, 3, 32, 32, generator=random)
    return x, x_twin, torch.arange(n) % 2


def normal(*shape: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=random, dtype=torch.float64)


def gradients(module: nn.Module) -> list[Tensor | None]:
    return [parameter.grad for parameter in module.parameters()]


def moved(grad: Tensor | None) -> bool:
    return grad is not None and bool(grad.abs().sum() > 0)


# equations

PAIRS = torch.tensor([[3.0, 4.0], [1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
TWINS = torch.tensor([[4.0, 3.0], [0.0, 5.0], [-7.0, 0.0], [1.0, math.sqrt(3)]])
COSINES = [24 / 25, 0.0, -1.0, 0.5]  # by hand


def test_equation_1_by_hand():
    assert cosine(PAIRS, TWINS).tolist() == pytest.approx(COSINES, abs=1e-6)


def printed_equation_1(z: list[float], z_twin: list[float]) -> float:
    dot = sum(a * b for a, b in zip(z, z_twin, strict=True))
    length = math.sqrt(sum(a * a for a in z))
    length_twin = math.sqrt(sum(b * b for b in z_twin))
    return dot / (length * length_twin)


def printed_equation_2(z: list[list[float]], z_twin: list[list[float]]) -> float:
    """Both sums of equation 2 as the paper prints them, in plain Python."""
    first = 0.0
    second = 0.0
    for i in range(len(z)):
        first += 1 - printed_equation_1(z[i], z_twin[i])
    for i in range(len(z)):
        second += 1 - printed_equation_1(z_twin[i], z[i])
    return (first + second) / (2 * len(z))


def test_equation_2_by_hand():
    assert loss_sim(PAIRS, TWINS).item() == pytest.approx(1 - sum(COSINES) / 4, abs=1e-6)


@pytest.mark.parametrize("n", [1, 5])
def test_equation_2_is_the_printed_one_and_one_minus_the_mean_cosine(n):
    z, z_twin = normal(2, n, 7, seed=n)
    loss = loss_sim(z, z_twin).item()
    printed = printed_equation_2(z.tolist(), z_twin.tolist())
    assert loss == pytest.approx(printed, abs=1e-12)
    assert loss == pytest.approx(1 - cosine(z, z_twin).mean().item(), abs=1e-12)


def test_equation_2_pulls_both_sides_in_full():
    z, z_twin = normal(2, 5, 7)
    z.requires_grad_()
    z_twin.requires_grad_()
    ours = torch.autograd.grad(loss_sim(z, z_twin), (z, z_twin))
    lengths = z.norm(dim=1) * z_twin.norm(dim=1)
    cos = (z * z_twin).sum(1) / lengths
    by_hand = torch.autograd.grad(1 - cos.mean(), (z, z_twin))
    for one, other in zip(ours, by_hand, strict=True):
        assert torch.allclose(one, other, atol=1e-12)
        assert one.abs().sum() > 0


def test_equation_2_is_0_for_equal_directions_and_2_for_opposite_ones():
    z = normal(5, 7)
    assert loss_sim(z, z).item() == pytest.approx(0, abs=1e-6)
    assert loss_sim(z, 3 * z).item() == pytest.approx(0, abs=1e-6)
    assert loss_sim(z, -z).item() == pytest.approx(2, abs=1e-6)


def test_equation_2_compares_an_image_with_its_own_twin_only():
    z = torch.eye(3)
    assert loss_sim(z, z).item() == pytest.approx(0, abs=1e-6)
    assert loss_sim(z, z.roll(1, 0)).item() == pytest.approx(1, abs=1e-6)


def test_equation_3_by_hand():
    logits = [[0.2, 1.4], [-0.5, 0.3], [2.0, -1.0], [0.0, 0.0]]
    y = [1, 0, 0, 1]
    terms = []
    for (real, fake), label in zip(logits, y, strict=True):
        p = math.exp(fake) / (math.exp(real) + math.exp(fake))
        terms.append(label * math.log(p) + (1 - label) * math.log(1 - p))
    loss = loss_cro(torch.tensor(logits), torch.tensor(y))
    assert loss.item() == pytest.approx(-sum(terms) / 4, abs=1e-6)


def test_equation_3_makes_column_1_the_fake():
    confident = torch.tensor([[-9.0, 9.0]])
    assert loss_cro(confident, torch.tensor([1])) < 1e-3
    assert loss_cro(confident, torch.tensor([0])) > 9


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0])
def test_equation_4_adds_the_losses_with_lambda(model, lam):
    model.lam = lam
    x, x_twin, y = views()
    losses = model.losses(x, y, x_twin)
    cro = losses["cro"].item()
    sim = losses["sim"].item()
    assert losses["total"].item() == pytest.approx(cro + lam * sim, abs=1e-6)
    assert sim > 0.01


def test_the_losses_are_the_equations_of_the_networks_outputs(model):
    model.eval()
    x, x_twin, y = views()
    losses = model.losses(x, y, x_twin)
    z = model.g(model.f(x))
    z_twin = model.g(model.f(x_twin))
    assert losses["cro"].item() == pytest.approx(loss_cro(model(x), y).item(), abs=1e-5)
    assert losses["sim"].item() == pytest.approx(loss_sim(z, z_twin).item(), abs=1e-5)


# which loss sees and moves what


def test_the_classification_loss_does_not_see_the_twin(model):
    model.eval()
    x, x_twin, y = views()
    one = model.losses(x, y, x_twin)
    other = model.losses(x, y, 5 * x_twin)
    assert one["cro"].item() == pytest.approx(other["cro"].item(), abs=1e-6)
    assert one["sim"].item() != pytest.approx(other["sim"].item(), abs=1e-4)


def test_in_training_each_view_is_normalised_by_its_own_batch(model):
    x, x_twin, y = views()
    one = model.losses(x, y, x_twin)
    other = model.losses(x, y, 1 + 5 * x_twin)
    assert one["cro"].item() == pytest.approx(other["cro"].item(), abs=1e-6)
    h, h_twin = model.encode(x, x_twin)
    assert torch.equal(h, model.f(x))
    assert torch.equal(h_twin, model.f(x_twin))


def test_the_running_statistics_have_followed_both_views_one_after_the_other(model):
    x, x_twin, y = views()
    model.losses(x, y, x_twin)
    maps = model.f.conv1(x)
    maps_twin = model.f.conv1(x_twin)
    mean = 0.9 * 0.1 * maps.mean((0, 2, 3)) + 0.1 * maps_twin.mean((0, 2, 3))
    var = 0.9 * (0.9 + 0.1 * variance(maps)) + 0.1 * variance(maps_twin)
    norm = model.f.bn1
    assert norm.num_batches_tracked == 2
    torch.testing.assert_close(norm.running_mean, mean, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(norm.running_var, var, rtol=1e-4, atol=1e-6)


def variance(maps: Tensor) -> Tensor:
    """Unbiased, of each channel of (N, C, H, W)."""
    return maps.var((0, 2, 3))


def test_the_similarity_loss_moves_f_and_g_but_not_c(model):
    x, x_twin, y = views()
    model.losses(x, y, x_twin)["sim"].backward()
    assert all(moved(grad) for grad in gradients(model.f) + gradients(model.g))
    assert all(grad is None for grad in gradients(model.c))


def test_the_classification_loss_moves_f_and_c_but_not_g(model):
    x, x_twin, y = views()
    model.losses(x, y, x_twin)["cro"].backward()
    assert all(moved(grad) for grad in gradients(model.f) + gradients(model.c))
    assert all(grad is None for grad in gradients(model.g))


def test_the_similarity_loss_has_no_stop_gradient(model):
    model.eval()
    x, x_twin, y = views()
    x.requires_grad_()
    x_twin.requires_grad_()
    model.losses(x, y, x_twin)["sim"].backward()
    assert x.grad.abs().sum() > 0
    assert x_twin.grad.abs().sum() > 0


# the network


def test_the_head_is_linear_relu_linear_and_the_classifier_linear():
    model = TCNSC(width=16)
    first, middle, last = model.g
    assert isinstance(first, nn.Linear)
    assert isinstance(middle, nn.ReLU)
    assert isinstance(last, nn.Linear)
    assert (first.in_features, first.out_features, last.out_features) == (128, 128, 128)
    assert isinstance(model.c, nn.Linear)
    assert (model.c.in_features, model.c.out_features) == (128, 2)


def test_the_network_has_the_papers_three_parts_and_no_others(model):
    assert [name for name, _ in model.named_children()] == ["f", "g", "c"]


def test_the_test_path_is_c_of_f_without_g(model):
    model.eval()
    x, *_ = views()
    before = model(x)
    for parameter in model.g.parameters():
        nn.init.zeros_(parameter)
    assert before.shape == (len(x), 2)
    assert torch.equal(before, model(x))
    assert torch.equal(before, model.c(model.f(x)))


def test_the_features_are_h(model):
    model.eval()
    x, *_ = views()
    assert torch.equal(model.features(x), model.f(x))
    assert torch.equal(model.c(model.features(x)), model(x))
