"""Grad-CAM against the definition, worked out with autograd and in closed form."""
import numpy as np
import pytest
import torch
from torch.nn import functional as F
from toys import tiny

from tcnsc_lib.analysis import gradcam
from tcnsc_lib.analysis.gradcam import heat, shuffled
from tcnsc_lib.detectors.outputs import probabilities
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.detectors.xception import Xception

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3)).astype(np.uint8)
LABELS = np.array([0, 1, 1, 0, 1])


def linear_of(detector) -> torch.nn.Linear:
    """The linear layer behind the mean of the last stage."""
    return detector.c if isinstance(detector, TCNSC) else detector.fc


def unlearned(kind: str, seed: int = 1) -> torch.nn.Module:
    """A small network with random weights and statistics, in evaluation mode.

    Both labels have something to say in it.
    """
    torch.manual_seed(seed)
    detector = TCNSC(96, width=4, width_z=8) if kind == "TCNSC" else Xception(96, 2, 1)
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


@pytest.fixture(params=["TCNSC", "Xception"])
def detector(request):
    return unlearned(request.param)


def prepared(detector) -> torch.Tensor:
    return detector.prepare(torch.from_numpy(IMAGES))


def last_stage(detector, x: torch.Tensor) -> torch.Tensor:
    """Activations (N, C, 3, 3) after the last ReLU, step by step."""
    if isinstance(detector, TCNSC):
        f = detector.f
        x = f.maxpool(f.relu(f.bn1(f.conv1(x))))
        return f.layer4(f.layer3(f.layer2(f.layer1(x))))
    x = F.relu(detector.bn1(detector.conv1(x)))
    x = F.relu(detector.bn2(detector.conv2(x)))
    for name in detector.blocks:
        x = getattr(detector, name)(x)
    x = F.relu(detector.bn3(detector.conv3(x)))
    return F.relu(detector.bn4(detector.conv4(x)))


def stretched(maps: torch.Tensor) -> np.ndarray:
    """Each map from 0 to 1."""
    maps = maps.detach().numpy()
    least = maps.min((1, 2), keepdims=True)
    return (maps - least) / np.ptp(maps, axis=(1, 2), keepdims=True)


def test_heat_is_grad_cam_by_autograd(detector):
    a = last_stage(detector, prepared(detector)).detach().requires_grad_()
    logits = linear_of(detector)(a.mean((2, 3)))
    torch.testing.assert_close(logits, detector(prepared(detector)))
    (gradient,) = torch.autograd.grad(logits[range(5), LABELS].sum(), a)
    weights = gradient.mean((2, 3))  # Selvaraju et al., equation 1; then 2
    maps = F.relu((weights[:, :, None, None] * a).sum(1))
    assert a.shape[2:] == (3, 3)
    assert (maps > 0).any((1, 2)).all()
    assert (maps == 0).any()
    found = heat(detector, IMAGES, LABELS)
    assert found.shape == (5, 3, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, stretched(maps), atol=1e-4)


def test_heat_in_closed_form_is_the_weights_of_the_labels_logit(detector):
    a = last_stage(detector, prepared(detector))
    weights = linear_of(detector).weight[LABELS]
    plain = F.relu(torch.einsum("nc,nchw->nhw", weights, a))  # behind a mean: weights / 9
    found = heat(detector, IMAGES, LABELS)
    np.testing.assert_allclose(found, stretched(plain), atol=1e-4)
    other = heat(detector, IMAGES, 1 - LABELS)
    assert np.abs(found - other).max() > 0.5  # the other logit's map is another


def test_the_relu_behind_bn4_matters():
    detector = unlearned("Xception")
    raw = []
    hook = detector.bn4.register_forward_hook(lambda module, given, out: raw.append(out))
    detector(prepared(detector))
    hook.remove()
    weights = detector.fc.weight[LABELS]
    signed = F.relu(torch.einsum("nc,nchw->nhw", weights, raw[0]))
    some = signed.amax((1, 2)) > 0
    found = heat(detector, IMAGES, LABELS)[some]
    assert np.abs(found - stretched(signed[some])).max() > 0.1


def test_heat_does_not_depend_on_the_batch(detector, monkeypatch):
    whole = heat(detector, IMAGES, LABELS)
    monkeypatch.setattr(gradcam, "BATCH", 2)
    np.testing.assert_allclose(heat(detector, IMAGES, LABELS), whole, atol=1e-4)


def test_there_is_no_heat_where_nothing_speaks_for_the_label(detector):
    torch.nn.init.constant_(linear_of(detector).weight, -1)
    assert (heat(detector, IMAGES, LABELS) == 0).all()


# nothing is left behind

def hooks(detector) -> int:
    count = 0
    for module in detector.modules():
        count += len(module._forward_hooks) + len(module._forward_pre_hooks)
        count += len(module._backward_hooks)
    return count


def test_outputs_are_the_same_while_and_after_a_map_is_made(detector):
    before = probabilities(detector, IMAGES)
    with gradcam._last_stage(detector) as layer:
        np.testing.assert_array_equal(probabilities(detector, IMAGES), before)
        shown = []
        hook = layer.register_forward_hook(lambda module, given, out: shown.append(out))
        probabilities(detector, IMAGES)
        hook.remove()
    assert 0 <= shown[0].min() < 1e-30 < shown[0].max()  # after its ReLU
    heat(detector, IMAGES, LABELS)
    np.testing.assert_array_equal(probabilities(detector, IMAGES), before)
    assert hooks(detector) == 0


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
