"""The generated pages: every headline claim with its verdicts, no number that isn't from a file."""
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from tcnsc_lib.evidence import Evidence
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.report import beside, items, readme
from tcnsc_lib.report.items import ITEMS, Item, verdicts
from tcnsc_lib.results import claims
from tcnsc_lib.results.claims import Claim
from tcnsc_lib.results.plots.seen import SEEN
from tcnsc_lib.results.trained import BELOW, NO_FEATURES, NOT_KEPT

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# profile demo; seed 0\nid,claim,holds if,paper,ours,low,high,holds here\n"
TABLE = Item("Table 9", "09_nine", "table9", "Nine of <these>.")
DRAWING = Item("Figure 9", "02_method", "figure9", "A drawing.")


def claim(id: str, unit: str, headline: str) -> Claim:
    return Claim(id, "a sentence", lambda e: e, unit=unit, headline=headline)


KNOWN = {known.id: known for known in (
    claim("table9.gain", "points", "dual gains at LQ"),
    claim("table9.hidden", "points", ""),
    claim("table9.twins", "", "twins agree | always"))}


@pytest.fixture
def figures(tmp_path, monkeypatch) -> dict[str, Evidence]:
    """Two items: claims at demo, none at photos."""
    monkeypatch.setattr(claims, "CLAIMS", KNOWN)
    for module in (items, readme):
        monkeypatch.setattr(module, "ITEMS", (TABLE, DRAWING))
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/table9_claims.csv").write_text(
        HEAD + "table9.gain,dual gains,above 0,20.5,1.8,-0.7,4.04,can't tell\n"
        "table9.hidden,dual loses,above 0,1,1,1,1,yes\n"
        "table9.twins,cosine of twins,above 0,,0.987,0.98,0.99,yes\n")
    return {name: Evidence(PROFILES[name], tmp_path / name) for name in ("demo", "photos")}


# items and verdicts

def test_the_items_are_the_papers_in_its_order():
    names = [item.name for item in ITEMS]
    assert names == ["Figure 1", "Figure 2", "Table 1", "Table 2", "Table 3", "Figure 3",
                     "Figure 4", "Figure 5", "Figure 6"]
    notebooks = [item.notebook for item in ITEMS]
    assert notebooks == sorted(notebooks)
    assert all((ROOT / f"notebooks/{notebook}.ipynb").exists() for notebook in notebooks)


def test_every_item_but_the_drawing_has_a_headline_claim():
    with_headline = {known.item for known in claims.CLAIMS.values() if known.headline}
    assert with_headline == {item.name for item in ITEMS} - {"Figure 2"} | {"Study"}


def test_a_row_has_the_files_numbers_and_nothing_where_there_is_no_file(figures):
    table = verdicts(figures)
    assert list(table.claim) == ["dual gains at LQ", "twins agree | always"]
    first = table.iloc[0]
    assert (first.id, first["item"], first.notebook) == ("table9.gain", "Table 9", "09_nine")
    assert (first.unit, first.paper) == ("points", 20.5)
    assert (first.demo, first.demo_low, first.demo_high) == (1.8, -0.7, 4.04)
    assert first.demo_holds == "can't tell"
    assert table.photos_holds.tolist() == ["", ""]
    assert table[["photos", "photos_low", "photos_high"]].isna().all(axis=None)
    assert math.isnan(table.paper[1])


def test_the_papers_number_is_there_whichever_profile_has_it(figures):
    turned = {"photos": figures["photos"], "ffpp": figures["demo"]}
    table = verdicts(turned)
    assert items.profiles_of(table) == ["photos", "ffpp"]
    assert table.ffpp.tolist() == [1.8, 0.987] and table.paper[0] == 20.5


# blocks

def test_the_verdicts_link_an_item_once_and_say_agree_and_size(figures):
    head, rule, first, second = readme.verdict_table(verdicts(figures)).splitlines()
    assert head == "| item | claim | paper | ours at demo | photographs | agree? | size? |"
    assert rule == "|" + "---|" * 7
    assert first == ("| [Table 9](../notebooks/09_nine.ipynb) | dual gains at LQ (points) | 20.5 | "
                     "1.8 (-0.7 to 4.0) | – | can't tell / – | no / – |")
    assert second == ("|  | twins agree \\| always | – | 0.99 (0.98 to 0.99) | – | yes / – | "
                      "– / – |")


def test_the_gallery_shows_pictures_that_are_there_and_escapes_its_words(figures, monkeypatch):
    (figures["demo"].folder / "figure9.png").write_bytes(b"")
    monkeypatch.setitem(SEEN, "figure9", "Nine lines.")
    *_, row = readme.gallery(figures["demo"].folder).splitlines()
    table, drawing, empty = re.fullmatch(r"\| (.*) \| (.*) \| (.*) \|", row).groups()
    assert table == "[Table 9](../notebooks/09_nine.ipynb): Nine of &lt;these&gt;."
    picture, words = drawing.split("<br>")
    assert picture == ("[![Nine lines.](../figures/demo/figure9.png)]"
                       "(../notebooks/02_method.ipynb)")
    assert words == "[Figure 9](../notebooks/02_method.ipynb): A drawing."
    assert empty == ""


def long(training: str, raw: float, lq: float, auc: float) -> pd.DataFrame:
    return pd.DataFrame({"training": training, "codec": ["RAW", "LQ"], "accuracy": [raw, lq],
                         "auc": [99.9, auc]})


@pytest.fixture
def tables(tmp_path) -> dict[str, Evidence]:
    """Tables 2 and 3 with two rows at demo, one at photos."""
    found = {name: Evidence(PROFILES[name], tmp_path / name) for name in ("demo", "photos")}
    dual = long("dual", 98.24, 81.64, 95.1)
    rows = {"demo": [dual, long("lambda 0", 96.9, 74.2, 95.5)], "photos": [dual]}
    for name, e in found.items():
        e.derive("table2", pd.concat(rows[name]))
        e.derive("table3", long("TCNSC", 98.24, 81.64, 95.1).assign(mark=math.nan))
        whole = pd.DataFrame({"training": "TCNSC", "codec": ["RAW", "LQ"], "mean": [99.0, 92.5]})
        e.derive("table3_videos", whole)
        seeds = [long("dual", 0, value, 0) for value in (80.0, 82.0)]
        e.derive("table2_seeds", pd.concat([*seeds, long("lambda 0", 0, 70.0, 0)]))
        e.derive("table2_differences", pd.DataFrame({
            "difference of accuracy": ["dual - model B"] * 2, "codec": ["RAW", "LQ"],
            "difference": [0.2, 1.83], "low": [0.0, -0.66], "high": [1.0, 4.04],
            "settled": ["no", "yes" if name == "demo" else "no"]}))
    return found


def test_table_2_has_the_paper_auc_and_the_spread_over_seeds(tables):
    head, _, dual, control = beside.table2(tables).splitlines()
    assert head.count("|") == 9
    assert dual == ("| dual | 97.6 → 91.8 | 98.2 → 81.6 | 95.1 | 81.0 ± 1.4 | 98.2 → 81.6 | 95.1 "
                    "| 81.0 ± 1.4 |")
    assert control == "| lambda 0 |  | 96.9 → 74.2 | 95.5 |  |  |  |  |"


def test_table_3_stands_beside_the_papers(tables):
    lines = beside.table3(tables).splitlines()
    assert lines[2:] == ["| TCNSC | 97.6 → 91.8 | 98.2 → 81.6 | 95.1 | 98.2 → 81.6 | 95.1 | 92.5 |"]


def test_a_marked_row_of_table_3_is_in_italics_and_its_signs_are_explained(tables):
    row = long("TCNSC", 98.24, 81.64, 95.1)
    tables["demo"].derive("table3", row.assign(mark=f"{BELOW}; {NO_FEATURES}"))
    tables["photos"].derive("table3", row.assign(mark=NOT_KEPT))
    *_, line, nothing, note = beside.table3(tables).splitlines()
    assert line == ("| TCNSC | 97.6 → 91.8 | *98.2 → 81.6*†‡ | *95.1* | *98.2 → 81.6*§ | *95.1* |"
                    " 92.5 |")
    assert nothing == ""
    for meaning in (f"† {BELOW}", f"‡ {NO_FEATURES}", f"§ {NOT_KEPT}"):
        assert meaning in note


def test_differences_are_those_at_lq_and_bold_where_settled(tables):
    lines = beside.differences(tables).splitlines()
    assert lines == ["| at LQ, points | demo | photos |", "|---|---|---|",
                     "| dual - model B | **1.8 (-0.7 to 4.0)** | 1.8 (-0.7 to 4.0) |"]


# the pages

TEMPLATES = [template.read_text(encoding="utf-8") for template in readme.PAGES.values()]
FIRST, RESULTS, SUMMARY = TEMPLATES
CODE = re.compile(r"```.*?```|`[^`\n]*`|<!--.*?-->", re.DOTALL)
LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
FACTS = (
    "Symmetry 2022(?:, 14, 2691)?", "doi 10.3390/sym14122691",  # the paper
    "95 % interval", "95 %\nintervals", "one seed", "JPEG at quality 20",
    r"sections? \d(?:[\d., ]*\d)?", r"equations 1-4", "Tables? [1-3](?:,? (?:to|and) 3)?",
    r"Figures? [1-6](?:, [46]| and [346](?: to 6)?)?", "ResNet18", "H.264", r"[Nn]otebook \d",
    "(?:0[1-9]|10)_[a-z_]+",  # a notebook's name
    "lambda 0", "λ = 0", "of 2N", "weighs 0", "above 0", "side of 0", "closer to 1",
    "JPEG at quality 80,\n50 and 20",
    "30 to 35 minutes", "on 100 rendered videos", "Python 3.11", "installs 6 GB",  # of the machine
    "95 % right on RAW", "lost\n  10 points at LQ",
    "lost\n10 points at LQ")  # the rule that fixed the demo
"""What a reader may find as a digit in the template: the paper's, a machine's, names."""


def prose(template: str) -> str:
    """The template without placeholders, code and the addresses of links."""
    text = CODE.sub("", template)
    text = re.sub(r"\{[^{}]*\}", "", text)
    return LINK.sub(r"\1", text)


def measured(template: str) -> list[str]:
    """Lines of the template that have a digit which isn't one of FACTS."""
    text = prose(template)
    for fact in FACTS:
        text = re.sub(fact, "", text, flags=re.MULTILINE)
    return [line for line in text.splitlines() if re.search(r"\d", line)]


@pytest.mark.parametrize("template", TEMPLATES, ids=["README", "RESULTS", "SUMMARY"])
def test_no_measured_number_is_written_by_hand(template):
    assert measured(template) == []


@pytest.mark.parametrize("line, found", [
    ("gains 20.5 points", True), ("gains {table2.dual-minus-b.lq} points", False),
    ("as `x.1` says in [2](3.md) and Table 2", True), ("as `x.1` says in [it](3.md)", False)])
def test_a_number_written_by_hand_would_be_found(line, found):
    assert bool(measured(line)) is found


def test_the_pages_are_what_their_templates_and_the_stored_tables_say():
    evidences = {name: Evidence(PROFILES[name], ROOT / "figures" / name) for name in readme.SHOWN}
    pages = readme.render(evidences)
    assert pages == {page: page.read_text(encoding="utf-8") for page in readme.PAGES}


def words(text: str) -> int:
    """Of a page as it is read: tables and code count; addresses, comments and bars don't."""
    shown = LINK.sub(r"\1", re.sub(r"<!--.*?-->", "", text))
    return len(re.findall(r"\S*\w\S*", shown))


def test_the_first_page_is_short_and_its_first_screen_is_shorter():
    page = next(iter(readme.PAGES)).read_text(encoding="utf-8")
    assert words(page) <= 900
    assert words(page.partition("\n## ")[0]) <= 250
    assert words(page.partition("```")[0]) <= 210


def test_the_prose_of_the_results_is_short():
    text = re.sub(r"(?m)^\|.*$", "", prose(RESULTS))
    assert len(text.split()) <= 1150


def test_the_pages_links_lead_to_files():
    for page in readme.PAGES:
        text = page.read_text(encoding="utf-8")
        for address in re.findall(r'\]\(([^)#]+)\)|(?:href|src)="([^"]+)"', text):
            address = "".join(address)
            if not address.startswith("http"):
                assert (page.parent / address).exists(), (page, address)
