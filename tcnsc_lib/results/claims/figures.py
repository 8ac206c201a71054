"""The sentences about Figures 1 and 3 to 6 (sections 1, 4.2.3, 4.3), from the stored tables of `tcnsc_lib.analysis`."""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.analysis.quality import OURS
from tcnsc_lib.analysis.spectrum import BANDS, gains
from tcnsc_lib.claims.rules import FLAT, MODEST, MORE, NEAR_ONE, NONE, PRINTED, judged


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
    return judged([
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
    return judged(rows, _crops(table)[1])


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
    return judged(rows, units)


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
    return judged(rows, units, scale=100)


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
    return judged(rows, units)
