"""The notebooks: measured numbers in their prose come from files."""
import json
import re
from pathlib import Path

import pytest

from tcnsc_lib import files, paper, profiles
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.report.text import fill

BOOKS = sorted((files.CHECKOUT / "notebooks").glob("*.ipynb"))
NUMBER = re.compile(r"\d*\.\d+(?: %)?|\d+ %|\d{2,}")
DECIMAL = re.compile(r"\d*\.\d+(?: %)?|\d+ %")
SAID = re.compile(r'say\("""(.*)""", (\w+)\)', re.DOTALL)
PROFILES = {"evidence": "demo", "photographs": "photos"}  # what a sentence is filled from -> whose

# What prose may say without a file: none of it is a result of ours.
SETTINGS = {"1.3", "0.9", "98 %", "95 %", "0.1", ".9", ".95", "0.358", ".99", "1.5", "5 %"}
BY_HAND = {"0.96", "0.04", "0.52", "0.6931", "0.2877", "0.4904", "1.0104"}  # equations 1 to 4
EXAMPLES = {"0.001", "0.999", "0.10", "0.5", "50 %", "70 %", "90 %", "20 %"}
NAMES = {"H.264": "", "0..255": "", "700/999": "", "2N": ""}


def cells(path: Path, kind: str) -> list[str]:
    book = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == kind]


def sources(path: Path) -> list[str]:
    book = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in book["cells"]]


def said(path: Path) -> list[tuple[str, str]]:
    """The templates of the cells whose prose is generated, and the profile of each."""
    found = [SAID.search(source) for source in cells(path, "code")]
    return [(match[1], PROFILES[match[2]]) for match in found if match]


def committed() -> dict[str, Evidence]:
    """The committed numbers of each profile."""
    found = {}
    for name in PROFILES.values():
        p = profiles.PROFILES[name]
        found[name] = Evidence(p, files.CHECKOUT / "figures" / name)
    return found


def printed() -> set[str]:
    """Every number that the paper prints, as text."""
    known = [*paper.CLAIMED_DROPS.values(), *paper.CLAIMED_GAINS.values()]
    for table in (paper.TABLE1, paper.TABLE2, paper.TABLE3, -paper.FIGURE5):
        known += table.to_numpy().ravel().tolist()
    drops = paper.relative_drop(paper.TABLE3)
    others = paper.TABLE3.drop("TCNSC").max()
    leads = paper.TABLE3.loc["TCNSC"] - others
    known += [round(drop, 2) for drop in drops] + [round(lead, 1) for lead in leads]
    return {f"{number:g}" for number in known}


def unknown(text: str, pattern: re.Pattern) -> list[str]:
    """Numbers in prose that are neither the paper's nor in the lists above."""
    for name in NAMES:
        text = text.replace(name, "")
    text = re.sub(r"[Ss]ections? \d[\d.]*(?: and \d[\d.]*)?|\]\([^)]*\)|`[^`]*`", "", text)
    allowed = SETTINGS | BY_HAND | EXAMPLES
    known = printed()
    numbers = pattern.findall(text)
    return [n for n in numbers if n not in allowed and n.removesuffix(" %") not in known]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_decimal_number_in_prose_is_the_papers_or_a_setting(path):
    for text in cells(path, "markdown"):
        assert not unknown(text, DECIMAL), text


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_generated_prose_holds_no_number_of_its_own(path):
    for template, _ in said(path):
        words = re.sub(r"\{[^{}]*\}", "", template)
        words = words.replace("80/50/20", "")  # the qualities of HQ, MQ and LQ
        assert not unknown(words, NUMBER), words


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_every_placeholder_has_a_number_in_the_committed_files(path):
    for template, profile in said(path):
        assert "{" not in fill(template, committed(), profile)


def shown(path: Path) -> list[str]:
    """The generated prose that stands in a committed notebook, in its order."""
    book = json.loads(path.read_text(encoding="utf-8"))
    outputs = []
    for cell in book["cells"]:
        outputs += cell.get("outputs", [])
    data = [output.get("data", {}) for output in outputs]
    return ["".join(each["text/markdown"]) for each in data if "text/markdown" in each]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_committed_notebook_shows_what_its_files_say(path):
    filled = [fill(template, committed(), profile) for template, profile in said(path)]
    assert shown(path) == filled


def test_a_typed_result_is_noticed():
    assert unknown("dual has 80.5 % at LQ", DECIMAL) == ["80.5 %"]
    assert unknown("it falls by 17", NUMBER) == ["17"]
    assert not unknown("the paper has 91.8 % there", DECIMAL)


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_each_ends_with_exercises_that_are_solved(path):
    [text] = [text for text in cells(path, "markdown") if text.startswith("## Exercises")]
    asked = re.findall(r"^\d\. (.+)$", text, re.MULTILINE)
    assert len(asked) in (3, 4)
    solved = path.parent / "solutions" / path.name
    assert f"(solutions/{path.name})" in text
    told = cells(solved, "markdown")
    questions = told[1 : 2 * len(asked) : 2]
    assert [cell.removeprefix(f"**{i}.** ") for i, cell in enumerate(questions, 1)] == asked


def test_the_conclusions_are_generated():
    for path in BOOKS[2:]:
        kinds = ["said" if SAID.search(text) else text.split("\n")[0] for text in sources(path)]
        heading = kinds.index("## What to conclude, and what not")
        assert kinds[heading + 1] == "said", path
