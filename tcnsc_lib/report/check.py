"""Are the regenerated numbers the committed ones? One row for each file of a profile's folder.

On the machine that made the committed files every number is identical. Elsewhere a number may move
by what `tolerances` allows for its file and column. What isn't compared is listed, with the reason.
A verdict, such as "holds here", follows from numbers and may flip within their tolerance: each flip
is told, and none fails. A file that is damaged, on either side, fails by name and stops nothing.
"""
from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from tcnsc_lib import CompanionError, checked
from tcnsc_lib.evidence import read_table
from tcnsc_lib.report import drawn
from tcnsc_lib.report.tolerances import DRAWN, FOLLOWS, Rule, rule_of

PICTURES = {".png", ".svg"}
KINDS = {".csv", *PICTURES}
NEW = "made here, none committed"
FINE = "agree|drawn|made"  # how a verdict begins where nothing is wrong


@dataclass(frozen=True)
class Comparison:
    """Of two tables: how many numbers, how many agree, the largest difference, what else is wrong.

    largest: in the columns' units; NaN where nothing could be compared. wrong: "" for nothing.
    """

    numbers: int = 0
    agree: int = 0
    largest: float = 0.0
    wrong: str = ""

    @property
    def verdict(self) -> str:
        """`agree`, or what is wrong."""
        if self.wrong:
            return self.wrong
        return "agree" if self.agree == self.numbers else f"{self.numbers - self.agree} DIFFER"


def compare(committed: pd.DataFrame, ours: pd.DataFrame, rule: Rule) -> Comparison:
    """Two tables of the same file, column by column, under its rule."""
    other = _other_form(committed, ours)
    if other:
        return Comparison(committed.size, 0, float("nan"), other)
    parts = []
    for name in committed:
        if name in rule.skipped:
            parts.append(_skipped(committed[name], ours[name]))
        else:
            parts.append(_column(committed[name], ours[name], rule.within.get(name, 0.0)))
    wrong = [part.wrong for part in parts if part.wrong]
    numbers = sum(part.numbers for part in parts)
    agree = sum(part.agree for part in parts)
    largest = max((part.largest for part in parts), default=0.0)
    return Comparison(numbers, agree, largest, wrong[0] if wrong else "")


def _other_form(committed: pd.DataFrame, ours: pd.DataFrame) -> str:
    """What is other about a table's rows or columns; "" for nothing."""
    lost = [name for name in committed if name not in ours]
    more = [name for name in ours if name not in committed]
    if lost:
        return f"LACKS column {_listed(lost)}"
    if more:
        return f"has a column {_listed(more)} more"
    if list(committed) != list(ours):
        return "columns in another order"
    if len(committed) != len(ours):
        return f"{len(ours)} rows, committed {len(committed)}"
    return ""


def _skipped(old: pd.Series, new: pd.Series) -> Comparison:
    """A column that isn't compared: where it holds numbers, it has to hold numbers here too.

    Where the committed one lacks some, which number lacks may be another.
    """
    if not _numeric(old) or old.isna().all():
        return Comparison()
    if not _numeric(new):
        return Comparison(wrong=f"column {old.name} holds no numbers")
    lost = ~np.isfinite(new.to_numpy(float))
    whole = np.isfinite(old.to_numpy(float)).all()
    if (whole and lost.any()) or lost.all():
        return Comparison(wrong=f"column {old.name} LACKS {lost.sum()} numbers")
    return Comparison()


def _column(old: pd.Series, new: pd.Series, allowed: float) -> Comparison:
    """One column: numbers within a tolerance, text equal; a number lacks in both or in none."""
    if not _numeric(old) or not _numeric(new):
        same = old.astype(str).equals(new.astype(str))
        return Comparison(wrong="" if same else f"column {old.name} differs")
    gap = (old - new).abs().astype(float).fillna(np.inf)
    gap[old.isna() & new.isna()] = 0.0
    return Comparison(len(gap), int((gap <= allowed).sum()), float(gap.max()))


def _numeric(column: pd.Series) -> bool:
    return is_numeric_dtype(column) and not is_bool_dtype(column)


def files(folder: Path) -> list[str]:
    """Tables and pictures of a profile's folder and of its evidence, by their paths inside it."""
    found = (path for path in Path(folder).rglob("*") if path.suffix in KINDS)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def verdict(committed: Path, ours: Path) -> pd.DataFrame:
    """Every file of the committed folder against the regenerated one, then those none committed.

    Columns: item, numbers, agree, largest difference, verdict.
    """
    for place in (committed, ours):
        if not Path(place).is_dir():
            raise CompanionError(f"There is no folder {place}; name the committed and the "
                                 "regenerated folder of a profile.")
    known = files(committed)
    rows = [_row(name, Path(committed) / name, Path(ours) / name) for name in known]
    rows += [(name, 0, 0, float("nan"), NEW) for name in files(ours) if name not in known]
    columns = ["item", "numbers", "agree", "largest difference", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _row(name: str, committed: Path, ours: Path) -> tuple[str, int, int, float, str]:
    _, rule = rule_of(name)
    if not os.path.lexists(ours):
        return (name, 0, 0, float("nan"), rule.apart or "MISSING")
    if committed.suffix in PICTURES:
        return (name, 0, 0, 0.0, drawn.verdict(committed, ours))
    try:
        old = _table(committed, "committed file")
        new = _table(ours, "file")
    except CompanionError as error:
        return (name, 0, 0, float("nan"), str(error))
    found = compare(old, new, rule)
    return (name, found.numbers, found.agree, found.largest, found.verdict)


def _table(path: Path, whose: str) -> pd.DataFrame:
    """A table; a CompanionError says in a few words what is wrong with this file."""
    try:
        data = checked.content(path, checked.LARGEST_TABLE, "restore it")
        if not data:
            raise CompanionError("it is empty; restore it.")
        if b"\0" in data:
            raise CompanionError("it holds zero bytes, as no text does; restore it.")
        return read_table(path)
    except (CompanionError, ValueError) as error:
        raise CompanionError(f"DAMAGED {whose}: {drawn.few_words(error, path)}") from error


def good(table: pd.DataFrame) -> bool:
    """Whether there is something to compare and every item agrees."""
    compared = table[table.verdict != NEW]
    return len(compared) > 0 and bool(table.verdict.str.match(FINE).all())


def flips(committed: Path, ours: Path) -> list[str]:
    """Verdicts that came out otherwise than committed: a line each, with its file and row.

    A verdict is a column that `tolerances` skips because it follows from numbers that are
    compared. So it fails nothing. Files without the committed rows and columns are
    left out, since `verdict` tells of them.
    """
    told = []
    for name in files(committed):
        _, rule = rule_of(name)
        columns = [column for column, why in rule.skipped.items() if why == FOLLOWS]
        if not columns:
            continue
        with contextlib.suppress(CompanionError):  # of damaged and missing files `verdict` tells
            old = _table(Path(committed) / name, "committed file")
            new = _table(Path(ours) / name, "file")
            told += [f"{name}: {flip}" for flip in _flips(old, new, columns)]
    return told


def _flips(old: pd.DataFrame, new: pd.DataFrame, columns: list[str]) -> list[str]:
    """Of one table: "row: yes committed, no here", column by column."""
    if list(old.columns) != list(new.columns) or len(old) != len(new):
        return []
    rows = _row_names(old)
    if rows != _row_names(new):
        return []
    told = []
    for column in columns:
        if column in old:
            before = _verdicts(old[column])
            after = _verdicts(new[column])
            for row, was, now in zip(rows, before, after, strict=True):
                if was != now:
                    told.append(f"{row}: {was} committed, {now} here")
    return told


def _verdicts(column: pd.Series) -> list[str]:
    """As text; "nothing" where there is none."""
    return column.astype(object).where(column.notna(), "nothing").astype(str).tolist()


def _row_names(table: pd.DataFrame) -> list[str]:
    """A row's `id`; where there is none, its first two columns."""
    keys = ["id"] if "id" in table else list(table.columns[:2])
    text = table[keys].astype(str)
    return text.agg(", ".join, axis=1).tolist()


def not_compared(committed: Path) -> list[str]:
    """What `verdict` leaves out: a line a reason, with the files and their columns."""
    left_out: dict[str, list[str]] = {}
    for name in files(committed):
        kind = Path(name).suffix
        if kind in PICTURES:
            left_out.setdefault(DRAWN, []).append(f"*{kind}")
            continue
        pattern, rule = rule_of(name)
        if rule.apart:
            left_out.setdefault(rule.apart, []).append(f"{pattern}, where it is missing")
        for reason in rule.skipped.values():
            columns = [column for column, why in rule.skipped.items() if why == reason]
            left_out.setdefault(reason, []).append(f"{pattern} ({_listed(columns)})")
    return [f"{reason}: {'; '.join(dict.fromkeys(what))}" for reason, what in left_out.items()]


def _listed(columns: list[str]) -> str:
    """A few names, or the first ones and the last of many."""
    if len(columns) <= 8:
        return ", ".join(columns)
    return ", ".join([*columns[:3], "...", columns[-1]])
