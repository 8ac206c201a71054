"""A tiny training whose losses are golden values: they say when the meaning of training changed.

Another processor adds in another order, and its losses differ by about 1e-5 of themselves;
TOLERANCE is a hundred times that. Every detector takes four steps at a small learning rate, since
with a larger one some of them (FWA, Xception) move far from such a difference. bfloat16 rounds so
coarsely that its losses soon drift apart: only the first two steps are compared.

If these tests fail on purpose, then the same settings give other weights than before: raise
`identity.RECIPE`, so that old runs aren't taken for new ones, and write the new losses here.
"""
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import TINY, build, fit

from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.detectors.ablations import BothClassified
from tcnsc_lib.detectors.mesonet import Meso4
from tcnsc_lib.detectors.registry import DETECTORS
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training.identity import RECIPE

TOLERANCE = 1e-3  # of a loss
CHANGED = (
    "the meaning of training changed: if on purpose, raise RECIPE in "
    "tcnsc_lib/training/identity.py and write the new losses here"
)
SLOW = replace(TINY, learning_rate=1e-3)
SHORT = replace(TINY, learning_rate=1e-4, iterations=4)
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

# What each detector is made with; the others are TCNSC's, with SHAPE.
ARGUMENTS = {
    "Xception": {"input_size": 32, "width": 8, "middle": 1},
    "MesoInception": {"input_size": 32},
    "Meso4": {"input_size": 32},
    "Capsule": {"input_size": 32, "width": 4},
    "FWA": {"input_size": 32, "width": 4},
    "DSP-FWA": {"input_size": 32, "width": 4},
}
ONE_VIEW = {"model B", *ARGUMENTS}

# The loss of each of four steps, by recipe 1.
GOLDEN = {
    "TCNSC": [1.193669, 1.242845, 1.386244, 0.926864],
    "model A": [0.431138, 0.424278, 0.399483, 0.520453],
    "model B": [0.757608, 1.256772, 0.73741, 0.894439],
    "dual, both views classified": [1.124096, 1.641038, 1.40292, 1.165821],
    "similarity on h": [1.363149, 1.353114, 1.498898, 0.950245],
    "Xception": [0.669357, 0.695917, 0.776539, 0.749971],
    "MesoInception": [0.433149, 0.338685, 0.335105, 0.186153],
    "Meso4": [0.125245, 0.289605, 0.312395, 0.243701],
    "Capsule": [3.056354, 2.852283, 2.942873, 2.7578],
    "FWA": [0.504736, 0.762016, 0.942737, 0.987889],
    "DSP-FWA": [0.892811, 0.672668, 0.665836, 0.992306],
}
BFLOAT16_LOSSES = [1.205731, 1.213762]  # of its first two steps


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


def losses(faces: FaceSet, root: Path, settings: dict) -> np.ndarray:
    """The total loss of each step."""
    return fit(faces, root, **settings).log.total.to_numpy()


def short(name: str) -> dict:
    """The settings of a detector's four steps."""
    return {
        "detector": DETECTORS[name],
        "arguments": ARGUMENTS.get(name, SHAPE),
        "views": ("RAW",) if name in ONE_VIEW else ("RAW", "LQ"),
        "schedule": SHORT,
    }


def agree(ours: np.ndarray, golden: list[float]) -> None:
    """Fail, and say what to do, where a loss is not the golden one."""
    np.testing.assert_allclose(ours, golden, rtol=TOLERANCE, err_msg=CHANGED)


@pytest.mark.parametrize(
    ("settings", "golden"),
    [(DUAL, DUAL_LOSSES), (AUGMENTED, AUGMENTED_LOSSES), (MESO4, MESO4_LOSSES)],
    ids=["dual", "random JPEG", "Meso4"],
)
def test_the_recipe_is_the_one_that_runs_are_named_after(faces, tmp_path, settings, golden):
    assert RECIPE == 1
    agree(losses(faces, tmp_path, settings), golden)


def test_every_detector_has_golden_losses():
    assert list(GOLDEN) == list(DETECTORS)


@pytest.mark.parametrize("name", GOLDEN)
def test_every_detector_trains_as_its_golden_losses_say(faces, tmp_path, name):
    agree(losses(faces, tmp_path, short(name)), GOLDEN[name])


def test_bfloat16_trains_as_its_golden_losses_say_and_otherwise_than_float32(faces, tmp_path):
    settings = short("TCNSC") | {"schedule": replace(SHORT, precision="bfloat16")}
    ours = losses(faces, tmp_path, settings)[:2]
    agree(ours, BFLOAT16_LOSSES)
    apart = np.abs(ours / GOLDEN["TCNSC"][:2] - 1)
    assert apart.max() > 10 * TOLERANCE


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_losses_of_every_detector_notice_another_learning_rate(faces, tmp_path, name):
    faster = replace(SHORT, learning_rate=2e-4)
    ours = losses(faces, tmp_path, short(name) | {"schedule": faster})
    apart = np.abs(ours / GOLDEN[name] - 1)
    assert apart.max() > 2 * TOLERANCE


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
