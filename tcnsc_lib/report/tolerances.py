"""How far a number may move when its file is made again on another machine, by file and column.

Another processor adds in another order; within six steps of a training that has grown to percents
of the loss, and the rest is like another seed. Between an Intel Xeon and an AMD EPYC (89 trainings
of the demo), and between that Xeon and its kernels for an older processor (40, a whole
`make reproduce`; other_processor.csv has both), single trainings differ by up to 9.8 points of
accuracy and 4 of AUC (DSP-FWA, which learns little: 6.5); means of three by 3.5 and 1.8; accuracy
at a chosen threshold by 20. So a single one may move by 10 points and a mean by 5, 3 of AUC; what
follows from both, or from an interval's ends, by a few times that. Figures 1, 5 and 6 train
nothing: there all agree to the last digit.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tcnsc_lib.analysis.corrections import COLUMNS
from tcnsc_lib.chains import CHAINS

ONE_CROP = "a single crop's value follows from a training in every detail; its means are compared"
NEAR_EMPTY = "whether a map is empty hangs on last digits; the means over maps are compared"
ONE_CHANNEL = "which channel is shifted most follows from a training in every detail"
STEPS = "steps of ten between qualities; the rates that it follows from are compared"
CLOCK = "a machine's speed"
FOLLOWS = "follows from numbers that are compared, of the same file or of table3_costs.csv"
DRAWN = "drawn from numbers that are compared; here only whether it opens, its size, not blank"

SIZE = 0.1  # share of a side by which a picture may be larger or smaller: its margins fit its words
CROP = 16.0  # mean difference, of 255, between two pictures of one stored crop


@dataclass(frozen=True)
class Rule:
    """How a file's columns are compared; a column that is in neither must be equal.

    within: column -> the largest difference allowed, in the column's unit (points of percent for
    rates). skipped: column -> why it isn't compared. apart: why the file may be missing.
    """

    within: dict[str, float] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    apart: str = ""


def _claims(
    difference: float, single: float = 0.0, ends: float = 0.0, skipped: dict[str, str] | None = None
) -> Rule:
    """A table of claims. difference: of ours; ends: of its interval's ends, as much if not said.

    single: of single seeds. Of three trainings an interval's ends move by several times as much as
    its middle does.
    """
    seeds = {"least": single, "most": single} if single else {}
    interval = {"ours": difference} | dict.fromkeys(("low", "high"), ends or difference)
    return Rule(interval | seeds, {"holds here": FOLLOWS, "p": FOLLOWS} | (skipped or {}))


def _means(difference: float, ends: float, skipped: dict[str, str] | None = None) -> Rule:
    """A table of means, with their intervals' ends."""
    return Rule({"mean": difference, "low": ends, "high": ends}, skipped or {})


# Single trainings. Model A's untrained classifier may call all crops real, or all fake.
SCORES = {"accuracy": 10.0, "calibrated": 25.0, "auc": 5.0, "eer": 6.0, "low": 12.0,
          "high": 12.0, "reals_called_fake": 50.0, "fakes_called_real": 50.0}
SCORES3 = {"accuracy": 10.0, "calibrated": 25.0, "auc": 8.0, "eer": 12.0, "low": 14.0,
           "high": 14.0, "reals_called_fake": 50.0, "fakes_called_real": 50.0}
WATCHED = {"gradient_cro": 50.0, "gradient_sim": 2.0, "rank_z": 10.0, "rank_h": 10.0}
WATCHED |= dict.fromkeys(("cos_twins_z", "cos_different_z", "spread_z"), 0.2)
WATCHED |= dict.fromkeys(("cos_twins_h", "cos_different_h", "spread_h"), 0.2)
CURVES = {"total": 0.5, "cro": 0.5, "sim": 0.05}
VALIDATED = {"RAW": 20.0, "LQ": 20.0, "auc_RAW": 15.0, "auc_LQ": 15.0}
LAST_QUARTER = dict.fromkeys(("RAW", "LQ", "rise_RAW", "rise_LQ"), 20.0)
CURVES |= {"val_accuracy": 12.0, "val_auc": 8.0, "val_accuracy_LQ": 12.0, "val_auc_LQ": 8.0}
DIFFERENCES = {"difference": 7.5, "low": 20.0, "high": 20.0, "least": 12.0, "most": 12.0}
CHANNEL = ("channel", "left", "right", "share", "mean", "running_mean")
CODECS = ("RAW", "HQ", "MQ", "LQ", "WEBP")
SSIM = ("grey, Gaussian", "colour, Gaussian", "grey, 7 x 7", "colour, 7 x 7")
APART = ("silhouette", "neighbour", "probe", "classifier")
PLACE = ("x", "y", *APART)
HEAT = ("heat", "same", "different", "trained", "inside", "hit", "auc")
CELLS = ("p", *(f"c{cell}" for cell in range(100)))
BANDS = ("low", "middle", "high", "low_change", "middle_change", "high_change")

VIDEOS = dict.fromkeys(("frame", "mean", "median", "majority", "low", "high"), 18.0)
VIDEOS |= {"auc": 8.0, "gain": 10.0}
# After a harsh chain a detector guesses, and its AUC is as loose as anybody's.
QUALITY = {"accuracy": 5.0, "accuracy_least": 10.0, "accuracy_most": 10.0,
           "auc": 8.0, "auc_least": 10.0, "auc_most": 10.0}
QUALITY |= dict.fromkeys(("accuracy_low", "accuracy_high", "auc_low", "auc_high"), 20.0)
CALIBRATION = dict.fromkeys(COLUMNS, 12.0) | {"temperature": 1.5, "accuracy": 5.0, "auc": 3.0}
CALIBRATION |= dict.fromkeys([f"{name}_low" for name in COLUMNS], 40.0)
CALIBRATION |= dict.fromkeys([f"{name}_high" for name in COLUMNS], 40.0)

STUDY = Rule(apart="made apart, by `tcnsc study`")

RULES = {
    "table1.csv": Rule(SCORES),
    "table1_literal.csv": Rule(SCORES),
    "difficulty.csv": Rule(SCORES),
    "table1_claims.csv": _claims(7.5, single=12.0, ends=20.0),
    "table2.csv": Rule(SCORES),
    "table2_seeds.csv": Rule(SCORES),
    "table2_differences.csv": Rule(DIFFERENCES, {"settled": FOLLOWS}),
    # One of them is a share of what model B loses, which moves three times as far as it.
    "table2_claims.csv": _claims(15.0, single=30.0, ends=40.0),
    "table3.csv": Rule(SCORES3, {"mark": FOLLOWS}),
    # Which detector is the best other one may change, and how many trainings it has.
    "table3_claims.csv": _claims(
        20.0, single=25.0, ends=30.0, skipped={"best other, ours": FOLLOWS, "seeds": FOLLOWS}
    ),
    "table3_drops.csv": Rule(dict.fromkeys(("ours", "low", "high"), 15.0),
                             {"ours agrees": FOLLOWS, "mark": FOLLOWS}),
    "table3_videos.csv": Rule(VIDEOS),
    "table3_costs.csv": Rule({"val_auc": SCORES3["auc"]},
                             {"seconds": CLOCK, "crops_per_second": CLOCK}),
    "other_processor.csv": Rule(apart="made on another processor"),
    "quality.csv": Rule(QUALITY),
    "quality_usable.csv": Rule({"accuracy_chains": 15.0, "auc_chains": 15.0},
                               {"accuracy_from": STEPS, "auc_from": STEPS, "worst": FOLLOWS}),
    "quality_claims.csv": _claims(5.0, single=8.0, ends=15.0),
    "calibration.csv": Rule(CALIBRATION),
    "calibration_bins.csv": Rule({"n": 300.0, "right": 300.0, "confidence": 0.05}),
    "calibration_claims.csv": _claims(7.5, single=10.0, ends=15.0),
    "chains/*.csv": Rule(skipped=dict.fromkeys(CHAINS, ONE_CROP)),
    "study*": STUDY,
    "study/*.csv": STUDY,
    "channel.csv": Rule(skipped=dict.fromkeys(CHANNEL, ONE_CHANNEL)),
    "channel_shifts.csv": Rule({"shift": 0.5, "spread": 0.5}),
    "collapse.csv": Rule(WATCHED),
    "training_curves.csv": Rule(WATCHED | CURVES),
    "validation/*.csv": Rule(skipped=dict.fromkeys(CODECS, ONE_CROP)),
    "validation_crops.csv": Rule(),
    "validation*": Rule(VALIDATED, apart=STUDY.apart),
    "last_quarter.csv": Rule(LAST_QUARTER, apart=STUDY.apart),
    "cosines.csv": Rule({"twins (RAW, LQ)": 0.2, "different people": 0.3,
                         "real against fake": 0.5}),
    "trace.csv": Rule(dict.fromkeys(CODECS, 0.2)),
    "cue.csv": Rule(dict.fromkeys(CODECS, 3.0) | {"side": 1.0}),
    "figure1.csv": Rule({"bytes": 300.0, "mean_abs_difference": 0.5, "blocking": 0.05}),
    "figure1_blocks.csv": Rule({"blocking": 0.05}),
    "figure1_claims.csv": _claims(0.01),
    "figure3.csv": Rule(skipped=dict.fromkeys(PLACE, ONE_CROP)),
    "figure3_seeds.csv": Rule(skipped=dict.fromkeys(APART, ONE_CROP)),
    "figure3_means.csv": _means(0.2, ends=0.3),
    "figure3_claims.csv": _claims(0.15, single=0.2, ends=0.3),
    "figure4.csv": Rule(skipped=dict.fromkeys(CELLS, ONE_CROP)),
    "figure4_maps.csv": Rule({"covered": 0.02, "chance": 0.02}, dict.fromkeys(HEAT, ONE_CROP)),
    "figure4_means.csv": _means(0.8, ends=1.0, skipped={"crops": NEAR_EMPTY}),
    "figure4_claims.csv": _claims(0.4, skipped={"crops": NEAR_EMPTY}),
    "figure4_seeds.csv": Rule({"silhouette_RAW": 0.2, "silhouette_LQ": 0.2, "same": 0.4,
                               "different": 0.27, "hit": 0.8, "auc": 0.4}),
    "figure5.csv": Rule(dict.fromkeys(SSIM, 0.01)),
    "figure5_means.csv": _means(0.005, ends=0.005),
    "figure5_claims.csv": _claims(0.5),
    "figure6.csv": Rule({"mean": 0.2, "sd": 0.2}),
    "figure6_bands.csv": Rule(dict.fromkeys(BANDS, 0.3)),
    "figure6_means.csv": _means(0.02, ends=0.02),
    "figure6_claims.csv": _claims(0.02),
    "predictions/*.csv": Rule(skipped=dict.fromkeys(CODECS, ONE_CROP)),
}
"""File -> its rule. A file's name is the same whether it is measured or derived."""


def rule_of(file: str) -> tuple[str, Rule]:
    """The pattern and the rule of a file, named by its path in its profile's folder.

    A file that nothing is said of must be equal.
    """
    parts = Path(file).parts
    for pattern, rule in RULES.items():
        ending = "/".join(parts[-1 - pattern.count("/"):])
        if fnmatchcase(ending, pattern):
            return pattern, rule
    return file, Rule()
