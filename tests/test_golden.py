"""A tiny training whose losses are golden values: they say when the meaning of training changed.

Another processor adds in another order, and its losses differ by about 1e-5 of themselves;
TOLERANCE is a hundred times that. If these tests fail on purpose, then the same settings give other
weights than before: raise `identity.RECIPE`, so that old runs aren't taken for new ones, and write
the new losses here.
"""
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import TINY, build, fit

from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.detectors.ablations import BothClassified
from tcnsc_lib.detectors.mesonet import Meso4
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training.identity import RECIPE

TOLERANCE = 1e-3  # of a loss
SLOW = replace(TINY, learning_rate=1e-3)
SHAPE = {"input_size": 32, "width": 4, "width_z": 8}

DUAL = {"detector": TCNSC, "arguments": SHAPE, "schedule": SLOW}
AUGMENTED = {
    "detector": BothClassified,
    "arguments": SHAPE | {"lam": 0.0},
    "views": ("RAW", RANDOM_JPEG),
    "schedule": SLOW,
}
MESO4 = {
    "detector": Meso4,
    "arguments": {"input_size": 32},
    "views": ("RAW",),
    "schedule": SLOW,
}

# The loss of each of eight steps, by recipe 1.
DUAL_LOSSES = [1.193669, 0.988814, 1.254296, 0.624074, 0.832163, 0.792384, 0.912025, 0.515757]
AUGMENTED_LOSSES = [0.755437, 1.146152, 0.776707, 0.523789, 0.53563, 0.626022, 0.64587, 0.57752]
MESO4_LOSSES = [0.125245, 0.3222, 0.300945, 0.293382, 0.222863, 0.226516, 0.340591, 0.325327]


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


def losses(faces: FaceSet, root: Path, settings: dict) -> np.ndarray:
    """The total loss of each of the eight steps."""
    return fit(faces, root, **settings).log.total.to_numpy()


@pytest.mark.parametrize(
    ("settings", "golden"),
    [(DUAL, DUAL_LOSSES), (AUGMENTED, AUGMENTED_LOSSES), (MESO4, MESO4_LOSSES)],
    ids=["dual", "random JPEG", "Meso4"],
)
def test_the_recipe_is_the_one_that_runs_are_named_after(faces, tmp_path, settings, golden):
    assert RECIPE == 1
    np.testing.assert_allclose(losses(faces, tmp_path, settings), golden, rtol=TOLERANCE)


@pytest.mark.parametrize(
    "change",
    [
        {"schedule": replace(SLOW, flip=False)},
        {"schedule": replace(SLOW, final_lr_share=0.2)},
        {"schedule": replace(SLOW, optimizer="sgd")},
        {"schedule": replace(SLOW, precision="bfloat16")},
        {"arguments": SHAPE | {"lam": 1.01}},
        {"views": ("RAW", "MQ")},
        {"seed": 1},
    ],
    ids=str,
)
def test_golden_losses_notice_a_small_change_of_meaning(faces, tmp_path, change):
    ours = losses(faces, tmp_path, DUAL | change)
    apart = np.abs(ours / DUAL_LOSSES - 1)
    assert apart.max() > 10 * TOLERANCE
