"""Meso4 and MesoInception4: the authors' weights give their numbers; literal transcriptions."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from published_weights import CONFORMANCE, CONVS, STATISTICS, authors, keras_arrays
from torch import Tensor, nn
from torch.nn import functional as F

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.mesonet import Meso, Meso4, MesoInception4
from tcnsc_lib.detectors.published import load_published
from tcnsc_lib.faces.opening import open_image

P_REAL = {
    "Meso4": (0.041412, 0.048694, 0.989748, 0.997702),
    "MesoInception": (0.026218, 0.000952, 1, 1),
}
IMAGES = ("df00204", "df01254", "real00240", "real00772")


def uniform(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


# the authors' weights


def published(name: str) -> Meso:
    return load_published(name, CONFORMANCE / f"mesonet/{name}_DF.npz")


def picture(name: str) -> np.ndarray:
    return open_image(CONFORMANCE / f"mesonet/{name}.jpg")


def p_real(model: Meso, image: np.ndarray) -> float:
    crops = torch.from_numpy(image.copy())[None]
    with torch.inference_mode():
        logits = model(model.prepare(crops))
    return logits.softmax(1)[0, 0].item()


@authors
@pytest.mark.parametrize("name", P_REAL)
def test_the_authors_weights_give_the_authors_probabilities(name):
    model = published(name)
    told = [p_real(model, picture(image)) for image in IMAGES]
    assert told == pytest.approx(P_REAL[name], abs=1e-5)


@authors
def test_they_would_not_if_images_were_resized_smoothly():
    image = Image.fromarray(picture("df01254"))
    smooth = np.asarray(image.resize((256, 256), Image.Resampling.BILINEAR))
    assert p_real(published("Meso4"), smooth) == pytest.approx(0.0203, abs=1e-4)


@authors
def test_they_would_not_with_torchs_own_epsilon():
    model = published("Meso4")
    for module in model.modules():
        module.eps = 1e-5
    assert p_real(model, picture("df01254")) == pytest.approx(0.1145, abs=1e-4)


# the networks, written out


class Literal:
    """The sigmoid unit of images (N, 3, H, W) as the authors describe it, from Keras's arrays."""

    def __init__(self, name: str, arrays: dict[str, np.ndarray]):
        self.name = name
        self.last = len(CONVS[name]) - 1
        self.a = {key: torch.from_numpy(array).double() for key, array in arrays.items()}

    def conv(self, x: Tensor, i: int, dilation: int = 1) -> Tensor:
        kernel = self.a[f"conv2d_{8 + i}/kernel"].permute(3, 2, 0, 1)
        bias = self.a[f"conv2d_{8 + i}/bias"]
        return F.conv2d(x, kernel, bias, padding="same", dilation=dilation).relu()

    def first(self, x: Tensor, i: int) -> Tensor:
        """A first or second block up to its end; its convolutions begin with number i."""
        if self.name == "Meso4":
            return self.conv(x, i // 7)
        branches = [self.conv(x, i)]
        for dilation in (1, 2, 3):
            narrow = self.conv(x, i + 2 * dilation - 1)
            branches.append(self.conv(narrow, i + 2 * dilation, dilation))
        return torch.cat(branches, dim=1)

    def end(self, x: Tensor, i: int, pool: int) -> Tensor:
        statistics = [self.a[f"batch_normalization_{8 + i}/{part}"] for part in STATISTICS]
        return F.max_pool2d(F.batch_norm(x, *statistics, eps=0.001), pool)

    def dense(self, x: Tensor, i: int) -> Tensor:
        return x @ self.a[f"dense_{8 + i}/kernel"] + self.a[f"dense_{8 + i}/bias"]

    def unit(self, x: Tensor) -> Tensor:
        x = self.end(self.first(x.double(), 0), 0, 2)
        x = self.end(self.first(x, 7), 1, 2)
        x = self.end(self.conv(x, self.last - 1), 2, 2)
        x = self.end(self.conv(x, self.last), 3, 4)
        x = x.permute(0, 2, 3, 1).reshape(len(x), 1024)
        x = self.dense(x, 0)
        x = torch.where(x > 0, x, 0.1 * x)
        return self.dense(x, 1)[:, 0]


@pytest.mark.parametrize("name", P_REAL)
def test_the_network_is_its_description(name, tmp_path):
    arrays = keras_arrays(name)
    np.savez(tmp_path / "a.npz", **arrays)
    x = uniform(3, 3, 256, 256)
    with torch.inference_mode():
        logits = load_published(name, tmp_path / "a.npz")(x)
    unit = Literal(name, arrays).unit(x)
    assert unit.abs().min() > 0.05
    assert torch.allclose(logits[:, 0].double(), unit, atol=1e-5)
    assert not logits[:, 1].any()


@pytest.mark.parametrize(("make", "count"), [(Meso4, 28_073), (MesoInception4, 28_725)])
def test_it_has_the_published_number_of_values_and_kerass_first_weights(make, count):
    model = make()
    values = {key: v for key, v in model.state_dict().items() if "num_batches" not in key}
    assert sum(value.numel() for value in values.values()) == count
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.momentum == 0.01
        if isinstance(module, nn.Conv2d | nn.Linear):
            fans = sum(module.weight.shape[:2]) * module.weight[0, 0].numel()
            largest = module.weight.abs().max() / math.sqrt(6 / fans)  # Glorot's bound
            assert largest <= 1
            assert largest > 0.9 or module.weight.numel() < 64
            assert not module.bias.any()


@pytest.mark.parametrize("side", [97, 128, 224, 255, 257, 264, 300, 342, 640])
def test_images_are_resized_as_keras_does_with_pil(side):
    image = np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)
    ours = Meso4().prepare(torch.from_numpy(image)[None])[0].permute(1, 2, 0)
    pil = np.array(Image.fromarray(image).resize((256, 256), Image.Resampling.NEAREST))
    assert torch.equal(ours, torch.from_numpy(pil).float() / 255)


def test_features_are_flattened_in_kerass_order():
    model = Meso4(64).eval()
    x = uniform(2, 3, 64, 64)
    maps = nn.Sequential.forward(model.features, x)
    assert maps.shape == (2, 16, 2, 2)
    features = model.features(x)
    assert features.shape == (2, 64)
    for row in range(2):
        for column in range(2):
            first = 16 * (2 * row + column)
            assert torch.equal(features[:, first : first + 16], maps[:, :, row, column])


# the loss


@pytest.mark.parametrize(("unit", "y"), [(0.3, [0, 1, 1]), (-2.0, [1, 0, 0])])
def test_the_loss_by_hand(unit, y):
    model = Meso4(32)
    model.head.forward = lambda flat: torch.full((3, 1), unit)
    p = 1 / (1 + math.exp(-unit))
    by_hand = sum((p - (1 - label)) ** 2 for label in y) / 3
    losses = model.losses(uniform(3, 3, 32, 32), torch.tensor(y))
    assert losses["mse"].item() == pytest.approx(by_hand, abs=1e-6)
    assert set(losses) == {"total", "mse"}
    assert losses["total"] is losses["mse"]


@pytest.mark.parametrize("make", [Meso4, MesoInception4])
@pytest.mark.parametrize("size", [96, 224])
def test_other_sizes_and_bfloat16(make, size):
    model = make(size)
    crops = torch.randint(256, (4, 128, 128, 3), dtype=torch.uint8)
    y = torch.arange(4) % 2
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.losses(model.prepare(crops), y)["total"]
        p = model.eval()(model.prepare(crops)).float().softmax(1)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert p.shape == (4, 2)
    assert p.sum(1).allclose(torch.ones(4))
    assert all(value.grad.isfinite().all() for value in model.parameters())


def test_sizes_that_the_pooling_does_not_divide_are_refused():
    said = "Meso4 can't take crops of 100 px.* choose a multiple of 32"
    with pytest.raises(CompanionError, match=said):
        Meso4(100)
