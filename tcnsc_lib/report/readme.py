"""First page, results and summary: templates, filled with what the tables of demo and photos say.

Prose is in README.md.in and its like beside this file; every measured number of it is a placeholder
of `text`. Gallery and verdicts are blocks, made here; tables are made in `beside`.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

import pandas as pd

from tcnsc_lib.evidence import Evidence
from tcnsc_lib.files import CHECKOUT
from tcnsc_lib.report.beside import DEFAULT, differences, markdown, table1, table2, table3
from tcnsc_lib.report.items import ITEMS, STUDY, Item, heading, inside, profiles_of, verdicts
from tcnsc_lib.report.text import NOTHING, cell, fill
from tcnsc_lib.results.plots.seen import SEEN

PAGES = {
    CHECKOUT / name: Path(__file__).with_name(f"{Path(name).name}.in")
    for name in ("README.md", "docs/RESULTS.md", "docs/SUMMARY.md")
}
"""Page -> its template."""
UP = "../"  # from docs/, where the blocks with links stand, to the checkout
SHOWN = ("demo", "photos")  # the profiles whose numbers are committed
ACROSS = 3  # pictures in a row of the gallery: what fits beside one another in GitHub's column


def render(evidences: Mapping[str, Evidence]) -> dict[Path, str]:
    """Each page's text. evidences: profile name -> its tables, of all that are SHOWN."""
    made = blocks(evidences)
    texts = {page: template.read_text(encoding="utf-8") for page, template in PAGES.items()}
    return {page: fill(text, evidences, DEFAULT, made) for page, text in texts.items()}


def blocks(evidences: Mapping[str, Evidence]) -> dict[str, str]:
    """Placeholder -> the block that stands for it."""
    told = verdicts(evidences)
    return {**corrected(told, evidences),
            **{f"{name}, seen": told for name, told in SEEN.items()},
            "gallery": gallery(evidences[DEFAULT].folder),
            "in short": in_short(told),
            "verdicts": verdict_table(told[~told["item"].isin(STUDY)]),
            "table 1": table1(evidences),
            "table 2": table2(evidences),
            "table 3": table3(evidences),
            "differences": differences(evidences)}


def corrected(told: pd.DataFrame, profiles: Iterable[str]) -> dict[str, str]:
    """"<claim>, corrected, <profile>" -> its verdict on these pages. told: `items.verdicts`."""
    found = {}
    for name in profiles:
        answers = zip(told["id"], told[f"{name}_holds"], strict=True)
        found |= {f"{claim}, corrected, {name}": holds for claim, holds in answers}
    return found


def gallery(folder: Path, shown: str = f"{UP}figures/{DEFAULT}") -> str:
    """Thumbnails as a Markdown table: each links to its notebook, and tells what is seen on it.

    folder: where the pictures lie; an item without one has only its words. shown: that folder as
    the page names it.
    """
    cells = [_thumbnail(item, folder, shown) for item in ITEMS]
    cells += [""] * (-len(cells) % ACROSS)
    rows = [cells[start:start + ACROSS] for start in range(0, len(cells), ACROSS)]
    return markdown([""] * ACROSS, rows)


def _thumbnail(item: Item, folder: Path, shown: str) -> str:
    notebook = f"{UP}notebooks/{item.notebook}.ipynb"
    words = f"[{item.name}]({notebook}): {escape(item.caption)}"
    picture = f"{item.picture}.png"
    if not (folder / picture).exists():
        return words
    return f"[![{SEEN[item.picture]}]({shown}/{picture})]({notebook})<br>{words}"


def verdict_table(table: pd.DataFrame) -> str:
    """`items.verdicts` as Markdown: each item linked on its first line, claim with its unit.

    agree?: whether the claim holds; size?: whether the paper's number is in our interval; both in
    the order of the profiles' columns.
    """
    names = profiles_of(table)
    head = ["item", "claim", "paper", *map(heading, names), "agree?", "size?"]
    lines = []
    last = ""
    for row in table.to_dict("records"):
        link = f"[{row['item']}]({UP}notebooks/{row['notebook']}.ipynb)"
        unit = f" ({row['unit']})" if row["unit"] else ""
        numbers = [cell(row[name], row["unit"], row[f"{name}_low"], row[f"{name}_high"])
                   for name in names]
        agree = " / ".join(row[f"{name}_holds"] or NOTHING for name in names)
        size = " / ".join(inside(row, name) for name in names)
        first = link if row["item"] != last else ""
        lines.append([first, row["claim"] + unit, cell(row["paper"], row["unit"]), *numbers,
                      agree, size])
        last = row["item"]
    return markdown(head, lines)


def in_short(table: pd.DataFrame) -> str:
    """The study's rows of `items.verdicts`: claim, paper, and each profile's number and verdict."""
    names = profiles_of(table)
    head = ["does it hold?", "paper"]
    for name in names:
        head += [heading(name), ""]
    lines = []
    for row in table[table["item"].isin(STUDY)].to_dict("records"):
        cells = [row["claim"], cell(row["paper"], row["unit"])]
        for name in names:
            ours = cell(row[name], row["unit"], row[f"{name}_low"], row[f"{name}_high"])
            verdict = "" if ours == NOTHING else f"**{row[f'{name}_holds']}**"
            cells += [ours, verdict]
        lines.append(cells)
    return markdown(head, lines)
