"""First page, results and summary: templates, filled with what the tables of demo and photos say.

Prose is in README.md.in and its like beside this file; every measured number of it is a placeholder
of `text`. Gallery, verdicts and tables are blocks, made here.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import MODEL_B
from tcnsc_lib.files import CHECKOUT
from tcnsc_lib.report import derived
from tcnsc_lib.report.items import ITEMS, STUDY, Item, heading, inside, profiles_of, verdicts
from tcnsc_lib.report.text import NOTHING, cell, fill
from tcnsc_lib.results.tables import wide
from tcnsc_lib.results.trained import BELOW, NO_FEATURES, NOT_KEPT, marked, with_marks

PAGES = {
    CHECKOUT / name: Path(__file__).with_name(f"{Path(name).name}.in")
    for name in ("README.md", "docs/RESULTS.md", "docs/SUMMARY.md")
}
"""Page -> its template."""
UP = "../"  # from docs/, where the blocks with links stand, to the checkout
SHOWN = ("demo", "photos")  # the profiles whose numbers are committed
DEFAULT = "demo"  # whose rows, pictures and placeholders without a profile are meant
ACROSS = 3  # pictures in a row of the gallery: what fits beside one another in GitHub's column
Row = Sequence[str]


def render(evidences: Mapping[str, Evidence]) -> dict[Path, str]:
    """Each page's text. evidences: profile name -> its tables, of all that are SHOWN."""
    made = blocks(evidences)
    texts = {page: template.read_text(encoding="utf-8") for page, template in PAGES.items()}
    return {page: fill(text, evidences, DEFAULT, made) for page, text in texts.items()}


def blocks(evidences: Mapping[str, Evidence]) -> dict[str, str]:
    """Placeholder -> the block that stands for it."""
    told = verdicts(evidences)
    return {**corrected(told, evidences),
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


def markdown(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table; a bar in a cell is escaped."""
    lines = [_line(head), "|" + "---|" * len(head)]
    return "\n".join([*lines, *map(_line, rows)])


def _line(cells: Row) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"


def gallery(folder: Path, shown: str = f"{UP}figures/{DEFAULT}") -> str:
    """Thumbnails as a Markdown table: each links to its notebook.

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
    return f"[![{item.name}]({shown}/{picture})]({notebook})<br>{words}"


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


def table1(evidences: Mapping[str, Evidence]) -> str:
    """Table 1 in full, and the classifier alone: a line for the paper and one for each profile."""
    blocks = {"paper": pd.concat([paper.TABLE1, paper.TABLE2.loc[[MODEL_B]]])}
    for name, e in evidences.items():
        pairs = derived.scores(e, "table1", paper.CODECS, paper.TABLE1.index)
        alone = derived.scores(e, "difficulty", paper.CODECS, [MODEL_B])
        blocks[name] = wide(pd.concat([pairs, alone]))
    rows = []
    for training in blocks["paper"].index:
        label = f"classifier alone ({MODEL_B})" if training == MODEL_B else training
        for name, block in blocks.items():
            numbers = [f"{block.loc[training, codec]:.1f}" for codec in paper.CODECS]
            rows.append([label if name == "paper" else "", name, *numbers])
    return markdown(["trained on", "", *paper.CODECS], rows)


def table2(evidences: Mapping[str, Evidence]) -> str:
    """Table 2: accuracy on RAW and at LQ, AUC at LQ, and accuracy at LQ over seeds."""
    head = ["", "paper, RAW → LQ"]
    for name in evidences:
        head += [f"{name}, RAW → LQ", "AUC, LQ", "seeds, LQ"]
    ours = {name: derived.scores(e, "table2") for name, e in evidences.items()}
    every = {name: derived.seeds(e, "table2_seeds") for name, e in evidences.items()}
    seeds = {name: table.query("codec == 'LQ'") for name, table in every.items()}
    rows = []
    for training in dict.fromkeys(ours[DEFAULT].training):
        cells = [training, _fall(_of(paper.TABLE2, training))]
        for name, table in ours.items():
            single = seeds[name].query("training == @training").accuracy
            cells += [*_scores(table, training), _spread(single)]
        rows.append(cells)
    return markdown(head, rows)


def table3(evidences: Mapping[str, Evidence]) -> str:
    """Table 3: accuracy on RAW and at LQ, AUC at LQ; in italics and signed where it is marked."""
    head = ["", "paper, RAW → LQ"]
    for name in evidences:
        head += [f"{name}, RAW → LQ", "AUC, LQ"]
    ours = {name: with_marks(derived.scores(e, "table3")) for name, e in evidences.items()}
    rows = []
    for training in dict.fromkeys(ours[DEFAULT].training):
        cells = [training, _fall(_of(paper.TABLE3, training))]
        for table in ours.values():
            cells += _signed(_scores(table, training), marked(table).get(training, ""))
        rows.append(cells)
    return "\n\n".join([markdown(head, rows), *_footnote(ours.values())])


SIGNS = {BELOW: "†", NO_FEATURES: "‡", NOT_KEPT: "§"}
"""Why a row isn't trained to the end -> the sign that says so."""


def _signed(cells: list[str], mark: str) -> list[str]:
    """A profile's cells of a row; where it is marked in italics, the first with the signs."""
    if not mark or not any(cells):
        return cells
    signs = "".join(sign for reason, sign in SIGNS.items() if reason in mark)
    first, *others = [f"*{text}*" for text in cells]
    return [first + signs, *others]


def _footnote(tables: Iterable[pd.DataFrame]) -> list[str]:
    """What the signs of these tables mean, as one paragraph; none where no row is marked."""
    told = ""
    for table in tables:
        told += " ".join(marked(table).values())
    if not told:
        return []
    reasons = [f"{sign} {reason}" for reason, sign in SIGNS.items() if reason in told]
    return [f"*Italics*: not shown to be trained to the end; {', '.join(reasons)}."]


def _of(table: pd.DataFrame, row: str) -> pd.Series | None:
    """A row of the paper's table; None where the paper hasn't one."""
    return table.loc[row] if row in table.index else None


def _scores(table: pd.DataFrame, training: str) -> list[str]:
    """Accuracy on RAW and at LQ in one cell, AUC at LQ in the next; empty without that row."""
    rows = table[table.training == training].set_index("codec")
    if rows.empty:
        return ["", ""]
    return [_fall(rows.accuracy), f"{rows.auc.LQ:.1f}"]


def _fall(row: pd.Series | None) -> str:
    return "" if row is None else f"{row.RAW:.1f} → {row.LQ:.1f}"


def _spread(values: pd.Series) -> str:
    """Mean and standard deviation over seeds; empty for fewer than two."""
    return f"{values.mean():.1f} ± {values.std():.1f}" if len(values) > 1 else ""


def differences(evidences: Mapping[str, Evidence]) -> str:
    """Differences over seeds at LQ, from table2_differences.csv; bold where settled."""
    at_lq = {name: derived.differences(e, "LQ") for name, e in evidences.items()}
    rows = []
    for title in at_lq[DEFAULT].index:
        cells = [title]
        for table in at_lq.values():
            if title not in table.index:
                cells.append(NOTHING)
                continue
            row = table.loc[title]
            text = cell(row.difference, "points", row.low, row.high)
            cells.append(f"**{text}**" if row.settled == "yes" else text)
        rows.append(cells)
    return markdown(["at LQ, points", *evidences], rows)
