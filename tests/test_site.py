"""The static site: complete, without network, readable on a phone, replaced as a whole."""
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tcnsc_lib import CompanionError
from tcnsc_lib.report import items, site
from tcnsc_lib.report.items import Item
from tcnsc_lib.report.pages import WIDGET
from tcnsc_lib.results import claims
from tcnsc_lib.results.claims import Claim

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082")
HEAD = "# profile {}; seed 0; commit <0123>\nid,claim,holds if,paper,ours,low,high,holds here\n"
ITEMS = (Item("Table 9", "01_first", "table9", "Nine & ten."),
         Item("Figure 9", "09_absent", "figure9", "Not made."))


def claim(id: str, unit: str, headline: str) -> Claim:
    return Claim(id, "a sentence", lambda e: e, unit=unit, headline=headline)


KNOWN = {known.id: known for known in (
    claim("table9.gain", "points", "dual < best"), claim("table9.faces", "", "faces differ"))}
WORDS = """# 1. First: a < b

[next](02_second.ipynb#its-end) [here](#1.-First:-a-<-b)
[map](../figures/README.md) [gone](05_gone.ipynb)
[doi](https://doi.org/10.3390/sym14122691) ![there](../figures/demo/table9.png) ![a tree](tree.png)
![far](https://example.org/far.png)
<script src="https://example.org/a.js"></script>
<link rel="stylesheet" href="https://example.org/a.css">

| a | b |
|---|---|
| 1 | 2 |
"""
TABLE = ('<style scoped>@import url("https://example.org/b.css");</style>'
         '<table border="1"><tr><td>23.75</td></tr></table>')
BAR = ("\rtraining:  50%|#####     | 1/2 [00:01<00:01,  1.0it/s]"
       "\rtraining: 100%|##########| 2/2 [00:02<00:00]\nkept\n")
CONTAINERS = ("table", "div", "main", "body", "a", "tbody", "tr")


class Links(HTMLParser):
    """All addresses in a page: [(tag, attribute, address)].

    Asserts that containers close in their order.
    """

    def __init__(self, text: str):
        super().__init__()
        self.found = []
        self.open = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.found += [(tag, name, value) for name, value in attributes if name in ("href", "src")]
        if tag in CONTAINERS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in CONTAINERS:
            assert self.open.pop() == tag


def executed(words: str, *outputs) -> nbformat.NotebookNode:
    code = new_code_cell("x < 1", outputs=list(outputs))
    return new_notebook(cells=[new_markdown_cell(words), code])


FILES = {
    "figures/demo": "table9.gain,a,above 0,20.5,7.7,7.7,7.7,no\n"
                    "table9.faces,b,above 0,1,1,1,1,no\n",
    "figures/photos": "table9.gain,a,above 0,20.5,-3.3,-4.4,-2.2,no\n"
                      "table9.faces,b,above 0,1,2,1,3,yes\n",
    "build/figures/demo": "table9.gain,a,above 0,20.5,1.8,-0.7,4.0,can't tell\n"
                          "table9.faces,b,above 0,1,1,1,1,yes\n"}
"""Folder -> the claims in it: of demo fresh (in build/) and committed, of photos committed."""


def outputs() -> list[nbformat.NotebookNode]:
    """A table, a picture, a widget and progress bars."""
    picture = b64encode(PNG).decode()
    widget = {"model_id": "0", "version_major": 2}
    shown = [{"text/html": TABLE, "text/plain": "23.75"},
             {"image/png": picture, "text/plain": "<Figure>"},
             {WIDGET: widget, "text/plain": "0%| widget"}]
    found = [new_output("display_data", data) for data in shown]
    return [*found, new_output("stream", name="stderr", text=BAR)]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """notebooks/, and figures/ with claims of demo (fresh, in build/) and photos (committed)."""
    monkeypatch.setattr(site, "CHECKOUT", tmp_path)
    monkeypatch.setattr(items, "ITEMS", ITEMS)
    monkeypatch.setattr(claims, "CLAIMS", KNOWN)
    for folder, rows in FILES.items():
        (tmp_path / folder).mkdir(parents=True)
        text = HEAD.format(Path(folder).name) + rows
        (tmp_path / folder / "table9_claims.csv").write_text(text)
    for folder in ("figures/demo", "build/figures/demo"):
        (tmp_path / folder / "table9.png").write_bytes(PNG)
    (tmp_path / "notebooks").mkdir()
    nbformat.write(executed(WORDS, *outputs()), tmp_path / "notebooks/01_first.ipynb")
    second = executed("# 2. Second\n\n[back](01_first.ipynb)\n\n## its end")
    nbformat.write(second, tmp_path / "notebooks/02_second.ipynb")
    return tmp_path


def build(home: Path, profile: str = "demo") -> Path:
    return site.build(home / "notebooks", home / "build/figures" / profile, home / "build/site")


@pytest.fixture
def built(home) -> Path:
    return build(home).parent


def body(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_there_is_an_index_and_a_page_for_each_notebook(built):
    names = sorted(path.name for path in built.iterdir())
    assert names == ["01_first.html", "02_second.html", "index.html", "pictures", "style.css"]
    assert [path.name for path in (built / "pictures").iterdir()] == ["table9.png"]
    assert (built / "pictures/table9.png").read_bytes() == PNG


def test_every_relative_address_is_a_file_of_the_site(built):
    count = 0
    for page in built.glob("*.html"):
        for tag, _, address in Links(body(page)).found:
            if not re.match("(https?|data):", address) and not address.startswith("#"):
                count += 1
                file = built / address.split("#")[0]
                assert file.is_file(), f"{tag} in {page.name} leads to {address}"
    assert count > 10


def loaded(page: Path) -> list[str]:
    """Addresses that a browser fetches without being asked; a picture inside has none."""
    found = []
    for tag, name, address in Links(body(page)).found:
        if (tag, name) != ("a", "href"):
            found.append(address.split("base64")[0])
    return found


def test_nothing_is_loaded_from_the_network(built):
    for page in built.glob("*.html"):
        assert loaded(page) and not [address for address in loaded(page) if "//" in address]
        assert not re.search(r"<script|@import|url\(\s*[\"']?http", body(page))
    assert not re.search(r"@import|url\(", body(built / "style.css"))


def test_links_lead_to_pages_or_become_words(built):
    text = body(built / "01_first.html")
    addresses = [address for tag, _, address in Links(text).found if tag == "a"]
    assert "02_second.html#its-end" in addresses
    assert "https://doi.org/10.3390/sym14122691" in addresses
    assert not [address for address in addresses if "README" in address or "ipynb" in address]
    assert "<a>map</a>" in text and "<a>gone</a>" in text
    assert 'id="its-end"' in body(built / "02_second.html")


def test_pictures_are_inside_the_page_or_told_in_words(built):
    text = body(built / "01_first.html")
    inside = f"data:image/png;base64,{b64encode(PNG).decode()}"
    assert text.count(inside) == 2  # the output and ../figures/demo/table9.png
    assert len(re.findall("<img", text)) == 2
    assert "<em>a tree</em>" in text and "<em>far</em>" in text
    assert "No description" not in text


def test_outputs_are_there_and_progress_bars_are_not(built):
    text = body(built / "01_first.html")
    assert "23.75" in text and "kept" in text
    assert "100%" not in text and "widget" not in text


def test_pages_fit_a_phone(built):
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    assert all(viewport in body(page) for page in built.glob("*.html"))
    text = body(built / "01_first.html")
    style = body(built / "style.css")
    assert text.count("<table") == text.count('<div class="scroll"><table') == 2
    assert ".scroll,pre,.output_subarea{overflow-x:auto" in style
    assert "img,svg{max-width:100%" in style
    assert ".highlight .k" in style  # nbconvert's colours


def test_the_index_has_the_fresh_numbers_and_the_other_profiles_committed_ones(built):
    text = body(built / "index.html")
    rows = re.findall(r"<tr><td>(.*?)</tr>", text)
    assert len(rows) == 2
    for part in ("dual &lt; best (points)", ">20.5<", ">1.8 (-0.7 to 4.0)<", ">? can't tell<",
                 ">-3.3 (-4.4 to -2.2)<", ">✗ disagrees<",
                 ">? can't tell</span>, the paper's number lies outside<"):
        assert part in rows[0]
    assert rows[1].count("✓ agrees") == 2 and "2.00 (1.00 to 3.00)" in rows[1]
    assert "7.7" not in text  # committed at demo, which this run replaces
    assert "ours at demo (this run)" in text and "photographs (committed)" in text


def test_a_profile_without_claims_yet_says_so(home):
    (home / "figures/photos/table9_claims.csv").unlink()
    assert body(build(home)).count(">not made yet<") == 2


def test_an_item_without_picture_or_page_is_there_in_words(built):
    text = body(built / "index.html")
    assert ('<figure><a href="01_first.html"><img src="pictures/table9.png" alt="">'
            "<b>Table 9</b></a>") in text
    assert "<figure><b>Figure 9</b><figcaption>Not made.</figcaption></figure>" in text
    assert "Nine &amp; ten." in text


def test_pages_say_where_they_are_and_what_made_them(built):
    first = body(built / "01_first.html")
    second = body(built / "02_second.html")
    assert "<title>1. First: a &lt; b</title>" in first
    assert '<a href="01_first.html" aria-current="page">1 First</a>' in first
    assert ('<a href="index.html">← Overview</a>\n'
            '<a href="02_second.html">2. Second →</a>') in first
    assert '<p class="turn"><a href="01_first.html">← 1. First: a &lt; b</a></p>' in second
    made = ("Profile demo. table9_claims.csv was made by: "
            "profile demo; seed 0; commit &lt;0123&gt;.")
    for text in (first, second, body(built / "index.html")):
        assert made in text


def test_a_page_names_what_was_measured_before_what_was_computed(home):
    measured = home / "build/figures/demo/evidence"
    measured.mkdir()
    (measured / "crops.csv").write_text("# torch 2\ncrop\n0\n")
    assert "crops.csv was made by: torch 2." in body(build(home))


def test_a_profile_of_ones_own_gets_its_column(home):
    (home / "build/figures/demo").rename(home / "build/figures/ffpp")
    text = body(build(home, "ffpp"))
    assert "ours at ffpp (this run)" in text
    assert "7.7 (7.7 to 7.7)" in text and "1.8 (-0.7 to 4.0)" in text


# whole or not at all

def test_a_new_site_replaces_the_old_as_a_whole(home, built):
    (built / "03_old.html").write_text("old")
    build(home)
    assert not (built / "03_old.html").exists() and (built / "01_first.html").exists()
    assert sorted(path.name for path in built.parent.iterdir()) == ["figures", "site"]


def damage_a_notebook(home: Path) -> None:
    (home / "notebooks/02_second.ipynb").write_text("{")


def remove_the_notebooks(home: Path) -> None:
    for path in (home / "notebooks").iterdir():
        path.unlink()


def empty_the_claims(home: Path) -> None:
    (home / "build/figures/demo/table9_claims.csv").write_text(HEAD.format("demo"))


@pytest.mark.parametrize("damage, message", [
    (damage_a_notebook, "02_second.ipynb is no readable notebook"),
    (remove_the_notebooks, "There are no notebooks in .*notebooks; "),
    (empty_the_claims, "has no rows; ")])
def test_a_failed_build_keeps_the_old_site(home, built, damage, message):
    old = {path: path.read_bytes() for path in built.rglob("*.*")}
    damage(home)
    with pytest.raises(CompanionError, match=message):
        build(home)
    assert {path: path.read_bytes() for path in built.rglob("*.*")} == old
    assert sorted(path.name for path in built.parent.iterdir()) == ["figures", "site"]


def test_a_swap_that_fails_puts_the_old_site_back(home, built, monkeypatch):
    rename = Path.rename

    def fail(self, target):
        if self.name == ".site.part":
            raise OSError("disk")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="disk"):
        build(home)
    assert (built / "index.html").exists()


def test_what_is_no_site_is_never_replaced(home):
    with pytest.raises(CompanionError, match="notebooks is there and is no site"):
        site.build(home / "notebooks", home / "build/figures/demo", home / "notebooks")
    assert (home / "notebooks/01_first.ipynb").exists()


def test_missing_folders_are_told(home):
    figures = home / "build/figures/demo"
    with pytest.raises(CompanionError, match="There are no notebooks in .*nowhere"):
        site.build(home / "nowhere", figures, home / "build/site")
    with pytest.raises(CompanionError, match="There is no folder .*nowhere"):
        site.build(home / "notebooks", home / "nowhere", home / "build/site")
