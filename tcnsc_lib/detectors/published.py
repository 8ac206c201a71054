"""Weights the authors of other detectors published, read without running any of their code: of PyTorch's files only
those that hold nothing but tensors (torch.load's weights_only), and never a pickled model.

    Meso4, MesoInception   DariusAf/MesoNet, weights/*.h5 (Keras)
    Capsule                nii-yamagishilab/Capsule-Forensics, the head's state dict (.pt)
    Xception               FaceForensics++, a state dict (.pt, .pth)

Each may also come as .npz or .safetensors with the same names inside.
"""
from __future__ import annotations

import pickle
import re
from pathlib import Path

import h5py
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.capsule import Capsule, CapsuleHead
from tcnsc_lib.detectors.mesonet import Meso4, MesoInception4
from tcnsc_lib.detectors.xception import Xception

PUBLISHED = ("Meso4", "MesoInception", "Capsule", "Xception")


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a weight file by name: .h5 .hdf5 (Keras), .npz, .pt .pth (a state dict), .safetensors.

    Floating-point arrays are float32 where the file is PyTorch's, else as stored. In Keras files the names are
    "layer/kernel". Raises CompanionError where the file is missing, damaged, pickled, or holds no numeric arrays.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise CompanionError(f"{path} has the unknown suffix \"{path.suffix}\"; weights are read from "
                             f"{' '.join(READERS)}.")
    if not path.is_file():
        raise CompanionError(f"There is no file {path}; check the name.")
    try:
        arrays = reader(path)
    except pickle.UnpicklingError as error:
        raise CompanionError(f"{path} is damaged, or a pickled model, which isn't opened since it could run code; if "
                             "you trust it, load it where it was made and convert it to a state dict with "
                             "torch.save(model.state_dict(), ...).") from error
    except Exception as error:  # four formats' readers, each of which fails in its own ways on damaged bytes
        why = f"{type(error).__name__} {error}".splitlines()[0].split(". ")[0].strip()
        raise CompanionError(f"{path} can't be read as weights ({why}); it is damaged or of another format than its "
                             "name says, so get it again.") from error
    if not arrays or any(array.dtype.kind not in "fiub" for array in arrays.values()):
        raise CompanionError(f"{path} holds no arrays of numbers, or other things beside them; give a file of weights "
                             "alone.")
    return arrays


def _read_keras(path: Path) -> dict[str, np.ndarray]:
    arrays = {}
    with h5py.File(path, "r") as file:
        def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Dataset):
                arrays["/".join(name.removesuffix(":0").split("/")[-2:])] = np.asarray(item[()])

        file.get("model_weights", file).visititems(visit)  # a whole saved model also holds its optimiser
    return arrays


def _read_numpy(path: Path) -> dict[str, np.ndarray]:
    with np.lib.npyio.NpzFile(path, allow_pickle=False) as file:  # np.load would take other kinds of file too
        return {name: np.asarray(file[name]) for name in file}


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    state = torch.load(path, weights_only=True, map_location="cpu")
    for name in ("state_dict", "net", "model"):
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
    return _to_numpy(state) if isinstance(state, dict) else {}


def _to_numpy(state: dict) -> dict[str, np.ndarray]:
    """Also from types NumPy lacks (bfloat16); what is no tensor becomes an array of objects, which is refused."""
    return {str(name): (value.detach().float() if value.is_floating_point() else value).numpy()
            if isinstance(value, Tensor) else np.asarray(value, dtype=object) for name, value in state.items()}


READERS = {".h5": _read_keras, ".hdf5": _read_keras, ".npz": _read_numpy, ".pt": _read_torch, ".pth": _read_torch,
           ".safetensors": lambda path: _to_numpy(load_file(path))}


def load_published(name: str, path: Path) -> Detector:
    """The detector of this name (one of PUBLISHED) at its authors' input size with their weights, in evaluation mode.

    path: see `read_arrays`. Capsule's file is the head alone; its VGG19 is torchvision's, downloaded once. Raises
    CompanionError where the name is unknown or the file doesn't hold exactly this detector's weights.
    """
    if name not in PUBLISHED:
        raise CompanionError(f"No published weights of \"{name}\" are known; choose one of {', '.join(PUBLISHED)}.")
    if name == "Capsule":
        head = load_capsule_head(path)  # first, since a bad file should be told before the download
        detector = Capsule(pretrained=True)
        detector.head = head
        return detector.eval()
    arrays = read_arrays(path)
    if name == "Xception":
        detector = Xception()
        state = {re.sub(r"^last_linear(\.[01])?\.", "fc.", key.removeprefix("model.")): array
                 for key, array in arrays.items()}
    else:
        detector = {"Meso4": Meso4, "MesoInception": MesoInception4}[name]()
        state = _from_keras(detector, arrays)
    _fill(detector, state, name, path)
    return detector


def load_capsule_head(path: Path) -> CapsuleHead:
    """The published head alone, in evaluation mode, with its outputs brought from [fake, real] to [real, fake]."""
    head, state = CapsuleHead(), {}
    for key, array in read_arrays(path).items():
        if key == "routing_stats.route_weights":
            state["route_weights"] = array[::-1]  # the first axis is the class
        elif found := re.fullmatch(r"fea_ext\.ext_([1-9])\.(.+)", key):
            state[f"primary.{int(found[1]) - 1}.{found[2]}"] = array
        else:
            state[key] = array
    _fill(head, state, "Capsule", path)
    return head


KINDS = {"conv2d": nn.Conv2d, "batch_normalization": nn.BatchNorm2d, "dense": nn.Linear}
PARTS = {"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
         "moving_variance": "running_var"}
AXES = {4: (3, 2, 0, 1), 2: (1, 0)}  # Keras: height, width, in, out; torch: out, in, height, width


def _from_keras(model: nn.Module, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Keras's arrays under the names and with the axes of a torch state dict.

    Keras numbers the layers of each kind as they are created, not from 1 and not in the order of the file; the model
    here creates them in the same order. What has no counterpart keeps its name, and `_fill` tells of it.
    """
    def number(layer: str) -> int:
        return int((re.search(r"_(\d+)$", layer) or [0, 0])[1])

    target = {}
    for kind, cls in KINDS.items():
        layers = {layer for layer in (key.split("/")[0] for key in arrays) if re.fullmatch(rf"{kind}(_\d+)?", layer)}
        modules = [name for name, module in model.named_modules() if isinstance(module, cls)]
        target |= dict(zip(sorted(layers, key=number), modules))
    state = {}
    for key, array in arrays.items():
        layer, _, part = key.partition("/")
        known = layer in target and part in PARTS
        state[f"{target[layer]}.{PARTS[part]}" if known else key] = (
            array.transpose(AXES[array.ndim]) if known and array.ndim in AXES else array)
    return state


def _fill(module: nn.Module, state: dict[str, np.ndarray], name: str, path: Path) -> None:
    """Load exactly these weights, in evaluation mode; a CompanionError names the first that doesn't fit.

    BatchNorm's counters of batches are ignored: they were added to PyTorch after some of these files were written.
    """
    own, given = ({key: tuple(value.shape) for key, value in values.items() if not key.endswith("num_batches_tracked")}
                  for values in (module.state_dict(), state))
    for key in own | given:
        if own.get(key) != given.get(key):
            raise CompanionError(f"{path} doesn't hold the published weights of {name} ({key} is "
                                 f"{given.get(key, 'missing')} there and should be {own.get(key, 'absent')}); "
                                 "choose the file of that detector.")
    module.load_state_dict({key: torch.from_numpy(np.array(state[key], np.float32)) for key in own})
    module.eval()
