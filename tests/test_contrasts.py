"""The study's tables, on predictions made by hand: two people, four crops each."""
import warnings

import numpy as np
import pandas as pd
import pytest
from made_study import P, between_both, between_people, made, tell

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.outputs import STATISTICS
from tcnsc_lib.experiments import AUGMENTED, DUAL, LAMBDA_0, MODEL_B, ON_H
from tcnsc_lib.experiments.study import (
    B_LONGER,
    CONSTANT,
    FACTORS,
    FROM_B,
    GROUPED,
    GROUPED_B,
    ONE_BATCH,
    ONE_BATCH_0,
    ROWS,
    SLOW,
    STATISTICS_OF_TWINS,
    restated,
)
from tcnsc_lib.results import contrasts, factors
from tcnsc_lib.results.derive import DERIVED, write

NUMBERS = ["minus_b", "minus_b_low", "minus_b_high"]


@pytest.fixture
def e(tmp_path):
    return made(tmp_path)


def of_row(table: pd.DataFrame, name: str, statistics: str = "as trained") -> pd.Series:
    title = contrasts.TITLES.get(name, name)
    (found,) = table[(table.row == title) & (table.statistics == statistics)].iloc
    return found


# every row

def test_a_row_without_predictions_is_not_there_and_each_statistics_has_its_own(e):
    tell(e, ON_H)
    tell(e, MODEL_B)
    for statistics in STATISTICS:
        tell(e, MODEL_B, statistics=statistics, LQ=(3, 3))
    table = contrasts.study(e)
    assert table.columns.tolist() == contrasts.STUDY_COLUMNS
    told = table[["group", "row", "statistics"]].to_numpy().tolist()
    assert told == [["references", MODEL_B, "as trained"],
                    ["references", MODEL_B, STATISTICS_OF_TWINS],
                    ["repairs", ON_H, "as trained"]]
    assert table.LQ.tolist() == [100, 75, 100]


def test_the_papers_row_has_the_name_that_table_2_gives_it(e):
    tell(e, DUAL)
    assert contrasts.study(e).row.tolist() == ["dual"]


def test_a_row_is_told_in_percent_with_its_differences_in_points(e):
    for seed in (3, 4):
        tell(e, MODEL_B, seed, LQ=(2, 2))
        tell(e, AUGMENTED, seed, LQ=(4, 3))
    tell(e, DUAL, 3, RAW=(4, 3), LQ=(3, 3))
    tell(e, DUAL, 4, LQ=(4, 2))
    tell(e, DUAL, 5, LQ=(4, 4), shift=9)  # no other row has it
    row = of_row(contrasts.study(e), DUAL)
    assert row.seeds == 3
    assert row[["RAW", "LQ"]].tolist() == pytest.approx([(87.5 + 100 + 50) / 3, (75 + 75 + 50) / 3])
    assert row.auc_LQ == pytest.approx((75 + 75 + 100) / 3)
    # of the shared seeds, minus B: 25 and 25 points; of people, 37.5 and 12.5
    assert row[NUMBERS].tolist() == pytest.approx([25, *between_both((37.5, 12.5), (25, 25))])
    jpeg = row[["minus_jpeg", "minus_jpeg_low", "minus_jpeg_high"]]
    assert jpeg.tolist() == pytest.approx([-12.5, *between_people(-12.5, -12.5)])
    assert row.auc_minus_b == pytest.approx(25)
    assert row.auc_minus_b_low < 25 < row.auc_minus_b_high


def test_re_estimated_statistics_are_compared_with_model_b_as_it_was_trained(e):
    tell(e, MODEL_B, LQ=(1, 1))
    tell(e, MODEL_B, statistics=STATISTICS_OF_TWINS, LQ=(3, 3))
    table = contrasts.study(e)
    assert of_row(table, MODEL_B, STATISTICS_OF_TWINS)[NUMBERS].tolist() == [50, 50, 50]
    assert of_row(table, MODEL_B)[NUMBERS].tolist() == [0, 0, 0]


def test_what_is_recovered_of_model_bs_fall_by_hand(e):
    tell(e, MODEL_B, LQ=(2, 2), RAW=(4, 4))  # falls by 50
    tell(e, DUAL, LQ=(3, 4), RAW=(2, 2))  # gains 37.5 on it at LQ
    tell(e, LAMBDA_0, LQ=(1, 2))  # loses 12.5
    table = contrasts.study(e)
    recovered = [of_row(table, name).recovered for name in (DUAL, LAMBDA_0, MODEL_B)]
    assert recovered == pytest.approx([175, -25, 0])  # dual rises by 37.5 from RAW to LQ


def test_what_is_recovered_is_of_the_seeds_that_both_have(e):
    tell(e, MODEL_B, 3, LQ=(2, 2))  # falls by 50
    tell(e, MODEL_B, 4, LQ=(0, 0))  # by 100, but dual has no such seed
    tell(e, DUAL, 3, LQ=(3, 3))
    assert of_row(contrasts.study(e), DUAL).recovered == pytest.approx(50)


@pytest.mark.parametrize(("name", "b"), [
    (CONSTANT, f"{MODEL_B}, {CONSTANT}"), (SLOW, f"{MODEL_B}, {SLOW}"), (GROUPED, GROUPED_B),
    (FROM_B, B_LONGER)])
def test_a_row_of_another_schedule_is_compared_with_the_model_b_of_that(e, name, b):
    tell(e, MODEL_B, LQ=(4, 4))
    tell(e, b, LQ=(1, 1))
    tell(e, name, LQ=(2, 2))
    assert of_row(contrasts.study(e), name).minus_b == 25


def test_what_similarity_adds_is_told_against_lambda_0_of_the_same_schedule(e):
    tell(e, MODEL_B, LQ=(1, 1))
    tell(e, LAMBDA_0, LQ=(2, 2))
    tell(e, ON_H, LQ=(3, 3))
    tell(e, CONSTANT, LQ=(4, 4))
    tell(e, GROUPED_B, LQ=(1, 1))
    tell(e, GROUPED, LQ=(4, 4))
    tell(e, ONE_BATCH_0, LQ=(3, 3))
    tell(e, ONE_BATCH, LQ=(1, 1))
    table = contrasts.study(e)
    assert of_row(table, ON_H).minus_lambda_0 == 25
    assert of_row(table, ONE_BATCH).minus_lambda_0 == -50  # in one batch, too
    assert of_row(table, MODEL_B).isna().minus_lambda_0
    assert np.isnan(of_row(table, CONSTANT).minus_lambda_0)  # no lambda 0 has that schedule
    assert of_row(table, GROUPED).minus_lambda_0 == 75  # there lambda 0 is model B


def test_a_row_whose_model_b_is_missing_has_no_difference_and_nothing_is_warned_of(e):
    tell(e, DUAL, LQ=(2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = of_row(contrasts.study(e), DUAL)
    assert row.LQ == 50
    assert row[contrasts.STUDY_COLUMNS[7:]].isna().all()


def test_how_trainings_ended_by_hand(e):
    seen = pd.DataFrame({
        "training": [DUAL, DUAL, ON_H], "seed": [0, 1, 0], "run": ["a", "b", "c"],
        "cos_twins_z": [1.0, 0.9, 0.5], "cos_different_z": [0.8, 0.8, 0.1],
        "rank_z": [1.0, 2.0, 30.0], "cos_twins_h": [0.9, 0.7, 0.6],
        "cos_different_h": [0.5, 0.3, 0.2], "rank_h": [10.0, 20.0, 40.0]})
    e.save("study_collapse", seen)
    table = contrasts.ends(e).set_index("row")
    assert table.columns.tolist() == ["seeds", *contrasts.SEEN]
    assert table.loc["dual"].tolist() == pytest.approx([2, 0.05, 0.2, 1.5, 0.2, 0.6, 15])
    assert table.loc[ON_H].tolist() == pytest.approx([1, 0.5, 0.9, 30, 0.4, 0.8, 40])


def test_where_nothing_is_predicted_the_tables_are_empty_or_of_no_number(e):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made_tables = [contrasts.study(e), factors.factorial(e), factors.effects(e),
                       factors.alone(e)]
    assert made_tables[0].empty
    assert [len(table) for table in made_tables[1:]] == [40, 20, 5]
    for table in made_tables[1:]:
        assert set(table.seeds) == {0}
        assert table.select_dtypes(float).isna().all(axis=None)


# where the study lies

@pytest.fixture
def two_folders(tmp_path, monkeypatch):
    """Own figures, which hold nothing, and those of a checkout."""
    monkeypatch.setenv("TCNSC_FIGURES", str(tmp_path / "own"))
    monkeypatch.setattr(contrasts, "CHECKOUT", tmp_path / "checkout")
    return tmp_path


def test_the_study_is_taken_from_the_own_folder_else_from_the_committed_one(two_folders):
    for folder in ("checkout/figures", "own"):
        e = made(two_folders / folder)
        tell(e, MODEL_B)
        e.derive("study", contrasts.study(e))
        assert contrasts.stored(P).folder == e.folder


def test_without_a_study_one_sentence_says_what_makes_one(two_folders):
    tell(made(two_folders / "own"), MODEL_B)  # predictions, but no table yet
    with pytest.raises(CompanionError) as caught:
        contrasts.stored(P)
    sentence = str(caught.value)
    assert "no study of profile demo" in sentence
    assert "tcnsc study --profile demo" in sentence and "tcnsc report --profile demo" in sentence
    assert sentence.endswith(".") and "\n" not in sentence


def test_the_tables_follow_once_model_b_and_the_factors_are_there(e):
    names = [name for name in DERIVED if name.startswith("study")]
    assert len(names) == 5
    for row in ROWS:
        if row.name in (MODEL_B, *FACTORS.values()):
            for statistics in ("", *row.statistics):
                tell(e, row.name, statistics=statistics)
    assert write(e, names) == [(name, "new") for name in names]
    lost = e.study.predicted(restated(ONE_BATCH, "LQ"))
    e.path(lost).unlink()
    told = dict(write(e, names))
    assert {told[name] for name in ("study_factors", "study_effects")} == {
        f"left as it is, for want of {lost}"}
    assert told["study_claims"] == told["study_statistics"] == "same"
