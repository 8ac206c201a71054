"""The claims about Figures 3 and 4 (section 4.2.3): what models see, and what compression moves."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tcnsc_lib.analysis.gradcam import SHUFFLED
from tcnsc_lib.results.claims.material import Measure, MeasureOfSeeds, each_seed, only
from tcnsc_lib.results.claims.rules import Claim

MODELS = {"tcnsc": "TCNSC", "b": "model B", "xception": "Xception-RAW", "shuffled": SHUFFLED}
"""Model in an id -> in a table."""


def _minus(measure: str, model: str, one: str, other: str) -> Measure:
    """A measure of a model at one codec minus that at another."""
    return lambda m: m(measure, model, one) - m(measure, model, other)


# Figure 3, of each seed: silhouettes are in [-1, 1], rates in shares

def _falls(measure: str, model: str, one: str, other: str) -> MeasureOfSeeds:
    """`_minus` of each training."""
    return each_seed(_minus(measure, model, one, other))


def _separated(short: str, headline: str = "") -> tuple[Claim, ...]:
    """What the paper says of each of its two models."""
    model = MODELS[short]
    apart = Claim(f"figure3.margin.raw.{short}",
                  f"real and fake are separated on RAW: silhouette, {model}",
                  each_seed(lambda m: m("silhouette", model, "RAW")), headline=headline)
    smaller = Claim(f"figure3.margin.raw-minus-mq.{short}",
                    f"the margin becomes smaller: silhouette on RAW minus MQ, {model}",
                    _falls("silhouette", model, "RAW", "MQ"))
    again = Claim(f"figure3.margin.mq-minus-lq.{short}",
                  f"and smaller: silhouette at MQ minus LQ, {model}",
                  _falls("silhouette", model, "MQ", "LQ"))
    overlap = Claim(f"figure3.neighbours.raw-minus-lq.{short}",
                    f"the overlap grows: right nearest neighbours on RAW minus LQ, {model}",
                    _falls("neighbour", model, "RAW", "LQ"))
    return apart, smaller, again, overlap


def _falls_more(measure: str, model: str) -> MeasureOfSeeds:
    """A model's fall from RAW to LQ minus TCNSC's, both from the same seed."""
    theirs = _minus(measure, model, "RAW", "LQ")
    ours = _minus(measure, "TCNSC", "RAW", "LQ")
    return each_seed(lambda m: theirs(m) - ours(m))


def _threshold(short: str) -> Claim:
    model = MODELS[short]
    return Claim(f"figure3.threshold.{short}",
                 "not in the paper: more is lost than the overlap explains: a linear probe fitted "
                 f"at LQ minus the own classifier, {model}",
                 each_seed(lambda m: m("probe", model, "LQ") - m("classifier", model, "LQ")))


ABOUT_FIGURE_3 = (
    *_separated("tcnsc", "real and fake are separated on RAW: silhouette of TCNSC's features"),
    *_separated("xception"),
    Claim("figure3.fall.xception-minus-tcnsc",
          "less so for TCNSC (implied): fall of the silhouette to LQ, "
          "Xception-RAW's minus TCNSC's",
          _falls_more("silhouette", "Xception-RAW"),
          headline="compression shrinks TCNSC's margin less (implied): fall to LQ, Xception-RAW's "
                   "minus TCNSC's"),
    Claim("figure3.fall.b-minus-tcnsc",
          "not in the paper: TCNSC's margin shrinks less than that of model B, which sees no "
          "twins: model B's fall minus TCNSC's",
          _falls_more("silhouette", "model B"),
          headline="not in the paper: TCNSC's margin shrinks less than that of model B, which "
                   "sees no twins: model B's fall minus TCNSC's"),
    Claim("figure3.neighbours-fall.b-minus-tcnsc",
          "... the same for right nearest neighbours: model B's fall minus TCNSC's",
          _falls_more("neighbour", "model B")),
    _threshold("tcnsc"),
    _threshold("xception"),
)


# Figure 4: rank correlations of heat maps, in [-1, 1]. "basically symmetrical" is read as: the map
# stays where it was on RAW. Empty maps don't count; trained models are compared on fakes, whose
# maps are hardly ever empty at demo.

def _same(model: str, codec: str = "LQ") -> Measure:
    """Of a map with its own on RAW."""
    return lambda m: m("same", model, codec)


def _beyond(model: str, codec: str = "LQ") -> Measure:
    """The same minus the correlation with other people's maps on RAW."""
    return lambda m: m("same", model, codec) - m("different", model, codec)


def _empty_as_none(model: str) -> Measure:
    """Of a map with its own on RAW, an empty one counting as no correlation."""
    return lambda m: m("same", model, "LQ").fillna(0)


def _over(measure: Callable[[str], Measure], model: str) -> Measure:
    """TCNSC's minus another model's."""
    ours = measure("TCNSC")
    theirs = measure(model)
    return lambda m: ours(m) - theirs(m)


STAY = "the main areas stay"


def _stays(codec: str, headline: str = "") -> Claim:
    return Claim(f"figure4.stays.{codec.lower()}.tcnsc",
                 f"{STAY}: a map at {codec} and its own on RAW, minus with other people's, TCNSC",
                 _beyond("TCNSC", codec), headline=headline)


def _stays_too(short: str) -> Claim:
    model = MODELS[short]
    return Claim(f"figure4.stays.lq.{short}", f"... at LQ, {model}", _beyond(model))


@dataclass(frozen=True)
class Comparison:
    """TCNSC's maps against another model's: what it is about, and on fakes alone or on all."""

    short: str
    about: str
    fakes: bool = True
    headline: str = ""
    headline_beyond: str = ""


def _steadier(c: Comparison) -> tuple[Claim, ...]:
    """Three readings of one comparison."""
    model = MODELS[c.short]
    end = f"TCNSC minus {model}"
    which = f"{end}, fakes alone" if c.fakes else end

    def counted(measure: Measure) -> Measure:
        return only("fake", measure) if c.fakes else measure

    same = Claim(f"figure4.same.tcnsc-minus-{c.short}",
                 f"{c.about}: map at LQ and on RAW, {which}",
                 counted(_over(_same, model)), headline=c.headline)
    beyond = Claim(f"figure4.beyond-others.tcnsc-minus-{c.short}",
                   f"... the same, beyond other people's maps, {which}",
                   counted(_over(_beyond, model)), headline=c.headline_beyond)
    every = Claim(f"figure4.all-crops.tcnsc-minus-{c.short}",
                  f"... the same, all crops, an empty map counting as no correlation, {end}",
                  _over(_empty_as_none, model))
    return same, beyond, every


def _not_empty(short: str) -> Claim:
    model = MODELS[short]
    return Claim(f"figure4.not-empty.tcnsc-minus-{short}",
                 "not in the paper: maps of real faces that aren't empty at LQ, TCNSC minus "
                 f"{model}",
                 only("real", lambda m: m("heat", "TCNSC", "LQ") - m("heat", model, "LQ")))


def _forgery(short: str) -> Claim:
    model = MODELS[short]
    return Claim(f"figure4.forgery.{short}",
                 "not in the paper: the heat on RAW lies on the forgery: area under its ROC curve "
                 f"minus 1/2, {model}",
                 lambda m: m("auc", model, "RAW") - 0.5)


ABOUT_FIGURE_4 = (
    _stays("HQ"),
    _stays("MQ"),
    _stays("LQ", "the main areas of concern stay: correlation of maps at LQ and on RAW, minus "
                 "that with other people's"),
    _stays_too("b"),
    _stays_too("xception"),
    *_steadier(Comparison("xception", '"strong robustness" (implied: more than others)')),
    *_steadier(Comparison("b", "not in the paper: steadier than model B, which sees no twins")),
    *_steadier(Comparison(
        "shuffled", "not in the paper: steadiness shows that something was learned", fakes=False,
        headline="not in the paper: steadiness shows what was learned: that correlation minus "
                 "that of shuffled weights",
        headline_beyond="not in the paper: the same, each minus the correlation with other "
                        "people's maps")),
    _not_empty("xception"),
    _not_empty("b"),
    _forgery("tcnsc"),
    _forgery("b"),
    _forgery("xception"),
)
