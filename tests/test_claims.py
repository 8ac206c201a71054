"""The paper's sentences as numbers: about tables, from probabilities made by hand (`say` in conftest.py; two test people,
four crops each); about figures, from tables made by hand, of two people too.
"""
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import P

from tcnsc_lib import claims, paper, tables, verdict
from tcnsc_lib.claims import rules
from tcnsc_lib.experiments import AUGMENTED, BOTH, DUAL, JPEG, MODEL_A, ON_H, PROBE, UNCOMPARED

ONE = replace(P, seeds=1)


def test_drops_by_hand(say):
    say("Xception-RAW", RAW=(4, 4), LQ=(3, 3))  # 25 % of 100
    say("Meso4", RAW=(4, 2), LQ=(2, 1))  # 3 of 6: 50 %
    say("Capsule", RAW=(2, 2), LQ=(4, 4))  # rises by 100 %
    say("FWA", LQ=(4, 0))
    table = claims.drops(P).set_index("detector")
    assert table.index.tolist() == list(paper.TABLE3.index)
    assert table.loc["Xception-RAW", ["ours", "low", "high"]].tolist() == [25, 25, 25]
    assert table.loc["Meso4", ["ours", "low", "high"]].tolist() == [50, 50, 50]
    assert table.loc["Capsule", ["ours", "low", "high"]].tolist() == [-100, -100, -100]
    assert table.loc["FWA", ["ours", "low", "high"]].tolist() == [50, 0, 100]
    assert table.table["TCNSC"] == pytest.approx(100 * 5.8 / 97.6) and table.table["Xception-C40"] < 0
    said = {"TCNSC": "5.94", "Xception-RAW": "24.87", "Xception-C23": "17.32"}
    assert table.sentence.to_dict() == {name: said.get(name, "over 20") for name in table.index}
    theirs = table["their table agrees"]
    assert set(theirs[theirs == "no"].index) == {"DSP-FWA", "Xception-C40"} and (theirs[list(said)] == "yes").all()
    ours = table["ours agrees"].to_dict()
    assert (ours["Meso4"], ours["Capsule"], ours["FWA"], ours["Xception-RAW"]) == ("yes", "no", "can't tell", "no")


def test_a_stated_drop_holds_where_it_lies_in_our_interval(say):
    say("Xception-RAW", LQ=(4, 2))  # 0 to 50 %
    say(DUAL, LQ=(4, 4))
    ours = claims.drops(P).set_index("detector")["ours agrees"]
    assert ours["Xception-RAW"] == "yes" and ours["TCNSC"] == "no"


def judged(table: pd.DataFrame, part: str) -> pd.Series:
    (row,) = [row for _, row in table.iterrows() if part in row[claims.tables.CLAIM]]
    return row


def test_the_sentences_about_table_2_by_hand(say):
    say(DUAL, LQ=(4, 3), RAW=(3, 3))
    say("model B", LQ=(2, 1))
    say(AUGMENTED, LQ=(4, 4))
    say(JPEG, LQ=(4, 3))
    say(UNCOMPARED, LQ=(3, 1))
    say(BOTH, LQ=(3, 3))
    say(ON_H, LQ=(4, 2), RAW=(2, 3))
    say(MODEL_A, **{codec: (2, 2) for codec in paper.CODECS})
    say(PROBE, RAW=(2, 4))
    table = claims.table2_claims(ONE)
    mean = (45.8 + 43.6 + 41.7 + 40.1 + 41.0) / 5
    expected = {  # the paper's, ours, low, high, holds here
        "untrained classifier": (mean, 42.5, 40, 45, "yes"), "linear probe": (np.nan, -2.5, -10, 5, "can't tell"),
        "model B's RAW less LQ": (27.5, 62.5, 50, 75, "yes"), "dual less model B at LQ": (20.5, 50, 50, 50, "yes"),
        "\"combining the two branches obtains the best result\", also on RAW: dual less model B": (-1.2, -25, -25, -25, "no"),
        "dual less (i) at LQ": (np.nan, -12.5, -25, 0, "can't tell"), "dual less (ii) at LQ": (np.nan, 0, 0, 0, "can't tell"),
        "than twins in the batch statistics: dual less (v) at LQ": (np.nan, 37.5, 25, 50, "yes"),
        "(ii) less (i) at LQ": (np.nan, -12.5, -25, 0, "can't tell"), "(iii) less (i) at LQ": (np.nan, -25, -25, -25, "no"),
        "(iv) less model B at LQ": (np.nan, 37.5, 25, 50, "yes"), "on RAW: (iv) less model B": (np.nan, -37.5, -50, -25, "no")}
    assert len(table) == len(expected) == 12 and (table["holds if"] == "above 0").all()
    for part, (theirs, ours, low, high, holds) in expected.items():
        row = judged(table, part)
        assert [row.paper, row.ours, row.low, row.high] == pytest.approx([theirs, ours, low, high], nan_ok=True), part
        assert row["holds here"] == holds, part
    assert table.crops.tolist() == [8] * 12


def test_a_claim_without_the_papers_number_is_judged_all_the_same(say):
    say(AUGMENTED, LQ=(1, 2))
    say(JPEG, LQ=(4, 4))
    say(UNCOMPARED, LQ=(3, 4))
    say(DUAL, LQ=(3, 3))
    table = claims.table2_claims(ONE)
    assert judged(table, "dual less (i) at LQ")["holds here"] == "yes"
    assert judged(table, "dual less (ii) at LQ")["holds here"] == "no"
    row = judged(table, "(v) at LQ")
    assert [row.ours, row.low, row.high, row["holds here"]] == [-12.5, -25, 0, "can't tell"]
    assert table.paper.isna().tolist() == [False, True, False, False, False, *[True] * 7]


def test_a_claim_of_several_seeds_is_about_their_mean_and_holds_where_all_agree(say):
    say(DUAL, 3, LQ=(4, 4))
    say(DUAL, 4, LQ=(3, 3))
    say("model B", 3, LQ=(0, 1))
    say("model B", 4, LQ=(4, 3))  # seed 3: 100, 75; seed 4: -25, 0
    say(UNCOMPARED, 3, LQ=(2, 2))
    say(UNCOMPARED, 4, LQ=(2, 1))  # 50, 50; 25, 50
    say(JPEG, LQ=(2, 2))  # of one seed, the first
    table = claims.table2_claims(P)
    expected = {"dual less model B at LQ": (37.5, 37.5, 37.5, 2, -12.5, 87.5, "can't tell"),
                "dual less (v) at LQ": (43.75, 37.5, 50, 2, 37.5, 50, "yes"),
                "dual less (ii) at LQ": (50, 50, 50, 1, 50, 50, "yes")}
    for part, numbers in expected.items():
        row = judged(table, part)
        assert row[["ours", "low", "high", "seeds", "least", "most"]].tolist() == pytest.approx(numbers[:6]), part
        assert row["holds here"] == numbers[6], part
    assert (table.seeds == 2).sum() == 7


def test_the_gains_of_the_abstract_by_hand(say):
    say("Xception-RAW", LQ=(1, 1), MQ=(2, 4), HQ=(4, 4))
    say("Capsule", LQ=(3, 2), MQ=(3, 3), HQ=(4, 3))
    for name in set(paper.TABLE3.index) - {"Xception-RAW", "Capsule", "TCNSC"}:
        say(name, LQ=(0, 0), MQ=(4, 4) if name == "FWA" else (3, 4), HQ=(0, 4))
    say(DUAL, LQ=(4, 3), MQ=(3, 4), HQ=(4, 3))
    table = claims.table3_claims(P)
    best = "TCNSC less the best other detector at"
    expected = {"TCNSC less Xception-RAW at LQ": (16.9, 62.5, 50, 75, "yes"),
                "TCNSC less Xception-RAW at MQ": (10.1, 12.5, 0, 25, "can't tell"),
                "TCNSC less Xception-RAW at HQ": (4.1, -12.5, -25, 0, "can't tell"),
                f"{best} LQ": (3.5, 25, 25, 25, "yes"),  # 7 less 5 of 8
                f"{best} MQ": (5.5, -12.5, -25, 0, "can't tell"),
                f"{best} HQ": (4.1, -12.5, -25, 0, "can't tell")}
    assert table[claims.tables.CLAIM].tolist() == list(expected)
    assert table["best other, paper"].tolist() == [""] * 3 + ["Xception-C40", "Xception-C40", "Xception-RAW"]
    assert table["best other, ours"].tolist() == [""] * 3 + ["Capsule", "FWA", "Xception-RAW"]
    for row, (theirs, *ours, holds) in zip(table.itertuples(), expected.values(), strict=True):
        assert (row.paper, row.ours, row.low, row.high) == pytest.approx((theirs, *ours))
        assert row[7:9] == (8, holds)  # after the index and six columns


def test_the_sentences_about_table_1_by_hand(say):
    say("(RAW, LQ)", LQ=(4, 3))
    say("(RAW, HQ)", LQ=(1, 1))
    say("(LQ, MQ)", RAW=(3, 3))
    say("model B", LQ=(0, 1))
    table = claims.table1_claims(P)  # the steepest is (RAW, HQ), the best at LQ (RAW, MQ) or (LQ, MQ)
    best, quality, models, robust = (row for _, row in table.iterrows())
    assert best.paper == pytest.approx((97.6 + 95.3 + 93.4 + 91.8 + 92.7 - 96.8 - 94.5 - 92.6 - 90.4 - 89.2) / 5)
    assert [best.ours, best.low, best.high] == pytest.approx([-2.5, -5, 0])  # (RAW, MQ) is always right
    assert [quality.paper, quality.ours, quality.low, quality.high] == pytest.approx([6.4, 75, 75, 75])
    assert [models.paper, models.ours] == pytest.approx([1.6, 75]) and models["holds here"] == "no"
    assert [robust.paper, robust.ours, robust.low, robust.high] == pytest.approx([27.5 - 5.8, 75, 50, 100])
    assert table["holds here"].tolist() == ["can't tell", "no", "no", "yes"] and table.crops.tolist() == [8] * 4


def test_a_claim_of_at_most_so_much_holds_where_nothing_is_lost(say):
    say("(RAW, LQ)", RAW=(4, 4))
    assert claims.table1_claims(P)["holds here"].tolist() == ["can't tell", "yes", "yes", "can't tell"]


def test_judgements_that_follow_from_our_numbers_are_left_to_the_numbers(say):
    made = (claims.drops, claims.table2_claims, claims.table3_claims, tables.seed_differences)
    before = [make(P) for make in made]
    for name in ("Meso4", "Xception-RAW", DUAL):
        for seed in (3, 4):
            say(name, seed, LQ=(2, 2))
    for old, new in zip(before, [make(P) for make in made], strict=True):
        texts = [name for name in old if not pd.api.types.is_numeric_dtype(old[name])]
        changed = {name for name in texts if any(old[name] != new[name])}
        assert changed and changed <= verdict.DERIVED


# when a sentence holds

NAN = float("nan")


@pytest.mark.parametrize("rule, printed, low, high, holds", [
    (rules.MORE, NAN, 0.1, 2, "yes"), (rules.MORE, NAN, -2, -0.1, "no"), (rules.MORE, 5, -1, 2, "can't tell"),
    (rules.MORE, 5, 0, 2, "can't tell"), (rules.MORE, -9, -3, -1, "no"),
    (rules.AT_MOST, 6, 1, 5, "yes"), (rules.AT_MOST, 6, 7, 9, "no"), (rules.AT_MOST, 6, 5, 7, "can't tell"),
    (rules.AT_MOST, -3, -2, -1, "no"),
    (rules.PRINTED, -11.3, -12, -11, "yes"), (rules.PRINTED, -11.3, -11, -10, "no"),
    (rules.PRINTED, -11.3, -14, -12, "no"),
    (rules.NEAR_ONE, NAN, -4, -1, "yes"), (rules.NEAR_ONE, NAN, -10, -6, "no"),
    (rules.NEAR_ONE, NAN, -6, -4, "can't tell"), (rules.NEAR_ONE, NAN, 0, 0, "yes"),
    (rules.MODEST, NAN, 0.2, 0.9, "yes"), (rules.MODEST, NAN, 1.1, 2, "no"), (rules.MODEST, NAN, 0.9, 1.1, "can't tell"),
    (rules.MODEST, NAN, -3, -2, "yes"),
    (rules.FLAT, NAN, -0.9, 0.9, "yes"), (rules.FLAT, NAN, 0, 0, "yes"), (rules.FLAT, NAN, 1.1, 2, "no"),
    (rules.FLAT, NAN, -2, -1.1, "no"), (rules.FLAT, NAN, 0.5, 1.5, "can't tell"), (rules.FLAT, NAN, -3, 3, "can't tell")])
def test_a_rule_judges_the_whole_interval(rule, printed, low, high, holds):
    table = rules.judged([("a sentence", rule, printed, [low, high])], np.array([0, 1]))
    assert table.columns.tolist() == ["claim", "holds if", "paper", "ours", "low", "high", "crops", "holds here"]
    row = table.iloc[0]
    assert row[["ours", "low", "high"]].tolist() == pytest.approx([(low + high) / 2, low, high])
    assert (row["holds if"], row["holds here"]) == (rule, holds)


@pytest.mark.parametrize("rule, printed", [
    (rules.MORE, 3), (rules.AT_MOST, 3), (rules.PRINTED, 3), (rules.NEAR_ONE, NAN), (rules.FLAT, NAN),
    (rules.MODEST, NAN)])
def test_without_an_interval_nobody_can_tell(rule, printed):
    row = rules.judged([("a sentence", rule, printed, [0.5, 0.7, NAN])], np.array([0, 0, 1])).iloc[0]  # of one person
    assert row.ours == pytest.approx(0.6) and np.isnan(row.low) and np.isnan(row.high) and row.crops == 2
    assert row["holds here"] == "can't tell"


def test_crops_without_a_value_are_left_out_of_mean_and_interval():
    units = np.array([0, 0, 0, 1, 1])
    whole, part = (rules.judged([("a sentence", rules.MORE, NAN, values)], units, scale=100).iloc[0]
                   for values in ([0.2, 0.2, 0.2, 0.4, 0.4], [0.2, NAN, NAN, NAN, 0.4]))
    assert [whole.ours, whole.low, whole.high] == pytest.approx([28, 20, 40])
    assert [part.ours, part.low, part.high] == pytest.approx([30, 20, 40])
    assert (whole.crops, part.crops) == (5, 2)


# figures: crops 4 and 2 of one person, 9 and 1 of another; the later of each is fake

CROPS = pd.DataFrame({"crop": [4, 2, 9, 1], "unit": [7, 7, 3, 3], "label": [0, 1, 0, 1]})


def long(keys: list[str], **measures: dict) -> pd.DataFrame:
    """An analysis's table from {key: four values, or two (one for each person)} of each measure; NaN where one is absent."""
    every = list(dict.fromkeys(key for values in measures.values() for key in values))
    parts = []
    for key in every:
        values = {name: list(given.get(key, [NAN] * 4)) for name, given in measures.items()}
        values = {name: given if len(given) == 4 else np.repeat(given, 2) for name, given in values.items()}
        parts.append(CROPS.assign(**dict(zip(keys, [key] if len(keys) == 1 else key)), **values))
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=0)  # in no order


def assert_claims(table: pd.DataFrame, expected: list[tuple]) -> None:
    """(part of the claim, ours, low, high, holds here) of each row."""
    assert len(table) == len(expected)
    for (_, row), (part, ours, low, high, holds) in zip(table.iterrows(), expected):
        assert part in row.claim
        assert [row.ours, row.low, row.high] == pytest.approx([ours, low, high], nan_ok=True), row.claim
        assert row["holds here"] == holds, row.claim


def test_the_sentences_about_figure_1_by_hand():
    table = claims.figure1_claims(long(["codec"], blocking={
        "RAW": (1, 1, 1, 1), "HQ": (1.1, 1.1, 1.1, 1.1), "MQ": (1.05, 1.05, 1, 1), "LQ": (1.5, 0.8, 1.3, 1.4)}))
    assert_claims(table, [("real faces", 0.4, 0.3, 0.5, "yes"), ("fakes", 0.1, -0.2, 0.4, "can't tell"),
                          ("MQ less HQ", -0.075, -0.1, -0.05, "no"), ("LQ less MQ", 0.225, 0.1, 0.35, "yes")])
    assert table.paper.isna().all() and (table["holds if"] == rules.MORE).all() and table.crops.tolist() == [2, 2, 4, 4]


def test_the_sentences_about_figure_3_by_hand():
    t, x, b = "TCNSC", "Xception-RAW", "model B"
    table = claims.figure3_claims(long(
        ["model", "codec"],
        silhouette={(t, "RAW"): (0.5, 0.7), (t, "MQ"): (0.4, 0.4), (t, "LQ"): (0.3, 0.5),
                    (x, "RAW"): (-0.1, 0.3), (x, "MQ"): (0.2, 0.2), (x, "LQ"): (0.3, 0.3),
                    (b, "RAW"): (0.6, 0.6), (b, "MQ"): (0.9, 0.9), (b, "LQ"): (0, 0)},
        neighbour={(t, "RAW"): (1, 1), (t, "LQ"): (1, 0, 1, 1), (x, "RAW"): (1, 0, 1, 0), (x, "LQ"): (1, 1, 1, 0),
                   (b, "RAW"): (1, 1), (b, "LQ"): (1, 0, 0, 0)},
        probe={(t, "LQ"): (1, 1), (x, "LQ"): (1, 0, 1, 0), (t, "RAW"): (0, 0)},
        classifier={(t, "LQ"): (1, 0, 0, 0), (x, "LQ"): (0, 1, 1, 1), (t, "RAW"): (0, 0)}))
    assert_claims(table, [
        ("separated on RAW: silhouette, TCNSC", 0.6, 0.5, 0.7, "yes"), ("RAW less MQ, TCNSC", 0.2, 0.1, 0.3, "yes"),
        ("MQ less LQ, TCNSC", 0, -0.1, 0.1, "can't tell"), ("neighbours on RAW less LQ, TCNSC", 0.25, 0, 0.5, "can't tell"),
        ("separated on RAW: silhouette, Xception-RAW", 0.1, -0.1, 0.3, "can't tell"),
        ("RAW less MQ, Xception-RAW", -0.1, -0.3, 0.1, "can't tell"), ("MQ less LQ, Xception-RAW", -0.1, -0.1, -0.1, "no"),
        ("neighbours on RAW less LQ, Xception-RAW", -0.25, -0.5, 0, "can't tell"),
        ("Xception-RAW's less TCNSC's", -0.4, -0.6, -0.2, "no"),  # falls: -0.4 and 0, 0.2 and 0.2
        ("similarity branch is why: model B's fall less TCNSC's", 0.4, 0.4, 0.4, "yes"),
        ("nearest neighbours: model B's fall less TCNSC's", 0.5, 0, 1, "can't tell"),  # of crops 2 and 3
        ("own classifier, TCNSC", 0.75, 0.5, 1, "yes"), ("own classifier, Xception-RAW", -0.25, -0.5, 0, "can't tell")])
    assert table.paper.isna().all()


def heat_maps(**changes) -> pd.DataFrame:
    """Figure 4's rows: every correlation 0.5 and every map with heat on the forgery, but for what is said."""
    t, x, b, s = "TCNSC", "Xception-RAW", "model B", "shuffled"
    every = [(model, codec) for model in (t, b, x, s) for codec in ("RAW", "HQ", "MQ", "LQ")]
    measures = {"same": 0.5, "different": 0.5, "trained": 0.5, "heat": 1}
    given = {name: {key: (value, value) for key in every} | changes.get(name, {}) for name, value in measures.items()}
    fakes_only = {key: (NAN, 0.5, NAN, 0.5) for key in every} | changes.get("auc", {})
    return long(["model", "codec"], **given, auc=fakes_only)


def test_the_sentences_about_figure_4_by_hand():
    t, x, b, s = "TCNSC", "Xception-RAW", "model B", "shuffled"
    table = claims.figure4_claims(heat_maps(
        same={(t, "HQ"): (0.9, 0.7), (t, "MQ"): (0.4, 0.8), (t, "LQ"): (0.4, 0.2, NAN, 0.1), (b, "LQ"): (0.7, 0.9),
              (x, "LQ"): (0.2, 0.0, 0.5, 0.0), (s, "LQ"): (0.8, 0.8)},
        different={(t, "MQ"): (0.1, 0.9), (t, "LQ"): (0.6, 0.8, 0.1, 0.9), (b, "LQ"): (0.5, 0.6),
                   (x, "LQ"): (0, 0, 0.4, 0.4)},
        heat={(t, "LQ"): (1, 0, 1, 0), (x, "LQ"): (0, 1, 0, 1), (b, "LQ"): (0, 0, 1, 0), (x, "RAW"): (1, 0, 1, 0)},
        auc={(t, "RAW"): (NAN, 0.7, NAN, 0.9), (b, "RAW"): (NAN, 0.4, NAN, 0.7), (x, "RAW"): (NAN, 0.1, NAN, 0.3),
             (x, "LQ"): (NAN, 0.9, NAN, 0.9)}), s)
    assert_claims(table, [
        ("at HQ and its own on RAW", 0.3, 0.2, 0.4, "yes"), ("at MQ and its own on RAW", 0.1, -0.1, 0.3, "can't tell"),
        ("at LQ and its own on RAW", -1.6 / 3, -0.8, -0.4, "no"),  # -0.2 and -0.6, and the one map that isn't empty, -0.8
        ("at LQ, model B", 0.25, 0.2, 0.3, "yes"), ("at LQ, Xception-RAW", -0.025, -0.15, 0.1, "can't tell"),
        ("map at LQ and on RAW, TCNSC less Xception-RAW, fakes alone", 0.15, 0.1, 0.2, "yes"),
        ("beyond other people's maps, TCNSC less Xception-RAW", -0.5, -0.6, -0.4, "no"),  # -0.6 less 0; -0.8 less -0.4
        ("no correlation, TCNSC less Xception-RAW", 0, -0.2, 0.2, "can't tell"),  # 0.2 and 0.2; 0 less 0.5, and 0.1
        ("map at LQ and on RAW, TCNSC less model B, fakes alone", -0.65, -0.8, -0.5, "no"),
        ("beyond other people's maps, TCNSC less model B", -0.95, -1.1, -0.8, "no"),
        ("no correlation, TCNSC less model B", -0.625, -0.85, -0.4, "no"),
        ("map at LQ and on RAW, TCNSC less shuffled", -1.7 / 3, -0.7, -0.5, "no"),  # both labels: -0.4 and -0.6; -0.7
        ("beyond other people's maps, TCNSC less shuffled", -2.5 / 3, -1.1, -0.7, "no"),
        ("no correlation, TCNSC less shuffled", -0.625, -0.75, -0.5, "no"),
        ("real faces that aren't empty at LQ, TCNSC less Xception-RAW", 1, 1, 1, "yes"),
        ("real faces that aren't empty at LQ, TCNSC less model B", 0.5, 0, 1, "can't tell"),
        ("ROC curve less 1/2, TCNSC", 0.3, 0.2, 0.4, "yes"), ("ROC curve less 1/2, model B", 0.05, -0.1, 0.2, "can't tell"),
        ("ROC curve less 1/2, Xception-RAW", -0.3, -0.4, -0.2, "no")])
    assert table.crops.tolist() == [4, 4, 3, 4, 4, *(2, 2, 4) * 2, 3, 3, 4, *(2,) * 5]


def test_an_empty_map_counts_as_no_correlation_where_all_crops_do():
    table = claims.figure4_claims(heat_maps(same={("TCNSC", "LQ"): (0.4, 0.4, NAN, NAN),
                                                  ("model B", "LQ"): (0.2, NAN, NAN, 0.6)}), "shuffled")
    fakes, beyond, every = (row for _, row in table[table.claim.str.contains("TCNSC less model B")].iloc[:3].iterrows())
    assert [every.ours, every.low, every.high] == pytest.approx([0, -0.3, 0.3])  # 0.2 and 0.4; 0 and -0.6
    assert every.crops == 4 and "all crops" in every.claim and "fakes" not in every.claim
    for row in (fakes, beyond):  # no fake has both maps
        assert row.crops == 0 and np.isnan(row.ours) and row["holds here"] == "can't tell"


@pytest.mark.filterwarnings("error")
def test_without_masks_nobody_can_tell_whether_heat_lies_on_the_forgery():
    table = claims.figure4_claims(heat_maps().assign(auc=NAN), "shuffled")
    about = table[table.claim.str.contains("forgery")]
    assert len(about) == 3 and about[["ours", "low", "high"]].isna().all(axis=None)
    assert (about["holds here"] == "can't tell").all() and (about.crops == 0).all()


def test_the_sentences_about_figure_5_by_hand():
    ssim = {"HQ": (0.96, 0.94, 0.98, 0.97), "MQ": (0.88, 0.90, 0.90, 0.95), "LQ": (0.80, 0.79, 0.70, 0.79), "WEBP": (1, 1)}
    low = {name: (0.1, 0.1) for name in ssim}
    table = claims.figure5_claims(long(["codec"], **{"grey, Gaussian": ssim, "colour, Gaussian": low}))
    assert_claims(table, [
        ("HQ is close to 1: SSIM changes by so many percent, real", -3, -4, -2, "yes"),
        ("HQ is close to 1: SSIM changes by so many percent, fake", -4.5, -6, -3, "can't tell"),
        ("at MQ, real", -11, -12, -10, "yes"), ("at MQ, fake", -7.5, -10, -5, "no"), ("at LQ, real", -25, -30, -20, "yes"),
        ("at LQ, fake", -21, -21, -21, "no"), ("HQ less MQ", 5.5, 5, 6, "yes"), ("MQ less LQ", 13.75, 9.5, 18, "yes")])
    assert table.paper.tolist() == pytest.approx([NAN, NAN, -11.3, -13.3, -20.4, -20.2, NAN, 20.3 - 12.3], nan_ok=True)
    assert table["holds if"].tolist() == [rules.NEAR_ONE] * 2 + [rules.PRINTED] * 4 + [rules.MORE] * 2
    assert table.crops.tolist() == [2] * 6 + [4] * 2
    other = claims.figure5_claims(long(["codec"], **{"grey, Gaussian": low, "colour, Gaussian": ssim}))
    assert other["holds here"].tolist() == ["no"] * 6 + ["can't tell"] * 2


def test_the_sentences_about_figure_6_by_hand():
    table = claims.figure6_claims(long(
        ["codec"], low={"RAW": (50, 40), "HQ": (50.5, 39.5), "MQ": (51.5, 42), "LQ": (49.5, 41.5), "WEBP": (0, 0)},
        middle={"RAW": (30, 30), "LQ": (20, 20), "WEBP": (0, 0)},
        high={"RAW": (10, 12, 11, 12), "LQ": (9, 11, 8, 9), "WEBP": (0, 0)},
        low_change={"RAW": (0, 0), "LQ": (0.4, 0.8), "WEBP": (9, 9)},
        middle_change={"RAW": (0, 0), "HQ": (2, 1), "MQ": (0, 0), "LQ": (0.9, 1.3), "WEBP": (9, 9)},
        high_change={"RAW": (0, 0), "HQ": (0.5, 0), "MQ": (3, 1), "LQ": (0.7, 4.8), "WEBP": (0, 0)}))
    assert_claims(table, [
        ("gain of the low third at HQ", 0, -0.5, 0.5, "yes"), ("gain of the low third at MQ", 1.75, 1.5, 2, "no"),
        ("gain of the low third at LQ", 0.5, -0.5, 1.5, "can't tell"),
        ("small impact on low frequencies: at LQ", 0.6, 0.4, 0.8, "yes"),
        ("small impact on middle frequencies: at LQ", 1.1, 0.9, 1.3, "can't tell"),
        ("less on the middle at HQ", -1.25, -1.5, -1, "no"), ("less on the middle at MQ", 2, 1, 3, "yes"),
        ("less on the middle at LQ", 1.65, -0.2, 3.5, "can't tell"),
        ("loss of the high third at LQ", 2, 1, 3, "yes"),
        ("fake less real", 1.5, 1, 2, "yes")])  # 12 and 12, less 10 and 11
    assert table.paper.isna().all() and table.crops.tolist() == [4] * 10
    assert table["holds if"].tolist() == [rules.FLAT] * 3 + [rules.MODEST] * 2 + [rules.MORE] * 5


@pytest.mark.parametrize("reals, fakes", [([1, 2, 3], [10, 20]), ([5], [1, 2, 3, 4]), ([1, 2], [1, 2])])
def test_fake_less_real_is_the_difference_of_the_two_means_whatever_their_numbers(reals, fakes):
    high = np.array([*reals, *fakes], float)
    crops = pd.DataFrame({"crop": range(len(high)), "unit": np.arange(len(high)) % 2,
                          "label": [0] * len(reals) + [1] * len(fakes), "low": 1.0, "middle": 1.0, "high": high,
                          "low_change": 0.0, "middle_change": 0.0, "high_change": 0.0})
    table = pd.concat([crops.assign(codec=name) for name in paper.CODECS], ignore_index=True)
    assert judged(table.pipe(claims.figure6_claims).rename(columns={"claim": claims.tables.CLAIM}),
                  "fake less real").ours == pytest.approx(np.mean(fakes) - np.mean(reals))
