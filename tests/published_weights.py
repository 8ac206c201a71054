"""Published weights for tests: where the authors' own lie, and made-up ones in Keras's form."""

import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.published import load_published

CONFORMANCE = Path(__file__).resolve().parents[2] / "shared/conformance"
authors = pytest.mark.skipif(
    not CONFORMANCE.is_dir(), reason=f"the authors' weights aren't in {CONFORMANCE}"
)

# Shapes of the kernels, in the order in which the authors' code makes the layers.
INCEPTION_1 = [
    (1, 1, 3, 1),
    (1, 1, 3, 4),
    (3, 3, 4, 4),
    (1, 1, 3, 4),
    (3, 3, 4, 4),
    (1, 1, 3, 2),
    (3, 3, 2, 2),
]
INCEPTION_2 = [
    (1, 1, 11, 2),
    (1, 1, 11, 4),
    (3, 3, 4, 4),
    (1, 1, 11, 4),
    (3, 3, 4, 4),
    (1, 1, 11, 2),
    (3, 3, 2, 2),
]
CONVS = {
    "Meso4": [(3, 3, 3, 8), (5, 5, 8, 8), (5, 5, 8, 16), (5, 5, 16, 16)],
    "MesoInception": [*INCEPTION_1, *INCEPTION_2, (5, 5, 12, 16), (5, 5, 16, 16)],
}
NORMS = {"Meso4": (8, 8, 16, 16), "MesoInception": (11, 12, 16, 16)}
DENSE = [(1024, 16), (16, 1)]
STATISTICS = ("moving_mean", "moving_variance", "gamma", "beta")


def keras_arrays(name: str = "Meso4") -> dict[str, np.ndarray]:
    """Random arrays with Keras's names and axes.

    Numbered from 8 on, as after other models, and listed backwards.
    """
    rng = np.random.default_rng(0)
    arrays = {}
    for kind, shapes in {"conv2d": CONVS[name], "dense": DENSE}.items():
        for i, shape in enumerate(shapes, 8):
            scale = math.prod(shape[:-1]) ** -0.5
            kernel = rng.normal(0, scale, shape)
            bias = rng.uniform(0, 1, shape[-1])
            arrays[f"{kind}_{i}/kernel"] = kernel.astype(np.float32)
            arrays[f"{kind}_{i}/bias"] = bias.astype(np.float32)
    for i, n in enumerate(NORMS[name], 8):
        for statistic in STATISTICS:
            values = rng.uniform(0.01, 1, n)
            arrays[f"batch_normalization_{i}/{statistic}"] = values.astype(np.float32)
    return dict(reversed(arrays.items()))


def write_h5(path: Path, arrays: dict[str, np.ndarray], above: str = "") -> None:
    """A Keras file: layer/layer/part:0, under `above`."""
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            layer = key.split("/")[0]
            file[f"{above}{layer}/{key}:0"] = array


def refused(name: str, path: Path) -> str:
    """The sentence with which a file of weights is refused."""
    with pytest.raises(CompanionError) as error:
        load_published(name, path)
    said = str(error.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said
