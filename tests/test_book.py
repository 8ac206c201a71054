"""The book: whole, without dead links, and read without a network."""
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("sphinx", "myst_nb", "sphinx_book_theme", "sphinx_external_toc", "latex2mathml")
pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in NEEDED),
    reason="the book's tools aren't installed; make install brings them")
NOTEBOOKS = sorted(path.relative_to(ROOT) for path in (ROOT / "notebooks").rglob("[0-9]*.ipynb"))
DOCUMENTS = sorted(path.relative_to(ROOT) for path in (ROOT / "docs").glob("*.md"))
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
FROM_CSS = re.compile(r"""(?:url\(|@import\s)\s*["']?([^"')\s]+)""")
FORMULAS = r"""# Mathematics

A half is $\frac{1}{2}$.

$$\sum_i x_i$$

\begin{align}a &= b\end{align}
"""


class Page(HTMLParser):
    """What a page links to and loads, the anchors that it has, its pictures and inline scripts."""

    def __init__(self, path: Path):
        super().__init__()
        self.links = []
        self.loads = []
        self.anchors = set()
        self.alts = []
        self.scripts = ""
        self.inside = ""
        text = path.read_text(encoding="utf-8")
        self.loads += FROM_CSS.findall(text)
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        self.inside = tag
        self.anchors.add(told.get("id"))
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
        if tag == "img":
            self.alts.append(told.get("alt") or "")
        address = told.get(LOADING.get(tag))
        if address:
            self.loads.append(address)

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts += data

    def handle_endtag(self, tag):
        self.inside = ""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, str]:
    """The book from the committed notebooks, and what its build complained about."""
    build = tmp_path_factory.mktemp("build")
    tools = Path(sys.executable).parent
    command = ["make", "-o", ".venv/.ready", "book", f"BIN={tools}", f"BUILD={build}"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return build / "book", done.stderr


@pytest.fixture(scope="module")
def pages(made) -> dict[Path, Page]:
    found = [path for path in made[0].rglob("*.html") if "_static" not in path.parts]
    return {path: Page(path) for path in found}


def far(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc or parts.scheme and parts.scheme != "data")


def test_it_is_built_without_a_warning(made):
    assert made[1] == ""


def test_it_has_every_notebook_and_document_and_opens_at_the_first_page(made):
    book = made[0]
    for source in (*NOTEBOOKS, *DOCUMENTS, "README.md", "data/README.md", "figures/README.md"):
        assert (book / source).with_suffix(".html").exists(), source
    assert "url=README.html" in (book / "index.html").read_text()


def test_no_page_loads_anything_from_elsewhere(made, pages):
    for path, page in pages.items():
        assert [address for address in page.loads if far(address)] == [], path
        assert "://" not in page.scripts, path
    for path in made[0].rglob("*.css"):
        addresses = FROM_CSS.findall(path.read_text(encoding="utf-8"))
        assert [address for address in addresses if far(address)] == [], path


def test_no_link_inside_it_is_dead(pages):
    known = {path.resolve(): page for path, page in pages.items()}
    for path, page in pages.items():
        for link in (*page.links, *page.loads):
            parts = urlsplit(link)
            if far(link) or parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            assert target.is_file(), (path, link)
            anchor = unquote(parts.fragment)
            assert not anchor or anchor in known[target].anchors, (path, link)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=str)
def test_a_notebook_can_be_downloaded_as_it_is(made, notebook):
    copy = made[0] / "_sources" / notebook
    assert copy.read_bytes() == (ROOT / notebook).read_bytes()
    page = (made[0] / notebook).with_suffix(".html").read_text(encoding="utf-8")
    assert f'_sources/{notebook}"' in page


def test_every_picture_says_what_it_is(pages):
    alts = list(chain.from_iterable(page.alts for page in pages.values()))
    assert len(alts) > 20
    assert [alt for alt in alts if not alt.strip() or "/" in alt] == []


def test_what_a_notebook_says_is_found_by_the_search(made):
    index = (made[0] / "searchindex.js").read_text(encoding="utf-8")
    assert all(f'"{word}"' in index for word in ("collaps", "silhouett", "notebooks/04_ablation"))


def test_mathematics_needs_no_script(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/_toc.yml").write_text("root: README\n")
    (tmp_path / "README.md").write_text(FORMULAS)
    command = [sys.executable, "-m", "sphinx", "-q", "-c", "docs", tmp_path, tmp_path / "book"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    assert done.stderr == ""
    page = tmp_path / "book/README.html"
    text = page.read_text(encoding="utf-8")
    assert text.count("<math ") == 3
    assert "<mfrac>" in text and "<mo>&#x0003D;</mo>" in text
    assert [address for address in Page(page).loads if "jax" in address] == []
