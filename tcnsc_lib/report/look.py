"""The one look of tables in notebooks: ours beside the paper's, intervals small, verdicts marked.

A table is text first, which is what a terminal shows. As HTML, in JupyterLab and in the book, the
same text gets its looks: intervals in small print, numbers to the right, and a verdict as a word on
a ground of its own, which is read as well on a white page as on a dark one.
"""
from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from numbers import Integral, Real

import pandas as pd

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.evaluation import holds_printed
from tcnsc_lib.report.text import NOTHING, cell
from tcnsc_lib.report.text import verdicts as told

COLUMNS = 8
"""With those of the rows' names; a wider table leaves the page."""

INSIDE = "inside"
OUTSIDE = "outside"

GROUNDS = {"yes": "#00664D", INSIDE: "#00664D", "no": "#9C3D00", OUTSIDE: "#9C3D00",
           "can't tell": "#555555"}
"""Verdict -> the colour under it; the word is white."""

INTERVAL = re.compile(r" (\(-?[\d.,]+ to -?[\d.,]+\))")
NUMBER = re.compile(r"-?[\d.,]+(?:e[+-]?\d+)?(?: (?:to -?[\d.]|[(±;]).*|; paper .*)?")
VERDICT = re.compile(rf"(?:paper -?[\d.]+, )?(?:{'|'.join(map(re.escape, GROUNDS))})")


@dataclass(frozen=True)
class Look:
    """A table as people see it: HTML where that can be shown, else plain text.

    cells: text alone. A line break within a cell is "; " in plain text.
    """

    cells: pd.DataFrame
    caption: str = ""

    def __post_init__(self) -> None:
        width = self.cells.index.nlevels + self.cells.shape[1]
        if width > COLUMNS:
            raise CompanionError(f"A table of {width} columns is wider than a page, which has room "
                                 f"for {COLUMNS}; show fewer, or make two tables of it.")

    def __repr__(self) -> str:
        """Plain text, a line a row."""
        lines = [self.cells.to_string()]
        if self.caption:
            lines.insert(0, self.caption)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same with its looks; equal tables give equal HTML."""
        style = self.cells.style.format(_html).format_index(escape, axis=0)
        style = style.format_index(escape, axis=1).set_table_attributes('class="dataframe"')
        for place in range(self.cells.shape[1]):
            side = "right" if _is_numeric(self.cells.iloc[:, place]) else "left"
            rules = [{"selector": f"td.col{place}, th.col_heading.col{place}",
                      "props": f"text-align: {side}"}]
            style = style.set_table_styles(rules, overwrite=False)
        style = style.set_table_styles(GENERAL, overwrite=False)
        if self.caption:
            style = style.set_caption(escape(self.caption))
        name = hashlib.sha256(repr(self).encode()).hexdigest()[:8]
        return style.set_uuid(name).to_html()


GENERAL = [{"selector": "td", "props": "vertical-align: top; font-variant-numeric: tabular-nums"},
           {"selector": "th", "props": "vertical-align: top"},
           {"selector": "th.row_heading", "props": "text-align: left"},
           {"selector": "caption", "props": "text-align: left; color: inherit"}]
"""Rules for every table; tabular-nums: digits of one width."""

SMALL = "<small style='white-space: nowrap'>{}</small>"
CHIP = ("<span style='background: {}; color: #FFFFFF; padding: 0 0.3em; border-radius: 0.2em; "
        "font-size: 85%'>{}</span>")


def _html(text: str) -> str:
    """A cell's text with its looks, part by part."""
    parts = [_part(part) for part in str(text).split("; ")]
    return "<br>".join(parts)


def _part(text: str) -> str:
    """A verdict on its ground; else the text, its interval small."""
    if VERDICT.fullmatch(text):
        ground = next(colour for word, colour in GROUNDS.items() if text.endswith(word))
        return CHIP.format(ground, escape(text))
    shown = escape(text, quote=False)
    return INTERVAL.sub(lambda found: " " + SMALL.format(found[1]), shown)


def _is_numeric(column: pd.Series) -> bool:
    """Whether all that stands in a column is a number, with or without its interval."""
    texts = [text for text in column.astype(str) if text not in ("", NOTHING)]
    return bool(texts) and all(NUMBER.fullmatch(text) for text in texts)


def table(frame: pd.DataFrame, caption: str = "", digits: int = 1) -> Look:
    """Any table: numbers with so many decimals, text as it is, nothing as a dash."""
    cells = pd.DataFrame(index=_index(frame.index))
    for name in frame.columns:
        cells[name] = [_cell(value, digits) for value in frame[name]]
    return Look(cells, caption)


def _index(index: pd.Index) -> pd.Index:
    """Rows' names as text, without names that were repeated."""
    if index.nlevels > 1:
        return index.set_levels([level.astype(str) for level in index.levels])
    return pd.Index(index.astype(str), name=index.name)


def _cell(value: object, digits: int) -> str:
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value):
        return NOTHING
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, Integral):
        return f"{value:,}"
    if isinstance(value, Real):
        return f"{value:.{digits}f}"
    return str(value)


def beside(scores: pd.DataFrame, rows: str, names: Mapping[str, str] | None = None,
           caption: str = "") -> Look:
    """Accuracy with its interval, and below it the paper's; a column a test set. Both in percent.

    scores: of `results.tables`. rows: what a row is. names: row -> what it is called here. The
    paper's number is inside where our interval holds it.
    """
    cells: dict[str, dict[str, str]] = {}
    for row in scores.itertuples():
        ours = cell(row.accuracy, "percent", row.low, row.high)
        cells.setdefault(row.training, {})[row.codec] = ours + _theirs(row)
    shown = pd.DataFrame.from_dict(cells, "index")[list(paper.CODECS)]
    shown.index = pd.Index([(names or {}).get(name, name) for name in shown.index], name=rows)
    return Look(shown, caption or "accuracy (%), ours with its 95 % interval, and the paper's")


def _theirs(row) -> str:
    """The paper's number, and whether it is inside our interval; nothing where it has none."""
    if pd.isna(row.paper):
        return ""
    word = INSIDE if holds_printed(row.paper, row.low, row.high) else OUTSIDE
    return f"; paper {row.paper:.1f}, {word}"


def verdicts(sentences: pd.DataFrame) -> Look:
    """What `claims.judge` measured: each claim with the paper's number, ours and the verdict."""
    return table(told(sentences))
