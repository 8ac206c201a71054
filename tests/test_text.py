"""Sentences whose numbers come from files: each kind of placeholder, each way to get it wrong."""
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.report.text import cell, fill, say, verdicts, with_intervals

CLAIMS = """# profile demo
id,claim,holds if,paper,ours,low,high,crops,holds here,seeds,least,most
table2.dual-minus-b.lq,"both, points",above 0,20.5,1.822917,-0.6510417,4.036458,512,can't tell,3,1,2
table2.dual-minus-probe,"probe, points",above 0,,39.2,35.2,42.6,512,yes,1,39.2,39.2
table2.b-loss,"B, points",above 0,27.5,,,,0,can't tell,1,,
"""
TABLE = """# profile demo
training,codec,accuracy,auc,n,word
"(RAW, LQ)",RAW,98.24219,0.5,1512,yes
"(RAW, LQ)",LQ,81.64062,,512,no
"model A, linear probe",LQ,54.5,0.0123,512,
twice,LQ,1,1,1,a
twice,LQ,2,2,2,b
"""


def evidence(folder: Path, profile: str, dual: str = "1.822917") -> Evidence:
    folder.mkdir()
    (folder / "table2_claims.csv").write_text(CLAIMS.replace("1.822917", dual))
    (folder / "table2.csv").write_text(TABLE)
    return Evidence(PROFILES[profile], folder)


@pytest.fixture
def evidences(tmp_path) -> dict[str, Evidence]:
    return {"demo": evidence(tmp_path / "demo", "demo"),
            "photos": evidence(tmp_path / "photos", "photos", dual="-2.5")}


@pytest.fixture
def filled(evidences):
    return lambda template, **blocks: fill(template, evidences, "demo", blocks)


@pytest.mark.parametrize("inside, text", [
    ("table2.dual-minus-b.lq", "1.8 (-0.7 to 4.0)"),
    ("table2.dual-minus-b.lq.ours", "1.8"),
    ("table2.dual-minus-b.lq.low", "-0.7"),
    ("table2.dual-minus-b.lq.high", "4.0"),
    ("table2.dual-minus-b.lq.paper", "20.5"),
    ("table2.dual-minus-b.lq.holds", "can't tell"),
    ("table2.dual-minus-b.lq.crops", "512"),
    ("table2.dual-minus-probe", "39.2 (35.2 to 42.6)"),
    ("photos:table2.dual-minus-b.lq.ours", "-2.5"),
])
def test_a_claim_is_its_number_with_interval_or_one_of_its_columns(filled, inside, text):
    assert filled(f"It is {{{inside}}}.") == f"It is {text}."


@pytest.mark.parametrize("inside, text", [
    ("table2[(RAW, LQ),RAW].accuracy", "98.2"),
    ("table2[model A, linear probe,LQ].accuracy", "54.5"),
    ("table2[model A, linear probe,LQ].auc", "0.012"),
    ("table2[(RAW, LQ),RAW].auc", "0.50"),
    ("table2[(RAW, LQ),RAW].n", "1,512"),
    ("table2[(RAW, LQ),LQ].word", "no"),
    ("table2[model A, linear probe].accuracy", "54.5"),
    ("photos:table2[(RAW, LQ),LQ].accuracy", "81.6"),
])
def test_a_cell_is_found_by_the_first_columns(filled, inside, text):
    assert filled(f"{{{inside}}} %") == f"{text} %"


@pytest.mark.parametrize("inside, text", [
    ("table2[(RAW, LQ),RAW].accuracy:.0f", "98"),
    ("table2[(RAW, LQ),RAW].auc:.0%", "50 %"),
    ("table2[(RAW, LQ),RAW].auc:.1%", "50.0 %"),
    ("table2.dual-minus-b.lq.ours:+.2f", "+1.82"),
    ("profile.size", "96"),
    ("photos:profile.schedule.iterations", "600"),
    ("profile.name", "demo"),
])
def test_formats_and_settings(filled, inside, text):
    assert filled(f"{{{inside}}}") == text


def test_blocks_and_doubled_braces_stay_as_they_are(filled):
    text = filled("{table 1}\nraw{{c23}} {profile.size}", **{"table 1": "| {x} |"})
    assert text == "| {x} |\nraw{c23} 96"


def test_text_without_placeholders_is_untouched(filled):
    assert filled("95 % of $x^2$ [a](b.md)\n") == "95 % of $x^2$ [a](b.md)\n"


UNKNOWN = "nothing is called so; name a claim"


@pytest.mark.parametrize("inside, words", [
    ("table2.dual-minus-c.lq", UNKNOWN),
    ("table2.dual-minus-b.lq.median", UNKNOWN),
    ("table2[dual]", UNKNOWN),
    ("table2[(RAW, LQ),RAW].speed", UNKNOWN),
    ("table2[a,b,c,d,e,f,g].accuracy", UNKNOWN),
    ("profile.colour", UNKNOWN),
    ("profile.size.width", UNKNOWN),
    ("gallery", UNKNOWN),
    ("", UNKNOWN),
    ("table2.dual-minus-probe.paper", "it has no number there; run `tcnsc report`"),
    ("table2.b-loss", "it has no number there"),
    ("table2[(RAW, LQ),LQ].auc", "it has no number there"),
    ("table2[dual,LQ].accuracy", "its keys mean 0 rows"),
    ("table2[twice,LQ].accuracy", "its keys mean 2 rows"),
    ("ffpp:profile.size", "there is no profile 'ffpp' here, only demo, photos"),
    ("table3[TCNSC,LQ].accuracy", "table3"),
    ("table1.best-pair", "table1_claims"),
    ("table2.dual-minus-a", "no rows for the claim table2.dual-minus-a"),
    ("table2[(RAW, LQ),LQ].word:.1f", "its format doesn't suit the value 'no'"),
])
def test_a_placeholder_without_a_number_is_one_sentence_that_names_it(filled, inside, words):
    with pytest.raises(CompanionError) as caught:
        filled(f"It is {{{inside}}} here.")
    sentence = str(caught.value)
    assert sentence.startswith(f"The placeholder {{{inside}}} can't be filled: ")
    assert words in sentence and sentence.endswith(".") and "\n" not in sentence


@pytest.mark.parametrize("template, near", [
    ("a {table2.dual-minus-b.lq", "a {table2.dual-minus-b."), ("a } b", "a } b")])
def test_a_brace_alone_is_told(filled, template, near):
    with pytest.raises(CompanionError, match=re.escape(f"A brace in '{near}' has no partner")):
        filled(template)


def test_say_is_a_notebooks_sentence_at_its_own_profile(evidences):
    said = say("**{table2.dual-minus-b.lq.ours}** points at {profile.name}", evidences["photos"])
    assert type(said).__name__ == "Markdown" and said.data == "**-2.5** points at photos"


@pytest.mark.parametrize("numbers, unit, text", [
    ((1.8, -0.7, 4.04), "points", "1.8 (-0.7 to 4.0)"),
    ((9.99, 8.0, 12.34), "", "10.0 (8.0 to 12.3)"),
    ((0.987, 0.98, 0.99), "", "0.99 (0.98 to 0.99)"),
    ((0.0123, 0.01, 0.02), "", "0.012 (0.010 to 0.020)"),
    ((-0.04, -0.04, 0.01), "points", "0.0 (0.0 to 0.0)"),
    ((20.5,), "points", "20.5"),
    ((math.nan,), "points", "–"),
])
def test_a_number_has_decimals_that_suit_it_and_its_interval(numbers, unit, text):
    value, *interval = numbers
    assert cell(value, unit, *interval) == text


def test_a_table_with_intervals_has_one_column_where_it_had_three():
    nan = float("nan")
    table = pd.DataFrame({"row": ["a", "b"], "gain": [1.84, nan], "gain_low": [-0.7, nan],
                          "gain_high": [4.0, nan], "ours": [3.0, 12.0], "low": [2.0, nan],
                          "high": [4.0, nan]})
    shown = with_intervals(table, "gain", "ours")
    assert shown.columns.tolist() == ["row", "gain", "ours"]
    assert shown.gain.tolist() == ["1.8 (-0.7 to 4.0)", "–"]
    assert shown.ours.tolist() == ["3.0 (2.0 to 4.0)", "12.0"]
    assert table.gain.tolist()[0] == 1.84  # the table itself is left as it was


def test_verdicts_have_an_interval_and_the_span_of_the_single_seeds(tmp_path):
    demo = evidence(tmp_path / "demo", "demo")
    shown = verdicts(demo.read("table2_claims"))
    assert shown.columns.tolist() == [
        "claim", "holds if", "paper", "ours", "seeds", "single seeds", "holds here"]
    gain = shown.loc["table2.dual-minus-b.lq"]
    assert gain.ours == "1.8 (-0.7 to 4.0)"
    assert gain["single seeds"] == "1.0 to 2.0"
    assert shown.loc["table2.dual-minus-probe", "single seeds"] == "–"
    assert shown.loc["table2.b-loss", "ours"] == "–"


def test_verdicts_without_seeds_tell_how_many_crops_and_leave_an_empty_column_out(tmp_path):
    demo = evidence(tmp_path / "demo", "demo")
    table = demo.read("table2_claims").assign(paper=float("nan"))
    shown = verdicts(table.drop(columns=["seeds", "least", "most"]))
    assert shown.columns.tolist() == ["claim", "holds if", "ours", "crops", "holds here"]
    assert shown.crops.tolist() == [512, 512, 0]
