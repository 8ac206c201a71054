"""The method: f, g, c and equations 1-4 against hand calculation and literal transcriptions."""
import math

import pytest
import torch
from torch import nn
from torchvision.models import resnet18
from torchvision.models.resnet import BasicBlock

from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.tcnsc import TCNSC, Encoder, cosine, loss_cro, loss_sim


@pytest.fixture
def model() -> TCNSC:
    torch.manual_seed(0)
    return TCNSC(input_size=32, width=4, width_z=8, lam=0.3)


def views(n: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    x, x_twin = torch.randn(2, n, 3, 32, 32, generator=random)
    return x, x_twin, torch.arange(n) % 2


def gradients(module: nn.Module) -> list[torch.Tensor | None]:
    return [parameter.grad for parameter in module.parameters()]


def moved(grad: torch.Tensor | None) -> bool:
    return grad is not None and bool(grad.abs().sum() > 0)


# equations

PAIRS = torch.tensor([[3.0, 4.0], [1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
TWINS = torch.tensor([[4.0, 3.0], [0.0, 5.0], [-7.0, 0.0], [1.0, math.sqrt(3)]])
COSINES = [24 / 25, 0.0, -1.0, 0.5]  # by hand


def test_equation_1_by_hand():
    assert cosine(PAIRS, TWINS).tolist() == pytest.approx(COSINES, abs=1e-6)


def printed_equation_2(z: list[list[float]], z_twin: list[list[float]]) -> float:
    """Both sums of equation 2 as the paper prints them, in plain Python."""
    def cos(a, b):
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return dot / (math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b)))

    first = second = 0.0
    for i in range(len(z)):
        first += 1 - cos(z[i], z_twin[i])
    for i in range(len(z)):
        second += 1 - cos(z_twin[i], z[i])
    return (first + second) / (2 * len(z))


def test_equation_2_by_hand():
    assert loss_sim(PAIRS, TWINS).item() == pytest.approx(1 - sum(COSINES) / 4, abs=1e-6)


@pytest.mark.parametrize("n", [1, 5])
def test_equation_2_is_the_printed_one_and_one_minus_the_mean_cosine(n):
    z, z_twin = torch.randn(2, n, 7, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    printed = printed_equation_2(z.tolist(), z_twin.tolist())
    assert loss_sim(z, z_twin).item() == pytest.approx(printed, abs=1e-12)
    assert loss_sim(z, z_twin).item() == pytest.approx(1 - cosine(z, z_twin).mean().item(), abs=1e-12)


def test_equation_2_pulls_both_sides_in_full():
    z, z_twin = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    z, z_twin = z.requires_grad_(), z_twin.requires_grad_()
    ours = torch.autograd.grad(loss_sim(z, z_twin), (z, z_twin))
    lengths = z.norm(dim=1) * z_twin.norm(dim=1)
    by_hand = torch.autograd.grad(1 - ((z * z_twin).sum(1) / lengths).mean(), (z, z_twin))
    for one, other in zip(ours, by_hand, strict=True):
        assert torch.allclose(one, other, atol=1e-12) and one.abs().sum() > 0


def test_equation_2_is_0_for_equal_directions_and_2_for_opposite_ones():
    z = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    assert loss_sim(z, z).item() == pytest.approx(0, abs=1e-6)
    assert loss_sim(z, 3 * z).item() == pytest.approx(0, abs=1e-6)
    assert loss_sim(z, -z).item() == pytest.approx(2, abs=1e-6)


def test_equation_2_compares_an_image_with_its_own_twin_only():
    z = torch.eye(3)
    assert loss_sim(z, z).item() == pytest.approx(0, abs=1e-6)
    assert loss_sim(z, z.roll(1, 0)).item() == pytest.approx(1, abs=1e-6)


def test_equation_3_by_hand():
    logits, y = [[0.2, 1.4], [-0.5, 0.3], [2.0, -1.0], [0.0, 0.0]], [1, 0, 0, 1]
    p = [math.exp(fake) / (math.exp(real) + math.exp(fake)) for real, fake in logits]
    expected = -sum(t * math.log(q) + (1 - t) * math.log(1 - q) for t, q in zip(y, p, strict=True)) / len(y)
    assert loss_cro(torch.tensor(logits), torch.tensor(y)).item() == pytest.approx(expected, abs=1e-6)


def test_equation_3_makes_column_1_the_fake():
    confident = torch.tensor([[-9.0, 9.0]])
    assert loss_cro(confident, torch.tensor([1])) < 1e-3
    assert loss_cro(confident, torch.tensor([0])) > 9


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0])
def test_equation_4_adds_the_losses_with_lambda(model, lam):
    model.lam = lam
    x, x_twin, y = views()
    losses = model.losses(x, y, x_twin)
    total, cro, sim = (losses[name].item() for name in ("total", "cro", "sim"))
    assert total == pytest.approx(cro + lam * sim, abs=1e-6)
    assert sim > 0.01


def test_the_losses_are_the_equations_of_the_networks_outputs(model):
    model.eval()
    x, x_twin, y = views()
    losses = model.losses(x, y, x_twin)
    z, z_twin = model.g(model.f(x)), model.g(model.f(x_twin))
    assert losses["cro"].item() == pytest.approx(loss_cro(model(x), y).item(), abs=1e-5)
    assert losses["sim"].item() == pytest.approx(loss_sim(z, z_twin).item(), abs=1e-5)


def test_without_a_twin_the_classifier_is_alone(model):
    x, _, y = views()
    losses = model.losses(x, y)
    assert set(losses) == {"total", "cro"} and losses["total"] is losses["cro"]


# which loss sees and moves what

def test_the_classification_loss_does_not_see_the_twin(model):
    model.eval()
    x, x_twin, y = views()
    one, other = model.losses(x, y, x_twin), model.losses(x, y, 5 * x_twin)
    assert one["cro"].item() == pytest.approx(other["cro"].item(), abs=1e-6)
    assert one["sim"].item() != pytest.approx(other["sim"].item(), abs=1e-4)


def test_in_training_both_views_share_batch_statistics(model):
    x, x_twin, y = views()
    one, other = model.losses(x, y, x_twin), model.losses(x, y, 5 * x_twin)
    assert one["cro"].item() != pytest.approx(other["cro"].item(), abs=1e-4)


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
    x, x_twin, y = (view.requires_grad_() if view.is_floating_point() else view for view in views())
    model.losses(x, y, x_twin)["sim"].backward()
    assert x.grad.abs().sum() > 0 and x_twin.grad.abs().sum() > 0


# the readings and controls of Table 2

def variant(**settings) -> TCNSC:
    torch.manual_seed(0)
    return TCNSC(input_size=32, width=4, width_z=8, **settings)


def cross_entropy(logits: torch.Tensor, y: list[int]) -> float:
    """In plain Python, over all rows."""
    total = 0.0
    for (real, fake), label in zip(logits.tolist(), y, strict=True):
        total += math.log(math.exp(real) + math.exp(fake)) - (fake if label else real)
    return total / len(y)


def test_both_views_classified_is_the_cross_entropy_over_2n():
    x, x_twin, _ = views()
    y = torch.tensor([1, 1, 0, 1, 0, 0])
    losses = variant(classified="both", lam=0.3).losses(x, y, x_twin)
    other = variant()
    logits = other.c(other.f(torch.cat([x, x_twin])))
    assert losses["cro"].item() == pytest.approx(cross_entropy(logits, y.tolist() * 2), abs=1e-5)
    assert losses["cro"].item() == pytest.approx(loss_cro(logits, torch.cat([y, y])).item(), abs=1e-6)
    first, second = (cross_entropy(part, y.tolist()) for part in logits.chunk(2))
    assert losses["cro"].item() == pytest.approx((first + second) / 2, abs=1e-5) and abs(first - second) > 1e-3
    assert losses["total"].item() == pytest.approx(losses["cro"].item() + 0.3 * losses["sim"].item(), abs=1e-6)
    assert losses["sim"].item() == pytest.approx(variant().losses(x, y, x_twin)["sim"].item(), abs=1e-6)


def test_none_classified_leaves_the_classifier_and_the_labels_out():
    x, x_twin, y = views()
    model = variant(classified="none", lam=0.3)
    losses = model.losses(x, y, x_twin)
    assert losses["total"].item() == pytest.approx(0.3 * losses["sim"].item(), abs=1e-7)
    losses["total"].backward()
    assert all(grad is None for grad in gradients(model.c))
    assert all(moved(grad) for grad in gradients(model.f) + gradients(model.g))
    assert losses["total"].item() == model.losses(x, 1 - y, x_twin)["total"].item()


def test_h_compared_leaves_g_out():
    x, x_twin, y = views()
    model, other = variant(compared="h", lam=0.3), variant()
    losses = model.losses(x, y, x_twin)
    h, h_twin = other.f(torch.cat([x, x_twin])).chunk(2)
    assert losses["sim"].item() == pytest.approx(loss_sim(h, h_twin).item(), abs=1e-6)
    assert losses["sim"].item() != pytest.approx(loss_sim(other.g(h), other.g(h_twin)).item(), abs=1e-3)
    losses["total"].backward()
    assert all(grad is None for grad in gradients(model.g))
    assert all(moved(grad) for grad in gradients(model.f) + gradients(model.c))


def test_control_i_is_plain_training_on_both_views():
    x, x_twin, y = views()
    control, plain = variant(classified="both", lam=0.0), variant()
    losses = control.losses(x, y, x_twin)
    assert losses["total"].item() == losses["cro"].item() and losses["sim"].item() > 0.01
    losses["total"].backward()
    plain.losses(torch.cat([x, x_twin]), torch.cat([y, y]))["total"].backward()  # as model B on twice as many images
    for name, weight in plain.named_parameters():
        grad = control.get_parameter(name).grad
        if name.startswith("g."):
            assert weight.grad is None and not moved(grad)
        else:
            assert moved(grad) and torch.allclose(grad, weight.grad, rtol=1e-5, atol=1e-6), name


def test_every_variant_decides_by_c_of_f():
    x, *_ = views()
    models = [variant(classified=seen, compared=space).eval() for seen in ("raw", "both", "none") for space in "zh"]
    assert all(torch.equal(model(x), models[0](x)) for model in models)


# networks

def without_fc(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value for name, value in network.state_dict().items() if not name.startswith("fc.")}


def test_the_encoder_is_resnet18_without_its_last_layer():
    f, resnet = Encoder(), resnet18(weights=None)
    assert sum(parameter.numel() for parameter in f.parameters()) == 11_176_512
    ours, theirs = ([(name, value.shape) for name, value in state.items()]
                    for state in (f.state_dict(), without_fc(resnet)))
    assert ours == theirs
    resnet.fc = nn.Identity()
    f.load_state_dict(resnet.state_dict())
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours, theirs = f.eval()(x), resnet.eval()(x)
    assert ours.shape == (2, 512) and torch.equal(ours, theirs)


def test_a_narrow_encoder_divides_every_channel_count_and_nothing_else():
    f, resnet = Encoder(16), resnet18(weights=None)
    stages = (f.layer1, f.layer2, f.layer3, f.layer4)
    assert [[type(block) for block in stage] for stage in stages] == [[BasicBlock] * 2] * 4
    ours, theirs = f.state_dict(), without_fc(resnet)
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        expected = [size // 4 if size >= 64 else size for size in value.shape]  # 3 colours and kernels stay
        assert list(ours[name].shape) == expected, name
    for name, module in resnet.named_modules():
        if isinstance(module, nn.Conv2d):
            other = f.get_submodule(name)
            assert (other.stride, other.padding) == (module.stride, module.padding), name
    assert f.features == 8 * 16 == f(torch.zeros(2, 3, 32, 32)).shape[1]


def test_the_head_is_linear_relu_linear_and_the_classifier_linear():
    model = TCNSC(width=16)
    assert [type(layer) for layer in model.g] == [nn.Linear, nn.ReLU, nn.Linear]
    assert (model.g[0].in_features, model.g[0].out_features, model.g[2].out_features) == (128, 128, 128)
    assert isinstance(model.c, nn.Linear) and (model.c.in_features, model.c.out_features) == (128, 2)


def test_the_test_path_is_c_of_f_without_g(model):
    model.eval()
    x, *_ = views()
    before = model(x)
    for parameter in model.g.parameters():
        nn.init.zeros_(parameter)
    assert before.shape == (len(x), 2)
    assert torch.equal(before, model(x)) and torch.equal(before, model.c(model.f(x)))


# what a detector does to its input

def test_prepare_normalises_by_hand():
    crops = torch.tensor([255, 128, 0], dtype=torch.uint8).expand(2, 32, 32, 3)
    x = Detector(32).prepare(crops)
    assert x.shape == (2, 3, 32, 32) and x.dtype == torch.float32
    by_hand = [(1 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, (0 - 0.406) / 0.225]
    for channel, value in enumerate(by_hand):
        assert x[:, channel].flatten().tolist() == pytest.approx([value] * (2 * 32 * 32), abs=1e-6)


class Plain(Detector):
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def test_prepare_keeps_rows_and_columns():
    crops = torch.zeros(1, 8, 8, 3, dtype=torch.uint8)
    crops[0, 2, 5, 1] = 255
    assert Plain(8).prepare(crops).nonzero().tolist() == [[0, 1, 2, 5]]


@pytest.mark.parametrize("size", [48, 128])
def test_prepare_resizes_without_changing_the_brightness(size):
    x = Plain(32).prepare(torch.full((2, size, size, 3), 51, dtype=torch.uint8))
    assert x.shape == (2, 3, 32, 32) and torch.allclose(x, torch.tensor(0.2), atol=1e-6)


def test_prepare_shrinks_with_antialiasing():
    crops = torch.zeros(1, 128, 128, 3, dtype=torch.uint8)
    crops[:, :, ::4] = 255  # one bright column in four; plain bilinear sampling at 1/4 would miss them all
    inner = Plain(32).prepare(crops)[:, :, 4:-4, 4:-4]
    assert torch.allclose(inner, torch.tensor(0.25), atol=1e-5)
