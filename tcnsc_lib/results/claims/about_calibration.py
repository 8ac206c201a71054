"""What notebook 9 asks of calibration: order stays, the threshold goes, and what brings it back.

None of it is in the paper. Their material is `results.calibrating.Calibrated`: the same test crops,
corrected as validation crops say.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tcnsc_lib.experiments import AUGMENTED, DUAL, MODEL_B
from tcnsc_lib.results.calibrating import Calibrated
from tcnsc_lib.results.claims.rules import NEAR_ONE, Claim
from tcnsc_lib.results.seeds import contrast

POINTS = "points"
TEST = "LQ"
KNOWN = "accuracy_platt_own"
Measure = Callable[[Calibrated], list[np.ndarray]]
Term = tuple[float, str, str, str]  # weight, experiment, column of `corrections.rates`, codec


def _sum(*terms: Term) -> Measure:
    """The weighted sum, for each seed that all terms have."""
    def sums(told: Calibrated) -> list[np.ndarray]:
        return contrast([(weight, told.values(*of)) for weight, *of in terms])

    return sums


def _of(name: str, id: str, experiment: str) -> list[Claim]:
    """A detector's claims. name: as sentences have it."""
    def fall(column: str, sign: float) -> list[Term]:
        return [(sign, experiment, column, "RAW"), (-sign, experiment, column, TEST)]

    def gain(after: str, before: str, codec: str = TEST) -> list[Term]:
        return [(1.0, experiment, after, TEST), (-1.0, experiment, before, codec)]

    return [
        Claim(f"calibration.{id}.lost", f"{name} loses its threshold more than its order: what "
              "accuracy falls from RAW to LQ minus what AUC falls",
              _sum(*fall("accuracy", 1.0), *fall("auc", -1.0)), POINTS),
        Claim(f"calibration.{id}.temperature", f"one temperature, chosen on RAW, lowers {name}'s "
              "calibration error at LQ: ECE before minus after",
              _sum(*gain("ece", "ece_temperature")), POINTS),
        Claim(f"calibration.{id}.raw", f"temperature and shift, chosen on RAW, bring {name} "
              "accuracy at LQ: after minus before",
              _sum(*gain("accuracy_platt_raw", "accuracy")), POINTS),
        Claim(f"calibration.{id}.known", f"chosen at LQ, they bring {name} accuracy at LQ: after "
              "minus before", _sum(*gain(KNOWN, "accuracy")), POINTS),
        Claim(f"calibration.{id}.rest", f"chosen at LQ, they leave {name} no loss: accuracy at LQ "
              "after minus accuracy on RAW as it is",
              _sum(*gain(KNOWN, "accuracy", "RAW")), POINTS, NEAR_ONE),
    ]


def _between(one: str, other: str) -> Measure:
    """One experiment minus another at LQ, both corrected there."""
    return _sum((1.0, one, KNOWN, TEST), (-1.0, other, KNOWN, TEST))


ABOUT_CALIBRATION = (
    *_of("model B", "b", MODEL_B),
    *_of("TCNSC", "dual", DUAL),
    Claim("calibration.dual-minus-b.known", "TCNSC gains where both are corrected at LQ: accuracy "
          "there, TCNSC minus model B", _between(DUAL, MODEL_B), POINTS),
    Claim("calibration.jpeg-minus-dual.known", "labels on JPEG 20 gain more where both are "
          "corrected at LQ: accuracy there, JPEG augmentation minus TCNSC",
          _between(AUGMENTED, DUAL), POINTS),
)
