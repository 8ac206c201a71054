"""Tables as people see them: text that stands alone, and HTML that says the same with its looks."""
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.report import look
from tcnsc_lib.report.text import NOTHING, with_intervals
from tcnsc_lib.results import claims
from tcnsc_lib.results.claims import Claim


def scores(theirs: float = 96.8) -> pd.DataFrame:
    """Two rows of Table 1; the paper has the first alone, at five qualities."""
    rows = []
    for training, paper_has in (("(RAW, HQ)", theirs), ("model B", np.nan)):
        for codec in paper.CODECS:
            rows.append({"training": training, "codec": codec, "accuracy": 97.34, "low": 95.2,
                         "high": 99.0, "paper": paper_has})
    return pd.DataFrame(rows)


def html(shown: look.Look) -> str:
    return shown._repr_html_()


def cells(shown: look.Look) -> list[str]:
    """What stands in a table's cells, as HTML."""
    return re.findall(r"<td[^>]*>(.*?)</td>", html(shown))


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2 has it, 1 to 21."""
    levels = []
    for colour in (one, other):
        rgb = np.array(colors.to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        levels.append(float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(levels) / min(levels)


def test_contrast_is_that_of_the_standard():
    assert contrast("white", "black") == pytest.approx(21)
    assert contrast("white", "#767676") == pytest.approx(4.54, abs=0.01)


# ours beside the paper's

@pytest.mark.parametrize("theirs, word", [(95.2, "inside"), (99.0, "inside"), (95.1, "outside"),
                                          (99.1, "outside")])
def test_the_papers_number_stands_below_ours_and_says_if_our_interval_holds_it(theirs, word):
    shown = look.beside(scores(theirs), "trained on")
    assert shown.cells.RAW["(RAW, HQ)"] == f"97.3 (95.2 to 99.0); paper {theirs}, {word}"
    assert shown.cells.LQ["model B"] == "97.3 (95.2 to 99.0)"
    assert list(shown.cells) == list(paper.CODECS)
    first, *_ = cells(shown)
    ours, below = first.split("<br>")
    assert ours.startswith("97.3 <small") and "(95.2 to 99.0)</small>" in ours
    assert f">paper {theirs}, {word}</span>" in below
    assert f"background: {look.GROUNDS[word]}" in below


def test_rows_may_be_called_otherwise():
    shown = look.beside(scores(), "trained on", {"model B": "classifier alone"})
    assert shown.cells.index.tolist() == ["(RAW, HQ)", "classifier alone"]
    assert shown.cells.index.name == "trained on"


# verdicts

def test_a_verdict_is_a_word_on_a_ground_that_it_is_read_on(monkeypatch):
    known = Claim("t.a", "a sentence", lambda e: e, unit="points", headline="")
    monkeypatch.setattr(claims, "CLAIMS", {"t.a": known})
    row = {"id": "t.a", "claim": "dual <gains>", "holds if": "above 0", "paper": 20.5, "ours": 1.8,
           "low": -0.7, "high": 4.04, "crops": 480, "holds here": "can't tell"}
    shown = look.verdicts(pd.DataFrame([row]))
    assert shown.cells.loc["t.a", "ours"] == "1.8 (-0.7 to 4.0)"
    assert shown.cells.loc["t.a", "paper"] == "20.5"
    assert ">can&#x27;t tell</span>" in html(shown)
    assert "dual &lt;gains&gt;" in html(shown)
    assert "can't tell" in repr(shown) and "<" not in repr(shown).replace("<gains>", "")


def test_every_verdict_passes_contrast_and_brings_its_ground_to_dark_and_white_pages():
    assert set(look.GROUNDS) == {"yes", "no", "can't tell", "inside", "outside"}
    for word, ground in look.GROUNDS.items():
        assert contrast("#FFFFFF", ground) >= 4.5
        assert f"background: {ground}; color: #FFFFFF" in look._html(word)
    assert look.GROUNDS["yes"] != look.GROUNDS["no"] != look.GROUNDS["can't tell"]


@pytest.mark.parametrize("text", ["yesterday", "no such loss", "no, yes", "paper 1.0"])
def test_a_text_that_only_begins_like_a_verdict_is_left_alone(text):
    assert look._html(text) == text


# any table

@pytest.fixture
def mixed() -> look.Look:
    frame = pd.DataFrame({"steps": [1234, 5], "rate": [0.25, np.nan], "gain": [1.04, 2.0],
                          "low": [-1.0, 0.0], "high": [2.0, 3.0], "what": ["a & b", "1 of 2"]})
    frame.index = pd.Index(["x", "y"], name="row")
    return look.table(with_intervals(frame, "gain"), "some numbers")


def test_numbers_have_the_same_decimals_and_what_lacks_is_a_dash(mixed):
    assert mixed.cells.steps.tolist() == ["1,234", "5"]
    assert mixed.cells.rate.tolist() == ["0.2", NOTHING]
    assert mixed.cells.gain.tolist() == ["1.0 (-1.0 to 2.0)", "2.0 (0.0 to 3.0)"]
    assert look.table(pd.DataFrame({"a": [0.5]}), digits=3).cells.a.tolist() == ["0.500"]


def test_numbers_stand_to_the_right_and_words_to_the_left(mixed):
    sides = re.findall(r"td\.col(\d)[^{]*\{\s*text-align: (\w+)", html(mixed))
    assert dict(sides) == {"0": "right", "1": "right", "2": "right", "3": "left"}


def test_a_table_is_plain_text_where_html_is_missing(mixed):
    caption, head, name, first, second = repr(mixed).splitlines()
    assert caption == "some numbers"
    assert head.split() == ["steps", "rate", "gain", "what"] and name.strip() == "row"
    assert first.split() == ["x", "1,234", "0.2", "1.0", "(-1.0", "to", "2.0)", "a", "&", "b"]
    assert NOTHING in second


def test_equal_tables_are_equal_html_and_others_share_no_names(mixed):
    again = look.table(mixed.cells, mixed.caption)
    assert html(again) == html(mixed)
    other = look.table(mixed.cells, "other numbers")
    names = [set(re.findall(r'id="(T_\w+)"', html(shown))) for shown in (mixed, other)]
    assert names[0] and not names[0] & names[1]


def test_the_book_knows_it_as_a_table_of_numbers(mixed):
    assert 'class="dataframe"' in html(mixed)


def test_rows_of_two_levels_are_shown():
    frame = pd.DataFrame({"LQ": [1.0, 2.0]},
                         index=pd.MultiIndex.from_product([["dual"], [0, 9]], names=["a", "b"]))
    shown = look.table(frame)
    assert shown.cells.index.tolist() == [("dual", "0"), ("dual", "9")]
    assert cells(shown) == ["1.0", "2.0"]


def test_a_table_wider_than_a_page_is_refused():
    frame = pd.DataFrame(np.zeros((1, 7)), columns=list("abcdefg"))
    assert look.table(frame).cells.shape == (1, 7)
    with pytest.raises(CompanionError, match="of 9 columns.*room for 8"):
        look.table(frame.assign(h=0))
