"""The paper's numbers: copied correctly, and its sentences checked against its own tables."""

import re
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from tcnsc_lib import paper
from tcnsc_lib.profiles import PROFILES

PAPER_TEXT = Path(__file__).resolve().parents[1] / "../shared/paper/tcnsc_2022.txt"


@pytest.fixture(scope="module")
def text() -> str:
    if not PAPER_TEXT.exists():
        pytest.skip("the paper's text lies outside the repository and is not here")
    return PAPER_TEXT.read_text(encoding="utf-8")


def test_claimed_drops_follow_from_table3():
    drops = paper.relative_drop(paper.TABLE3)
    for name, claimed in paper.CLAIMED_DROPS.items():
        assert drops[name] == pytest.approx(claimed, abs=0.005)


def test_two_other_methods_fall_by_less_than_20_percent():
    others = paper.relative_drop(paper.TABLE3).drop(list(paper.CLAIMED_DROPS))
    assert others["DSP-FWA"] == pytest.approx(19.06, abs=0.005)
    assert others["Xception-C40"] < 0  # it rises
    assert set(others[others <= 20].index) == {"DSP-FWA", "Xception-C40"}


def test_gains_of_the_abstract_and_over_the_best_competitor():
    ours = paper.TABLE3.loc["TCNSC"]
    others = paper.TABLE3.drop("TCNSC")
    for codec, claimed in paper.CLAIMED_GAINS.items():
        assert ours[codec] - others.loc["Xception-RAW", codec] == pytest.approx(claimed)
    gains = ours - others.max()
    assert gains["LQ"] == pytest.approx(3.5) and gains["MQ"] == pytest.approx(5.5)
    assert others["LQ"].idxmax() == others["MQ"].idxmax() == "Xception-C40"


def test_the_same_model_has_the_same_row_in_all_tables():
    row = paper.TABLE1.loc["(RAW, LQ)"].tolist()
    assert row == paper.TABLE2.loc["dual"].tolist() == paper.TABLE3.loc["TCNSC"].tolist()


def test_pairs_name_the_rows_of_table1():
    assert [paper.pair_name(pair) for pair in paper.PAIRS] == paper.TABLE1.index.tolist()


def test_lists_are_numbered_without_gap():
    assert paper.open_table().index.tolist() == list(range(1, 19))
    assert paper.contradictions_table().index.tolist() == list(range(1, 11))


def test_an_open_choice_names_a_setting_that_there_is():
    p = PROFILES["ffpp"]
    known = {field.name for field in (*fields(p), *fields(p.schedule))}
    named = {choice.setting for choice in paper.OPEN if choice.setting}
    assert named <= known and len(named) == 8


def test_tables_match_the_text_of_the_paper(text):
    printed = {}
    for line in text.splitlines():
        label, *cells = line.split("\t")
        numbers = all(re.fullmatch(r"[\d.]+", cell) for cell in cells)
        if numbers and len(cells) == len(paper.CODECS):
            printed[re.sub(r" \[\d+\]$", "", label)] = [float(cell) for cell in cells]
    printed["dual"] = printed.pop("dual-branch model")
    printed["TCNSC"] = printed.pop("Ours")
    tables = pd.concat([paper.TABLE1, paper.TABLE2, paper.TABLE3])
    assert {name: row.tolist() for name, row in tables.iterrows()} == printed


def test_figure5_matches_the_text_of_the_paper(text):
    for codec, (real, fake) in paper.FIGURE5.abs().items():
        assert re.search(rf"when {codec}, [^.]*? (decrease|drop) by {real}% and {fake}%", text)
