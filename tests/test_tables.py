"""Tables from predictions made by hand (`say` in conftest.py); the claims are in test_claims.py.

Two test people with four crops each, so a bootstrap's interval of a mean goes from the one person's
mean to the other's: of two people drawn, both are the same one in a quarter of the draws.
"""
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import P
from made_study import between_both

from tcnsc_lib import paper
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
    UNTRAINED,
)
from tcnsc_lib.results import tables

PAIRS = ["(RAW, HQ)", "(RAW, MQ)", "(RAW, LQ)", "(LQ, MQ)"]
CONTROLS = [AUGMENTED, RANDOM_AUGMENTED, BOTH, ON_H, LAMBDA_0]


def check(table: pd.DataFrame, accuracy: dict[str, list[float]], theirs: pd.DataFrame) -> None:
    """Five test sets a row, ours by hand (100 where nothing is said), the paper's beside them."""
    rows = table.training.unique()
    assert table.training.tolist() == np.repeat(rows, 5).tolist()
    assert table.codec.tolist() == list(paper.CODECS) * len(rows)
    for row in rows:
        part = table[table.training == row]
        printed = theirs.loc[row].tolist() if row in theirs.index else [np.nan] * 5
        assert part.accuracy.tolist() == pytest.approx(accuracy.get(row, [100] * 5)), row
        assert part.paper.tolist() == pytest.approx(printed, nan_ok=True), row


def rows_of(table: pd.DataFrame) -> list[str]:
    return table.training.unique().tolist()


def test_table1_has_the_papers_rows(toy, say):
    say("(RAW, LQ)", LQ=(3, 4))
    say("(LQ, MQ)", RAW=(0, 0))
    table = tables.table1(toy)
    assert rows_of(table) == PAIRS
    ours = {"(RAW, LQ)": [100, 100, 100, 87.5, 100], "(LQ, MQ)": [0, 100, 100, 100, 100]}
    check(table, ours, paper.TABLE1)
    row = table.set_index(["training", "codec"]).loc[("(RAW, LQ)", "LQ")]
    assert (row.low, row.high) == (75, 100)


def test_a_row_tells_both_kinds_of_error_and_how_many_crops_people_and_units(toy, say):
    say(MODEL_B, LQ=(2, 2))  # the two real crops of each are right, both fakes wrong
    row = tables.difficulty(toy).set_index("codec").loc["LQ"]
    errors = ["reals_called_fake", "fakes_called_real", "auc", "eer"]
    assert row[errors].tolist() == [0, 100, 50, 50]
    assert row[["n", "units", "people", "seed"]].tolist() == [8, 2, 2, 3]


def test_rates_are_percent_in_every_column(toy, say):
    say(MODEL_B, LQ=(1, 0))
    row = tables.difficulty(toy).set_index("codec").loc["LQ"]
    rates = ["accuracy", "reals_called_fake", "fakes_called_real", "low", "high"]
    assert row[rates].tolist() == [12.5, 75, 100, 0, 25]


def test_calibrated_is_the_accuracy_at_the_threshold_of_raw_validation_crops(toy):
    real = toy.y == 0
    odds = {codec: np.where(real, -2.0, 2.0) for codec in paper.CODECS}
    odds["LQ"] = np.where(real, 1.0, 3.0)  # shifted: all are called fake at 0
    odds["MQ"] = np.where(real, -2.0, 1.0)  # a fake is above 0, not above 1.5
    toy.save_predictions(MODEL_B, None, pd.DataFrame(odds), ["threshold 1.5000"])
    table = tables.difficulty(toy).set_index("codec")
    assert table.accuracy.tolist() == [100, 100, 100, 50, 100]
    assert table.calibrated.tolist() == [100, 100, 50, 100, 100]
    assert table.auc.tolist() == [100] * 5


def test_without_a_threshold_nothing_is_calibrated(toy, say):
    say(DUAL, LQ=(3, 3))
    for made in (tables.table1, tables.table2, tables.table3, tables.seeds):
        assert made(toy).calibrated.isna().all() and made(toy).accuracy.notna().all()
    summary = tables.seed_summary(toy)
    assert summary[["calibrated", "calibrated_sd"]].isna().all(axis=None)


def test_table1_read_literally_names_the_same_runs_otherwise(toy, say):
    say("(RAW, LQ)", LQ=(3, 4))
    say("(HQ, MQ)", RAW=(1, 1))
    table = tables.literal_table1(toy)
    assert rows_of(table) == PAIRS
    ours = {"(RAW, HQ)": [100, 100, 100, 87.5, 100], "(LQ, MQ)": [25, 100, 100, 100, 100]}
    check(table, ours, paper.TABLE1)


def test_table2_has_the_papers_rows_and_then_controls_that_the_paper_lacks(toy, say):
    say(DUAL, LQ=(2, 2), WEBP=(4, 2))
    say(MODEL_A, RAW=(2, 2))
    say(PROBE, HQ=(3, 3))
    say(AUGMENTED, MQ=(0, 4))
    say(LAMBDA_0, WEBP=(1, 0))
    say(REESTIMATED, LQ=(3, 4))
    table = tables.table2(toy)
    papers = ["model A", PROBE, UNTRAINED, "model B", REESTIMATED, "dual"]
    assert rows_of(table) == [*papers, *CONTROLS]
    ours = {
        "dual": [100, 100, 100, 50, 75],
        "model A": [50, 100, 100, 100, 100],
        PROBE: [100, 75, 100, 100, 100],
        AUGMENTED: [100, 100, 50, 100, 100],
        LAMBDA_0: [100, 100, 100, 100, 12.5],
        REESTIMATED: [100, 100, 100, 87.5, 100],
    }
    check(table, ours, paper.TABLE2)
    assert table.paper.notna().sum() == 15
    assert (table.seed == 3).all() and (table.n == 8).all() and (table.units == 2).all()


def test_the_controls_are_called_by_what_they_do():
    assert CONTROLS == [
        "JPEG augmentation",
        "random JPEG augmentation",
        "dual, both views classified",
        "similarity on h",
        "lambda 0",
    ]


def test_table3_has_the_papers_rows_and_tcnsc_is_the_dual_model(toy, say):
    say(DUAL, MQ=(1, 1))
    say("FWA", RAW=(2, 4))
    table = tables.table3(toy)
    assert rows_of(table) == [
        "Xception-RAW",
        "Xception-C23",
        "Xception-C40",
        "MesoInception",
        "Meso4",
        "Capsule",
        "FWA",
        "DSP-FWA",
        "TCNSC",
    ]
    ours = {"TCNSC": [100, 100, 25, 100, 100], "FWA": [75, 100, 100, 100, 100]}
    check(table, ours, paper.TABLE3)


def test_difficulty_is_model_b(toy, say):
    say("model B", LQ=(1, 2))
    table = tables.difficulty(toy)
    assert rows_of(table) == ["model B"]
    check(table, {"model B": [100, 100, 100, 37.5, 100]}, paper.TABLE2)


def test_wide_keeps_the_papers_order(toy, say):
    say("Capsule", WEBP=(0, 1))
    wide = tables.wide(tables.table3(toy))
    assert wide.index.tolist() == list(paper.TABLE3.index)
    assert wide.columns.tolist() == list(paper.CODECS)
    assert wide.loc["Capsule"].tolist() == [100, 100, 100, 100, 12.5]


# seeds


def test_means_and_deviations_over_seeds_by_hand(toy, say):
    say(DUAL, 3, LQ=(4, 4))
    say(DUAL, 4, LQ=(2, 2), RAW=(4, 3))
    say(AUGMENTED, 4, WEBP=(3, 3))
    names = ["dual", "model B", REESTIMATED, AUGMENTED, ON_H, LAMBDA_0]
    each = tables.seeds(toy)  # a row each test set, seed and training
    assert each.training.tolist() == np.repeat(names, 10).tolist()
    assert each.seed.tolist() == np.repeat([3, 4] * 6, 5).tolist()
    assert each[each.codec == "LQ"].accuracy.tolist() == [100, 50, *[100] * 10]
    table = tables.seed_summary(toy).set_index(["training", "codec"])
    assert table.index.get_level_values(0).unique().tolist() == names and len(table) == 30
    half = 0.5**0.5  # the deviation of 0 and 1
    columns = ["accuracy", "accuracy_sd"]
    assert table.loc[("dual", "LQ"), columns].tolist() == pytest.approx([75, 50 * half])
    assert table.loc[("dual", "RAW"), columns].tolist() == pytest.approx([93.75, 12.5 * half])
    assert table.loc[(AUGMENTED, "WEBP"), columns].tolist() == pytest.approx([87.5, 25 * half])
    same = ["accuracy", "accuracy_sd", "auc", "auc_sd"]
    assert table.loc[("model B", "LQ"), same].tolist() == [100, 0, 100, 0]
    assert (table.seeds == 2).all() and table.calibrated.isna().all()
    called_real = table.loc[("dual", "LQ"), ["auc", "auc_sd"]]  # all crops, by one of the seeds
    assert called_real.tolist() == pytest.approx([75, 50 * half])


def test_the_calibrated_mean_and_deviation_over_seeds(toy):
    for seed, threshold in ((3, 0), (4, 3)):  # fakes are at 2: at 3 they are called real
        notes = [f"threshold {threshold:.4f}"]
        toy.save_predictions(DUAL, seed, toy.log_odds(DUAL, seed), notes)
    row = tables.seed_summary(toy).set_index(["training", "codec"]).loc[("dual", "LQ")]
    assert (row.accuracy, row.accuracy_sd) == (100, 0)
    assert (row.calibrated, row.calibrated_sd) == pytest.approx((75, 50 * 0.5**0.5))


def test_one_seed_has_no_deviation(toy, say):
    say(DUAL, LQ=(3, 3))
    one = Evidence(replace(P, seeds=1), toy.folder)
    table = tables.seed_summary(one)
    assert (table[["accuracy_sd", "auc_sd"]] == 0).all(axis=None) and (table.seeds == 1).all()
    assert (tables.seed_differences(one).eval("least == difference == most")).all()


def test_differences_over_seeds_by_hand(toy, say):
    say(DUAL, 3, LQ=(4, 4))
    say(DUAL, 4, LQ=(4, 3))
    say("model B", 3, LQ=(2, 1))  # dual minus model B: seed 3 (2, 3) of 4, seed 4 (4, 2) of 4
    say("model B", 4, LQ=(0, 1))
    say(AUGMENTED, 4, LQ=(2, 2))
    say(REESTIMATED, 3, LQ=(3, 3))
    table = tables.seed_differences(toy)
    by_hand = {  # of people, of seeds
        "dual - model B": ((75, 62.5), (62.5, 75), "no"),
        f"dual - {AUGMENTED}": ((25, 12.5), (0, 37.5), "no"),
        f"dual - {LAMBDA_0}": ((0, -12.5), (0, -12.5), "no"),
        f"dual - {REESTIMATED}": ((12.5, 0), (25, -12.5), "no"),
        f"{REESTIMATED} - model B": ((62.5, 62.5), (37.5, 87.5), "no"),
        f"{AUGMENTED} - model B": ((50, 50), (62.5, 37.5), "no"),
        f"{ON_H} - model B": ((75, 75), (62.5, 87.5), "no"),
        f"{ON_H} - {AUGMENTED}": ((25, 25), (0, 50), "no"),
    }
    assert table["difference of accuracy"].tolist() == np.repeat(list(by_hand), 5).tolist()
    assert table.codec.tolist() == list(paper.CODECS) * 8
    numbers = ["difference", "low", "high", "least", "most"]
    assert table.columns.tolist()[2:] == [*numbers, "settled"]
    at_lq = table[table.codec == "LQ"].set_index("difference of accuracy")
    for title, (people, seeds, settled) in by_hand.items():
        expected = [np.mean(people), *between_both(people, seeds), min(seeds), max(seeds)]
        assert at_lq.loc[title, numbers].tolist() == pytest.approx(expected), title
        assert at_lq.settled[title] == settled, title
    elsewhere = table[table.codec != "LQ"]
    assert (elsewhere[numbers] == 0).all(axis=None) and (elsewhere.settled == "no").all()


@pytest.mark.parametrize(
    ("title", "pair", "sign"),
    [
        ("dual - model B", (DUAL, "model B"), 1),
        (f"{AUGMENTED} - model B", ("model B", AUGMENTED), -1),
    ],
)
def test_a_difference_is_settled_where_interval_and_every_seed_lie_on_one_side_of_0(
    toy, say, monkeypatch, title, pair, sign
):
    better, worse = pair
    say(worse, 3, RAW=(2, 3), MQ=(0, 0), LQ=(2, 3), WEBP=(4, 2))
    say(worse, 4, RAW=(3, 3), WEBP=(4, 3))
    say(better, 3, HQ=(2, 3))
    say(better, 4, HQ=(3, 3), MQ=(3, 4))
    expected = {  # better minus worse: mean, least, most; with an interval that is given
        "RAW": (31.25, 25, 37.5, "yes"),
        "HQ": (-31.25, -37.5, -25, "yes"),
        "MQ": (43.75, -12.5, 100, "no"),  # one seed has the other sign
        "LQ": (18.75, 0, 37.5, "no"),  # one seed is 0
        "WEBP": (18.75, 12.5, 25, "no"),  # both seeds above 0, the interval reaches it
    }
    monkeypatch.setattr(tables, "over_trainings", given)
    table = tables.seed_differences(toy)
    rows = table[table["difference of accuracy"] == title].set_index("codec")
    for codec, (mean, least, most, settled) in expected.items():
        numbers = [mean, least, most] if sign > 0 else [-mean, -most, -least]
        ours = rows.loc[codec, ["difference", "least", "most"]]
        assert ours.tolist() == pytest.approx(numbers), codec
        assert rows.settled[codec] == settled, codec
    ends = sorted([sign * 42.75, sign * 44.75])
    assert rows.loc["MQ", ["low", "high"]].tolist() == pytest.approx(ends)


def given(gaps: np.ndarray, units: np.ndarray) -> tuple[float, float]:
    """An interval that is narrow where seeds differ much, so that either may decide."""
    assert gaps.shape == (2, 8) and units.shape == (8,)
    apart = np.ptp(gaps.mean(axis=1))
    half = 1.5 * apart if apart < 0.2 else 0.01
    return gaps.mean() - half, gaps.mean() + half


# relative drops


def test_drops_by_hand(toy, say):
    say("Xception-RAW", RAW=(4, 4), LQ=(3, 3))  # 25 % of 100
    say("Meso4", RAW=(4, 2), LQ=(2, 1))  # 3 of 6: 50 %
    say("Capsule", RAW=(2, 2), LQ=(4, 4))  # rises by 100 %
    say("FWA", LQ=(4, 0))
    table = tables.drops(toy).set_index("detector")
    assert table.index.tolist() == list(paper.TABLE3.index)
    ours = table[["ours", "low", "high"]]
    assert ours.loc["Xception-RAW"].tolist() == [25, 25, 25]
    assert ours.loc["Meso4"].tolist() == [50, 50, 50]
    assert ours.loc["Capsule"].tolist() == [-100, -100, -100]
    assert ours.loc["FWA"].tolist() == [50, 0, 100]
    assert table.table["TCNSC"] == pytest.approx(100 * 5.8 / 97.6)
    assert table.table["Xception-C40"] < 0
    said = {"TCNSC": "5.94", "Xception-RAW": "24.87", "Xception-C23": "17.32"}
    assert table.sentence.to_dict() == {name: said.get(name, "over 20") for name in table.index}
    theirs = table["their table agrees"]
    assert set(theirs[theirs == "no"].index) == {"DSP-FWA", "Xception-C40"}
    assert (theirs[list(said)] == "yes").all()
    agrees = table["ours agrees"][["Meso4", "Capsule", "FWA", "Xception-RAW"]]
    assert agrees.tolist() == ["yes", "no", "can't tell", "no"]


def test_a_stated_drop_holds_where_it_lies_in_our_interval(toy, say):
    say("Xception-RAW", LQ=(4, 2))  # 0 to 50 %
    say(DUAL, LQ=(4, 4))
    ours = tables.drops(toy).set_index("detector")["ours agrees"]
    assert ours["Xception-RAW"] == "yes" and ours["TCNSC"] == "no"
