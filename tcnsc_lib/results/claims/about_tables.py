"""The claims about Tables 1 to 3 (section 4.2). Their material is the Evidence itself.

Differences are paired on the same test crops. Models that are trained from several seeds
(`experiments.SEVERAL`) are compared seed by seed, others by the first seed.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.evaluation import ratio_values
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import (
    AUGMENTED,
    BOTH,
    DUAL,
    LAMBDA_0,
    MODEL_A,
    MODEL_B,
    ON_H,
    PROBE,
    RANDOM_AUGMENTED,
    REESTIMATED,
    XCEPTION,
    seeds_of,
)
from tcnsc_lib.results.claims.rules import AT_MOST, Claim
from tcnsc_lib.results.trained import best_other

POINTS = "points"
Measure = Callable[[Evidence], "pd.Series | list[pd.Series]"]


def _by_seed(e: Evidence, experiment: str, calibrated: bool = False) -> list[pd.DataFrame]:
    """What an experiment gets right (`Evidence.right`), for each seed that it is trained from."""
    return [e.right(experiment, seed, calibrated) for seed in seeds_of(experiment, e.p)]


def _shares(e: Evidence, experiments: Iterable[str]) -> pd.DataFrame:
    """The share of test crops that each gets right, over its seeds: a row each, a column a set."""
    return pd.DataFrame({name: pd.concat(_by_seed(e, name)).mean() for name in experiments}).T


def _paired(
    e: Evidence, one: str, other: str, measure: Callable[[pd.DataFrame], pd.Series],
    calibrated: bool = False,
) -> list[pd.Series]:
    """A measure of one experiment minus that of another, for the seeds that both have."""
    pairs = zip(_by_seed(e, one, calibrated), _by_seed(e, other, calibrated), strict=False)
    return [measure(a) - measure(b) for a, b in pairs]


def _mean(hits: pd.DataFrame) -> pd.Series:
    """Over the test sets."""
    return hits.mean(axis=1)


def _lost(hits: pd.DataFrame) -> pd.Series:
    """Right on RAW minus right at LQ, of each crop."""
    return hits.RAW - hits.LQ


# Table 1: which pair is it best to train on? The sentence about one test set can be read in two
# ways, a model over the qualities or the models at one quality; both are here.

PAIRS = [paper.pair_name(pair) for pair in paper.PAIRS]
THEIR_MEAN = paper.TABLE1.mean(axis=1)
THEIR_LOSS = paper.TABLE1.RAW - paper.TABLE1.LQ
THEIR_LOSS_OF_B = paper.TABLE2.RAW[MODEL_B] - paper.TABLE2.LQ[MODEL_B]


def _lead(e: Evidence) -> list[pd.Series]:
    """(RAW, LQ) minus the best other pair, which is picked by the same crops: biased downwards."""
    others = _shares(e, [name for name in PAIRS if name != DUAL])
    return _paired(e, DUAL, others.sum(axis=1).idxmax(), _mean)


def _largest_loss(e: Evidence) -> list[pd.Series]:
    """Of the pair that loses most, which is picked by the same crops: biased upwards."""
    shares = _shares(e, PAIRS)
    steepest = (shares.RAW - shares.LQ).idxmax()
    return [_lost(hits) for hits in _by_seed(e, steepest)]


def _spread(e: Evidence) -> list[pd.Series]:
    """The best pair minus the worst at LQ, both picked by the same crops: biased upwards."""
    at_lq = _shares(e, PAIRS).LQ
    return _paired(e, at_lq.idxmax(), at_lq.idxmin(), lambda hits: hits.LQ)


ABOUT_TABLE_1 = (
    Claim("table1.best-pair",
          "(RAW, LQ) is the best pair: its mean over the five test sets, minus that of the best "
          "other pair",
          _lead, POINTS, paper=THEIR_MEAN[DUAL] - THEIR_MEAN.drop(DUAL).max(),
          headline="(RAW, LQ) is the best pair: its mean over five test sets, minus that of the "
                   "best other pair"),
    Claim("table1.largest-loss",
          "a model is right about as often at every quality: the largest loss from RAW to LQ",
          _largest_loss, POINTS, AT_MOST, THEIR_LOSS.max(),
          headline="a model is right about as often at every quality: the largest loss from RAW "
                   "to LQ, at most the paper's"),
    Claim("table1.spread.lq",
          "the models are right about equally often at one quality: best minus worst at LQ",
          _spread, POINTS, AT_MOST, paper.TABLE1.LQ.max() - paper.TABLE1.LQ.min()),
    Claim("table1.robust",
          "(RAW, LQ) is more robust than the classifier alone: what the latter loses from RAW to "
          "LQ, minus what (RAW, LQ) loses",
          lambda e: _paired(e, MODEL_B, DUAL, _lost), POINTS,
          paper=THEIR_LOSS_OF_B - THEIR_LOSS[DUAL],
          headline="(RAW, LQ) is more robust than the classifier alone: what the latter loses "
                   "from RAW to LQ, minus what (RAW, LQ) loses"),
)


# Table 2: each branch alone, both, and the controls that the paper lacks

OVER_A = paper.TABLE2.loc["dual"] - paper.TABLE2.loc[MODEL_A]
OVER_B = paper.TABLE2.loc["dual"] - paper.TABLE2.loc[MODEL_B]
THEIR_KEPT = 1 - (paper.TABLE2.RAW["dual"] - paper.TABLE2.LQ["dual"]) / THEIR_LOSS_OF_B


def _recovered(e: Evidence) -> list[pd.Series]:
    """The share of model B's fall that dual doesn't fall: values whose mean is that ratio."""
    pairs = list(zip(_by_seed(e, MODEL_B), _by_seed(e, DUAL), strict=True))
    fall = np.array([_lost(b) for b, _ in pairs])
    kept = np.array([_lost(b) - _lost(dual) for b, dual in pairs])
    return list(ratio_values(kept, fall))


def _gap(one: str, other: str, *codecs: str, calibrated: bool = False) -> Measure:
    """One experiment minus another, mean over test sets; for the seeds that both have."""
    return lambda e: _paired(
        e, one, other, lambda hits: hits[list(codecs)].mean(axis=1), calibrated)


ABOUT_TABLE_2 = (
    Claim("table2.dual-minus-a",
          "similarity alone is worse than both branches (mean over the test sets): dual minus "
          "model A, untrained classifier",
          _gap(DUAL, MODEL_A, *paper.CODECS), POINTS, paper=OVER_A.mean(),
          headline="similarity alone is worse than both branches: dual minus model A, mean over "
                   "the test sets"),
    Claim("table2.dual-minus-probe",
          "the same, model A read by a linear probe",
          _gap(DUAL, PROBE, *paper.CODECS), POINTS),
    Claim("table2.b-loss",
          "the classifier alone gets worse with compression: model B's RAW minus LQ",
          lambda e: [_lost(hits) for hits in _by_seed(e, MODEL_B)], POINTS,
          paper=THEIR_LOSS_OF_B),
    Claim("table2.dual-minus-b.lq",
          "both branches are best under strong compression: dual minus model B at LQ",
          _gap(DUAL, MODEL_B, "LQ"), POINTS, paper=OVER_B.LQ,
          headline="both branches are better than the classifier alone: dual minus model B at LQ"),
    Claim("table2.dual-minus-b.lq.calibrated",
          "not in the paper: the same at thresholds chosen on the validation part's RAW crops: "
          "dual minus model B at LQ",
          _gap(DUAL, MODEL_B, "LQ", calibrated=True), POINTS),
    Claim("table2.recovered",
          "the share of model B's fall from RAW to LQ that dual doesn't fall",
          _recovered, "percent", paper=100 * THEIR_KEPT,
          headline="of what the classifier alone loses from RAW to LQ, dual recovers"),
    Claim("table2.dual-minus-b.raw",
          '"combining the two branches obtains the best result", also on RAW: dual minus model B',
          _gap(DUAL, MODEL_B, "RAW"), POINTS, paper=OVER_B.RAW),
    Claim("table2.dual-minus-jpeg.lq",
          "not in the paper: similarity gains more than seeing the same compressed images: dual "
          f"minus {AUGMENTED} at LQ",
          _gap(DUAL, AUGMENTED, "LQ"), POINTS,
          headline="not in the paper: similarity gains more than training on the same compressed "
                   f"images: dual minus {AUGMENTED} at LQ"),
    Claim("table2.dual-minus-random-jpeg.lq",
          "not in the paper: similarity gains more than training on random JPEG qualities: "
          f"dual minus {RANDOM_AUGMENTED} at LQ",
          _gap(DUAL, RANDOM_AUGMENTED, "LQ"), POINTS),
    Claim("table2.dual-minus-lambda-0.lq",
          "not in the paper: similarity gains more than twins in the running statistics alone: "
          f"dual minus {LAMBDA_0} at LQ",
          _gap(DUAL, LAMBDA_0, "LQ"), POINTS,
          headline="not in the paper: Loss_sim itself gains: dual minus the same with λ = 0 at LQ"),
    Claim("table2.dual-minus-reestimated-b.lq",
          "not in the paper: training on twins gains more than model B's statistics re-estimated "
          "on unlabelled twins: dual minus that, at LQ",
          _gap(DUAL, REESTIMATED, "LQ"), POINTS,
          headline="not in the paper: training on twins gains more than re-estimating model B's "
                   "batch statistics on them: dual minus that, at LQ"),
    Claim("table2.random-jpeg-minus-jpeg.lq",
          "not in the paper: a random quality is better than that of the test: "
          f"{RANDOM_AUGMENTED} minus {AUGMENTED} at LQ",
          _gap(RANDOM_AUGMENTED, AUGMENTED, "LQ"), POINTS),
    Claim("table2.both-minus-jpeg.lq",
          "not in the paper: similarity adds to both views classified: "
          f"{BOTH}, minus {AUGMENTED} at LQ",
          _gap(BOTH, AUGMENTED, "LQ"), POINTS),
    Claim("table2.on-h-minus-b.lq",
          "not in the paper: similarity where no g can absorb it, twins in the statistics "
          f"included, gains: {ON_H} minus model B at LQ",
          _gap(ON_H, MODEL_B, "LQ"), POINTS),
    Claim("table2.on-h-minus-b.raw",
          f"not in the paper: the same on RAW: {ON_H} minus model B",
          _gap(ON_H, MODEL_B, "RAW"), POINTS),
)


# Table 3: nine detectors, and the abstract's gains

THEIR_OTHERS = paper.TABLE3.drop("TCNSC")


def _margin(e: Evidence, codec: str) -> list[pd.Series]:
    """TCNSC minus the best other; nothing where no other is trained to the end."""
    best = best_other(e, codec)
    return _gap(DUAL, best, codec)(e) if best else []


def _ahead(codec: str, of: str) -> str:
    """The headline of a gain; only the one at LQ stands on the first page."""
    return f"TCNSC is ahead of {of} at {codec}" if codec == "LQ" else ""


def _over_xception(codec: str) -> Claim:
    return Claim(
        f"table3.tcnsc-minus-xception.{codec.lower()}", f"TCNSC minus {XCEPTION} at {codec}",
        _gap(DUAL, XCEPTION, codec), POINTS, paper=paper.CLAIMED_GAINS[codec],
        headline=_ahead(codec, XCEPTION))


def _over_best(codec: str) -> Claim:
    """The best other is picked by AUC on the same crops, which biases the difference downwards."""
    theirs = THEIR_OTHERS[codec]
    return Claim(
        f"table3.tcnsc-minus-best.{codec.lower()}",
        f"TCNSC minus the best other detector at {codec}",
        lambda e: _margin(e, codec), POINTS, headline=_ahead(codec, "the best other detector"),
        paper=paper.TABLE3.loc["TCNSC", codec] - theirs.max(),
        also=lambda e: {"best other, paper": theirs.idxmax(),
                        "best other, ours": best_other(e, codec) or "none"})


ABOUT_TABLE_3 = (
    *(_over_xception(codec) for codec in paper.CLAIMED_GAINS),
    *(_over_best(codec) for codec in paper.CLAIMED_GAINS),
)
