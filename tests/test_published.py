"""Files of published weights: of every kind, under their own names, and those that are refused."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from published_weights import keras_arrays, refused, write_h5
from safetensors.torch import save_file
from torch import Tensor, nn

from tcnsc_lib.detectors.arrays import READERS, read_arrays
from tcnsc_lib.detectors.published import PUBLISHED, load_published
from tcnsc_lib.detectors.xception import Xception

ARRAYS = keras_arrays()


def tensors() -> dict[str, Tensor]:
    return {key: torch.from_numpy(value).contiguous() for key, value in ARRAYS.items()}


def write_npz(path: Path) -> None:
    np.savez(path, **ARRAYS)


def write_keras(path: Path) -> None:
    write_h5(path, ARRAYS)


def write_whole_model(path: Path) -> None:
    """As Keras saves a model with its optimiser."""
    write_h5(path, ARRAYS, "model_weights/")
    with h5py.File(path, "a") as file:
        file["optimizer_weights/conv2d_8/kernel:0"] = np.ones(1)


def write_safetensors(path: Path) -> None:
    save_file(tensors(), path)


def write_state_dict(path: Path) -> None:
    torch.save(tensors(), path)


def write_under(key: str):
    return lambda path: torch.save({key: tensors(), "epoch": 3}, path)


@pytest.mark.parametrize(
    ("file", "write"),
    [
        ("a.npz", write_npz),
        ("a.h5", write_keras),
        ("a.hdf5", write_whole_model),
        ("a.safetensors", write_safetensors),
        ("a.pth", write_state_dict),
        ("a.pt", write_under("state_dict")),
        ("a.pt", write_under("net")),
        ("a.pt", write_under("model")),
    ],
)
def test_files_of_every_kind_hold_the_same_arrays(file, write, tmp_path):
    write(tmp_path / file)
    read = read_arrays(tmp_path / file)
    assert read.keys() == ARRAYS.keys()
    assert all(np.array_equal(read[key], array) for key, array in ARRAYS.items())


def test_a_network_is_the_same_from_files_of_two_kinds(tmp_path):
    write_npz(tmp_path / "a.npz")
    write_keras(tmp_path / "a.h5")
    one = load_published("Meso4", tmp_path / "a.npz").state_dict()
    other = load_published("Meso4", tmp_path / "a.h5").state_dict()
    assert all(torch.equal(one[name], value) for name, value in other.items())


@pytest.mark.parametrize("last", ["fc", "last_linear", "last_linear.0", "last_linear.1"])
def test_xception_under_its_published_names(last, monkeypatch, tmp_path):
    class Narrow(Xception):
        def __init__(self):
            super().__init__(width=2)

    monkeypatch.setattr("tcnsc_lib.detectors.published.Xception", Narrow)
    state = Narrow().state_dict()
    named = {f"model.{key.replace('fc', last)}": value for key, value in state.items()}
    torch.save(named, tmp_path / "x.pth")
    model = load_published("Xception", tmp_path / "x.pth")
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


# files that are refused

NOISE = np.random.default_rng(0).bytes(3000)
WITHOUT_A_BIAS = {key: array for key, array in ARRAYS.items() if key != "conv2d_9/bias"}


def nothing(path: Path) -> None:
    """No file."""


def noise(path: Path) -> None:
    path.write_bytes(NOISE)


def saved(value):
    return lambda path: torch.save(value, path)


def zipped(**arrays):
    return lambda path: np.savez(path, **arrays)


def keras(arrays: dict[str, np.ndarray]):
    return lambda path: write_h5(path, arrays)


@pytest.mark.parametrize(
    ("file", "write", "said"),
    [
        ("a.npz", nothing, "There is no file {}; check the name."),
        (
            "a.bin",
            nothing,
            'unknown suffix ".bin"; weights are read from .h5 .hdf5 .npz .pt .pth .safetensors',
        ),
        ("a.pt", saved(nn.ReLU()), "a pickled model, which isn't opened since it could run code"),
        ("a.pt", saved(nn.ReLU()), "convert it to a state dict with torch.save(model.state_dict()"),
        ("a.npz", zipped(a=np.array([Path()])), "can't be read as weights (ValueError"),
        ("a.npz", zipped(a=np.array([Path()])), "allow_pickle"),
        ("a.pt", saved({"a": torch.ones(1), "b": "text"}), "or other things beside them"),
        ("a.h5", keras({}), "holds no arrays of numbers"),
        (
            "a.h5",
            keras(WITHOUT_A_BIAS),
            "published weights of Meso4 (features.4.bias is missing there and should be (8,)); "
            "choose the file of that detector.",
        ),
        (
            "a.npz",
            zipped(**ARRAYS | {"dense_8/kernel": np.ones((784, 16))}),
            "head.1.weight is (16, 784) there and should be (16, 1024)",
        ),
        ("a.npz", zipped(**ARRAYS | {"dense_10/bias": np.ones(1)}), "should be absent"),
    ],
)
def test_files_that_dont_hold_these_weights_are_refused_in_one_sentence(
    file, write, said, tmp_path
):
    path = tmp_path / file
    write(path)
    assert said.format(path) in refused("Meso4", path)


@pytest.mark.parametrize("suffix", READERS)
def test_damaged_files_are_refused(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    noise(path)
    assert "damaged" in refused("Meso4", path)


@pytest.mark.parametrize("name", ["MesoInception", "Capsule", "Xception"])
def test_another_detectors_weights_are_refused(name, tmp_path):
    write_npz(tmp_path / "a.npz")
    said = refused(name, tmp_path / "a.npz")
    assert f"doesn't hold the published weights of {name} (" in said
    assert "choose the file of that detector" in said


def test_unknown_names_are_refused(tmp_path):
    said = refused("Meso5", tmp_path / "a.npz")
    assert f'"Meso5" are known; choose one of {", ".join(PUBLISHED)}.' in said
    assert PUBLISHED == ("Meso4", "MesoInception", "Capsule", "Xception")
