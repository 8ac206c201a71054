"""Grad-CAM against the definition, worked out with autograd and in closed form."""
from itertools import product

import numpy as np
import pytest
import torch
from test_detectors import small
from torch.nn import functional as F
from toys import tiny

from tcnsc_lib.analysis import gradcam
from tcnsc_lib.analysis.gradcam import heat, shuffled
from tcnsc_lib.detectors.outputs import probabilities
from tcnsc_lib.detectors.registry import BASELINES
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.detectors.xception import Xception

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3)).astype(np.uint8)
LABELS = np.array([0, 1, 1, 0, 1])
KINDS = ("TCNSC", "Xception")
FINE = 192  # px: the last stage has 6 x 6 cells
COARSE = 96  # px: the last stage has 3 x 3 cells, the one before it 6 x 6


def linear_of(detector) -> torch.nn.Linear:
    """The linear layer behind the mean of the last stage."""
    return detector.c if isinstance(detector, TCNSC) else detector.fc


def unlearned(kind: str, seed: int = 1, side: int = COARSE) -> torch.nn.Module:
    """A small network with random weights and statistics, in evaluation mode.

    Both labels have something to say in it. side: of its input, pixels.
    """
    torch.manual_seed(seed)
    detector = TCNSC(side, width=4, width_z=8) if kind == "TCNSC" else Xception(side, 2, 1)
    for module in detector.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight, 1, 0.3)
            torch.nn.init.normal_(module.bias, 0, 0.3)
    x = detector.prepare(torch.from_numpy(IMAGES))
    detector(x)  # in training mode: statistics that aren't 0 and 1
    detector.eval()
    with torch.no_grad():
        mean = detector.features(x).mean(0)
        weight = linear_of(detector).weight.normal_()
        weight -= torch.outer(weight @ mean, mean) / mean.square().sum()
    return detector


@pytest.fixture(params=KINDS)
def fine(request):
    """Its maps are of the last stage."""
    return unlearned(request.param, side=FINE)


@pytest.fixture(params=KINDS)
def coarse(request):
    """Its maps are of the stage before the last."""
    return unlearned(request.param, side=COARSE)


@pytest.fixture(params=product(KINDS, (FINE, COARSE)), ids=str)
def detector(request):
    kind, side = request.param
    return unlearned(kind, side=side)


def prepared(detector) -> torch.Tensor:
    return detector.prepare(torch.from_numpy(IMAGES))


# The networks step by step, in two parts: up to the stage before the last, and that one.

def before_last(detector) -> torch.Tensor:
    """Activations (N, C, cells, cells) of the crops."""
    x = prepared(detector)
    if isinstance(detector, TCNSC):
        f = detector.f
        x = f.maxpool(f.relu(f.bn1(f.conv1(x))))
        return f.layer3(f.layer2(f.layer1(x)))
    x = F.relu(detector.bn1(detector.conv1(x)))
    x = F.relu(detector.bn2(detector.conv2(x)))
    return detector.block4(detector.block3(detector.block2(detector.block1(x))))


def last_stage(detector, x: torch.Tensor) -> torch.Tensor:
    """What `before_last` gives -> activations after the last ReLU."""
    if isinstance(detector, TCNSC):
        return detector.f.layer4(x)
    x = F.relu(detector.bn3(detector.conv3(detector.block5(x))))
    return F.relu(detector.bn4(detector.conv4(x)))


def decided(detector, x: torch.Tensor) -> torch.Tensor:
    """What `last_stage` gives -> logits (N, 2)."""
    return linear_of(detector)(x.mean((2, 3)))


def by_definition(a: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Selvaraju et al., equations 1 and 2: maps (N, cells, cells) of `a` for the labels' logits."""
    (gradient,) = torch.autograd.grad(logits[range(5), LABELS].sum(), a)
    weights = gradient.mean((2, 3))
    return F.relu((weights[:, :, None, None] * a).sum(1)).detach()


def stretched(maps: torch.Tensor) -> np.ndarray:
    """Each map from 0 to 1."""
    maps = maps.detach().numpy()
    least = maps.min((1, 2), keepdims=True)
    return (maps - least) / np.ptp(maps, axis=(1, 2), keepdims=True)


# the last stage

def test_heat_of_the_last_stage_is_grad_cam_by_autograd(fine):
    a = last_stage(fine, before_last(fine)).detach().requires_grad_()
    logits = decided(fine, a)
    torch.testing.assert_close(logits, fine(prepared(fine)))
    maps = by_definition(a, logits)
    assert (maps > 0).any((1, 2)).all()
    assert (maps == 0).any()
    found = heat(fine, IMAGES, LABELS)
    assert found.shape == (5, 6, 6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, stretched(maps), atol=1e-4)


def test_there_heat_in_closed_form_is_the_weights_of_the_labels_logit(fine):
    a = last_stage(fine, before_last(fine))
    weights = linear_of(fine).weight[LABELS]
    plain = F.relu(torch.einsum("nc,nchw->nhw", weights, a))  # behind a mean: weights / 36
    found = heat(fine, IMAGES, LABELS)
    np.testing.assert_allclose(found, stretched(plain), atol=1e-4)
    other = heat(fine, IMAGES, 1 - LABELS)
    assert np.abs(found - other).max() > 0.5  # the other logit's map is another


def test_the_relu_behind_bn4_matters():
    detector = unlearned("Xception", side=FINE)
    raw = []
    hook = detector.bn4.register_forward_hook(lambda module, given, out: raw.append(out))
    detector(prepared(detector))
    hook.remove()
    weights = detector.fc.weight[LABELS]
    signed = F.relu(torch.einsum("nc,nchw->nhw", weights, raw[0]))
    some = signed.amax((1, 2)) > 0
    found = heat(detector, IMAGES, LABELS)[some]
    assert np.abs(found - stretched(signed[some])).max() > 0.1


def test_there_is_no_heat_where_nothing_speaks_for_the_label(fine):
    torch.nn.init.constant_(linear_of(fine).weight, -1)
    assert (heat(fine, IMAGES, LABELS) == 0).all()


# the stage before it

def test_heat_of_small_crops_is_grad_cam_by_autograd_one_stage_earlier(coarse):
    a = before_last(coarse).detach().requires_grad_()
    logits = decided(coarse, last_stage(coarse, a))
    torch.testing.assert_close(logits, coarse(prepared(coarse)))
    maps = by_definition(a, logits)
    some = maps.amax((1, 2)) > 0
    assert some.sum() >= 3
    found = heat(coarse, IMAGES, LABELS)
    assert found.shape == (5, 6, 6)
    np.testing.assert_allclose(found[some], stretched(maps[some]), atol=1e-4)
    assert (found[~some] == 0).all()


def test_what_isnt_activated_keeps_its_negative_values_in_the_map():
    detector = unlearned("Xception")
    a = before_last(detector).detach().requires_grad_()
    assert (a < 0).any()
    signed = by_definition(a, decided(detector, last_stage(detector, a)))
    b = a.detach().clamp_min(0).requires_grad_()
    cut = by_definition(b, decided(detector, last_stage(detector, b)))
    both = (signed.amax((1, 2)) > 0) & (cut.amax((1, 2)) > 0)
    assert both.any()
    found = heat(detector, IMAGES, LABELS)[both]
    assert np.abs(found - stretched(cut[both])).max() > 0.1


# either

def test_heat_does_not_depend_on_the_batch(detector, monkeypatch):
    whole = heat(detector, IMAGES, LABELS)
    monkeypatch.setattr(gradcam, "BATCH", 2)
    np.testing.assert_allclose(heat(detector, IMAGES, LABELS), whole, atol=1e-4)


# nothing is left behind

def hooks(detector) -> int:
    count = 0
    for module in detector.modules():
        count += len(module._forward_hooks) + len(module._forward_pre_hooks)
        count += len(module._backward_hooks)
    return count


def test_outputs_are_the_same_while_and_after_a_map_is_made(detector):
    before = probabilities(detector, IMAGES)
    with gradcam._leaf_at(detector):
        np.testing.assert_array_equal(probabilities(detector, IMAGES), before)
    heat(detector, IMAGES, LABELS)
    np.testing.assert_array_equal(probabilities(detector, IMAGES), before)
    assert hooks(detector) == 0


@pytest.mark.parametrize("side", [COARSE, FINE])
@pytest.mark.parametrize("kind", [TCNSC, *BASELINES], ids=lambda kind: kind.name)
def test_nothing_that_follows_changes_what_the_heat_layer_puts_out(kind, side):
    detector = small(kind, side).eval()
    x = prepared(detector)
    plain = detector(x).detach()
    seen = []
    with gradcam._leaf_at(detector) as layer:
        layer.register_forward_hook(lambda module, given, out: seen.append((out, out.clone())))
        logits = detector(x)  # would raise if a leaf were changed in place
        logits.sum().backward()
    assert torch.equal(logits, plain)
    for leaf, copy in seen:
        assert torch.equal(leaf, copy)
        assert leaf.grad is not None


def test_no_hook_is_left_behind_by_an_error(detector):
    with pytest.raises(RuntimeError):
        heat(detector, IMAGES[..., :2], LABELS)
    assert hooks(detector) == 0


def test_heat_changes_no_weight_no_statistic_and_no_mode(detector):
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    heat(detector, IMAGES, LABELS)
    assert not any(module.training for module in detector.modules())
    for name, value in detector.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(weight.requires_grad for weight in detector.parameters())
    assert all(weight.grad is None for weight in detector.parameters())


def test_heat_is_the_same_again_and_where_gradients_are_off(detector):
    with torch.no_grad():
        one = heat(detector, IMAGES, LABELS)
    np.testing.assert_array_equal(one, heat(detector, IMAGES, LABELS))


def test_heat_is_of_evaluation_mode_whatever_mode_the_network_is_in():
    detector = tiny()  # with dropout
    torch.manual_seed(0)
    quiet = heat(detector.eval(), IMAGES, LABELS)
    np.testing.assert_array_equal(heat(detector.train(), IMAGES, LABELS), quiet)


# weights shuffled

def moved(detector) -> set[str]:
    """Names of the weights of convolutions and linear layers."""
    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    names = dict(detector.named_modules())
    return {f"{name}.weight" for name, module in names.items() if isinstance(module, kinds)}


def test_shuffled_weights_keep_their_values_and_lose_their_places(detector):
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    copy = shuffled(detector, 0).state_dict()
    for name, value in copy.items():
        assert torch.equal(detector.state_dict()[name], before[name])
        assert torch.equal(value.flatten().sort().values, before[name].flatten().sort().values)
        if name in moved(detector):
            assert (value != before[name]).float().mean() > 0.5
        else:
            assert torch.equal(value, before[name])  # norms and offsets stay


def test_a_shuffle_depends_on_the_seed_alone(detector):
    copy = shuffled(detector, 0).state_dict()
    again = shuffled(detector, 0).state_dict()
    other = shuffled(detector, 1).state_dict()
    assert all(torch.equal(copy[name], again[name]) for name in copy)
    assert all((copy[name] != other[name]).any() for name in moved(detector))


def test_a_shuffled_network_looks_elsewhere(detector):
    found = heat(shuffled(detector, 0), IMAGES, LABELS)
    assert np.abs(found - heat(detector, IMAGES, LABELS)).max() > 0.3


def test_weights_in_another_memory_order_are_shuffled_alike():
    plain = shuffled(unlearned("TCNSC"), 0)
    last = shuffled(unlearned("TCNSC").to(memory_format=torch.channels_last), 0)
    for one, other in zip(plain.parameters(), last.parameters(), strict=True):
        assert torch.equal(one, other)
