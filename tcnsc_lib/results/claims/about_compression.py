"""The claims about Figures 1, 5 and 6 (sections 1 and 4.3): what compression does to a picture."""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.analysis.ssim import OURS
from tcnsc_lib.results.claims.material import Measure, PerCrop, only
from tcnsc_lib.results.claims.rules import FLAT, MODEST, NEAR_ONE, PRINTED, Claim


def _minus(measure: str, one: str, other: str) -> Measure:
    """A measure at one codec minus that at another."""
    return lambda m: m(measure, one) - m(measure, other)


# Figure 1: contrast across the borders of 8 x 8 blocks over that inside; 1: no trace of blocks

ABOUT_FIGURE_1 = (
    Claim("figure1.blocks.real",
          "compressed real faces show block borders: LQ minus RAW",
          only("real", _minus("blocking", "LQ", "RAW"))),
    Claim("figure1.blocks.fake",
          "so do compressed fakes: LQ minus RAW",
          only("fake", _minus("blocking", "LQ", "RAW"))),
    Claim("figure1.more-blocks.mq",
          "the lower the quality, the more obvious: MQ minus HQ",
          _minus("blocking", "MQ", "HQ")),
    Claim("figure1.more-blocks.lq",
          "the lower the quality, the more obvious: LQ minus MQ",
          _minus("blocking", "LQ", "MQ"),
          headline="the lower the quality, the more obvious the blocks: contrast across their "
                   "borders, LQ minus MQ"),
)


# Figure 5: SSIM against RAW

PERCENT = "percent"
THEIR_CHANGE = paper.FIGURE5.mean()  # of real and fake, by codec


def _near_one(word: str, headline: str = "") -> Claim:
    return Claim(f"figure5.change.hq.{word}", f"HQ is close to 1: change of SSIM, {word}",
                 only(word, lambda m: m(OURS, "HQ") - 1), PERCENT, NEAR_ONE, headline=headline)


def _printed(codec: str, word: str) -> Claim:
    return Claim(f"figure5.change.{codec.lower()}.{word}", f"change of SSIM at {codec}, {word}",
                 only(word, lambda m: m(OURS, codec) - 1), PERCENT, PRINTED,
                 paper.FIGURE5.loc[word, codec],
                 headline=f"SSIM changes at {codec}, {word} faces")


ABOUT_FIGURE_5 = (
    _near_one("real", "HQ is close to 1 (bound ours: SSIM changes by less than 5 %), real faces"),
    _near_one("fake"),
    _printed("MQ", "real"),
    _printed("MQ", "fake"),
    _printed("LQ", "real"),
    _printed("LQ", "fake"),
    Claim("figure5.falls.mq", "similarity falls with quality: HQ minus MQ",
          _minus(OURS, "HQ", "MQ"), PERCENT),
    Claim("figure5.falls.lq", "similarity falls with quality: MQ minus LQ",
          _minus(OURS, "MQ", "LQ"), PERCENT, paper=THEIR_CHANGE.MQ - THEIR_CHANGE.LQ),
)


# Figure 6: thirds of the radii. The gain of a band is its mean change, in which losses and gains
# cancel; the impact on it is its mean absolute change.

DB = "dB"


def _flat(codec: str, headline: str = "") -> Claim:
    return Claim(f"figure6.gain.low.{codec.lower()}",
                 f"low frequencies are roughly unchanged: gain of the low third at {codec}",
                 _minus("low", codec, "RAW"), DB, FLAT, headline=headline)


def _small(band: str) -> Claim:
    return Claim(f"figure6.impact.{band}.lq", f"small impact on {band} frequencies: at LQ",
                 lambda m: m(f"{band}_change", "LQ"), DB, MODEST)


def _on_high(codec: str, headline: str = "") -> Claim:
    return Claim(f"figure6.impact.high-minus-middle.{codec.lower()}",
                 "the impact is on high frequencies: on the high third minus on the middle at "
                 f"{codec}",
                 lambda m: m("high_change", codec) - m("middle_change", codec), DB,
                 headline=headline)


def _fake_minus_real(m: PerCrop) -> pd.Series:
    """A value per crop whose mean is the mean of fakes minus the mean of reals, on RAW.

    Different crops are compared, so the interval isn't paired. Values are centred first, or the
    share of fakes among the people drawn would move the difference.
    """
    raw = m("high", "RAW")
    fake = m.label == 1
    of_fake = len(fake) / fake.sum()
    of_real = len(fake) / (~fake).sum()
    return (raw - raw.mean()) * np.where(fake, of_fake, -of_real)


ABOUT_FIGURE_6 = (
    _flat("HQ"),
    _flat("MQ"),
    _flat("LQ", "low frequencies are roughly unchanged (bound ours: within 1 dB): change at LQ"),
    _small("low"),
    _small("middle"),
    _on_high("HQ"),
    _on_high("MQ"),
    _on_high("LQ", "the impact is on high frequencies: mean absolute change of the high third "
                   "minus of the middle, LQ"),
    Claim("figure6.loss.high.lq",
          "not in the paper: high frequencies lose: loss of the high third at LQ",
          _minus("high", "RAW", "LQ"), DB),
    Claim("figure6.fake-minus-real.high.raw",
          "fakes have more energy at high frequencies: high third on RAW, fake minus real",
          _fake_minus_real, DB,
          headline="fakes have more energy at high frequencies: on RAW, fake minus real"),
)
