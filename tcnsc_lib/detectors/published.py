"""Weights that the authors of other detectors published, read without running any of their code.

    Meso4, MesoInception   DariusAf/MesoNet, weights/*.h5 (Keras)
    Capsule                nii-yamagishilab/Capsule-Forensics, the head's state dict (.pt)
    Xception               FaceForensics++, a state dict (.pt, .pth)

Each may also come as .npz or .safetensors with the same names inside, and with what training code
puts around them: "module." before every name, a "state_dict" beside an epoch and an optimiser.
"""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.arrays import read_arrays
from tcnsc_lib.detectors.capsule import Capsule, CapsuleHead
from tcnsc_lib.detectors.mesonet import Meso, Meso4, MesoInception4
from tcnsc_lib.detectors.xception import Xception

PUBLISHED = (Meso4.name, MesoInception4.name, Capsule.name, Xception.name)

# Keras's layers and their parts, and what they are in torch. Keras has the axes height, width, in,
# out; torch has out, in, height, width.
KINDS = {"conv2d": nn.Conv2d, "batch_normalization": nn.BatchNorm2d, "dense": nn.Linear}
PARTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
AXES = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}

# By which of its names a detector's arrays are known, whatever a wrapper puts before all of them.
KNOWN_BY = {
    Meso4.name: r"conv2d(_\d+)?/kernel",
    MesoInception4.name: r"conv2d(_\d+)?/kernel",
    Capsule.name: r"routing_stats\.route_weights",
    Xception.name: r"conv1\.weight",
}
# What training code writes beside weights.
BESIDE = re.compile(r"(epoch|step|global_step|iteration|optim\w*|\w*scheduler|best\w*|args)\b")
ROOM = 4  # times the memory of a detector's weights, for what lies beside them and for float64
LEAST_ROOM = 16 << 20  # bytes


def load_published(name: str, path: Path) -> Detector:
    """A detector at its authors' input size with their weights, in evaluation mode.

    name: one of PUBLISHED. path: see `arrays.read_arrays`. Capsule's file is the head alone; its
    VGG19 is torchvision's, downloaded once. Raises CompanionError where the name is unknown, the
    file doesn't hold exactly this detector's weights, all finite, or VGG19 can't be had.
    """
    if name not in PUBLISHED:
        raise CompanionError(
            f"No published weights of \"{name}\" are known; choose one of {', '.join(PUBLISHED)}.")
    if name == Capsule.name:
        return _capsule(path)
    if name == Xception.name:
        return _xception(path)
    detector = Meso4() if name == Meso4.name else MesoInception4()
    return _meso(detector, path)


def load_capsule_head(path: Path) -> CapsuleHead:
    """The published head alone, in evaluation mode.

    Its outputs are brought from [fake, real] to [real, fake].
    """
    head = CapsuleHead()
    state = {}
    for key, array in _arrays(head, Capsule.name, path).items():
        if key == "routing_stats.route_weights":
            state["route_weights"] = array[::-1]  # the first axis is the class
        elif found := re.fullmatch(r"fea_ext\.ext_([1-9])\.(.+)", key):
            number = int(found[1]) - 1
            state[f"primary.{number}.{found[2]}"] = array
        else:
            state[key] = array
    _fill(head, state, Capsule.name, path)
    return head


def _capsule(path: Path) -> Capsule:
    head = load_capsule_head(path)  # first, since a bad file should be told before the download
    detector = Capsule(pretrained=True)
    detector.head = head
    return detector.eval()


def _xception(path: Path) -> Xception:
    detector = Xception()
    state = {}
    for key, array in _arrays(detector, Xception.name, path).items():
        own = re.sub(r"^last_linear(\.[01])?\.", "fc.", key)
        state[own] = array
    _fill(detector, state, Xception.name, path)
    return detector


def _meso(detector: Meso, path: Path) -> Meso:
    state = _from_keras(detector, _arrays(detector, detector.name, path))
    _fill(detector, state, detector.name, path)
    return detector


def _arrays(module: nn.Module, name: str, path: Path) -> dict[str, np.ndarray]:
    """A file's arrays under the names that its authors gave them."""
    own = sum(4 * value.numel() for value in module.state_dict().values())
    arrays = read_arrays(path, max(LEAST_ROOM, ROOM * own))
    kept = {key: array for key, array in arrays.items() if not BESIDE.match(key)}
    prefix = _wrapper(kept, KNOWN_BY[name])
    foreign = [key for key in kept if not key.startswith(prefix)]
    if foreign:
        raise CompanionError(
            f"{path} holds weights of {name} in a wrapper, each name with \"{prefix}\" before it, "
            f"and {len(foreign)} other arrays ({foreign[0]}); save those weights alone.")
    return {key.removeprefix(prefix): array for key, array in kept.items()}


def _wrapper(arrays: dict[str, np.ndarray], known_by: str) -> str:
    """What a wrapper put before every name, as "module."; "" where there is none."""
    found = (re.search(rf"^(.*[./])?{known_by}$", key) for key in arrays)
    prefixes = [match[1] or "" for match in found if match]
    return min(prefixes, key=len, default="")


def _from_keras(model: nn.Module, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Keras's arrays under the names and with the axes of a torch state dict.

    What has no counterpart keeps its name, and `_fill` tells of it.
    """
    modules = _counterparts(model, arrays)
    state = {}
    for key, array in arrays.items():
        layer, _, part = key.partition("/")
        if layer in modules and part in PARTS and array.ndim in AXES:
            own = f"{modules[layer]}.{PARTS[part]}"
            state[own] = array.transpose(AXES[array.ndim])
        else:
            state[key] = array
    return state


def _counterparts(model: nn.Module, arrays: dict[str, np.ndarray]) -> dict[str, str]:
    """Keras's layer -> the module of `model`.

    Keras numbers the layers of each kind as they are created, not from 1 and not in the order of
    the file; the model here creates them in the same order.
    """
    layers = {key.split("/")[0] for key in arrays}
    modules = {}
    for kind, cls in KINDS.items():
        theirs = [layer for layer in layers if re.fullmatch(rf"{kind}(_\d+)?", layer)]
        theirs.sort(key=_number)
        ours = [name for name, module in model.named_modules() if isinstance(module, cls)]
        modules.update(zip(theirs, ours, strict=False))
    return modules


def _number(layer: str) -> int:
    """The number that Keras ends a layer's name with; 0 where it has none."""
    found = re.search(r"_(\d+)$", layer)
    return int(found[1]) if found else 0


def _fill(module: nn.Module, state: dict[str, np.ndarray], name: str, path: Path) -> None:
    """Load exactly these weights, in evaluation mode.

    A CompanionError names the first that doesn't fit. BatchNorm's counters of batches are ignored:
    they were added to PyTorch after some of these files were written.
    """
    own = _shapes(module.state_dict())
    given = _shapes(state)
    for key in own | given:
        if own.get(key) != given.get(key):
            there = given.get(key, "missing")
            expected = own.get(key, "absent")
            raise CompanionError(
                f"{path} doesn't hold the published weights of {name} ({key} is {there} there and "
                f"should be {expected}); choose the file of that detector.")
    weights = {}
    for key in own:
        _check_values(state[key], key, path)
        array = np.array(state[key], np.float32)
        weights[key] = torch.from_numpy(array)
    module.load_state_dict(weights)
    module.eval()


def _check_values(array: np.ndarray, key: str, path: Path) -> None:
    """Raise a CompanionError for what no training has written."""
    if array.dtype.kind != "f":
        raise CompanionError(
            f"{path} holds whole numbers ({key} is {array.dtype}), which are no trained weights; "
            "get the file again.")
    if not np.abs(array).max(initial=0) < np.finfo(np.float32).max:  # nor is NaN
        raise CompanionError(
            f"{path} holds what is no finite number ({key}), so it is damaged; get it again.")


def _shapes(state: dict) -> dict[str, tuple[int, ...]]:
    counter = "num_batches_tracked"
    return {key: tuple(v.shape) for key, v in state.items() if not key.endswith(counter)}
