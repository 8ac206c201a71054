"""What notebook 9 asks: does it hold at any quality, and with codecs that nobody trained on?

None of it is in the paper. Their material is `results.surviving.Survived`: the same test crops,
each chain weighing alike.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tcnsc_lib.chains import MOVED, NETWORKS, OTHERS, SEEN, names_in, unseen
from tcnsc_lib.experiments import AUGMENTED, DUAL, MODEL_B
from tcnsc_lib.results.claims.rules import NEAR_ONE, Claim
from tcnsc_lib.results.seeds import contrast
from tcnsc_lib.results.surviving import Survived

POINTS = "points"
Measure = Callable[[Survived], list[np.ndarray]]

CODECS = [name for name in names_in(OTHERS) if name not in SEEN]
WHERE = {
    "unseen": ("over all chains never trained on", unseen()),
    "codecs": ("over codecs never trained on", CODECS),
    "networks": ("over social networks", names_in(NETWORKS)),
}
"""End of an id -> its words, and the chains that are meant."""


def _gap(one: str, other: str, measure: str, names: list[str]) -> Measure:
    """One experiment minus another, mean over chains, for each seed that both have."""
    def gaps(told: Survived) -> list[np.ndarray]:
        ours = told.values(one, measure, names)
        theirs = told.values(other, measure, names)
        return contrast([(1.0, ours), (-1.0, theirs)])

    return gaps


def _moved(told: Survived) -> list[np.ndarray]:
    """TCNSC's accuracy where JPEG 20's grid is moved minus where it isn't."""
    moved = told.values(DUAL, "accuracy", names_in(MOVED))
    aligned = told.values(DUAL, "accuracy", ["JPEG 20"])
    return contrast([(1.0, moved), (-1.0, aligned)])


def _claims(id: str, text: str, one: str, other: str) -> list[Claim]:
    """A difference in accuracy and AUC, in each place of WHERE."""
    found = []
    for place, (words, names) in WHERE.items():
        accuracy = _gap(one, other, "accuracy", names)
        auc = _gap(one, other, "auc", names)
        found.append(Claim(f"quality.{id}.{place}", f"{text}, {words}", accuracy, POINTS))
        found.append(Claim(f"quality.{id}.{place}.auc", f"{text}, AUC {words}", auc, POINTS))
    return found


ABOUT_ANY_QUALITY = (
    *_claims("dual-minus-b", "TCNSC gains beyond JPEG 20: TCNSC minus model B", DUAL, MODEL_B),
    *_claims("jpeg-minus-dual", "labels on JPEG 20 gain more beyond it: JPEG augmentation minus "
             "TCNSC", AUGMENTED, DUAL),
    Claim("quality.dual.moved", "TCNSC doesn't need the grid of its training: accuracy at JPEG 20, "
          "grid moved minus not moved", _moved, POINTS, NEAR_ONE),
)
