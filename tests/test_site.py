"""The static site: complete, without network, readable on a phone, replaced as a whole."""
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tcnsc_lib import CompanionError, overview, site
from tcnsc_lib.overview import Claim, Item
from tcnsc_lib.pages import WIDGET

PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000"
                    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082")
HEAD = "# profile {}; seed 0; commit <0123>\nclaim,holds if,paper,ours,low,high,holds here\n"
ITEMS = (Item("Table 9", "01_first", "table9", "Nine & ten.", "table9_claims", (
             Claim("dual gains", "dual < best", "points"), Claim("faces differ", "faces differ", ""))),
         Item("Figure 9", "09_absent", "figure9", "Not made.", "", ()))
WORDS = """# 1. First: a < b

[next](02_second.ipynb#its-end) [here](#1.-First:-a-<-b) [map](../figures/README.md) [gone](05_gone.ipynb)
[doi](https://doi.org/10.3390/sym14122691) ![there](../figures/demo/table9.png) ![a tree](tree.png)
![far](https://example.org/far.png)
<script src="https://example.org/a.js"></script><link rel="stylesheet" href="https://example.org/a.css">

| a | b |
|---|---|
| 1 | 2 |
"""
TABLE = '<style scoped>@import url("https://example.org/b.css");</style><table border="1"><tr><td>23.75</td></tr></table>'
BAR = "\rtraining:  50%|#####     | 1/2 [00:01<00:01,  1.0it/s]\rtraining: 100%|##########| 2/2 [00:02<00:00]\nkept\n"


class Links(HTMLParser):
    """All addresses in a page: [(tag, attribute, address)]; asserts that containers close in their order."""

    def __init__(self, text: str):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.found += [(tag, name, value) for name, value in attributes if name in ("href", "src")]
        if tag in ("table", "div", "main", "body", "a", "tbody", "tr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in ("table", "div", "main", "body", "a", "tbody", "tr"):
            assert self.open.pop() == tag


def executed(words: str, *outputs) -> nbformat.NotebookNode:
    return new_notebook(cells=[new_markdown_cell(words), new_code_cell("x < 1", outputs=list(outputs))])


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """notebooks/, and figures/ with claims of demo (fresh, in build/) and photos (committed)."""
    monkeypatch.setattr(site, "CHECKOUT", tmp_path)
    monkeypatch.setattr(overview, "ITEMS", ITEMS)
    for folder in ("figures/demo", "figures/photos", "build/figures/demo", "notebooks"):
        (tmp_path / folder).mkdir(parents=True)
    for file, profile, rows in (
            ("figures/demo", "demo", "dual gains,above 0,20.5,7.7,7.7,7.7,no\nfaces differ,above 0,1,1,1,1,no\n"),
            ("figures/photos", "photos", "dual gains,above 0,20.5,-3.3,-4.4,-2.2,no\nfaces differ,above 0,1,2,1,3,yes\n"),
            ("build/figures/demo", "demo",
             "dual gains,above 0,20.5,1.8,-0.7,4.0,can't tell\nfaces differ,above 0,1,1,1,1,yes\n")):
        (tmp_path / file / "table9_claims.csv").write_text(HEAD.format(profile) + rows)
    for folder in ("figures/demo", "build/figures/demo"):
        (tmp_path / folder / "table9.png").write_bytes(PNG)
    first = executed(WORDS, new_output("display_data", {"text/html": TABLE, "text/plain": "23.75"}),
                     new_output("display_data", {"image/png": b64encode(PNG).decode(), "text/plain": "<Figure>"}),
                     new_output("display_data", {WIDGET: {"model_id": "0", "version_major": 2}, "text/plain": "0%| widget"}),
                     new_output("stream", name="stderr", text=BAR))
    nbformat.write(first, tmp_path / "notebooks/01_first.ipynb")
    nbformat.write(executed("# 2. Second\n\n[back](01_first.ipynb)\n\n## its end"), tmp_path / "notebooks/02_second.ipynb")
    return tmp_path


@pytest.fixture
def built(home) -> Path:
    return site.build(home / "notebooks", home / "build/figures/demo", home / "build/site").parent


def body(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_there_is_an_index_and_a_page_for_each_notebook(built):
    assert sorted(path.name for path in built.iterdir()) == ["01_first.html", "02_second.html", "index.html", "pictures",
                                                             "style.css"]
    assert [path.name for path in (built / "pictures").iterdir()] == ["table9.png"]
    assert (built / "pictures/table9.png").read_bytes() == PNG


def test_every_relative_address_is_a_file_of_the_site(built):
    count = 0
    for page in built.glob("*.html"):
        for tag, _, address in Links(body(page)).found:
            if not re.match("(https?|data):", address) and not address.startswith("#"):
                count += 1
                assert (built / address.split("#")[0]).is_file(), f"{tag} in {page.name} leads to {address}"
    assert count > 10


def test_nothing_is_loaded_from_the_network(built):
    for page in built.glob("*.html"):
        loaded = [address for tag, name, address in Links(body(page)).found if tag != "a" or name != "href"]
        assert loaded and not [address for address in loaded if "//" in address.split("base64")[0]]
        assert not re.search(r"<script|@import|url\(\s*[\"']?http", body(page))
    assert not re.search(r"@import|url\(", body(built / "style.css"))


def test_links_lead_to_pages_or_become_words(built):
    addresses = [address for tag, _, address in Links(body(built / "01_first.html")).found if tag == "a"]
    assert "02_second.html#its-end" in addresses and "https://doi.org/10.3390/sym14122691" in addresses
    assert not [address for address in addresses if "README" in address or "ipynb" in address]
    text = body(built / "01_first.html")
    assert "<a>map</a>" in text and "<a>gone</a>" in text
    assert 'id="its-end"' in body(built / "02_second.html")


def test_pictures_are_inside_the_page_or_told_in_words(built):
    text = body(built / "01_first.html")
    inside = f"data:image/png;base64,{b64encode(PNG).decode()}"
    assert len(re.findall("<img", text)) == text.count(inside) == 2  # the output and ../figures/demo/table9.png
    assert "<em>a tree</em>" in text and "<em>far</em>" in text and "No description" not in text


def test_outputs_are_there_and_progress_bars_are_not(built):
    text = body(built / "01_first.html")
    assert "23.75" in text and "kept" in text
    assert "100%" not in text and "widget" not in text


def test_pages_fit_a_phone(built):
    for page in built.glob("*.html"):
        assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in body(page)
    text, style = body(built / "01_first.html"), body(built / "style.css")
    assert text.count("<table") == text.count('<div class="scroll"><table') == 2
    assert ".scroll,pre,.output_subarea{overflow-x:auto" in style and "img,svg{max-width:100%" in style
    assert ".highlight .k" in style  # nbconvert's colours


def test_the_index_has_the_fresh_numbers_and_the_other_profiles_committed_ones(built):
    text = body(built / "index.html")
    rows = re.findall(r"<tr><td>(.*?)</tr>", text)
    assert len(rows) == 2
    for part in ("dual &lt; best (points)", ">20.5<", ">1.8 (-0.7 to 4.0)<", ">? can't tell<", ">-3.3 (-4.4 to -2.2)<",
                 ">✗ disagrees<", ">? can't tell</span>, the paper's number lies outside<"):
        assert part in rows[0]
    assert rows[1].count("✓ agrees") == 2 and "2.00 (1.00 to 3.00)" in rows[1]
    assert "7.7" not in text  # committed at demo, which this run replaces
    assert "ours at demo (this run)" in text and "photographs (committed)" in text


def test_an_item_without_picture_or_page_is_there_in_words(built):
    text = body(built / "index.html")
    assert '<figure><a href="01_first.html"><img src="pictures/table9.png" alt=""><b>Table 9</b></a>' in text
    assert "<figure><b>Figure 9</b><figcaption>Not made.</figcaption></figure>" in text
    assert "Nine &amp; ten." in text


def test_pages_say_where_they_are_and_what_made_them(built):
    first, second = body(built / "01_first.html"), body(built / "02_second.html")
    assert "<title>1. First: a &lt; b</title>" in first
    assert '<a href="01_first.html" aria-current="page">1 First</a>' in first
    assert '<a href="index.html">← Overview</a>\n<a href="02_second.html">2. Second →</a>' in first
    assert '<p class="turn"><a href="01_first.html">← 1. First: a &lt; b</a></p>' in second
    for text in (first, second, body(built / "index.html")):
        assert "Profile demo. table9_claims.csv was made by: profile demo; seed 0; commit &lt;0123&gt;." in text


def test_a_profile_of_ones_own_gets_its_column(home):
    (home / "build/figures/demo").rename(home / "build/figures/ffpp")
    text = body(site.build(home / "notebooks", home / "build/figures/ffpp", home / "build/site"))
    assert "ours at ffpp (this run)" in text and "7.7 (7.7 to 7.7)" in text and "1.8 (-0.7 to 4.0)" in text


# whole or not at all

def test_a_new_site_replaces_the_old_as_a_whole(home, built):
    (built / "03_old.html").write_text("old")
    site.build(home / "notebooks", home / "build/figures/demo", built)
    assert not (built / "03_old.html").exists() and (built / "01_first.html").exists()
    assert sorted(path.name for path in built.parent.iterdir()) == ["figures", "site"]


@pytest.mark.parametrize("break_it, message", [
    (lambda home: (home / "notebooks/02_second.ipynb").write_text("{"), "02_second.ipynb is no readable notebook"),
    (lambda home: [path.unlink() for path in (home / "notebooks").iterdir()], "There are no notebooks in .*notebooks; "),
    (lambda home: (home / "build/figures/demo/table9_claims.csv").write_text(HEAD.format("demo")), "has no rows; ")])
def test_a_failed_build_keeps_the_old_site(home, built, break_it, message):
    old = {path: path.read_bytes() for path in built.rglob("*.*")}
    break_it(home)
    with pytest.raises(CompanionError, match=message):
        site.build(home / "notebooks", home / "build/figures/demo", built)
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
        site.build(home / "notebooks", home / "build/figures/demo", built)
    assert (built / "index.html").exists()


def test_what_is_no_site_is_never_replaced(home):
    with pytest.raises(CompanionError, match="notebooks is there and is no site"):
        site.build(home / "notebooks", home / "build/figures/demo", home / "notebooks")
    assert (home / "notebooks/01_first.ipynb").exists()


def test_missing_folders_are_told(home):
    with pytest.raises(CompanionError, match="There are no notebooks in .*nowhere"):
        site.build(home / "nowhere", home / "build/figures/demo", home / "build/site")
    with pytest.raises(CompanionError, match="There is no folder .*nowhere"):
        site.build(home / "notebooks", home / "nowhere", home / "build/site")
