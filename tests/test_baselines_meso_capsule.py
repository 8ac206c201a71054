"""Meso4, MesoInception4, Capsule: the authors' weights give their numbers; literal transcriptions; refused files."""
import math
from pathlib import Path
from unittest.mock import Mock
from urllib.error import URLError

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.capsule import Capsule, CapsuleHead, squash, vgg19_features
from tcnsc_lib.detectors.mesonet import Meso4, MesoInception4
from tcnsc_lib.detectors.published import READERS, load_capsule_head, load_published, read_arrays
from tcnsc_lib.detectors.xception import Xception
from tcnsc_lib.faces.store import open_image

CONFORMANCE = Path(__file__).resolve().parents[2] / "shared/conformance"
authors = pytest.mark.skipif(not CONFORMANCE.is_dir(), reason=f"the authors' weights aren't in {CONFORMANCE}")
P_REAL = {"Meso4": (0.041412, 0.048694, 0.989748, 0.997702), "MesoInception": (0.026218, 0.000952, 1, 1)}


def uniform(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def p_real(model: Meso4, image: np.ndarray) -> float:
    with torch.inference_mode():
        return model(model.prepare(torch.from_numpy(image.copy())[None])).softmax(1)[0, 0].item()


@authors
def test_meso_gives_the_authors_probabilities_and_would_not_if_it_were_otherwise():
    images = [open_image(CONFORMANCE / f"mesonet/{i}.jpg") for i in ("df00204", "df01254", "real00240", "real00772")]
    models = {name: load_published(name, CONFORMANCE / f"mesonet/{name}_DF.npz") for name in P_REAL}
    for name, expected in P_REAL.items():
        assert [p_real(models[name], image) for image in images] == pytest.approx(expected, abs=1e-5)
    smooth = np.asarray(Image.fromarray(images[1]).resize((256, 256), Image.Resampling.BILINEAR))
    assert p_real(models["Meso4"], smooth) == pytest.approx(0.0203, abs=1e-4)
    for module in models["Meso4"].modules():
        module.eps = 1e-5
    assert p_real(models["Meso4"], images[1]) == pytest.approx(0.1145, abs=1e-4)


@authors
def test_the_capsule_head_gives_the_authors_probabilities():
    head = load_capsule_head(CONFORMANCE / "capsule/capsule_v1_face2face_c23.pt")
    n = torch.arange(2 * 256 * 16 * 16).reshape(2, 256, 16, 16)
    fake_real = torch.tensor([[0.705321, 0.294679], [0.705062, 0.294938]])
    assert head(((37 * n % 101).float() / 50.5 - 1).relu()).mean(1).allclose(fake_real.flip(1), rtol=0, atol=1e-4)


CONVS = {"Meso4": [(3, 3, 3, 8), (5, 5, 8, 8), (5, 5, 8, 16), (5, 5, 16, 16)], "MesoInception": [
    (1, 1, 3, 1), *[(1, 1, 3, 4), (3, 3, 4, 4)] * 2, (1, 1, 3, 2), (3, 3, 2, 2), (1, 1, 11, 2),
    *[(1, 1, 11, 4), (3, 3, 4, 4)] * 2, (1, 1, 11, 2), (3, 3, 2, 2), (5, 5, 12, 16), (5, 5, 16, 16)]}
NORMS = {"Meso4": (8, 8, 16, 16), "MesoInception": (11, 12, 16, 16)}
STATISTICS = ("moving_mean", "moving_variance", "gamma", "beta")


def keras_arrays(name: str = "Meso4") -> dict[str, np.ndarray]:
    """Random arrays with Keras's names and axes; numbered from 8 on, as after other models, and listed backwards."""
    rng, arrays = np.random.default_rng(0), {}
    for kind, shapes in {"conv2d": CONVS[name], "dense": [(1024, 16), (16, 1)]}.items():
        for i, shape in enumerate(shapes, 8):
            arrays[f"{kind}_{i}/kernel"] = rng.normal(0, math.prod(shape[:-1]) ** -0.5, shape).astype(np.float32)
            arrays[f"{kind}_{i}/bias"] = rng.uniform(0, 1, shape[-1]).astype(np.float32)
    for i, n in enumerate(NORMS[name], 8):
        arrays |= {f"batch_normalization_{i}/{s}": rng.uniform(0.01, 1, n).astype(np.float32) for s in STATISTICS}
    return dict(reversed(arrays.items()))


def literal_unit(name: str, arrays: dict[str, np.ndarray], x: Tensor) -> Tensor:
    """The sigmoid unit of images (N, 3, H, W) as BASELINES describes it, from Keras's arrays."""
    a = {key: torch.from_numpy(array).double() for key, array in arrays.items()}

    def conv(x, i, dilation=1):
        kernel, bias = a[f"conv2d_{8 + i}/kernel"].permute(3, 2, 0, 1), a[f"conv2d_{8 + i}/bias"]
        return nn.functional.conv2d(x, kernel, bias, padding="same", dilation=dilation).relu()

    def end(x, i, pool):
        statistics = (a[f"batch_normalization_{8 + i}/{part}"] for part in STATISTICS)
        return nn.functional.max_pool2d(nn.functional.batch_norm(x, *statistics, eps=0.001), pool)

    def first(x, i):
        if name == "Meso4":
            return conv(x, i // 7)
        return torch.cat([conv(x, i), *(conv(conv(x, i + 2 * d - 1), i + 2 * d, d) for d in (1, 2, 3))], dim=1)

    x, last = end(first(end(first(x.double(), 0), 0, 2), 7), 1, 2), len(CONVS[name]) - 1
    x = end(conv(end(conv(x, last - 1), 2, 2), last), 3, 4).permute(0, 2, 3, 1)
    x = x.reshape(len(x), 1024) @ a["dense_8/kernel"] + a["dense_8/bias"]
    return (torch.where(x > 0, x, 0.1 * x) @ a["dense_9/kernel"] + a["dense_9/bias"])[:, 0]


def write_h5(path: Path, arrays: dict[str, np.ndarray], above: str = "") -> None:
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            file[f"{above}{key.split('/')[0]}/{key}:0"] = array


@pytest.mark.parametrize("name", P_REAL)
def test_meso_is_its_description_from_files_of_every_kind(name, tmp_path):
    arrays, x = keras_arrays(name), uniform(3, 3, 256, 256)
    np.savez(tmp_path / "a.npz", **arrays)
    write_h5(tmp_path / "a.h5", arrays)
    write_h5(tmp_path / "a.hdf5", arrays, "model_weights/")
    with h5py.File(tmp_path / "a.hdf5", "a") as file:
        file["optimizer_weights/conv2d_8/kernel:0"] = np.ones(1)  # as Keras saves a whole model
    state = {key: torch.from_numpy(value).contiguous() for key, value in arrays.items()}
    save_file(state, tmp_path / "a.safetensors")
    for key in ("state_dict", "net", "model"):
        torch.save({key: state, "epoch": 3}, tmp_path / f"{key}.pt")
    for file in tmp_path.iterdir():
        assert (read := read_arrays(file)).keys() == arrays.keys(), file.name
        assert all(np.array_equal(read[key], arrays[key]) for key in arrays), file.name
    with torch.inference_mode():
        one, other = (load_published(name, tmp_path / file)(x) for file in ("a.npz", "a.h5"))
    unit = literal_unit(name, arrays, x)
    assert torch.equal(one, other) and not one[:, 1].any()
    assert unit.abs().min() > 0.05 and torch.allclose(one[:, 0].double(), unit, atol=1e-5)


@pytest.mark.parametrize(("make", "count"), [(Meso4, 28_073), (MesoInception4, 28_725)])
def test_meso_has_the_published_number_of_values_and_keras_settings(make, count):
    model = make()
    assert sum(value.numel() for key, value in model.state_dict().items() if "num_batches" not in key) == count
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fans = sum(module.weight.shape[:2]) * module.weight[0, 0].numel()
            assert not module.bias.any() and module.weight.abs().max() <= math.sqrt(6 / fans)  # Glorot
            assert module.weight.numel() < 64 or module.weight.abs().max() > 0.9 * math.sqrt(6 / fans)
        assert not isinstance(module, nn.BatchNorm2d) or module.momentum == 0.01


@pytest.mark.parametrize("side", [97, 128, 224, 255, 257, 264, 300, 342, 640])
def test_meso_resizes_as_keras_does_with_pil(side):
    image = np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)
    ours = Meso4().prepare(torch.from_numpy(image)[None])[0].permute(1, 2, 0)
    pil = np.array(Image.fromarray(image).resize((256, 256), Image.Resampling.NEAREST))
    assert torch.equal(ours, torch.from_numpy(pil).float() / 255)


@pytest.mark.parametrize(("unit", "y"), [(0.3, [0, 1, 1]), (-2.0, [1, 0, 0])])
def test_the_meso_loss_by_hand(unit, y):
    model = Meso4(32)
    model.head.forward = lambda flat: torch.full((3, 1), unit)
    p = 1 / (1 + math.exp(-unit))
    losses = model.losses(uniform(3, 3, 32, 32), torch.tensor(y))
    assert losses["mse"].item() == pytest.approx(sum((p - (1 - label)) ** 2 for label in y) / 3, abs=1e-6)
    assert set(losses) == {"total", "mse"} and losses["total"] is losses["mse"]


def literal_routing(u: Tensor, weights: Tensor) -> list[list[float]]:
    """One image's capsules u (8, 3), not yet squashed -> 4 lists [p real, p fake], number by number."""
    def squashed(v):
        s = sum(value * value for value in v)
        return [s / (1 + s) * value / math.sqrt(s) for value in v]
    rows, outputs = [squashed(row) for row in u.tolist()], []  # over the capsules
    for w in weights.tolist():
        votes = [[sum(w[i][k][j] * rows[j][i] for j in range(8)) for k in range(4)] for i in range(3)]
        b = [[0.0] * 4 for _ in range(3)]
        for _ in range(2):
            share = [[math.exp(b[i][k]) / sum(math.exp(b[m][k]) for m in range(3)) for k in range(4)] for i in range(3)]
            v = squashed([sum(share[i][k] * votes[i][k] for i in range(3)) for k in range(4)])
            b = [[b[i][k] + votes[i][k] * v[k] for k in range(4)] for i in range(3)]
        outputs.append(v)
    return [[math.exp(v) / (math.exp(real) + math.exp(fake)) for v in (real, fake)] for real, fake in zip(*outputs)]


@pytest.mark.parametrize(("training", "low"), [(False, False), (True, False), (False, True)])
def test_routing_number_by_number_with_noise_only_in_training_and_in_float32_always(training, low):
    head, x = CapsuleHead(16), uniform(3, 16, 6, 6)
    for module in head.modules():
        module.momentum = 1.0  # one pass then makes running statistics, without which an untrained head says .5 to all
    head(x), head.train(training)
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        torch.manual_seed(7)
        ours = head(x)
        torch.manual_seed(7)
        weights = head.route_weights + 0.01 * torch.randn(2, 3, 4, 8) * training
        u = torch.stack([capsule(x) for capsule in head.primary], dim=2)
        assert torch.equal(ours, head(x)) is not training and ours.std() > 0.01
    assert torch.allclose(ours, torch.tensor([literal_routing(one, weights) for one in u]), atol=1e-5)
    pooled = torch.stack([x.mean((2, 3)), x.flatten(2).var(2, correction=1).sqrt()], 1)
    assert head.primary[0][6](x).allclose(pooled, atol=1e-6) and head.primary[0][6](x.bfloat16()).dtype == x.dtype


def test_the_capsule_head_starts_as_the_authors_counts_as_published_and_bears_silence():
    head, v = CapsuleHead(), torch.zeros(2, 3, requires_grad=True)
    assert sum(parameter.numel() for parameter in head.parameters() if parameter.requires_grad) == 471_321
    assert head.route_weights.std().item() == pytest.approx(1, abs=0.2)
    for conv, norm, *_ in head.primary:
        assert conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert (norm.weight.std().item(), norm.weight.mean().item()) == pytest.approx((0.02, 1), abs=0.01)
    (squash(v, 1).sum() + head(torch.zeros(4, 256, 4, 4)).log().sum()).backward()
    assert not v.grad.any() and all(parameter.grad.isfinite().all() for parameter in head.parameters())


def test_the_capsule_loss_and_logits_by_hand():
    model, x, y, p_fake = Capsule(32, width=4), torch.zeros(3, 3, 32, 32), [1, 0, 1], (0.1, 0.6, 0.7, 0.8)
    said = torch.tensor([[1 - p, p] for p in p_fake]).expand(3, -1, -1)
    model.head.forward = lambda features: said
    by_hand = sum(math.log(math.exp(p) + math.exp(1 - p)) - (p if fake else 1 - p) for p in p_fake for fake in y) / 3
    losses = model.losses(x, torch.tensor(y))
    assert losses["capsule"].item() == pytest.approx(by_hand, abs=1e-6)
    assert set(losses) == {"total", "capsule"} and losses["total"] is losses["capsule"]
    assert model(x).softmax(1)[:, 1].tolist() == pytest.approx([0.55] * 3, abs=1e-6)


@pytest.mark.parametrize("label", [0, 1])
def test_capsule_class_1_is_fake_and_training_moves_the_head_alone(label):
    torch.manual_seed(0)
    model, x, y = Capsule(32, width=4).train(), uniform(4, 3, 32, 32), torch.full((4,), label)
    assert model.head.training and not any(module.training for module in model.vgg.modules())
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    for _ in range(10):
        optimizer.zero_grad()
        model.losses(x, y)["total"].backward()
        optimizer.step()
    assert (model(x).argmax(1) == label).all()
    for name, value in model.named_parameters():
        assert (value.grad is not None) is (not torch.equal(value, before[name])) is name.startswith("head."), name


def test_the_frozen_part_is_vgg19_up_to_its_third_pooling(monkeypatch, tmp_path):
    vgg, x = make_layers(cfgs["E"]), uniform(2, 3, 32, 48)
    state = {f"features.{key}": value for key, value in vgg.state_dict().items()} | {"classifier.6.bias": torch.ones(1)}
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda url, *, check_hash, weights_only, **_: check_hash and weights_only and state)
    head = CapsuleHead().eval()
    named = {f"fea_ext.ext_{i + 1}.{key}": v for i in range(3) for key, v in head.primary[i].state_dict().items()}
    torch.save({"net": named | {"routing_stats.route_weights": head.route_weights}}, tmp_path / "head.pth")
    model = load_published("Capsule", tmp_path / "head.pth")
    assert torch.equal(model.vgg(x), vgg[:19](x)) and not model.training and model.input_size == 128
    fake_real = head(vgg[:19](x)).mean(1)
    assert model(x).softmax(1).allclose(fake_real.flip(1), atol=1e-6) and not fake_real.allclose(fake_real.flip(1))
    assert vgg19_features()[0].weight.std().item() == pytest.approx(math.sqrt(2 / (64 * 3 * 3)), rel=0.1)


@pytest.mark.parametrize("make", [Meso4, MesoInception4, lambda size: Capsule(size, width=8)])
@pytest.mark.parametrize("size", [96, 224])
def test_other_sizes_and_bfloat16(make, size):
    model = make(size)
    crops, y = torch.randint(256, (4, 128, 128, 3), dtype=torch.uint8), torch.arange(4) % 2
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.losses(model.prepare(crops), y)["total"]
        p = model.eval()(model.prepare(crops)).float().softmax(1)
    loss.backward()
    assert loss.dtype == torch.float32 and loss.isfinite() and p.shape == (4, 2) and p.sum(1).allclose(torch.ones(4))
    assert all(value.grad.isfinite().all() for value in model.parameters() if value.requires_grad)


@pytest.mark.parametrize("last", ["fc", "last_linear", "last_linear.0", "last_linear.1"])
def test_xception_under_its_published_names(last, monkeypatch, tmp_path):
    monkeypatch.setattr("tcnsc_lib.detectors.published.Xception", lambda: Xception(width=2))
    state = Xception(width=2).state_dict()
    torch.save({f"model.{key.replace('fc', last)}": value for key, value in state.items()}, tmp_path / "x.pth")
    model = load_published("Xception", tmp_path / "x.pth")
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


NOISE, ARRAYS, nothing = np.random.default_rng(0).bytes(3000), keras_arrays(), lambda path: None


@pytest.mark.parametrize(("name", "file", "write", "said"), [
    ("Meso5", "a.npz", nothing, 'No published weights of "Meso5" are known; choose one of Meso4, MesoInception,'),
    ("Meso4", "a.npz", nothing, "There is no file .*a.npz; check the name"),
    ("Meso4", "a.bin", nothing, 'unknown suffix ".bin"; weights are read from .h5 .hdf5 .npz .pt .pth .safetensors'),
    *[("Meso4", f"a{suffix}", lambda path: path.write_bytes(NOISE), "damaged") for suffix in READERS],
    ("Meso4", "a.pt", lambda path: torch.save(nn.ReLU(), path), r"pickled model, .* torch.save\(model.state_dict\(\)"),
    ("Meso4", "a.npz", lambda path: np.savez(path, a=np.array([Path()])), "can't be read as weights .*allow_pickle"),
    ("Meso4", "a.pt", lambda path: torch.save({"a": torch.ones(1), "b": "text"}, path), "or other things beside them"),
    ("Meso4", "a.h5", lambda path: write_h5(path, {}), "holds no arrays of numbers"),
    ("Meso4", "a.h5", lambda path: write_h5(path, {key: ARRAYS[key] for key in ARRAYS if key != "conv2d_9/bias"}),
     r"published weights of Meso4 \(features.4.bias is missing there and should be \(8,\)\); choose the file of"),
    ("Meso4", "a.npz", lambda path: np.savez(path, **ARRAYS | {"dense_8/kernel": np.ones((784, 16))}),
     r"head.1.weight is \(16, 784\) there and should be \(16, 1024\)"),
    ("Meso4", "a.npz", lambda path: np.savez(path, **ARRAYS | {"dense_10/bias": np.ones(1)}), "_10/bias .* be absent"),
    *[(name, "a.npz", lambda path: np.savez(path, **ARRAYS), f"published weights of {name} .*; choose the file of")
      for name in ("MesoInception", "Capsule", "Xception")]])
def test_files_that_are_refused(name, file, write, said, tmp_path):
    write(tmp_path / file)
    with pytest.raises(CompanionError, match=said) as error:
        load_published(name, tmp_path / file)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_what_cant_be_built_is_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", Mock(side_effect=URLError("no route to host")))
    for make, said in [(lambda: Meso4(100), "Meso4 can't take crops of 100 px.* choose a multiple of 32"),
                       (lambda: Capsule(width=32, pretrained=True), "width 32; use width=64, or pretrained=False"),
                       (lambda: Capsule(pretrained=True), r"https://.*/vgg19-.*\.pth .*no route to host")]:
        with pytest.raises(CompanionError, match=said):
            make()
