"""Damaged derived tables are a sentence before pages are made of them."""
import pandas as pd
import pytest

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.report import beside, derived

SCORES = pd.DataFrame({"training": ["dual", "dual"], "codec": ["RAW", "LQ"],
                       "accuracy": [95, 80.5], "auc": [99.0, float("nan")]})
DIFFERENCES = pd.DataFrame({"difference of accuracy": ["a - b", "a - b"], "codec": ["RAW", "LQ"],
                            "difference": [1.0, 2.0], "low": [0.0, 1.0], "high": [2.0, 3.0],
                            "settled": ["no", "yes"]})


@pytest.fixture
def e(tmp_path) -> Evidence:
    return Evidence(PROFILES["demo"], tmp_path)


def test_a_sound_table_is_read_as_it_is(e):
    e.derive("table2", SCORES)
    assert derived.scores(e, "table2").accuracy.tolist() == [95, 80.5]


@pytest.mark.parametrize("table, words", [
    (SCORES.drop(columns="auc"), "lacks the column auc"),
    (SCORES.assign(accuracy=["many", 80.5]), "is damaged (row 1, accuracy: 'many'"),
    (SCORES.assign(accuracy=[95.0, float("nan")]), "is damaged (row 2, accuracy: "),
    (SCORES.assign(accuracy=[95.0, 101.0]), "is damaged (row 2, accuracy: "),
    (SCORES.assign(training=[1, 2]), "is damaged (row 1, training: 1"),
    (SCORES.iloc[:1], "has no row for dual at LQ"),
    (SCORES.assign(codec="LQ"), "has more than one row for dual at LQ"),
    (SCORES.iloc[:0], "has no rows")])
def test_a_damaged_table_of_scores_is_told(e, table, words):
    e.derive("table2", table)
    with pytest.raises(CompanionError) as caught:
        derived.scores(e, "table2")
    sentence = str(caught.value)
    assert sentence.startswith(str(e.folder / "table2.csv")) and words in sentence


def test_a_training_that_the_paper_has_must_be_there(e):
    e.derive("table1", SCORES)
    with pytest.raises(CompanionError, match=r"table1.csv has no row for .* at RAW; "):
        derived.scores(e, "table1", paper.CODECS, paper.TABLE1.index)


@pytest.mark.parametrize("table, words", [
    (DIFFERENCES.assign(settled="perhaps"), "is damaged .row 1, settled: 'perhaps'"),
    (DIFFERENCES.assign(difference=float("nan")), "is damaged .row 1, difference: "),
    (DIFFERENCES.drop(columns="low"), "lacks the column low"),
    (DIFFERENCES.assign(codec="LQ"), "names a difference twice at LQ")])
def test_damaged_differences_are_told(e, tmp_path, table, words):
    e.derive("table2_differences", DIFFERENCES)
    other = Evidence(PROFILES["photos"], tmp_path / "photos")
    other.derive("table2_differences", table)
    with pytest.raises(CompanionError, match=f"photos/table2_differences.csv {words}"):
        beside.differences({"demo": e, "photos": other})


def test_a_difference_that_another_profile_lacks_is_a_dash(e, tmp_path):
    e.derive("table2_differences", DIFFERENCES)
    other = Evidence(PROFILES["photos"], tmp_path / "photos")
    renamed = DIFFERENCES.assign(**{"difference of accuracy": "c - d"})
    other.derive("table2_differences", renamed)
    *_, line = beside.differences({"demo": e, "photos": other}).splitlines()
    assert line.startswith("| a - b |") and line.endswith("| – |")
