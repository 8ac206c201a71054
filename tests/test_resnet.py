"""f: torchvision's ResNets without their last layer, and narrower ones."""

from unittest.mock import Mock

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18, resnet50
from torchvision.models.resnet import BasicBlock

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.resnet import Encoder, Encoder50

KINDS = [(Encoder, resnet18, 512), (Encoder50, resnet50, 2048)]


def shapes(module: nn.Module) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in module.state_dict().items()}


def size(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def published(make) -> nn.Module:
    """torchvision's network, of random weights, without its last layer."""
    network = make(weights=None)
    network.fc = nn.Identity()
    return network


@pytest.mark.parametrize(("encoder", "make", "outputs"), KINDS)
def test_the_encoder_is_torchvisions_without_its_last_layer(encoder, make, outputs):
    f = encoder()
    resnet = published(make)
    assert shapes(f) == shapes(resnet)
    f.load_state_dict(resnet.state_dict())
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours = f.eval()(x)
        theirs = resnet.eval()(x)
    assert torch.equal(ours, theirs)
    assert ours.shape == (2, outputs)
    assert f.outputs == outputs


def test_the_encoders_have_the_published_numbers_of_weights():
    with torch.device("meta"):
        assert size(Encoder()) == 11_176_512
        assert size(Encoder50()) == 23_508_032


@pytest.mark.parametrize(("encoder", "make", "outputs"), KINDS)
def test_a_narrow_encoder_divides_every_channel_count_and_nothing_else(encoder, make, outputs):
    with torch.device("meta"):
        f = encoder(16)
        resnet = published(make)
    ours = shapes(f)
    theirs = shapes(resnet)
    assert list(ours) == list(theirs)
    for name, shape in theirs.items():
        # Three colours, and kernels, stay.
        assert ours[name] == [n // 4 if n >= 64 else n for n in shape], name
    for name, module in resnet.named_modules():
        if isinstance(module, nn.Conv2d):
            other = f.get_submodule(name)
            assert (other.stride, other.padding) == (module.stride, module.padding), name
    assert f.outputs == outputs // 4


def test_a_narrow_encoder_keeps_all_blocks_and_its_outputs_are_as_many_as_it_says():
    f = Encoder(16)
    for stage in (f.layer1, f.layer2, f.layer3, f.layer4):
        assert [type(block) for block in stage] == [BasicBlock, BasicBlock]
    x = torch.zeros(2, 3, 32, 32)
    assert f(x).shape == (2, f.outputs)


def weights_of(make) -> dict[str, Tensor]:
    """A state dict of the published names and shapes, every value a quarter."""
    with torch.device("meta"):
        names = shapes(make(weights=None))
    return {name: torch.full(shape, 0.25) for name, shape in names.items()}


@pytest.mark.parametrize(
    ("encoder", "make", "file"),
    [
        (Encoder, resnet18, "resnet18-f37072fd.pth"),
        (Encoder50, resnet50, "resnet50-0676ba61.pth"),
    ],
)
def test_imagenet_weights_go_everywhere(monkeypatch, encoder, make, file):
    download = Mock(return_value=weights_of(make))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", download)
    f = encoder()
    f.start_from_imagenet()
    url = f"https://download.pytorch.org/models/{file}"
    download.assert_called_once_with(url, map_location="cpu", check_hash=True, weights_only=True)
    for name, value in f.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert (value == 0.25).all(), name


@pytest.mark.parametrize(("encoder", "name"), [(Encoder, "ResNet18"), (Encoder50, "ResNet50")])
def test_imagenet_weights_fit_the_published_width_alone(encoder, name):
    said = f"There are ImageNet weights for {name} of width 64 alone, not 8; give width=64"
    with pytest.raises(CompanionError, match=said):
        encoder(8).start_from_imagenet()
