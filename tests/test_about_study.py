"""The study's claims, on predictions made by hand: two people, four crops each, two seeds."""
import warnings
from dataclasses import replace

import pytest
from made_study import between_both, made, tell

from tcnsc_lib import paper
from tcnsc_lib.experiments import AUGMENTED, DUAL, LAMBDA_0, MODEL_B, ON_H
from tcnsc_lib.experiments.study import (
    AGREEMENT,
    ALTERNATING,
    GROUPED,
    GROUPED_B,
    ONE_BATCH,
    ONE_BATCH_0,
    STATISTICS_OF_TWINS,
)
from tcnsc_lib.results import claims
from tcnsc_lib.results.claims.about_study import ABOUT_STUDY

HITS = {  # at LQ, of four crops each; the same for both seeds
    MODEL_B: (1, 1),
    LAMBDA_0: (2, 2),
    ONE_BATCH: (0, 2),
    ONE_BATCH_0: (1, 3),
    GROUPED_B: (2, 4),
    ALTERNATING: (0, 0),
    AGREEMENT: (2, 3),
    ON_H: (3, 2),
}
SHIFTED = {GROUPED: (4, 4), AUGMENTED: (4, 4)}  # all called fake: accuracy 50, AUC 100
EXPECTED = {  # points of accuracy and of AUC; AUC is the share of hits, whatever the shift
    "dual-minus-b": (62.5, 62.5),
    "dual-minus-lambda-0": (37.5, 37.5),
    "lambda-0-minus-b": (25, 25),
    "two-minus-one": (0, 0),
    "one-batch-minus-b": (0, 0),
    "reestimated-minus-b": (25, 37.5),
    "dual-minus-reestimated": (37.5, 25),
    "on-raw.dual-minus-b": (-12.5, -12.5),
    "grouped-minus-b": (-25, 25),
    "labels": (0, 50),
    "alternating-minus-dual": (-87.5, -87.5),
    "alternating-minus-b": (-25, -25),
    "on-h-minus-lambda-0": (12.5, 12.5),
    "agreement-minus-lambda-0": (12.5, 12.5),
    "jpeg-minus-dual": (-37.5, 12.5),
}


@pytest.fixture
def e(tmp_path):
    """Dual has seeds 3 and 4 with 6 and 8 of 8 hits, and so on."""
    e = made(tmp_path)
    for seed in (3, 4):
        for name, hits in HITS.items():
            tell(e, name, seed, LQ=hits)
        for name, hits in SHIFTED.items():
            tell(e, name, seed, shift=9, LQ=hits)
        tell(e, MODEL_B, seed, STATISTICS_OF_TWINS, shift=9, LQ=(3, 2))
        tell(e, DUAL, seed, "RAW", LQ=(1, 1))
        tell(e, MODEL_B, seed, "RAW", LQ=(1, 2))
    tell(e, DUAL, 3, LQ=(3, 3))
    tell(e, DUAL, 4, LQ=(4, 4))
    return e


@pytest.fixture
def table(e):
    return claims.judge("Study", e).set_index("id")


def test_each_claim_is_asked_of_accuracy_and_of_auc_under_an_id_of_its_own():
    ids = [claim.id for claim in ABOUT_STUDY]
    accuracies = [f"study.{name}" for name in EXPECTED]
    assert set(ids) == {*accuracies, *(f"{name}.auc" for name in accuracies)}
    assert len(set(ids)) == len(ids)
    assert {claim.item for claim in ABOUT_STUDY} == {"Study"}
    assert list(claims.of_item("Study")) == [*ABOUT_STUDY]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_claim_of_the_study_by_hand(table, name):
    accuracy, auc = EXPECTED[name]
    assert table.ours[f"study.{name}"] == pytest.approx(accuracy)
    assert table.ours[f"study.{name}.auc"] == pytest.approx(auc)


def test_the_paper_says_something_of_dual_minus_b_alone_in_either_reading(table):
    gain = paper.TABLE2.LQ["dual"] - paper.TABLE2.LQ["model B"]
    readings = ("study.dual-minus-b", "study.one-batch-minus-b")
    assert table.paper.dropna().to_dict() == dict.fromkeys(readings, gain)


def test_intervals_cover_seeds_and_people_and_a_verdict_needs_both(table):
    numbers = ["low", "high", "least", "most", "seeds", "crops"]
    row = table.loc["study.dual-minus-b"]
    ends = between_both((62.5, 62.5), (50, 75))
    assert row[numbers].tolist() == pytest.approx([*ends, 50, 75, 2, 8])
    assert row["holds here"] == "can't tell"  # two seeds 25 points apart
    row = table.loc["study.dual-minus-reestimated"]
    ends = between_both((37.5, 37.5), (25, 50))
    assert row[numbers].tolist() == pytest.approx([*ends, 25, 50, 2, 8])
    assert table["holds here"]["study.lambda-0-minus-b"] == "yes"
    assert table["holds here"]["study.alternating-minus-b"] == "no"
    assert table["holds here"]["study.two-minus-one"] == "can't tell"


def test_without_any_prediction_nobody_can_tell_and_nothing_is_warned_of(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = claims.judge("Study", made(tmp_path))
    assert len(table) == 2 * len(EXPECTED)
    assert set(table["holds here"]) == {"can't tell"}
    assert set(table.seeds) == set(table.crops) == {0}
    assert table[["ours", "low", "high", "least", "most"]].isna().all(axis=None)


def test_the_repair_that_was_picked_by_the_first_seeds_is_judged_by_the_later_ones(e):
    e.p = e.study.p = replace(e.p, decisive_seeds=4)  # and seeds is 2
    for seed in (5, 6):
        tell(e, AGREEMENT, seed, LQ=(1, 1))
        tell(e, LAMBDA_0, seed, LQ=(2, 2))
    row = claims.judge("Study", e).set_index("id").loc["study.agreement-minus-lambda-0"]
    assert row[["ours", "seeds"]].tolist() == [-25, 2]
