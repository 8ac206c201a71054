"""The paper's sentences about its tables and figures, as numbers: its own, ours, a 95 % interval, do they hold here.

Differences between detectors or codecs are taken on the same test crops, so their intervals are paired; they are about the
choice of test people, for one seed. The sentences about figures are judged from the stored tables of `tcnsc_lib.analysis`.
"""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.analysis import mean
from tcnsc_lib.analysis.quality import OURS
from tcnsc_lib.analysis.spectrum import BANDS, gains
from tcnsc_lib.evaluation import interval
from tcnsc_lib.experiments import AUGMENTED, BOTH, DUAL, JPEG, MODEL_A, ON_H, PROBE, UNCOMPARED, right
from tcnsc_lib.profiles import Profile, faces
from tcnsc_lib.tables import TABLE3

CLAIM = "claim, in points of accuracy"
MORE, AT_MOST, PRINTED = "above 0", "at most the paper's", "the paper's number, in our interval"
NEAR_ONE, FLAT, MODEST = "above -5", "within 1 dB of 0", "below 1 dB"
"""When a sentence holds. The paper names no bound for "close to 1" and "roughly unchanged": the last three are ours."""

NONE = float("nan")


def _verdict(rule: str, printed: float, low: float, high: float) -> str:
    """yes or no where the whole interval says so, else can't tell; a printed number lies in the interval or doesn't."""
    if np.isnan(low):
        return "can't tell"
    if rule == PRINTED:
        return "yes" if low <= printed <= high else "no"
    least, most = {MORE: (0, np.inf), AT_MOST: (-np.inf, printed), NEAR_ONE: (-5, np.inf),
                   FLAT: (-1, 1), MODEST: (-np.inf, 1)}[rule]
    return "yes" if least < low and high < most else "no" if high < least or low > most else "can't tell"


def _judged(rows: list[tuple], units: np.ndarray, header: str = "claim", scale: float = 1.0) -> pd.DataFrame:
    """(claim, when it holds, the paper's value, value per crop) -> the table, with interval and verdict.

    units: whom each crop belongs to. scale: of the values; 100 turns shares into points. NaN: a crop without a value;
    "crops" counts the others.
    """
    out = []
    for claim, rule, printed, values in rows:
        ours, low, high, crops = mean(scale * np.asarray(values, float), units)
        out.append((claim, rule, printed, ours, low, high, crops, _verdict(rule, printed, low, high)))
    return pd.DataFrame(out, columns=[header, "holds if", "paper", "ours", "low", "high", "crops", "holds here"])


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
    return _judged(rows, faces(p).units("test"), CLAIM, 100)


def table2_claims(p: Profile) -> pd.DataFrame:
    """The sentences of section 4.2.2, then the question that its controls would answer ("paper" is empty there)."""
    a, probe, b, dual, seen, jpeg, both, on_h, still = (
        right(name, p) for name in (MODEL_A, PROBE, "model B", DUAL, AUGMENTED, JPEG, BOTH, ON_H, UNCOMPARED))
    theirs = paper.TABLE2
    gain = theirs.loc["dual"] - theirs.loc["model B"]
    return _judged([
        ("similarity alone is worse than both branches (mean over the test sets): dual less model A, untrained classifier",
         MORE, (theirs.loc["dual"] - theirs.loc["model A"]).mean(), (dual - a).mean(axis=1)),
        ("the same, model A read by a linear probe", MORE, NONE, (dual - probe).mean(axis=1)),
        ("the classifier alone gets worse with compression: model B's RAW less LQ", MORE,
         theirs.RAW["model B"] - theirs.LQ["model B"], b.RAW - b.LQ),
        ("both branches are best under strong compression: dual less model B at LQ", MORE, gain.LQ, dual.LQ - b.LQ),
        ("\"combining the two branches obtains the best result\", also on RAW: dual less model B", MORE, gain.RAW,
         dual.RAW - b.RAW),
        ("not in the paper: similarity gains more than seeing the same compressed images: dual less (i) at LQ", MORE, NONE,
         dual.LQ - seen.LQ),
        ("not in the paper: ... than a random JPEG quality: dual less (ii) at LQ", MORE, NONE, dual.LQ - jpeg.LQ),
        ("not in the paper: ... than twins in the batch statistics: dual less (v) at LQ", MORE, NONE, dual.LQ - still.LQ),
        ("not in the paper: a random quality is as good as that of the test: (ii) less (i) at LQ", MORE, NONE,
         jpeg.LQ - seen.LQ),
        ("not in the paper: similarity adds to both views classified: (iii) less (i) at LQ", MORE, NONE, both.LQ - seen.LQ),
        ("not in the paper: similarity on h helps where that on z doesn't: (iv) less model B at LQ", MORE, NONE,
         on_h.LQ - b.LQ),
        ("not in the paper: ... and on RAW: (iv) less model B", MORE, NONE, on_h.RAW - b.RAW)],
        faces(p).units("test"), CLAIM, 100)


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
    return _judged(rows, faces(p).units("test"), CLAIM, 100).assign(**{
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


def _by_crop(table: pd.DataFrame, measure: str, *columns: str) -> pd.DataFrame:
    """A measure of an analysis: a row a crop, in order, and a column for each of `columns`' combinations."""
    return table.pivot(index="crop", columns=list(columns), values=measure)


def _crops(table: pd.DataFrame) -> tuple[pd.Series, np.ndarray]:
    """Label and unit of each of those rows."""
    rows = table.drop_duplicates("crop").set_index("crop").sort_index()
    return rows.label, rows.unit.to_numpy()


def figure1_claims(blocks: pd.DataFrame) -> pd.DataFrame:
    """Section 1, about Figure 1; from `analysis.quality.blocks`: contrast across 8 x 8 borders over that inside (1: none)."""
    ratio, (y, units) = _by_crop(blocks, "blocking", "codec"), _crops(blocks)
    gain = ratio.LQ - ratio.RAW
    return _judged([
        ("compressed real faces show block borders: LQ less RAW", MORE, NONE, gain.where(y == 0)),
        ("so do compressed fakes: LQ less RAW", MORE, NONE, gain.where(y == 1)),
        ("the lower the quality, the more obvious: MQ less HQ", MORE, NONE, ratio.MQ - ratio.HQ),
        ("the lower the quality, the more obvious: LQ less MQ", MORE, NONE, ratio.LQ - ratio.MQ)], units)


def figure3_claims(table: pd.DataFrame) -> pd.DataFrame:
    """Section 4.2.3, about Figure 3; from `analysis.embedding.figure3`. Silhouettes are in [-1, 1], rates in shares."""
    margin, near, probe, own = (_by_crop(table, name, "model", "codec")
                                for name in ("silhouette", "neighbour", "probe", "classifier"))
    both, rows = ("TCNSC", "Xception-RAW"), []
    fall, lost = ({model: table[model].RAW - table[model].LQ for model in (*both, "model B")} for table in (margin, near))
    for model in both:
        rows += [(f"real and fake are separated on RAW: silhouette, {model}", MORE, NONE, margin[model].RAW),
                 (f"the margin becomes smaller: silhouette on RAW less MQ, {model}", MORE, NONE,
                  margin[model].RAW - margin[model].MQ),
                 (f"and smaller: silhouette at MQ less LQ, {model}", MORE, NONE, margin[model].MQ - margin[model].LQ),
                 (f"large areas overlap: right nearest neighbours on RAW less LQ, {model}", MORE, NONE,
                  near[model].RAW - near[model].LQ)]
    rows += [("less so for TCNSC (implied): fall of the silhouette to LQ, Xception-RAW's less TCNSC's", MORE, NONE,
              fall["Xception-RAW"] - fall["TCNSC"]),
             ("not in the paper: ... and the similarity branch is why: model B's fall less TCNSC's", MORE, NONE,
              fall["model B"] - fall["TCNSC"]),
             ("... the same for right nearest neighbours: model B's fall less TCNSC's", MORE, NONE,
              lost["model B"] - lost["TCNSC"])]
    rows += [(f"not in the paper: more is lost than the overlap explains: a linear probe fitted at LQ less the own "
              f"classifier, {model}", MORE, NONE, probe[model].LQ - own[model].LQ) for model in both]
    return _judged(rows, _crops(table)[1])


def figure4_claims(table: pd.DataFrame, shuffled: str) -> pd.DataFrame:
    """Section 4.2.3, about Figure 4; from `analysis.gradcam.figure4`'s rows. Rank correlations of maps, in [-1, 1].

    "basically symmetrical" is read as: the map stays where it was on RAW. Empty maps don't count; trained models are
    compared on fakes, whose maps are hardly ever empty at demo. shuffled: name of the model without sense.
    """
    same, other, auc, seen = (_by_crop(table, name, "model", "codec") for name in ("same", "different", "auc", "heat"))
    y, units = _crops(table)
    still, own = same.xs("LQ", axis=1, level="codec"), (same - other).xs("LQ", axis=1, level="codec")
    rows = [(f"the main areas stay: a map at {codec} and its own on RAW, less with other people's, TCNSC", MORE, NONE,
             same["TCNSC"][codec] - other["TCNSC"][codec]) for codec in ("HQ", "MQ", "LQ")]
    rows += [(f"... at LQ, {model}", MORE, NONE, own[model]) for model in ("model B", "Xception-RAW")]
    for model, what, which in (
            ("Xception-RAW", "\"strong robustness\" (implied: more than others)", ", fakes alone"),
            ("model B", "not in the paper: the similarity branch is why", ", fakes alone"),
            (shuffled, "not in the paper: steadiness shows that something was learned", "")):
        counted = (y == 1) | (which == "")
        rows += [(f"{what}: map at LQ and on RAW, TCNSC less {model}{which}", MORE, NONE,
                  (still["TCNSC"] - still[model]).where(counted)),
                 (f"... the same, beyond other people's maps, TCNSC less {model}{which}", MORE, NONE,
                  (own["TCNSC"] - own[model]).where(counted)),
                 (f"... the same, all crops, an empty map counting as no correlation, TCNSC less {model}", MORE, NONE,
                  still["TCNSC"].fillna(0) - still[model].fillna(0))]
    rows += [(f"not in the paper: maps of real faces that aren't empty at LQ, TCNSC less {model}", MORE, NONE,
              (seen["TCNSC"].LQ - seen[model].LQ).where(y == 0)) for model in ("Xception-RAW", "model B")]
    rows += [(f"not in the paper: the heat on RAW lies on the forgery: area under its ROC curve less 1/2, {model}", MORE, NONE,
              auc[model].RAW - 0.5) for model in ("TCNSC", "model B", "Xception-RAW")]
    return _judged(rows, units)


def figure5_claims(table: pd.DataFrame) -> pd.DataFrame:
    """Section 4.3, about Figure 5; from `analysis.quality.figure5`: changes of SSIM against RAW in percent."""
    ssim, (y, units) = _by_crop(table, OURS, "codec"), _crops(table)
    words = {0: "real", 1: "fake"}
    rows = [(f"HQ is close to 1: SSIM changes by so many percent, {word}", NEAR_ONE, NONE, (ssim.HQ - 1).where(y == label))
            for label, word in words.items()]
    rows += [(f"SSIM changes by so many percent at {codec}, {word}", PRINTED, paper.FIGURE5.loc[word, codec],
              (ssim[codec] - 1).where(y == label)) for codec in paper.FIGURE5 for label, word in words.items()]
    rows += [("similarity falls with quality: HQ less MQ, percent", MORE, NONE, ssim.HQ - ssim.MQ),
             ("similarity falls with quality: MQ less LQ, percent", MORE, -paper.FIGURE5.LQ.mean() + paper.FIGURE5.MQ.mean(),
              ssim.MQ - ssim.LQ)]
    return _judged(rows, units, scale=100)


def figure6_claims(bands: pd.DataFrame) -> pd.DataFrame:
    """Section 4.3, about Figure 6; from `analysis.spectrum.figure6`'s bands: thirds of the radii, dB.

    "impact" is the mean absolute change of a crop's spectrum; gain, in which losses and gains cancel, its mean change. The
    last row compares different crops, so its interval isn't paired.
    """
    level, (y, units) = gains(bands), _crops(bands)
    gain = {name: _by_crop(level, name, "codec") for name in BANDS}
    impact = {name: _by_crop(bands, f"{name}_change", "codec") for name in BANDS}
    rows = [(f"low frequencies are roughly unchanged: gain of the low third at {codec}, dB", FLAT, NONE, gain["low"][codec])
            for codec in ("HQ", "MQ", "LQ")]
    rows += [(f"small impact on {name} frequencies: at LQ, dB", MODEST, NONE, impact[name].LQ) for name in ("low", "middle")]
    rows += [(f"the impact is on high frequencies: on the high third less on the middle at {codec}, dB", MORE, NONE,
              impact["high"][codec] - impact["middle"][codec]) for codec in ("HQ", "MQ", "LQ")]
    rows += [("not in the paper: high frequencies lose: loss of the high third at LQ, dB", MORE, NONE, -gain["high"].LQ)]
    raw = _by_crop(bands, "high", "codec").RAW
    centred = raw - raw.mean()  # or the share of fakes among the people drawn would move the difference
    rows += [("fakes have more energy at high frequencies: high third on RAW, fake less real, dB", MORE, NONE,
              centred * np.where(y == 1, len(y) / (y == 1).sum(), -len(y) / (y == 0).sum()))]
    return _judged(rows, units)
