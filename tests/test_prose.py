"""How the notebooks are written: objectives, short cells and sentences, tables that fit."""
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tcnsc_lib import files
from tcnsc_lib.report.text import BRACES

BOOKS = sorted((files.CHECKOUT / "notebooks").glob("*.ipynb"))
SAID = re.compile(r'say\("""(.*)""", \w+\)', re.DOTALL)
START = re.compile(r"# \d+\. [^\n]+\n\n\*\*What you learn\*\*\n\n((?:- [^\n]+\n?)+)")

WORDS = 120  # of a cell
LONGEST = 40  # words of a sentence
AVERAGE = 25
TOLD = 150  # words of a conclusion
NUMBERS = 10  # that are filled into it
COLUMNS = 8  # of a table
OBJECTIVE = 20  # words


def cells(path: Path, kind: str) -> list[dict]:
    book = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in book["cells"] if cell["cell_type"] == kind]


def prose(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in cells(path, "markdown")]


def plain(text: str) -> str:
    """A cell without its blocks of code, formulas and the rows of its tables."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$", "", text, flags=re.DOTALL)
    lines = [line for line in text.splitlines() if not line.startswith("|")]
    return "\n".join(lines)


def sentences(text: str) -> list[str]:
    """Sentences, headings and items of a list; a colon ends a sentence too."""
    found = []
    for part in re.split(r"\n\s*\n|\n(?:-|\d+\.) ", plain(text)):
        found += re.split(r"(?<=[.!?:])\s+", part.replace("\n", " "))
    return [sentence for sentence in found if sentence.strip()]


class Rows(HTMLParser):
    """Columns of each row of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.widths = [0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.widths.append(0)
        elif tag in ("th", "td"):
            self.widths[-1] += int(dict(attrs).get("colspan") or 1)


def width(table: str) -> int:
    """Columns of a table in HTML, its index among them: those of its widest row."""
    rows = Rows()
    rows.feed(table)
    return max(rows.widths)


def shown(path: Path, kind: str) -> list[str]:
    """What the committed outputs hold of one kind, as text."""
    found = []
    for cell in cells(path, "code"):
        data = [output.get("data", {}) for output in cell["outputs"]]
        found += ["".join(each[kind]) for each in data if kind in each]
    return found


each_book = pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)


@each_book
def test_each_begins_with_three_short_objectives_and_then_the_papers_claim(path):
    told = prose(path)
    start = START.match(told[0])
    assert start, told[0]
    objectives = start[1].strip().split("\n")
    assert len(objectives) == 3
    assert max(len(objective.split()) for objective in objectives) <= OBJECTIVE
    next_words = told[0][start.end() :] + told[1]
    assert next_words.strip().startswith("**What the paper says")


@each_book
def test_no_cell_of_prose_is_long(path):
    long = [text for text in prose(path) if len(plain(text).split()) > WORDS]
    assert not long


@each_book
def test_sentences_are_short(path):
    lengths = {}
    for text in prose(path):
        lengths |= {sentence: len(sentence.split()) for sentence in sentences(text)}
    assert not [sentence for sentence, words in lengths.items() if words > LONGEST]
    assert sum(lengths.values()) / len(lengths) <= AVERAGE


@each_book
def test_generated_prose_is_short_and_holds_few_numbers(path):
    assert not [text for text in shown(path, "text/markdown") if len(text.split()) > TOLD]
    for cell in cells(path, "code"):
        template = SAID.search("".join(cell["source"]))
        if template:
            assert len(BRACES.findall(template[1])) <= NUMBERS, template[1]


@each_book
def test_no_table_is_wider_than_a_page(path):
    tables = [table for table in shown(path, "text/html") if "<table" in table]
    assert not [table for table in tables if width(table) > COLUMNS]


@each_book
def test_the_versions_stand_last(path):
    last = json.loads(path.read_text(encoding="utf-8"))["cells"][-1]
    assert last["cell_type"] == "code"
    assert "files.environment" in "".join(last["source"])
    before = ["".join(cell["source"]) for cell in cells(path, "code")[:-1]]
    assert not [source for source in before if "files.environment" in source]


def test_what_is_too_much_is_noticed():
    text = "## A heading\n\nOne two. Three:\n- four"
    assert [len(sentence.split()) for sentence in sentences(text)] == [3, 2, 1, 1]
    assert plain("| a | b |\none\n```\ntwo\n```").split() == ["one"]
    row = '<tr><th></th><th colspan="3">a</th><td>1</td></tr>'
    assert width(f"<table><tr><th>b</th></tr>{row}</table>") == 5
    assert not START.match("# 1. A\n\n**What this does.** It does.")
