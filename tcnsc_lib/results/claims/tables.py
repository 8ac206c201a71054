"""The sentences about Tables 1 to 3 (section 4.2), from predictions; differences are paired on the same test crops."""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.claims.rules import AT_MOST, MORE, NONE, judged
from tcnsc_lib.evaluation import interval
from tcnsc_lib.experiments import AUGMENTED, BOTH, DUAL, JPEG, MODEL_A, ON_H, PROBE, SEEDED, UNCOMPARED, right
from tcnsc_lib.profiles import Profile, faces
from tcnsc_lib.tables import TABLE3

CLAIM = "claim, in points of accuracy"


def table1_claims(p: Profile) -> pd.DataFrame:
    """The sentences of section 4.2.1.

    The claim about one test set can be read two ways (a model over the qualities, or the models at one quality); both are
    there. Where the steepest, best or worst is picked by the same crops, the largest loss
    and the gap between the models are biased upwards, the lead over the best other pair downwards.
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
    return judged(rows, faces(p).units("test"), CLAIM, 100)


def table2_claims(p: Profile) -> pd.DataFrame:
    """The sentences of section 4.2.2, then the questions that its controls answer ("paper" is empty there).

    Models that are trained from several seeds (`SEEDED`) are compared seed by seed: "ours" and its interval are of the mean
    over "seeds", "least" and "most" the single ones, and a claim holds, or doesn't, only where all of them agree with
    the interval. The others are of the first seed.
    """
    def hits(name: str) -> list[pd.DataFrame]:
        return [right(name, p, p.seed + i) for i in range(p.seeds if name in SEEDED else 1)]

    def gaps(one: str, other: str, *codecs: str) -> list[pd.Series]:
        return [(a - b)[list(codecs)].mean(axis=1) for a, b in zip(hits(one), hits(other))]

    theirs, b = paper.TABLE2, "model B"
    gain = theirs.loc["dual"] - theirs.loc[b]
    rows = [
        ("similarity alone is worse than both branches (mean over the test sets): dual less model A, untrained classifier",
         (theirs.loc["dual"] - theirs.loc[MODEL_A]).mean(), gaps(DUAL, MODEL_A, *paper.CODECS)),
        ("the same, model A read by a linear probe", NONE, gaps(DUAL, PROBE, *paper.CODECS)),
        ("the classifier alone gets worse with compression: model B's RAW less LQ", theirs.RAW[b] - theirs.LQ[b],
         [hit.RAW - hit.LQ for hit in hits(b)]),
        ("both branches are best under strong compression: dual less model B at LQ", gain.LQ, gaps(DUAL, b, "LQ")),
        ("\"combining the two branches obtains the best result\", also on RAW: dual less model B", gain.RAW,
         gaps(DUAL, b, "RAW")),
        ("not in the paper: similarity gains more than seeing the same compressed images: dual less (i) at LQ", NONE,
         gaps(DUAL, AUGMENTED, "LQ")),
        ("not in the paper: ... than a random JPEG quality: dual less (ii) at LQ", NONE, gaps(DUAL, JPEG, "LQ")),
        ("not in the paper: ... than twins in the batch statistics: dual less (v) at LQ", NONE, gaps(DUAL, UNCOMPARED, "LQ")),
        ("not in the paper: a random quality is as good as that of the test: (ii) less (i) at LQ", NONE,
         gaps(JPEG, AUGMENTED, "LQ")),
        ("not in the paper: similarity adds to both views classified: (iii) less (i) at LQ", NONE, gaps(BOTH, AUGMENTED, "LQ")),
        ("not in the paper: similarity on h helps where that on z doesn't: (iv) less model B at LQ", NONE, gaps(ON_H, b, "LQ")),
        ("not in the paper: ... and on RAW: (iv) less model B", NONE, gaps(ON_H, b, "RAW"))]
    table = judged([(claim, MORE, printed, np.mean(values, axis=0)) for claim, printed, values in rows],
                    faces(p).units("test"), CLAIM, 100)
    single = [[100 * float(value.mean()) for value in values] for *_, values in rows]
    table = table.assign(seeds=[len(each) for each in single], least=[min(each) for each in single],
                         most=[max(each) for each in single])
    table.loc[(table.least <= 0) & (table.most >= 0), "holds here"] = "can't tell"
    return table


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
    return judged(rows, faces(p).units("test"), CLAIM, 100).assign(**{
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
