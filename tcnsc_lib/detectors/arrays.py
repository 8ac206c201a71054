"""Files of arrays: weights by name, from four formats, and never by running code of the file.

Of PyTorch's files only those are read that hold nothing but tensors and plain values (torch.load's
weights_only), and never a pickled model. How much a file would fill is reckoned from the shapes
that it states, before any of it is read.
"""
from __future__ import annotations

import math
import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import regular

LARGEST = 2 << 30  # bytes of a file, and of what is in it
WRAPPERS = (
    "state_dict", "model_state_dict", "model_state", "state_dict_ema", "model", "net", "network",
    "weights", "params",
)
"""Under which names training code keeps the weights, beside an epoch or an optimiser."""
DEEPEST = 5  # of such dicts in one another


class TooLarge(Exception):
    """A file states more numbers than it may hold; the message says how many bytes."""


def read_arrays(path: Path, most: int = LARGEST) -> dict[str, np.ndarray]:
    """All arrays of a weight file by name.

    path: .h5 .hdf5 (Keras), .npz, .pt .pth (a state dict), .safetensors. most: bytes that its
    arrays may have together. Floating-point arrays are float32 where the file is PyTorch's, else as
    stored. In Keras files the names are "layer/kernel". A state dict may lie in another dict, under
    one of WRAPPERS. Raises CompanionError where the file is missing, damaged, pickled, too large,
    or holds no numeric arrays.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise CompanionError(
            f"{path} has the unknown suffix \"{path.suffix}\"; weights are read from "
            f"{' '.join(READERS)}.")
    if not path.exists():
        raise CompanionError(f"There is no file {path}; check the name.")
    regular(path, LARGEST, "give a file of weights")
    try:
        arrays = reader(path, most)
    except CompanionError:
        raise
    except pickle.UnpicklingError as error:
        raise CompanionError(
            f"{path} is damaged, or a pickled model, which isn't opened since it could run code"
            f"{_foreign(error)}; if you trust it, load it where it was made and convert it to a "
            "state dict with torch.save(model.state_dict(), ...).") from error
    except TooLarge as error:
        raise CompanionError(
            f"{path} would fill {error} of memory, more than the {_megabytes(most)} that such "
            "weights can have; give the file of that detector.") from error
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


def _foreign(error: Exception) -> str:
    """Which class a pickle asked for, as a part of a sentence."""
    found = re.search(r"GLOBAL ([\w.]+)", str(error))
    return f" (it holds a {found[1]})" if found else ""


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _check_size(sizes: Iterable[int], most: int) -> None:
    """sizes: bytes of each array. Raises TooLarge."""
    total = sum(sizes)
    if total > most:
        raise TooLarge(_megabytes(total))


def _read_keras(path: Path, most: int) -> dict[str, np.ndarray]:
    datasets = {}

    def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise ValueError(f"{name} lies in another file")
            layer_and_part = name.removesuffix(":0").split("/")[-2:]
            datasets["/".join(layer_and_part)] = item

    with h5py.File(path, "r") as file:
        weights = file.get("model_weights", file)  # a whole model also holds its optimiser
        weights.visititems(visit)
        _check_size((math.prod(item.shape) * item.dtype.itemsize for item in datasets.values()),
                    most)
        return {name: np.asarray(item[()]) for name, item in datasets.items()}


def _read_numpy(path: Path, most: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        _check_size((_stated_size(archive, name) for name in archive.namelist()), most)
    # Not np.load, which would take other kinds of file too.
    with np.lib.npyio.NpzFile(path, allow_pickle=False) as file:
        return {name: np.asarray(file[name]) for name in file}


def _stated_size(archive: zipfile.ZipFile, name: str) -> int:
    """Bytes of an array in a .npz file, as its header has it."""
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return math.prod(shape) * dtype.itemsize


def _read_torch(path: Path, most: int) -> dict[str, np.ndarray]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            _check_size((item.file_size for item in archive.infolist()), LARGEST)
    stored = torch.load(path, weights_only=True, map_location="cpu")
    return _to_numpy(_state_dict(stored, path), most)


def _state_dict(stored: Any, path: Path) -> Mapping[str, Any]:
    """The weights in what a file holds: that itself, or what lies in it, under WRAPPERS' names.

    Raises CompanionError where it isn't clear under which name.
    """
    for _ in range(DEEPEST):
        if not isinstance(stored, Mapping):
            break
        inside = [key for key, value in stored.items() if _is_state_dict(value)]
        if not inside:
            return stored
        known = [name for name in WRAPPERS if name in inside] or inside
        if known == inside and len(inside) > 1:
            names = ", ".join(f'"{key}"' for key in inside)
            raise CompanionError(
                f"{path} keeps weights under {names}, and it isn't known which of these is the "
                "detector's; save that one alone, with torch.save(file[...], ...).")
        stored = stored[known[0]]
    return {}


def _is_state_dict(value: Any) -> bool:
    """Whether this is a dict with tensors by name, or one that holds such a dict.

    An optimiser's has its tensors by number.
    """
    if not isinstance(value, Mapping):
        return False
    named = [item for key, item in value.items() if isinstance(key, str)]
    return any(isinstance(item, Tensor) or _is_state_dict(item) for item in named)


def _read_safetensors(path: Path, most: int) -> dict[str, np.ndarray]:
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        shapes = [file.get_slice(name).get_shape() for name in names]
        _check_size((4 * math.prod(shape) for shape in shapes), most)
        return _to_numpy({name: file.get_tensor(name) for name in names}, most)


def _to_numpy(state: Mapping[str, Any], most: int) -> dict[str, np.ndarray]:
    tensors = [value for value in state.values() if isinstance(value, Tensor)]
    _check_size((4 * value.numel() for value in tensors), most)
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
