"""Files of weights in wrappers, and files that would fill the memory."""

import zipfile
from pathlib import Path

import h5py
import numpy as np
import published_weights
import pytest
import torch
from published_weights import keras_arrays, write_h5
from safetensors.torch import save_file

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import published
from tcnsc_lib.detectors.capsule import Capsule, CapsuleHead
from tcnsc_lib.detectors.mesonet import Meso4
from tcnsc_lib.detectors.published import load_capsule_head, load_published
from tcnsc_lib.detectors.views import authors_view
from tcnsc_lib.detectors.xception import Xception


class Narrow(Xception):
    def __init__(self):
        super().__init__(width=2)


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """Xception as small as it gets."""
    monkeypatch.setattr(published, "Xception", Narrow)


def refused(path: Path, name: str = "Xception") -> str:
    return published_weights.refused(name, path)


def state() -> dict:
    return Narrow().state_dict()


def under(prefix: str) -> dict:
    return {f"{prefix}{key}": value for key, value in state().items()}


def optimizer() -> dict:
    weight = torch.nn.Parameter(torch.ones(3))
    adam = torch.optim.Adam([weight])
    weight.sum().backward()
    adam.step()
    return adam.state_dict()


# wrappers

PREFIXES = ["module.", "model.", "module.model.", "_orig_mod.", "net.", "backbone.encoder."]
DICTS = [
    {"state_dict": state(), "epoch": 3, "optimizer": optimizer()},
    {"model": under("module."), "epoch": 3, "optimizer": optimizer()},
    {"net": {"state_dict": under("model.")}, "best_acc": 0.5},
    {"xception": under("module."), "step": torch.tensor(7)},
    {"optimizer": optimizer(), "model_state_dict": state(), "loss": torch.tensor(0.1)},
]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".npz"])
def test_names_behind_a_prefix_are_unwrapped(prefix, suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    wrapped = under(prefix)
    if suffix == ".pt":
        torch.save(wrapped, path)
    elif suffix == ".npz":
        np.savez(path, **{key: value.numpy() for key, value in wrapped.items()})
    else:
        save_file(wrapped, path)
    loaded = load_published("Xception", path).state_dict()
    assert all(torch.equal(value, loaded[key[len(prefix) :]]) for key, value in wrapped.items())


@pytest.mark.parametrize("stored", DICTS)
def test_dicts_around_the_weights_are_unwrapped(stored, tmp_path):
    torch.save(stored, tmp_path / "a.pth")
    assert isinstance(load_published("Xception", tmp_path / "a.pth"), Narrow)


def test_flat_files_may_hold_an_epoch_and_an_optimiser(tmp_path):
    beside = {"epoch": torch.tensor(3), "optimizer.state.0.exp_avg": torch.ones(4)}
    save_file(under("state_dict.module.") | beside, tmp_path / "a.safetensors")
    assert isinstance(load_published("Xception", tmp_path / "a.safetensors"), Narrow)


def test_a_capsule_head_is_unwrapped(tmp_path):
    head = CapsuleHead().state_dict()
    theirs = {"module.routing_stats.route_weights": head.pop("route_weights")}
    for key, value in head.items():
        number, rest = key.removeprefix("primary.").split(".", 1)
        theirs[f"module.fea_ext.ext_{int(number) + 1}.{rest}"] = value
    torch.save({"state_dict": theirs, "epoch": 1}, tmp_path / "a.pt")
    loaded = load_capsule_head(tmp_path / "a.pt").state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in head.items())


def test_a_wrapper_that_cant_be_taken_off_is_named(tmp_path):
    torch.save(under("module.") | {"loss.weight": torch.ones(2)}, tmp_path / "a.pt")
    said = refused(tmp_path / "a.pt")
    assert 'each name with "module." before it, and 1 other arrays (loss.weight)' in said


def test_several_networks_in_a_file_are_named(tmp_path):
    torch.save({"teacher": state(), "student": state(), "epoch": 3}, tmp_path / "a.pt")
    assert 'keeps weights under "teacher", "student", and it isn\'t known' in refused(
        tmp_path / "a.pt"
    )


def test_dicts_that_hold_themselves_come_to_an_end(tmp_path):
    stored = {"state_dict": {"a": torch.ones(1)}}
    stored["state_dict"]["state_dict"] = stored["state_dict"]
    torch.save(stored, tmp_path / "a.pt")
    assert str(tmp_path / "a.pt") in refused(tmp_path / "a.pt")


def test_a_pickled_thing_beside_the_weights_is_named(tmp_path):
    torch.save({"state_dict": state(), "args": Path("x")}, tmp_path / "a.pt")
    said = refused(tmp_path / "a.pt")
    assert "isn't opened since it could run code (it holds a pathlib" in said


# numbers that no training writes


def spoilt(value: float) -> dict[str, np.ndarray]:
    arrays = keras_arrays()
    arrays["dense_8/bias"] = np.full(16, value)
    return arrays


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_numbers_that_arent_finite_are_refused(value, tmp_path):
    np.savez(tmp_path / "a.npz", **spoilt(value))
    assert "holds what is no finite number (head.1.bias)" in refused(tmp_path / "a.npz", "Meso4")


def test_whole_numbers_are_no_weights(tmp_path):
    arrays = {key: value.astype(np.int64) for key, value in keras_arrays().items()}
    write_h5(tmp_path / "a.h5", arrays)
    assert "holds whole numbers (" in refused(tmp_path / "a.h5", "Meso4")


# files that would fill the memory

HUGE = (1 << 30, 4)


def bomb_h5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("conv2d_1/kernel:0", HUGE, np.float64, chunks=True, compression="gzip")


def bomb_npz(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive, archive.open("a.npy", "w") as file:
        head = {"descr": "<f8", "fortran_order": False, "shape": HUGE}
        np.lib.format.write_array_header_1_0(file, head)


def bomb_torch(path: Path) -> None:
    torch.save({"a": torch.ones(1, dtype=torch.float16).expand(HUGE)}, path)


BOMBS = {"a.h5": bomb_h5, "a.npz": bomb_npz, "a.pt": bomb_torch}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_states_too_much_isnt_read(name, tmp_path):
    BOMBS[name](tmp_path / name)
    said = refused(tmp_path / name, "Meso4")
    assert "MB of memory, more than the 16.8 MB that such weights can have" in said


@pytest.mark.parametrize("name", ["a.h5", "a.pt"])
def test_what_is_no_file_isnt_read(name, tmp_path):
    (tmp_path / name).mkdir()
    assert f"{tmp_path / name} is a folder, not a file" in refused(tmp_path / name)


def test_arrays_in_another_file_arent_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("conv2d/kernel:0", (4,), np.uint8, external=[("/dev/zero", 0, 4)])
    assert "lies in another file" in refused(tmp_path / "a.h5", "Meso4")


# pictures as authors feed them

PICTURE = np.random.default_rng(0).integers(0, 256, (300, 500, 3)).astype(np.uint8)


@pytest.mark.parametrize("detector", [Meso4, Narrow, Capsule])
def test_a_whole_picture_is_brought_to_the_detectors_size(detector):
    made = detector()
    view = authors_view(made)
    size = made.input_size
    fed = view.resize(PICTURE)
    assert fed.shape == (size, size, 3)
    assert fed.dtype == np.uint8
    assert f"{size}" in view.words


def test_capsule_sees_the_middle():
    sides = PICTURE.copy()
    sides[:, :90] = 0
    sides[:, -90:] = 255
    view = authors_view(Capsule())
    assert np.array_equal(view.resize(sides), view.resize(PICTURE))


def test_no_message_names_an_option_that_there_isnt(monkeypatch):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    with pytest.raises(CompanionError) as error:
        Capsule(pretrained=True)
    assert "pretrained" not in str(error.value)
    assert "put that file into" in str(error.value)
