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
from tcnsc_lib.detectors.ablations import OnH, SimilarityAlone
from tcnsc_lib.detectors.mesonet import Meso4
from tcnsc_lib.detectors.readings import OneBatch, OneBatchBothClassified
from tcnsc_lib.detectors.registry import DETECTORS
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training.identity import RECIPE

TOLERANCE = 1e-3  # of a loss
OF_BFLOAT16 = 2e-3  # a step of it is 4e-3; an Intel Xeon with AMX differs from AMD by 1.1e-3
CHANGED = (
    "the meaning of training changed: if on purpose, raise RECIPE in "
    "tcnsc_lib/training/identity.py and write the new losses here"
)
SLOW = replace(TINY, learning_rate=1e-3)
SHORT = replace(TINY, learning_rate=1e-4, iterations=4)
SHAPE = {"input_size": 32, "width": 4, "width_z": 8}

DUAL = {"detector": TCNSC, "arguments": SHAPE, "schedule": SLOW}
AUGMENTED = {
    "detector": OneBatchBothClassified,
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

# The loss of each of eight steps, by recipe 2.
DUAL_LOSSES = [1.230123, 1.530084, 1.227992, 0.925318, 0.771204, 0.829659, 0.811491, 0.813319]
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
ONE_VIEW = {"model B", "group normalisation, model B", *ARGUMENTS}

# The loss of each of four steps, by recipe 2.
GOLDEN = {
    "TCNSC": [1.230123, 1.54542, 1.152084, 1.220046],
    "model A": [0.472516, 0.290771, 0.421243, 0.321131],
    "model B": [0.757608, 1.256772, 0.73741, 0.894439],
    "dual, both views classified": [1.023447, 1.431014, 1.211175, 1.020791],
    "similarity on h": [1.260919, 1.696684, 1.214923, 1.31693],
    "one batch of 2N": [1.193669, 1.242845, 1.386244, 0.926864],
    "one batch of 2N, both views classified": [1.124096, 1.641038, 1.40292, 1.165821],
    "three passes": [1.230123, 1.54542, 1.152084, 1.220047],
    "alternating updates": [1.218252, 1.509822, 1.165055, 1.200693],
    "group normalisation": [1.340613, 0.766254, 0.779648, 0.896141],
    "group normalisation, model B": [1.334012, 0.740156, 0.762679, 0.880763],
    "group normalisation, both views classified": [1.363309, 0.791923, 0.79532, 0.919562],
    "predictor, stop-gradient": [1.994839, 2.414965, 1.943886, 2.121393],
    "negatives (NT-Xent)": [3.640355, 3.731449, 3.387199, 3.498772],
    "variance and covariance (VICReg)": [1.663453, 2.122955, 1.614464, 1.758616],
    "agreement of predictions (KL)": [0.974782, 1.423341, 0.793337, 1.093416],
    "Xception": [0.669357, 0.695917, 0.776539, 0.749971],
    "MesoInception": [0.433149, 0.338685, 0.335105, 0.186153],
    "Meso4": [0.125245, 0.289605, 0.312395, 0.243701],
    "Capsule": [3.056354, 2.852283, 2.942873, 2.7578],
    "FWA": [0.504736, 0.762016, 0.942737, 0.987889],
    "DSP-FWA": [0.892811, 0.672668, 0.665836, 0.992306],
}
BFLOAT16_LOSSES = [1.231666, 1.528081]  # of its first two steps


class OneBatchAlone(OneBatch, SimilarityAlone):
    name = "one batch of 2N, model A"


class OneBatchOnH(OneBatch, OnH):
    name = "one batch of 2N, on h"


# By recipe 1, when both views passed through f as one batch: those of today's one batch.
RECIPE_1 = {
    OneBatch: [1.193669, 1.242845, 1.386244, 0.926864],
    OneBatchAlone: [0.431138, 0.424278, 0.399483, 0.520453],
    OneBatchBothClassified: [1.124096, 1.641038, 1.40292, 1.165821],
    OneBatchOnH: [1.363149, 1.353114, 1.498898, 0.950245],
}
RECIPE_1_LONGER = [1.193669, 0.988814, 1.254296, 0.624074, 0.832163, 0.792384, 0.912025, 0.515757]
RECIPE_1_BFLOAT16 = [1.205731, 1.213762]


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


def agree(ours: np.ndarray, golden: list[float], tolerance: float = TOLERANCE) -> None:
    """Fail, and say what to do, where a loss is not the golden one."""
    np.testing.assert_allclose(ours, golden, rtol=tolerance, err_msg=CHANGED)


@pytest.mark.parametrize(
    ("settings", "golden"),
    [(DUAL, DUAL_LOSSES), (AUGMENTED, AUGMENTED_LOSSES), (MESO4, MESO4_LOSSES)],
    ids=["dual", "random JPEG", "Meso4"],
)
def test_the_recipe_is_the_one_that_runs_are_named_after(faces, tmp_path, settings, golden):
    assert RECIPE == 2
    agree(losses(faces, tmp_path, settings), golden)


def test_every_detector_has_golden_losses():
    assert list(GOLDEN) == list(DETECTORS)


@pytest.mark.parametrize("name", GOLDEN)
def test_every_detector_trains_as_its_golden_losses_say(faces, tmp_path, name):
    agree(losses(faces, tmp_path, short(name)), GOLDEN[name])


@pytest.mark.parametrize("kind", RECIPE_1, ids=lambda kind: kind.name)
def test_one_batch_of_2n_trains_as_recipe_1_did(faces, tmp_path, kind):
    settings = short("TCNSC") | {"detector": kind}
    agree(losses(faces, tmp_path, settings), RECIPE_1[kind])


def test_one_batch_of_2n_trains_as_recipe_1_did_for_longer_and_in_bfloat16(faces, tmp_path):
    agree(losses(faces, tmp_path, DUAL | {"detector": OneBatch}), RECIPE_1_LONGER)
    half = {"schedule": replace(SHORT, precision="bfloat16")}
    ours = losses(faces, tmp_path, short("one batch of 2N") | half)
    agree(ours[:2], RECIPE_1_BFLOAT16, OF_BFLOAT16)


def test_bfloat16_trains_as_its_golden_losses_say_and_otherwise_than_float32(faces, tmp_path):
    settings = short("TCNSC") | {"schedule": replace(SHORT, precision="bfloat16")}
    ours = losses(faces, tmp_path, settings)[:2]
    agree(ours, BFLOAT16_LOSSES, OF_BFLOAT16)
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
