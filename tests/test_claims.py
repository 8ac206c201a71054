"""Claims about tables, from predictions made by hand (`say` in conftest.py; two test people, four
crops each), and what is true of all claims. Those about figures are in test_claims_of_figures.py.
"""
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import P
from made_costs import keep
from made_study import between_both, between_people

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import (
    AUGMENTED,
    BOTH,
    DUAL,
    LAMBDA_0,
    MODEL_A,
    ON_H,
    PROBE,
    RANDOM_AUGMENTED,
    REESTIMATED,
)
from tcnsc_lib.results import claims, tables
from tcnsc_lib.results.claims import rules
from tcnsc_lib.results.claims.rules import Claim, judged

NAN = float("nan")
COLUMNS = ["id", "claim", "holds if", "paper", "ours", "low", "high", "crops", "holds here", "p"]


def judge(item: str, e: Evidence) -> pd.DataFrame:
    return claims.judge(item, e).set_index("id")


@pytest.fixture
def once(toy) -> Evidence:
    """The toy evidence where every model is trained once."""
    return Evidence(replace(P, seeds=1), toy.folder)


# Table 2


def test_the_claims_about_table_2_by_hand(once, say):
    say(DUAL, LQ=(4, 3), RAW=(3, 3))
    say("model B", LQ=(2, 1))
    say(AUGMENTED, LQ=(4, 4))
    say(RANDOM_AUGMENTED, LQ=(4, 3))
    say(LAMBDA_0, LQ=(3, 1))
    say(BOTH, LQ=(3, 3))
    say(ON_H, LQ=(4, 2), RAW=(2, 3))
    say(MODEL_A, **{codec: (2, 2) for codec in paper.CODECS})
    say(PROBE, RAW=(2, 4))
    say(REESTIMATED, LQ=(3, 2))
    table = judge("Table 2", once)
    over_a = (45.8 + 43.6 + 41.7 + 40.1 + 41.0) / 5
    expected = {  # the paper's, ours, low, high, holds here
        "dual-minus-a": (over_a, 42.5, *between_people(40, 45), "yes"),
        "dual-minus-probe": (NAN, -2.5, *between_people(-10, 5), "can't tell"),
        "b-loss": (27.5, 62.5, *between_people(50, 75), "can't tell"),
        "dual-minus-b.lq": (20.5, 50, 50, 50, "yes"),
        "dual-minus-b.lq.calibrated": (NAN, NAN, NAN, NAN, "can't tell"),  # no threshold is kept
        "recovered": (100 * (1 - 5.8 / 27.5), 120, *between_people(144, 96), "can't tell"),
        "dual-minus-b.raw": (-1.2, -25, -25, -25, "no"),
        "dual-minus-jpeg.lq": (NAN, -12.5, *between_people(-25, 0), "can't tell"),
        "dual-minus-random-jpeg.lq": (NAN, 0, 0, 0, "can't tell"),
        "dual-minus-lambda-0.lq": (NAN, 37.5, *between_people(25, 50), "can't tell"),
        "dual-minus-reestimated-b.lq": (NAN, 25, 25, 25, "yes"),
        "random-jpeg-minus-jpeg.lq": (NAN, -12.5, *between_people(-25, 0), "can't tell"),
        "both-minus-jpeg.lq": (NAN, -25, -25, -25, "no"),
        "on-h-minus-b.lq": (NAN, 37.5, *between_people(25, 50), "can't tell"),
        "on-h-minus-b.raw": (NAN, -37.5, *between_people(-50, -25), "can't tell"),
    }
    assert table.index.tolist() == [f"table2.{name}" for name in expected]
    assert (table["holds if"] == "above 0").all()
    assert table.crops.tolist() == [8, 8, 8, 8, 0, *[8] * 10]
    for name, (*numbers, holds) in expected.items():
        row = table.loc[f"table2.{name}"]
        ours = row[["paper", "ours", "low", "high"]].tolist()
        assert ours == pytest.approx(numbers, nan_ok=True), name
        assert row["holds here"] == holds, name


def test_a_claim_without_the_papers_number_is_judged_all_the_same(once, say):
    say(AUGMENTED, LQ=(1, 1))
    say(RANDOM_AUGMENTED, LQ=(4, 4))
    say(LAMBDA_0, LQ=(3, 4))
    say(DUAL, LQ=(3, 3))
    table = judge("Table 2", once)
    assert table["holds here"]["table2.dual-minus-jpeg.lq"] == "yes"
    assert table["holds here"]["table2.dual-minus-random-jpeg.lq"] == "no"
    row = table.loc["table2.dual-minus-lambda-0.lq"]
    ours = row[["ours", "low", "high"]].tolist()
    assert ours == pytest.approx([-12.5, *between_people(-25, 0)])
    assert row["holds here"] == "can't tell"
    printed = table.index[table.paper.notna()].str.removeprefix("table2.").tolist()
    assert printed == ["dual-minus-a", "b-loss", "dual-minus-b.lq", "recovered", "dual-minus-b.raw"]


def test_a_claim_of_several_seeds_is_about_their_mean_and_holds_where_all_agree(toy, say):
    say(DUAL, 3, LQ=(4, 4))
    say(DUAL, 4, LQ=(3, 3))
    say("model B", 3, LQ=(0, 1))
    say("model B", 4, LQ=(4, 3))  # seed 3: 100, 75; seed 4: -25, 0
    say(LAMBDA_0, 3, LQ=(2, 2))
    say(LAMBDA_0, 4, LQ=(2, 1))  # 50, 50; 25, 50
    say(RANDOM_AUGMENTED, LQ=(2, 2))  # of one seed, the first
    table = judge("Table 2", toy)
    expected = {
        "dual-minus-b.lq": (
            37.5, *between_both((37.5, 37.5), (87.5, -12.5)), 2, -12.5, 87.5, "can't tell"
        ),
        "dual-minus-lambda-0.lq": (
            43.75, *between_both((37.5, 50), (50, 37.5)), 2, 37.5, 50, "can't tell"
        ),
        "dual-minus-random-jpeg.lq": (50, 50, 50, 1, 50, 50, "yes"),
    }
    for name, (*numbers, holds) in expected.items():
        row = table.loc[f"table2.{name}"]
        ours = row[["ours", "low", "high", "seeds", "least", "most"]].tolist()
        assert ours == pytest.approx(numbers), name
        assert row["holds here"] == holds, name
    assert (table.seeds == 2).sum() == 9


def test_a_gain_that_a_threshold_of_raw_validation_crops_would_bring_is_told_apart(toy):
    """Model B orders the crops, but all seem fake: a threshold of its own sets that right."""
    real = toy.y == 0
    for seed in (3, 4):
        shifted = {codec: np.where(real, 1.0, 5.0) for codec in paper.CODECS}
        toy.save_predictions("model B", seed, pd.DataFrame(shifted), ["threshold 3.0000"])
        toy.save_predictions(DUAL, seed, toy.log_odds(DUAL, seed), ["threshold 0.2500"])
    ours = judge("Table 2", toy).ours
    assert ours["table2.dual-minus-b.lq"] == 50
    assert ours["table2.dual-minus-b.lq.calibrated"] == 0
    toy.save_predictions(DUAL, 4, toy.log_odds(DUAL, 4))
    row = judge("Table 2", toy).loc["table2.dual-minus-b.lq.calibrated"]
    assert np.isnan(row.ours) and row["holds here"] == "can't tell"


@pytest.mark.parametrize(
    ("single", "holds"),
    [
        ((0.2, 0.4), "yes"),
        ((-0.2, -0.1), "no"),
        ((0.4, 0), "can't tell"),
        ((0.4, -0.1), "can't tell"),
    ],
)
def test_a_verdict_survives_every_seed_or_is_none(single, holds, monkeypatch):
    monkeypatch.setattr(rules, "over_trainings", lambda each, units: (each.mean(), each.mean()))
    material = SimpleNamespace(units=np.array([0, 1]))
    claim = Claim("toy1.x", "a sentence", lambda m: [np.full(2, value) for value in single])
    row = judged([claim], material).iloc[0]
    assert row["holds here"] == holds
    assert (row.seeds, row.least, row.most) == (2, min(single), max(single))


# Table 3


def test_the_gains_of_the_abstract_by_hand(once, say):
    say("Xception-RAW", LQ=(1, 1), MQ=(2, 4), HQ=(4, 4))
    say("Capsule", LQ=(3, 2), MQ=(3, 3), HQ=(4, 3))
    for name in set(paper.TABLE3.index) - {"Xception-RAW", "Capsule", "TCNSC"}:
        say(name, LQ=(0, 0), MQ=(4, 4) if name == "FWA" else (3, 4), HQ=(0, 4))
    say(DUAL, LQ=(4, 3), MQ=(3, 4), HQ=(4, 3))
    keep(once)  # all trained to the end; of two scores, AUC is the accuracy
    table = judge("Table 3", once)
    expected = {
        "xception.lq": (16.9, 62.5, *between_people(50, 75), "can't tell"),
        "xception.mq": (10.1, 12.5, *between_people(0, 25), "can't tell"),
        "xception.hq": (4.1, -12.5, *between_people(-25, 0), "can't tell"),
        "best.lq": (3.5, 25, 25, 25, "yes"),  # 7 minus 5 of 8
        "best.mq": (5.5, -12.5, *between_people(-25, 0), "can't tell"),
        "best.hq": (4.1, -12.5, *between_people(-25, 0), "can't tell"),
    }
    assert table.index.tolist() == [f"table3.tcnsc-minus-{name}" for name in expected]
    for name, (*numbers, holds) in expected.items():
        row = table.loc[f"table3.tcnsc-minus-{name}"]
        assert row[["paper", "ours", "low", "high"]].tolist() == pytest.approx(numbers), name
        assert (row.crops, row["holds here"]) == (8, holds), name
    best = table[["best other, paper", "best other, ours"]]
    assert best[:3].isna().all(axis=None)
    assert best[3:].to_numpy().tolist() == [
        ["Xception-C40", "Capsule"],
        ["Xception-C40", "FWA"],
        ["Xception-RAW", "Xception-RAW"],
    ]


# Table 1


def test_the_claims_about_table_1_by_hand(once, say):
    say("(RAW, LQ)", LQ=(4, 3))
    say("(RAW, HQ)", LQ=(1, 1))
    say("(LQ, MQ)", RAW=(3, 3))
    say("model B", LQ=(0, 1))
    # the steepest is (RAW, HQ), the best at LQ (RAW, MQ) or (LQ, MQ); (RAW, MQ) is always right
    table = judge("Table 1", once)
    theirs = (97.6 + 95.3 + 93.4 + 91.8 + 92.7 - 96.8 - 94.5 - 92.6 - 90.4 - 89.2) / 5
    expected = {
        "best-pair": (theirs, -2.5, *between_people(-5, 0), "can't tell"),
        "largest-loss": (6.4, 75, 75, 75, "no"),
        "spread.lq": (1.6, 75, 75, 75, "no"),
        "robust": (27.5 - 5.8, 75, *between_people(50, 100), "can't tell"),
    }
    assert table.index.tolist() == [f"table1.{name}" for name in expected]
    assert table.crops.tolist() == [8] * 4
    for name, (*numbers, holds) in expected.items():
        row = table.loc[f"table1.{name}"]
        assert row[["paper", "ours", "low", "high"]].tolist() == pytest.approx(numbers), name
        assert row["holds here"] == holds, name


def test_a_claim_of_at_most_so_much_holds_where_nothing_is_lost(toy):
    holds = claims.judge("Table 1", toy)["holds here"]
    assert holds.tolist() == ["can't tell", "yes", "yes", "can't tell"]


def test_judgements_that_follow_from_our_numbers_are_left_to_the_numbers(toy, say):
    """Only these texts may differ between two machines; report/check.py doesn't compare them."""
    follow = {"holds here", "ours agrees", "settled", "best other, ours", "mark"}
    keep(toy, {"FWA": 94.0})

    def made() -> list[pd.DataFrame]:
        about = [claims.judge(item, toy) for item in ("Table 2", "Table 3")]
        return [tables.drops(toy), tables.seed_differences(toy), *about]

    before = made()
    keep(toy, {"Meso4": 94.0})
    for name in ("Meso4", "Xception-RAW"):
        say(name, LQ=(2, 2))
    for seed in (3, 4):
        say(DUAL, seed, LQ=(2, 2))
    for old, new in zip(before, made(), strict=True):
        texts = [name for name in old if not pd.api.types.is_numeric_dtype(old[name])]
        changed = {name for name in texts if not old[name].equals(new[name])}
        assert changed and changed <= follow


# when a claim holds


@pytest.mark.parametrize(
    ("rule", "printed", "low", "high", "holds"),
    [
        (rules.MORE, NAN, 0.1, 2, "yes"),
        (rules.MORE, NAN, -2, -0.1, "no"),
        (rules.MORE, 5, -1, 2, "can't tell"),
        (rules.MORE, 5, 0, 2, "can't tell"),
        (rules.MORE, -9, -3, -1, "no"),
        (rules.AT_MOST, 6, 1, 5, "yes"),
        (rules.AT_MOST, 6, 7, 9, "no"),
        (rules.AT_MOST, 6, 5, 7, "can't tell"),
        (rules.AT_MOST, -3, -2, -1, "no"),
        (rules.PRINTED, -11.3, -12, -11, "yes"),
        (rules.PRINTED, -11.3, -11.24, -10, "no"),
        (rules.PRINTED, -11.3, -11.26, -10, "yes"),  # which is printed as -11.3
        (rules.PRINTED, -11.3, -14, -12, "no"),
        (rules.NEAR_ONE, NAN, -4, -1, "yes"),
        (rules.NEAR_ONE, NAN, -10, -6, "no"),
        (rules.NEAR_ONE, NAN, -6, -4, "can't tell"),
        (rules.NEAR_ONE, NAN, 0, 0, "yes"),
        (rules.MODEST, NAN, 0.2, 0.9, "yes"),
        (rules.MODEST, NAN, 1.1, 2, "no"),
        (rules.MODEST, NAN, 0.9, 1.1, "can't tell"),
        (rules.MODEST, NAN, -3, -2, "yes"),
        (rules.FLAT, NAN, -0.9, 0.9, "yes"),
        (rules.FLAT, NAN, 0, 0, "yes"),
        (rules.FLAT, NAN, 1.1, 2, "no"),
        (rules.FLAT, NAN, -2, -1.1, "no"),
        (rules.FLAT, NAN, 0.5, 1.5, "can't tell"),
        (rules.FLAT, NAN, -3, 3, "can't tell"),
    ],
)
@pytest.mark.usefixtures("extremes")
def test_a_rule_judges_the_whole_interval(rule, printed, low, high, holds):
    material = SimpleNamespace(units=np.array([0, 1]))
    claim = Claim("toy1.x", "a sentence", lambda m: np.array([low, high]), "dB", rule, printed)
    table = judged([claim], material)
    assert table.columns.tolist() == COLUMNS
    row = table.iloc[0]
    assert (row.id, row.claim) == ("toy1.x", "a sentence, dB")
    assert row[["ours", "low", "high"]].tolist() == pytest.approx([(low + high) / 2, low, high])
    assert (row["holds if"], row["holds here"]) == (rule, holds)


@pytest.mark.parametrize(
    ("rule", "printed"),
    [
        (rules.MORE, 3),
        (rules.AT_MOST, 3),
        (rules.PRINTED, 3),
        (rules.NEAR_ONE, NAN),
        (rules.FLAT, NAN),
        (rules.MODEST, NAN),
    ],
)
def test_without_an_interval_nobody_can_tell(rule, printed):
    material = SimpleNamespace(units=np.array([0, 0, 1]))  # only one person has values
    values = np.array([0.5, 0.7, NAN])
    claim = Claim("toy1.x", "a sentence", lambda m: values, rule=rule, paper=printed)
    row = judged([claim], material).iloc[0]
    assert row.ours == pytest.approx(0.6) and row.crops == 2
    assert np.isnan(row.low) and np.isnan(row.high)
    assert row["holds here"] == "can't tell"


@pytest.mark.parametrize(("unit", "scale"), [("points", 100), ("percent", 100), ("dB", 1), ("", 1)])
def test_crops_without_a_value_are_left_out_of_mean_and_interval(unit, scale):
    material = SimpleNamespace(units=np.array([0, 0, 0, 1, 1]))
    whole = Claim("toy1.x", "", lambda m: np.array([0.2, 0.2, 0.2, 0.4, 0.4]), unit)
    part = Claim("toy1.y", "", lambda m: np.array([0.2, NAN, NAN, NAN, 0.4]), unit)
    table = judged([whole, part], material)
    numbers = table[["ours", "low", "high"]].to_numpy() / scale
    assert numbers[0, 0] == pytest.approx(0.28)
    assert numbers[1] == pytest.approx([0.3, *between_people(0.2, 0.4)])
    assert table.crops.tolist() == [5, 2]


def test_p_is_of_the_bound_that_the_verdict_depends_on():
    """Two people: Student's t with one freedom, whose tail is an arc tangent."""
    material = SimpleNamespace(units=np.array([0, 1]))

    def p(rule: str, *values: float, printed: float = NAN) -> float:
        claim = Claim("toy1.x", "", lambda m: np.array(values), "dB", rule, printed)
        return judged([claim], material).p[0]

    def tail(distance: float, half: float) -> float:
        return 1 - 2 * np.arctan(distance / half) / np.pi

    assert p(rules.MORE, 2, 4) == pytest.approx(tail(3, 1))
    assert p(rules.MORE, -2, -4) == pytest.approx(tail(3, 1))
    assert p(rules.NEAR_ONE, 2, 4) == pytest.approx(tail(8, 1))
    assert p(rules.AT_MOST, 2, 4, printed=5.0) == pytest.approx(tail(2, 1))
    assert p(rules.FLAT, -0.1, 0.3) == pytest.approx(tail(0.9, 0.2))  # the nearer one
    assert p(rules.FLAT, 2, 4) == pytest.approx(tail(2, 1))
    assert np.isnan(p(rules.PRINTED, 2, 4, printed=3.0))
    assert np.isnan(p(rules.MORE, NAN, NAN))


# all claims


def test_an_id_names_its_item_and_never_ends_like_a_column():
    assert len(claims.EVERY) == len(claims.CLAIMS) == 134
    for claim in claims.EVERY:
        first = r"((table|figure)\d|study|quality|calibration)"
        assert re.fullmatch(first + r"(\.[a-z0-9-]+)+", claim.id), claim.id
        assert claim.item.lower().replace(" ", "") == claim.id.split(".")[0]
        assert claim.id.split(".")[-1] not in ("ours", "low", "high", "paper", "holds"), claim.id
    papers = {f"Table {n}" for n in (1, 2, 3)} | {f"Figure {n}" for n in (1, 3, 4, 5, 6)}
    assert set(claims.ITEMS[:-3]) == papers
    assert claims.ITEMS[-3:] == ("Study", "Quality", "Calibration")


def test_no_text_stands_twice_and_a_difference_is_spelled_minus():
    texts = [claim.text for claim in claims.EVERY]
    headlines = [claim.headline for claim in claims.EVERY if claim.headline]
    assert len(set(texts)) == len(texts)
    assert len(set(headlines)) == len(headlines) == 33
    for text in (*texts, *headlines):
        assert not re.search(r"\w less (?!than|so|\(implied)", text), text


def test_what_the_paper_does_not_say_is_marked():
    """A number without a number of the paper's is either its words, or said not to be."""
    for claim in claims.of_item("Table 2"):
        ours = claim.text.startswith("not in the paper") or "linear probe" in claim.text
        assert ours == np.isnan(claim.paper), claim.id


def test_a_stored_claim_is_found_by_its_id(toy, say):
    for seed in (3, 4):
        say("Xception-RAW", seed, LQ=(1, 1))
    toy.derive(claims.stored_as("Table 3"), claims.judge("Table 3", toy))
    row = claims.lookup(toy, "table3.tcnsc-minus-xception.lq")
    assert (row.ours, row.paper, row["holds here"]) == (75, 16.9, "yes")


def test_a_claim_that_is_not_there_is_named(toy):
    with pytest.raises(CompanionError, match="no claim 'table3.tcnsc'"):
        claims.lookup(toy, "table3.tcnsc")
    with pytest.raises(CompanionError, match=r"There is no .*table1_claims\.csv"):
        claims.lookup(toy, "table1.robust")
    stored = claims.judge("Table 1", toy)
    toy.derive("table1_claims", stored[:2])
    with pytest.raises(CompanionError, match=r"claims\.csv has no rows for .*table1\.robust"):
        claims.lookup(toy, "table1.robust")
    toy.derive("table1_claims", stored.drop(columns="id"))
    with pytest.raises(CompanionError, match="tcnsc report"):
        claims.lookup(toy, "table1.robust")
