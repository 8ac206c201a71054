"""Pictures for those who print, as SVG; and for those who can't see them, in words."""
import json
import re

import pytest
from made_tables import DEMO, MADE, drawn_twice, store, stored
from matplotlib import pyplot

from tcnsc_lib import files
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.report.items import ITEMS
from tcnsc_lib.report.readme import PAGES
from tcnsc_lib.results.plots import pictures
from tcnsc_lib.results.plots.alike import MOVED, same_drawing
from tcnsc_lib.results.plots.pictures import LARGEST, PICTURES, draw, svg
from tcnsc_lib.results.plots.seen import SEEN

OF_FACES_AND_HEAT = {"figure1", "figure4", "quality_chains"}
DRAWN = re.compile(r'draw\("(\w+)"')
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


@pytest.fixture
def e(tmp_path, monkeypatch):
    yield from stored(tmp_path, monkeypatch)


# SVG

def test_pictures_of_faces_and_of_heat_have_no_svg(e):
    assert {name for name, picture in PICTURES.items() if not picture.lines} == OF_FACES_AND_HEAT
    figure = draw("figure1", e)
    assert svg(figure, "figure1", e) is None
    assert not (e.folder / "figure1.svg").exists()


@pytest.mark.parametrize("name", ["figure3", "figure5", "table2_lq", "training_curves"])
def test_an_svg_is_the_same_each_time_and_says_whence_and_what_is_seen(name, e):
    path = drawn_twice(e.folder / f"{name}.svg", e)
    text = path.read_text(encoding="utf-8")
    assert SEEN[name] in text.replace("&quot;", '"') and "profile demo; seed 3" in text
    assert "<dc:date>" not in text
    assert "<text" not in text  # letters are paths: no font is needed
    assert "<image" not in text


def test_a_large_svg_is_not_written_and_an_earlier_one_removed(e, monkeypatch):
    draw("table3", e)
    assert (e.folder / "table3.svg").stat().st_size <= LARGEST == 300_000
    monkeypatch.setattr(pictures, "LARGEST", 1000)
    draw("table3", e)
    assert not (e.folder / "table3.svg").exists()
    assert (e.folder / "table3.png").exists()


def test_no_committed_svg_is_larger_than_allowed_or_without_its_png():
    found = sorted((files.CHECKOUT / "figures").glob("*/*.svg"))
    assert len(found) > 20
    for path in found:
        assert path.stat().st_size <= LARGEST
        assert path.with_suffix(".png").exists() and PICTURES[path.stem].lines


@pytest.fixture
def drawn(e):
    """Table 3 as SVG: its path and its bytes."""
    draw("table3", e)
    path = e.folder / "table3.svg"
    return path, path.read_bytes()


def test_a_last_digit_is_the_same_drawing_and_a_moved_mark_is_not(drawn):
    path, content = drawn
    assert same_drawing(path, content, same_png=False)  # equal bytes need no other witness
    mark = re.search(rb'<use [^>]*x="(\d+\.\d+)"', content)
    for by, same in ((MOVED / 2, True), (5 * MOVED, False)):
        place = f"{float(mark[1]) + by:.6f}".encode()
        moved = content[:mark.start(1)] + place + content[mark.end(1):]
        assert same_drawing(path, moved, same_png=True) is same
        assert not same_drawing(path, moved, same_png=False)


def test_the_names_of_parts_may_differ_and_colours_may_not(drawn):
    path, content = drawn
    part = re.search(rb'id="(m[0-9a-f]{10})"', content)[1]
    assert same_drawing(path, content.replace(part, b"m0123456789"), same_png=True)
    assert not same_drawing(path, content.replace(b"stroke: #", b"fill: #", 1), same_png=True)


def test_where_another_matplotlib_made_it_the_png_decides(drawn):
    path, content = drawn
    path.write_bytes(re.sub(rb"Matplotlib v[\d.]+", b"Matplotlib v3.0.0", content))
    other = content.replace(b"stroke: #", b"fill: #", 1)
    assert same_drawing(path, other, same_png=True)
    assert not same_drawing(path, other, same_png=False)
    path.write_bytes(b"no drawing")
    assert not same_drawing(path, content, same_png=True)
    path.unlink()
    assert not same_drawing(path, content, same_png=True)


def test_another_number_is_another_drawing(tmp_path, drawn):
    path, _ = drawn
    e = Evidence(DEMO, tmp_path / "other")
    accuracy = MADE["table3"].accuracy.copy()
    accuracy[7] += 0.5
    store(e, "table3", MADE["table3"].assign(accuracy=accuracy))
    draw("table3", e)
    assert not same_drawing(path, (e.folder / "table3.svg").read_bytes(), same_png=True)
    pyplot.close("all")


# what is seen

def test_each_picture_is_described_in_one_sentence_that_is_no_title():
    assert set(SEEN) == set(PICTURES)
    captions = {item.picture: item for item in ITEMS}
    for name, words in SEEN.items():
        assert words.endswith(".") and not re.search(r"[.!?] ", words)
        assert 10 <= len(words.split()) <= 45
        assert not set("[]()|\"<>{}") & set(words)
        assert words != name
        if name in captions:
            assert words not in (captions[name].name, captions[name].caption)
    assert len(set(SEEN.values())) == len(SEEN)


def drawing_cells() -> list[tuple[str, str, dict]]:
    """Of the notebooks' cells that draw a picture: the notebook, the picture, and the metadata."""
    found = []
    for path in sorted((files.CHECKOUT / "notebooks").glob("*.ipynb")):
        for each in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            names = DRAWN.findall("".join(each["source"]))
            found += [(path.stem, name, each["metadata"]) for name in names]
    return found


def test_in_the_book_every_picture_that_a_notebook_draws_says_what_is_seen_on_it():
    found = drawing_cells()
    assert {name for _, name, _ in found} == set(PICTURES)
    for notebook, name, metadata in found:
        assert metadata["mystnb"]["image"]["alt"] == SEEN[name], f"{notebook}: {name}"


def texts() -> dict[str, str]:
    """Generated pages and all cells of prose of the notebooks."""
    found = {str(page): page.read_text(encoding="utf-8") for page in PAGES}
    for path in sorted((files.CHECKOUT / "notebooks").rglob("*.ipynb")):
        found[str(path)] = path.read_text(encoding="utf-8")
    return found


def test_every_picture_of_pages_and_notebooks_says_what_is_seen_on_it():
    shown = {}
    for page, text in texts().items():
        for words, place in SHOWN.findall(text):
            name = place.rsplit("/", 1)[-1].removesuffix(".png")
            assert words == SEEN[name], f"{page}: {place}"
            shown[name] = words
    more = {"study_gains", "collapse", "quality_chains"}
    assert {item.picture for item in ITEMS} | more == set(shown)
