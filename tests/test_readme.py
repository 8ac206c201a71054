"""The overview: every headline claim of the paper, its verdicts, and what the README shows of them."""
import math
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tcnsc_lib import CompanionError, overview
from tcnsc_lib.overview import Claim, Item

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# profile demo; seed 0\nclaim,holds if,paper,ours,low,high,holds here\n"
TABLE = Item("Table 9", "09_nine", "table9", "Nine of <these>.", "table9_claims", (
    Claim("dual gains", "dual gains at LQ", "points"), Claim("cosine of twins", "twins agree | always", "")))
DRAWING = Item("Figure 9", "02_method", "figure9", "A drawing.", "", ())


@pytest.fixture
def figures(tmp_path, monkeypatch) -> Path:
    """figures/ of a home with two items: claims at demo, none at photos."""
    monkeypatch.setattr(overview, "CHECKOUT", tmp_path)
    monkeypatch.setattr(overview, "ITEMS", (TABLE, DRAWING))
    (tmp_path / "figures/demo").mkdir(parents=True)
    (tmp_path / "figures/demo/table9_claims.csv").write_text(
        HEAD + "dual gains: dual less B,above 0,20.5,1.8,-0.7,4.04,can't tell\n"
        "dual loses,above 0,1,1,1,1,yes\ncosine of twins,above 0,,0.987,0.98,0.99,yes\n")
    return tmp_path / "figures"


# verdicts

def test_a_row_has_the_files_numbers_and_nothing_where_there_is_no_file(figures):
    table = overview.verdicts()
    assert list(table.claim) == ["dual gains at LQ", "twins agree | always"]
    first = table.iloc[0]
    assert (first["item"], first.notebook, first.unit, first.paper) == ("Table 9", "09_nine", "points", 20.5)
    assert (first.demo, first.demo_low, first.demo_high, first.demo_holds) == (1.8, -0.7, 4.04, "can't tell")
    assert table.photos_holds.tolist() == ["", ""] and table[["photos", "photos_low", "photos_high"]].isna().all(axis=None)
    assert math.isnan(table.paper[1])


def test_folders_name_the_profiles(figures):
    table = overview.verdicts({"photos": figures / "photos", "ffpp": figures / "demo"})
    assert overview.profiles_of(table) == ["photos", "ffpp"]
    assert table.ffpp.tolist() == [1.8, 0.987] and table.paper[0] == 20.5


@pytest.mark.parametrize("rows, count", [
    ("other,above 0,1,1,1,1,yes\n", "No claims"),
    ("dual gains a,above 0,1,1,1,1,yes\ndual gains b,above 0,1,1,1,1,no\n", "2 claims")])
def test_a_claim_is_in_its_file_once_or_the_error_names_both(figures, rows, count):
    path = figures / "demo/table9_claims.csv"
    path.write_text(HEAD + rows)
    with pytest.raises(CompanionError, match=f'{count} in .*table9_claims.csv start with "dual gains"'):
        overview.verdicts()


def test_a_file_that_is_no_table_of_claims_is_told(figures):
    (figures / "demo/table9_claims.csv").write_text("claim,ours\ndual gains,1\n")
    with pytest.raises(CompanionError, match="table9_claims.csv is no table of claims .it lacks high, holds here"):
        overview.verdicts()


def test_the_committed_files_have_every_claim_of_the_tables():
    table = overview.verdicts({"demo": ROOT / "figures/demo"})
    tables = table[table["item"].str.startswith("Table")]
    assert set(tables["item"]) == {"Table 1", "Table 2", "Table 3"}
    assert tables.demo_holds.isin(["yes", "no", "can't tell"]).all()
    assert ((tables.demo_low <= tables.demo) & (tables.demo <= tables.demo_high)).all()


def test_the_items_are_the_papers_in_its_order():
    names = [item.name for item in overview.ITEMS]
    assert names == ["Figure 1", "Figure 2", "Table 1", "Table 2", "Table 3", "Figure 3", "Figure 4", "Figure 5", "Figure 6"]
    notebooks = [item.notebook for item in overview.ITEMS]
    assert notebooks == sorted(notebooks)
    assert all(item.file or not item.claims for item in overview.ITEMS)


# words

@pytest.mark.parametrize("numbers, unit, text", [
    ((1.8, -0.7, 4.04), "points", "1.8 (-0.7 to 4.0)"), ((9.99, 8.0, 12.34), "", "10.0 (8.0 to 12.3)"),
    ((0.987, 0.98, 0.99), "", "0.99 (0.98 to 0.99)"), ((0.0123, 0.01, 0.02), "", "0.012 (0.010 to 0.020)"),
    ((-0.04, -0.04, 0.01), "points", "0.0 (0.0 to 0.0)"), ((20.5,), "points", "20.5"), ((math.nan,), "points", "–")])
def test_a_cell_has_decimals_that_suit_its_numbers(numbers, unit, text):
    value, *interval = numbers
    assert overview.cell(value, unit, *interval) == text


def test_the_readmes_table_links_an_item_once_and_says_both_verdicts(figures):
    head, rule, first, second = overview.markdown(overview.verdicts()).splitlines()
    assert head == "| item | claim | paper | ours at demo | photographs | agree? | size? |"
    assert rule == "|" + "---|" * 7
    assert first == ("| [Table 9](notebooks/09_nine.ipynb) | dual gains at LQ (points) | 20.5 | 1.8 (-0.7 to 4.0) | – | "
                     "can't tell / – | no / – |")
    assert second == "|  | twins agree \\| always | – | 0.99 (0.98 to 0.99) | – | yes / – | – / – |"


class Balanced(HTMLParser):
    """Asserts that tags close in their order; collects links, pictures and text."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.links, self.images, self.words = [], [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name == "href"]
        self.images += [value for name, value in attributes if name == "src"]
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def test_the_gallery_shows_pictures_that_are_there_and_escapes_its_words(figures):
    (figures / "demo/figure9.png").write_bytes(b"")
    text = overview.gallery()
    found = Balanced(text)
    assert found.images == ["figures/demo/figure9.png"]
    assert found.links == ["notebooks/09_nine.ipynb", "notebooks/02_method.ipynb"]
    assert "Nine of <these>." in found.words and "<these>" not in text
    assert "\n\n" not in text  # a blank line would end the HTML block in Markdown
