"""What notebook 8 asks: is it the similarity, or batch normalisation? None of it is in the paper.

Their material is `results.seeds.Told`: all seeds that there are, on the same test crops.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tcnsc_lib import paper
from tcnsc_lib.experiments import AUGMENTED, DUAL, LAMBDA_0, MODEL_B, ON_H
from tcnsc_lib.experiments.study import (
    AGREEMENT,
    ALTERNATING,
    GROUPED,
    GROUPED_B,
    ONE_BATCH,
    ONE_BATCH_0,
    STATISTICS_OF_TWINS,
    restated,
)
from tcnsc_lib.results.claims.rules import NONE, Claim
from tcnsc_lib.results.seeds import MEASURES, Told, contrast

POINTS = "points"
THEIRS = paper.TABLE2.LQ["dual"] - paper.TABLE2.LQ[MODEL_B]
B_RESTATED = restated(MODEL_B, STATISTICS_OF_TWINS)
B_ON_RAW = restated(MODEL_B, "RAW")
DUAL_ON_RAW = restated(DUAL, "RAW")
Measure = Callable[[Told], list[np.ndarray]]


def _gap(one: str, other: str, measure: str, later: bool) -> Measure:
    """One experiment minus another at LQ, for each seed that both have.

    later: of the seeds that decisive rows have beyond those of others, if they have such; for a row
    that was picked because it did best with the first ones.
    """
    def gaps(told: Told) -> list[np.ndarray]:
        p = told.e.p
        skipped = p.seeds if later and p.decisive_seeds > p.seeds else 0
        ours, theirs = (told.values(name, measure).since(p.seed + skipped) for name in (one, other))
        return contrast([(1.0, ours), (-1.0, theirs)])

    return gaps


HEADLINES = {
    "dual-minus-b": "*dual* beats the classifier alone at LQ, the paper read as kindly as its "
                    "words allow (two passes)",
    "dual-minus-b.auc": "the same in AUC, which no threshold changes",
    "one-batch-minus-b": "in the paper's other reading (one batch of 2N), *dual* beats the "
                         "classifier alone",
    "dual-minus-lambda-0": "the similarity loss itself adds to that (*dual* minus λ = 0)",
    "reestimated-minus-b": "re-estimating the classifier's batch statistics on raw and LQ images, "
                           "without labels or training, gains",
    "grouped-minus-b": "without batch normalisation, *dual* beats the classifier alone",
    "jpeg-minus-dual": "JPEG augmentation (the classifier, labels on LQ images too) beats *dual*",
}
"""Claim -> its line on the first page."""


def _both(id: str, text: str, one: str, other: str, paper: float = NONE,
          later: bool = False) -> tuple[Claim, Claim]:
    """A claim about accuracy at LQ, and the same of AUC. later: see `_gap`."""
    gaps = [_gap(one, other, measure, later) for measure in MEASURES]
    accuracy = Claim(f"study.{id}", f"{text}, at LQ", gaps[0], POINTS, paper=paper,
                     headline=HEADLINES.get(id, ""))
    auc = Claim(f"study.{id}.auc", f"{text}, AUC at LQ", gaps[1], POINTS,
                headline=HEADLINES.get(f"{id}.auc", ""))
    return accuracy, auc


ABOUT_STUDY = (
    *_both("dual-minus-b", "the paper's claim in its kindest reading: dual minus model B", DUAL,
           MODEL_B, paper=THEIRS),
    *_both("dual-minus-lambda-0", "Loss_sim itself gains: dual minus lambda 0, two passes each",
           DUAL, LAMBDA_0),
    *_both("lambda-0-minus-b", "two passes gain without any similarity: lambda 0 minus model B",
           LAMBDA_0, MODEL_B),
    *_both("two-minus-one", "two passes gain more than one batch of 2N, lambda 0 each",
           LAMBDA_0, ONE_BATCH_0),
    *_both("one-batch-minus-b", "the other reading gains too: one batch of 2N minus model B",
           ONE_BATCH, MODEL_B, paper=THEIRS),
    *_both("reestimated-minus-b", "re-estimated statistics gain without any training: model B so "
           "minus model B", B_RESTATED, MODEL_B),
    *_both("dual-minus-reestimated", "training on twins gains more than that: dual minus model B "
           "re-estimated", DUAL, B_RESTATED),
    *_both("on-raw.dual-minus-b", "dual gains without twins in its statistics: dual minus model B, "
           "both re-estimated on RAW", DUAL_ON_RAW, B_ON_RAW),
    *_both("grouped-minus-b", "without batch normalisation the gain stays: dual minus model B, "
           "both with group normalisation", GROUPED, GROUPED_B),
    *_both("labels", "labels on compressed images gain: of both views minus of raw alone, one "
           "batch of 2N, lambda 0", AUGMENTED, ONE_BATCH_0),
    *_both("alternating-minus-dual", "a second optimiser gains: alternating updates minus dual",
           ALTERNATING, DUAL),
    *_both("alternating-minus-b", "alternating updates gain: minus model B", ALTERNATING, MODEL_B),
    *_both("on-h-minus-lambda-0", "similarity gains where no g can absorb it: on h minus lambda 0",
           ON_H, LAMBDA_0),
    *_both("agreement-minus-lambda-0", "the best repair of the first seeds gains with others: "
           "agreement of predictions minus lambda 0", AGREEMENT, LAMBDA_0, later=True),
    *_both("jpeg-minus-dual", "labels on compressed images gain more: JPEG augmentation minus dual",
           AUGMENTED, DUAL),
)
