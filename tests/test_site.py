"""The static site: complete, without network, readable on a phone."""
import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from made_site import HEAD, PNG, WORDS, body, build, executed, make_home
from nbformat.v4 import new_output

from tcnsc_lib import CompanionError
from tcnsc_lib.report.place import MARK

INSIDE = f"data:image/png;base64,{b64encode(PNG).decode()}"
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


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    return make_home(tmp_path, monkeypatch)


@pytest.fixture
def built(home) -> Path:
    return build(home).parent


def test_there_is_an_index_and_a_page_for_each_notebook(built):
    names = sorted(path.name for path in built.iterdir())
    assert names == [MARK, "01_first.html", "02_second.html", "index.html"]


def test_every_relative_address_is_a_file_of_the_site(built):
    count = 0
    for page in built.glob("*.html"):
        for tag, _, address in Links(body(page)).found:
            if not re.match("(https?|data):", address) and not address.startswith("#"):
                count += 1
                file = built / address.split("#")[0]
                assert file.is_file(), f"{tag} in {page.name} leads to {address}"
    assert count > 10


def test_a_page_loads_nothing_at_all(built):
    for page in built.glob("*.html"):
        for tag, name, address in Links(body(page)).found:
            assert (tag, name) == ("a", "href") or address == INSIDE
        assert not re.search(r"<script|<link|@import|url\(", body(page))


def test_a_page_allows_its_own_style_and_no_more(built):
    for page in built.glob("*.html"):
        text = body(page)
        style = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
        digest = b64encode(sha256(style.encode()).digest()).decode()
        said = re.search('Content-Security-Policy" content="([^"]*)"', text)[1]
        assert unescape(said) == (
            f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'")
        assert text.index("Content-Security-Policy") < text.index("<style>")
        assert text.count("<style") == 1 and ".highlight .k" in style  # nbconvert's colours


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
    assert text.count(INSIDE) == 2  # the output and near.png
    assert len(re.findall("<img", text)) == 2
    assert "<em>a tree</em>" in text and "<em>far</em>" in text
    assert "<em>there</em>" in text  # not in the notebooks' folder
    assert "No description" not in text


def test_outputs_are_there_and_progress_bars_are_not(built):
    text = body(built / "01_first.html")
    assert "23.75" in text and "kept" in text
    shown = text.partition("<main>")[2]
    assert "100%" not in shown and "widget" not in shown


def test_pages_fit_a_phone(built):
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    assert all(viewport in body(page) for page in built.glob("*.html"))
    text = body(built / "01_first.html")
    assert text.count("<table") == text.count('<div class="scroll"><table') == 2
    assert ".scroll,pre,.output_subarea{overflow-x:auto" in text
    assert "img{max-width:100%" in text


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
    assert ('<figure><a href="01_first.html"><img '
            f'src="{INSIDE}" alt=""><b>Table 9</b></a>') in text
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


# what notebooks need is kept

def with_html(home: Path, html: str) -> str:
    """The page of a notebook with one output in HTML."""
    output = new_output("display_data", {"text/html": html})
    nbformat.write(executed(WORDS, output), home / "notebooks/01_first.ipynb")
    return body(build(home).parent / "01_first.html")


def test_a_stylers_colours_and_alignment_are_kept(home):
    style = ("<style>#T_ab1_row0_col0, #T_ab1 th { text-align: left; color: #a00;"
             " background-image: url(x.png) }\nnav { color: red }</style>")
    text = with_html(home, f'{style}<table id="T_ab1"><tr><td id="T_ab1_row0_col0">5</td></tr>'
                           "</table>")
    assert "#T_ab1_row0_col0,#T_ab1 th{text-align: left;color: #a00}" in text
    assert '<td id="T_ab1_row0_col0">5</td>' in text
    assert "background-image" not in text and "nav { color" not in text


@pytest.mark.parametrize("html", [
    '<table><tbody><tr><th rowspan="2" scope="row">a</th><td colspan="2">b</td></tr></tbody>'
    "</table>", '<span class="k">def</span>', '<h2 id="part">a</h2>', "<pre>a  b</pre>",
    "<details><summary>more</summary>words</details>", "<p>x<sub>1</sub> $x^2$ &lt; y</p>"])
def test_what_readers_need_stays_as_it_is(home, html):
    assert html in with_html(home, html)


def test_an_output_is_shown_in_a_form_that_runs_nothing(home):
    drawing = {"image/svg+xml": "<svg onload='x'></svg>", "application/javascript": "x()",
               "text/plain": "a drawing"}
    alone = {"application/javascript": "alone()"}
    shown = [new_output("display_data", data) for data in (drawing, alone)]
    nbformat.write(executed(WORDS, *shown), home / "notebooks/01_first.ipynb")
    text = body(build(home).parent / "01_first.html")
    assert "a drawing" in text
    assert not re.search(r"<svg|x\(\)|alone", text)


@pytest.mark.parametrize("content", [b"", PNG[:40], b"GIF89a", b"<svg/>"])
def test_a_damaged_picture_costs_itself(home, capsys, content):
    (home / "build/figures/demo/table9.png").write_bytes(content)
    (home / "notebooks/near.png").write_bytes(content)
    text = body(build(home))
    assert '<figure><a href="01_first.html"><b>Table 9</b></a>' in text
    assert "<em>near</em>" in body(home / "build/site/01_first.html")
    said = capsys.readouterr().err
    assert "table9.png " in said and "shows Table 9 without it." in said


def test_a_notebook_named_index_is_refused(home):
    (home / "notebooks/02_second.ipynb").rename(home / "notebooks/index.ipynb")
    with pytest.raises(CompanionError, match="would be the index of the site"):
        build(home)


NOTEBOOKS = {
    "empty": b"", "binary": bytes(range(256)), "cut": b'{"cells": [', "list": b"[]",
    "null": b"null", "number": b"7", "no cells": b'{"nbformat": 4, "nbformat_minor": 5}',
    "cells of numbers": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1]}',
    "old": b'{"nbformat": 1}', "new": b'{"nbformat": 99, "cells": []}', "deep": b"[" * 100_000}


@pytest.mark.parametrize("content", NOTEBOOKS.values(), ids=NOTEBOOKS)
def test_a_damaged_notebook_is_a_sentence_that_names_it(home, content):
    (home / "notebooks/02_second.ipynb").write_bytes(content)
    with pytest.raises(CompanionError, match="02_second.ipynb is no readable notebook") as caught:
        build(home)
    assert "\n" not in str(caught.value) and str(caught.value).endswith("execute it again.")


@pytest.mark.parametrize("row", [
    "table9.gain,a,above 0,20.5,1,0,2,maybe", "table9.gain,a,above 0,20.5,many,0,2,yes",
    "table9.gain,a,above 0,20.5,inf-1,0,2,yes", "table9.gain,a,above 0,20.5,1,0,2,"])
def test_damaged_claims_are_a_sentence(home, row):
    path = home / "build/figures/demo/table9_claims.csv"
    path.write_text(HEAD.format("demo") + f"{row}\ntable9.faces,b,above 0,1,1,1,1,yes\n")
    with pytest.raises(CompanionError, match="table9_claims.csv is damaged .row 1, "):
        build(home)
