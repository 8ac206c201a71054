"""Files of arrays: weights by name, from four formats, and never by running code of the file.

Of PyTorch's files only those are read that hold nothing but tensors (torch.load's weights_only),
and never a pickled model.
"""
from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from tcnsc_lib import CompanionError


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a weight file by name.

    path: .h5 .hdf5 (Keras), .npz, .pt .pth (a state dict), .safetensors. Floating-point arrays are
    float32 where the file is PyTorch's, else as stored. In Keras files the names are
    "layer/kernel". Raises CompanionError where the file is missing, damaged, pickled, or holds no
    numeric arrays.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise CompanionError(
            f"{path} has the unknown suffix \"{path.suffix}\"; weights are read from "
            f"{' '.join(READERS)}.")
    if not path.is_file():
        raise CompanionError(f"There is no file {path}; check the name.")
    try:
        arrays = reader(path)
    except pickle.UnpicklingError as error:
        raise CompanionError(
            f"{path} is damaged, or a pickled model, which isn't opened since it could run code; "
            "if you trust it, load it where it was made and convert it to a state dict with "
            "torch.save(model.state_dict(), ...).") from error
    except Exception as error:  # four formats' readers, each of which fails in its own ways
        raise CompanionError(
            f"{path} can't be read as weights ({_why(error)}); it is damaged or of another format "
            "than its name says, so get it again.") from error
    numeric = [array.dtype.kind in "fiub" for array in arrays.values()]
    if not numeric or not all(numeric):
        raise CompanionError(
            f"{path} holds no arrays of numbers, or other things beside them; give a file of "
            "weights alone.")
    return arrays


def _why(error: Exception) -> str:
    """What went wrong, without line breaks or a second sentence."""
    line = f"{type(error).__name__} {error}".splitlines()[0]
    return line.split(". ")[0].strip()


def _read_keras(path: Path) -> dict[str, np.ndarray]:
    arrays = {}

    def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            layer_and_part = name.removesuffix(":0").split("/")[-2:]
            arrays["/".join(layer_and_part)] = np.asarray(item[()])

    with h5py.File(path, "r") as file:
        weights = file.get("model_weights", file)  # a whole model also holds its optimiser
        weights.visititems(visit)
    return arrays


def _read_numpy(path: Path) -> dict[str, np.ndarray]:
    # Not np.load, which would take other kinds of file too.
    with np.lib.npyio.NpzFile(path, allow_pickle=False) as file:
        return {name: np.asarray(file[name]) for name in file}


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    state = torch.load(path, weights_only=True, map_location="cpu")
    for name in ("state_dict", "net", "model"):
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
    return _to_numpy(state) if isinstance(state, dict) else {}


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    return _to_numpy(load_file(path))


def _to_numpy(state: dict) -> dict[str, np.ndarray]:
    return {str(name): _array(value) for name, value in state.items()}


def _array(value: object) -> np.ndarray:
    """A tensor's values; what is no tensor becomes an array of objects, which is refused."""
    if not isinstance(value, Tensor):
        return np.asarray(value, dtype=object)
    if value.is_floating_point():
        value = value.detach().float()  # NumPy lacks some of torch's types, as bfloat16
    return value.numpy()


READERS = {
    ".h5": _read_keras,
    ".hdf5": _read_keras,
    ".npz": _read_numpy,
    ".pt": _read_torch,
    ".pth": _read_torch,
    ".safetensors": _read_safetensors,
}
