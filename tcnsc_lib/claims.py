"""The paper's sentences about its tables, as numbers: its own, ours, a 95 % interval, and whether they hold here.

All differences are taken on the same test crops, so their intervals are paired; they are about the choice of test people,
for one seed.
"""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.evaluation import interval
from tcnsc_lib.experiments import AUGMENTED, DUAL, JPEG, MODEL_A, PROBE, UNCOMPARED, right
from tcnsc_lib.profiles import Profile, faces
from tcnsc_lib.tables import TABLE3

CLAIM = "claim, in points of accuracy"
MORE, AT_MOST = "above 0", "at most the paper's"


def _judged(rows: list[tuple], p: Profile) -> pd.DataFrame:
    """(claim, when it holds, the paper's value, value per crop) -> the table, with interval and verdict.

    "holds here" is yes or no where the whole interval says so, else "can't tell".
    """
    units = faces(p).units("test")
    out = [(claim, rule, printed, 100 * values.mean(), *interval(values, units)) for claim, rule, printed, values in rows]
    claims = pd.DataFrame(out, columns=[CLAIM, "holds if", "paper", "ours", "low", "high"])
    more = claims["holds if"] == MORE
    bound = claims.paper.where(~more, 0.0)
    above, below = claims.low > bound, claims.high < bound
    wanted, unwanted = above.where(more, below), below.where(more, above)
    return claims.assign(**{"holds here": np.select([wanted, unwanted], ["yes", "no"], "can't tell")})


def table1_claims(p: Profile) -> pd.DataFrame:
    """The sentences of section 4.2.1.

    The claim about one test set can be read two ways (a model over the qualities, or the models at one quality); both are
    there. Where best and worst are picked by the same crops, the difference is biased upwards.
    """
    names = [paper.pair_name(pair) for pair in paper.PAIRS]
    hits = {name: right(name, p) for name in (*names, "model B")}
    theirs = pd.concat([paper.TABLE1, paper.TABLE2.loc[["model B"]]])
    ours = pd.DataFrame({name: 100 * table.mean() for name, table in hits.items()}).T
    rest = ours.loc[names].drop("(RAW, LQ)").mean(axis=1).idxmax()
    steepest, best, worst = (ours.RAW - ours.LQ)[names].idxmax(), ours.LQ[names].idxmax(), ours.LQ[names].idxmin()
    pairs, one = theirs.loc[names], "(RAW, LQ)"
    fall, their_fall = {name: table.RAW - table.LQ for name, table in hits.items()}, theirs.RAW - theirs.LQ
    rows = [
        ("(RAW, LQ) is the best pair: its mean over the five test sets, less that of the best other pair", MORE,
         pairs.mean(axis=1)[one] - pairs.drop(one).mean(axis=1).max(), hits[one].mean(axis=1) - hits[rest].mean(axis=1)),
        ("a model is right about as often at every quality: the largest loss from RAW to LQ", AT_MOST,
         their_fall[names].max(), fall[steepest]),
        ("the models are right about equally often at one quality: best less worst at LQ", AT_MOST,
         pairs.LQ.max() - pairs.LQ.min(), hits[best].LQ - hits[worst].LQ),
        ("similarity learning makes robust: what the classifier alone loses from RAW to LQ, less what (RAW, LQ) loses",
         MORE, their_fall["model B"] - their_fall[one], fall["model B"] - fall[one])]
    return _judged(rows, p)


def table2_claims(p: Profile) -> pd.DataFrame:
    """The sentences of section 4.2.2, then the question that its controls would answer ("paper" is empty there)."""
    a, probe, b, dual, seen, jpeg, still = (
        right(name, p) for name in (MODEL_A, PROBE, "model B", DUAL, AUGMENTED, JPEG, UNCOMPARED))
    theirs = paper.TABLE2
    gain = theirs.loc["dual"] - theirs.loc["model B"]
    none = float("nan")
    return _judged([
        ("similarity alone is worse than both branches (mean over the test sets): dual less model A, untrained classifier",
         MORE, (theirs.loc["dual"] - theirs.loc["model A"]).mean(), (dual - a).mean(axis=1)),
        ("the same, model A read by a linear probe", MORE, none, (dual - probe).mean(axis=1)),
        ("the classifier alone gets worse with compression: model B's RAW less LQ", MORE,
         theirs.RAW["model B"] - theirs.LQ["model B"], b.RAW - b.LQ),
        ("both branches are best under strong compression: dual less model B at LQ", MORE, gain.LQ, dual.LQ - b.LQ),
        ("\"combining the two branches obtains the best result\", also on RAW: dual less model B", MORE, gain.RAW,
         dual.RAW - b.RAW),
        ("not in the paper: similarity gains more than seeing the same compressed images: dual less (i) at LQ", MORE, none,
         dual.LQ - seen.LQ),
        ("not in the paper: ... than a random JPEG quality: dual less (ii) at LQ", MORE, none, dual.LQ - jpeg.LQ),
        ("not in the paper: ... than twins in the batch statistics: dual less (v) at LQ", MORE, none, dual.LQ - still.LQ)], p)


def table3_claims(p: Profile) -> pd.DataFrame:
    """The abstract's gains of TCNSC: over Xception-RAW, and over the best other detector of each column.

    The best other is picked by the same crops, which biases that difference downwards; "best other, paper" and "best other,
    ours" name it.
    """
    hits = {name: right(run, p) for name, run in TABLE3}
    ours = pd.DataFrame({name: table.mean() for name, table in hits.items()}).T.drop("TCNSC")
    theirs, rows, best = paper.TABLE3.drop("TCNSC"), [], ours.idxmax()
    for codec in paper.CLAIMED_GAINS:
        rows.append((f"TCNSC less Xception-RAW at {codec}", MORE, paper.CLAIMED_GAINS[codec],
                     hits["TCNSC"][codec] - hits["Xception-RAW"][codec]))
    for codec in paper.CLAIMED_GAINS:
        gain = paper.TABLE3.loc["TCNSC", codec] - theirs[codec].max()
        rows.append((f"TCNSC less the best other detector at {codec}", MORE, gain,
                     hits["TCNSC"][codec] - hits[best[codec]][codec]))
    n = len(paper.CLAIMED_GAINS)
    names = {"best other, paper": theirs.idxmax(), "best other, ours": best}
    return _judged(rows, p).assign(**{
        column: [""] * n + [values[codec] for codec in paper.CLAIMED_GAINS] for column, values in names.items()})


def drops(p: Profile) -> pd.DataFrame:
    """Section 4.2.3: by how many percent of its accuracy on RAW each detector falls at LQ (negative: it rises).

    sentence: what the paper's text says; table: what its Table 3 gives; ours with a 95 % interval. "their table agrees"
    and "ours agrees" judge the sentence ("over 20": the number itself; a stated number: whether it lies in our interval).
    """
    printed, units, rows = paper.relative_drop(paper.TABLE3), faces(p).units("test"), []
    for name, run in TABLE3:
        hits, fall = right(run, p), printed[name]
        share = 100 * (hits.RAW - hits.LQ).sum() / hits.RAW.sum()
        low, high = interval(hits.RAW - hits.LQ, units, hits.RAW)
        said = paper.CLAIMED_DROPS.get(name)
        if said is None:
            theirs = fall > 20
            here = "yes" if low > 20 else "no" if high < 20 else "can't tell"
        else:
            theirs, here = abs(fall - said) < 0.005, "yes" if low <= said <= high else "no"
        rows.append((name, "over 20" if said is None else f"{said}", fall, "yes" if theirs else "no", share, low, high, here))
    return pd.DataFrame(rows, columns=["detector", "sentence", "table", "their table agrees", "ours", "low", "high",
                                       "ours agrees"])
