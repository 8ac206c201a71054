"""Xception: published names, counts and sizes, and what is in its blocks."""

import math
from unittest.mock import Mock
from urllib.error import URLError

import pytest
import torch
from test_resnet import shapes, size
from torch import Tensor, nn
from torch.nn import functional as F

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.xception import WEIGHTS, Block, SeparableConv, Xception

BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def small() -> Xception:
    return Xception(64, width=4, middle=1).eval()


# the published network


def published_names() -> list[str]:
    """Of all values in the published state dict."""
    convolutions = ["conv1", "conv2"]
    norms = ["bn1", "bn2", "bn3", "bn4"]
    for number in range(1, 13):
        repetitions = 3 if 4 <= number <= 11 else 2
        first = 0 if number == 1 else 1
        for i in range(repetitions):
            place = f"block{number}.rep.{first + 3 * i}"
            convolutions += [f"{place}.conv1", f"{place}.pointwise"]
            norms.append(f"block{number}.rep.{first + 3 * i + 1}")
    for name in ("conv3", "conv4"):
        convolutions += [f"{name}.conv1", f"{name}.pointwise"]
    for number in (1, 2, 3, 12):
        convolutions.append(f"block{number}.skip")
        norms.append(f"block{number}.skipbn")
    names = [f"{name}.weight" for name in convolutions]
    for name in norms:
        names += [f"{name}.{value}" for value in BATCH_NORM]
    return [*names, "fc.weight", "fc.bias"]


def test_it_has_the_published_names_and_number_of_parameters():
    with torch.device("meta"):
        ours = Xception()
    assert size(ours) == 20_811_050
    assert sorted(shapes(ours)) == sorted(published_names())
    assert ours.mean == ours.std == (0.5, 0.5, 0.5)


def test_it_grows_and_shrinks_where_the_published_one_does():
    with torch.device("meta"):
        model = Xception().eval()
        x = torch.empty(1, 3, 299, 299)
    seen = {}

    def note(name: str):
        def hook(module, inputs, out):
            seen[name] = (out.shape[1], out.shape[2])

        return hook

    for name in ("conv1", "conv2", *model.blocks, "conv3", "conv4", "relu4"):
        model.get_submodule(name).register_forward_hook(note(name))
    assert model(x).shape == (1, 2)
    middle = {f"block{number}": (728, 19) for number in range(4, 12)}
    assert seen == {
        "conv1": (32, 149),
        "conv2": (64, 147),
        "block1": (128, 74),
        "block2": (256, 37),
        "block3": (728, 19),
        **middle,
        "block12": (1024, 10),
        "conv3": (1536, 10),
        "conv4": (2048, 10),
        "relu4": (2048, 10),
    }
    # The exit block grows in its second convolution, an entry block in its first.
    assert model.block12.rep[1].pointwise.out_channels == 728
    assert model.block3.rep[1].pointwise.out_channels == 728


def test_a_narrow_network_divides_every_channel_count_and_nothing_else():
    with torch.device("meta"):
        ours = Xception(width=8)
        published = Xception()
    for name, shape in shapes(published).items():
        # Kernels, colours and logits stay.
        assert shapes(ours)[name] == [n // 4 if n >= 32 else n for n in shape], name


# its parts


def test_a_separable_convolution_is_depthwise_then_pointwise_and_nothing_else():
    layer = SeparableConv(3, 5)
    x = normal(0, 2, 3, 7, 7)
    depth = layer.conv1.weight
    maps = [F.conv2d(x[:, c : c + 1], depth[c : c + 1], padding=1) for c in range(3)]
    point = layer.pointwise.weight[:, :, 0, 0]
    by_hand = torch.einsum("oc,nchw->nohw", point, torch.cat(maps, dim=1))
    assert torch.allclose(layer(x), by_hand, atol=1e-6)
    assert size(layer) == 3 * 9 + 3 * 5


@pytest.mark.parametrize(
    ("channels", "stride"), [([4, 4, 4, 4], 1), ([4, 6, 6], 2), ([4, 4, 6], 2)], ids=str
)
def test_the_skip_path_sees_the_input_before_any_relu(channels, stride):
    block = Block(channels, stride).eval()
    norms = [layer for layer in block.rep if isinstance(layer, nn.BatchNorm2d)]
    nn.init.zeros_(norms[-1].weight)  # silences the convolutions
    out = block(normal(0, 2, 4, 9, 9))
    x = normal(0, 2, 4, 9, 9)  # drawn again, in case the block changed it
    if stride > 1:
        x = block.skipbn(F.conv2d(x[:, :, ::2, ::2], block.skip.weight))
    assert torch.allclose(out, x, atol=1e-6)
    assert (out < 0).any()


def test_only_blocks_that_change_the_shape_have_a_convolution_on_the_skip_path():
    model = small()
    plain = [model.get_submodule(name).skip is None for name in model.blocks]
    assert plain == [False, False, False, True, False]


# what it says


def test_it_is_fc_of_the_means_of_its_last_maps():
    model = small()
    maps = []
    model.bn4.register_forward_hook(lambda module, inputs, out: maps.append(out))
    x = normal(0, 3, 3, 64, 64)
    h = model.features(x)
    assert h.shape == (3, 256)
    assert torch.allclose(h, maps[0].relu().mean((2, 3)))
    assert torch.equal(model.fc(h), model(x))


def test_its_own_weights_load_strictly():
    one = small()
    other = small()
    x = normal(0, 3, 3, 64, 64)
    assert not torch.allclose(one(x), other(x))
    other.load_state_dict(one.state_dict(), strict=True)
    assert torch.equal(one(x), other(x))


def test_the_loss_by_hand():
    model = small()
    x = normal(0, 3, 3, 64, 64)
    y = torch.tensor([0, 1, 1])
    p = model(x).softmax(1)[range(3), y]
    by_hand = -sum(math.log(value) for value in p.tolist()) / 3
    losses = model.losses(x, y)
    assert losses["cro"].item() == pytest.approx(by_hand, abs=1e-5)
    assert losses["total"] is losses["cro"]


# ImageNet


def test_imagenet_weights_fit_the_published_shape_alone():
    said = "ImageNet weights for Xception of width 32 with 8 middle blocks alone, not for width"
    with pytest.raises(CompanionError, match=f"{said} 8 with 8; give .*pretrained=False"):
        Xception(width=8, pretrained=True)
    with pytest.raises(CompanionError, match=f"{said} 32 with 3; give .*pretrained=False"):
        Xception(middle=3, pretrained=True)


@pytest.mark.parametrize("error", [URLError("no route"), RuntimeError("invalid hash value")])
def test_a_failed_download_says_what_to_do(monkeypatch, error):
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", Mock(side_effect=error))
    said = "(no route|hash).*put that file into .*checkpoints yourself"
    with pytest.raises(CompanionError, match=said):
        Xception(pretrained=True)


def test_imagenet_weights_go_everywhere_but_into_the_last_layer(monkeypatch):
    with torch.device("meta"):
        names = shapes(Xception())
    names |= {"fc.weight": [1000, 2048], "fc.bias": [1000]}
    published = {name: torch.full(shape, 0.25) for name, shape in names.items()}
    download = Mock(return_value=published)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", download)
    state = Xception(pretrained=True).state_dict()
    download.assert_called_once_with(
        WEIGHTS, map_location="cpu", check_hash=True, weights_only=True
    )
    assert WEIGHTS.startswith("https://github.com/") and " " not in WEIGHTS
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            assert (value == 0.25).all() != name.startswith("fc."), name
