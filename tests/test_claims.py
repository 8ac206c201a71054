"""The paper's sentences as numbers, from probabilities made by hand (`say` in conftest.py; two test people, four crops each)."""
import numpy as np
import pandas as pd
import pytest
from conftest import P

from tcnsc_lib import claims, paper, tables, verdict
from tcnsc_lib.experiments import AUGMENTED, DUAL, JPEG, MODEL_A, PROBE, UNCOMPARED


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
    (row,) = [row for _, row in table.iterrows() if part in row[claims.CLAIM]]
    return row


def test_the_sentences_about_table_2_by_hand(say):
    say(DUAL, LQ=(4, 3), RAW=(3, 3))
    say("model B", LQ=(2, 1))
    say(AUGMENTED, LQ=(4, 4))
    say(JPEG, LQ=(4, 3))
    say(UNCOMPARED, LQ=(3, 1))
    say(MODEL_A, **{codec: (2, 2) for codec in paper.CODECS})
    say(PROBE, RAW=(2, 4))
    table = claims.table2_claims(P)
    mean = (45.8 + 43.6 + 41.7 + 40.1 + 41.0) / 5
    expected = {  # the paper's, ours, low, high, holds here
        "untrained classifier": (mean, 42.5, 40, 45, "yes"), "linear probe": (np.nan, -2.5, -10, 5, "can't tell"),
        "model B's RAW less LQ": (27.5, 62.5, 50, 75, "yes"), "less model B at LQ": (20.5, 50, 50, 50, "yes"),
        "\"combining the two branches obtains the best result\", also on RAW: dual less model B": (-1.2, -25, -25, -25, "no"),
        "(i) at LQ": (np.nan, -12.5, -25, 0, "can't tell"), "(ii) at LQ": (np.nan, 0, 0, 0, "can't tell"),
        "than twins in the batch statistics: dual less (v) at LQ": (np.nan, 37.5, 25, 50, "yes")}
    assert len(table) == len(expected) == 8 and (table["holds if"] == "above 0").all()
    for part, (theirs, ours, low, high, holds) in expected.items():
        row = judged(table, part)
        assert [row.paper, row.ours, row.low, row.high] == pytest.approx([theirs, ours, low, high], nan_ok=True), part
        assert row["holds here"] == holds, part


def test_a_claim_without_the_papers_number_is_judged_all_the_same(say):
    say(AUGMENTED, LQ=(1, 2))
    say(JPEG, LQ=(4, 4))
    say(UNCOMPARED, LQ=(3, 4))
    say(DUAL, LQ=(3, 3))
    table = claims.table2_claims(P)
    assert judged(table, "(i) at LQ")["holds here"] == "yes" and judged(table, "(ii) at LQ")["holds here"] == "no"
    row = judged(table, "(v) at LQ")
    assert [row.ours, row.low, row.high, row["holds here"]] == [-12.5, -25, 0, "can't tell"]
    assert table.paper.isna().tolist() == [False, True, False, False, False, True, True, True]


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
    assert table[claims.CLAIM].tolist() == list(expected)
    assert table["best other, paper"].tolist() == [""] * 3 + ["Xception-C40", "Xception-C40", "Xception-RAW"]
    assert table["best other, ours"].tolist() == [""] * 3 + ["Capsule", "FWA", "Xception-RAW"]
    for row, (theirs, *ours, holds) in zip(table.itertuples(), expected.values(), strict=True):
        assert (row.paper, row.ours, row.low, row.high) == pytest.approx((theirs, *ours))
        assert row[7] == holds  # after the index and six columns


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
    assert table["holds here"].tolist() == ["can't tell", "no", "no", "yes"]


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
