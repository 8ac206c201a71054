"""Sentences whose numbers come from files.

A template is text in which a placeholder in braces stands for each number:

    {table2.dual-minus-b.lq}           a claim: our number, its 95 % interval: 1.8 (-0.7 to 4.0)
    {table2.dual-minus-b.lq.paper}     one column of that claim's row: ours, low, high, paper, holds
    {table2[dual,LQ].accuracy}         a cell of a stored table, by values of its first columns
    {photos:table2[dual,LQ].accuracy}  the same of another profile
    {table3[TCNSC,LQ].auc:.0f}         in a format of Python's; with .0% a share becomes percent
    {profile.schedule.iterations}      a setting of the profile
    {gallery}                          a block of text that the caller brings
    {{ and }}                          braces that stay

A comma with a space after it belongs to a key: {table1[(RAW, LQ),LQ].accuracy} has two keys.
A placeholder that no file has a number for is an error, so that no sentence outlives its number.
"""
from __future__ import annotations

import math
import re
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING

import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.report import derived
from tcnsc_lib.results import claims

if TYPE_CHECKING:
    from IPython.display import Markdown

NOTHING = "–"  # stands where there is no number: not in the paper, or not made for that profile yet
ONE_DECIMAL = ("points", "percent")

BRACES = re.compile(r"\{\{|\}\}|\{(?P<inside>[^{}\n]*)\}|[{}]")
PARTS = re.compile(r"(?:(?P<profile>[\w-]+):)?(?P<name>[^:]+)(?::(?P<form>[^:]+))?")
CELL = re.compile(r"(?P<table>\w+)\[(?P<keys>[^\[\]]+)\]\.(?P<column>.+)")
BETWEEN_KEYS = re.compile(r",(?! )")


def say(template: str, evidence: Evidence) -> Markdown:
    """A notebook's sentence, filled from one profile's tables, as IPython shows it."""
    from IPython.display import Markdown  # only notebooks need it

    name = evidence.p.name
    return Markdown(fill(template, {name: evidence}, name, lacking=NOTHING))


def fill(template: str, evidences: Mapping[str, Evidence], default: str,
         blocks: Mapping[str, str] | None = None, lacking: str | None = None) -> str:
    """The template with every placeholder replaced.

    evidences: profile name -> its tables. default: the profile of a placeholder that names none.
    blocks: name -> text, put in as it is. lacking: what stands for a number that isn't there;
    without it a CompanionError names that placeholder, as it does one that nothing is called.
    """
    def replace(match: re.Match) -> str:
        braces = match[0]
        if braces in ("{{", "}}"):
            return braces[0]
        inside = match["inside"]
        if inside is None:
            near = template[max(0, match.start() - 20):match.end() + 20].strip()
            raise CompanionError(f"A brace in {near!r} has no partner on its line; close the "
                                 "placeholder there, or write it twice for the brace itself.")
        if blocks and inside in blocks:
            return blocks[inside]
        return _number(inside, evidences, default, lacking)

    return BRACES.sub(replace, template)


def decimals(unit: str, *numbers: float) -> int:
    """How many decimals suit these numbers, in one unit: enough for the largest of them.

    One for points, for percent and from 10 on; two from 0.1 on; else three. NaN doesn't count.
    """
    largest = max((abs(x) for x in numbers if not math.isnan(x)), default=0.0)
    if unit in ONE_DECIMAL or largest >= 10:
        return 1
    return 2 if largest >= 0.1 else 3


def cell(value: float, unit: str, low: float = math.nan, high: float = math.nan) -> str:
    """`1.8 (-0.7 to 4.0)`; the number alone where it has no interval; a dash for no number."""
    if math.isnan(value):
        return NOTHING
    places = decimals(unit, value, low, high)
    text = _fixed(value, places)
    if math.isnan(low) or math.isnan(high):
        return text
    return f"{text} ({_fixed(low, places)} to {_fixed(high, places)})"


def with_intervals(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The table with these columns as `cell` writes them, in points; their ends' columns are gone.

    The ends stand in <column>_low and <column>_high, or in low and high.
    """
    shown = table.copy()
    for column in columns:
        ends = [f"{column}_low", f"{column}_high"]
        if ends[0] not in table:
            ends = ["low", "high"]
        numbers = table[[column, *ends]].to_numpy()
        shown[column] = [cell(value, "points", low, high) for value, low, high in numbers]
        shown = shown.drop(columns=ends)
    return shown


def verdicts(sentences: pd.DataFrame) -> pd.DataFrame:
    """What `claims.judge` measured, as a notebook shows it: indexed by id, seven columns at most.

    ours: the number and its interval, as `cell` writes them in the claim's unit. single seeds: from
    the least to the most, a dash where there are no two. Without seeds, crops stand in their place.
    A column that says nothing is left out; p and all decimals are in the stored table.
    """
    told = [_told(row) for _, row in sentences.iterrows()]
    return pd.DataFrame(told).dropna(axis=1, how="all").set_index("id")


def _told(row: pd.Series) -> dict[str, object]:
    """One row of `verdicts`."""
    unit = claims.CLAIMS[row.id].unit
    told = {name: row[name] for name in ("id", "claim", "holds if")}
    told["paper"] = round(row.paper, 1)
    told["ours"] = cell(row.ours, unit, row.low, row.high)
    if "seeds" in row:
        places = decimals(unit, row.ours, row.low, row.high)
        ends = [_fixed(end, places) for end in (row.least, row.most)]
        told["seeds"] = row.seeds
        several = row.seeds > 1 and not math.isnan(row.least)
        told["single seeds"] = " to ".join(ends) if several else NOTHING
    else:
        told["crops"] = row.crops
    told["holds here"] = row["holds here"]
    return told


def _fixed(value: float, places: int) -> str:
    rounded = round(value, places) + 0.0  # + 0.0: no "-0.0"
    return f"{rounded:.{places}f}"


def _number(inside: str, evidences: Mapping[str, Evidence], default: str,
            lacking: str | None) -> str:
    """What stands for a placeholder. inside: its text without the braces."""
    try:
        parts = PARTS.fullmatch(inside)
        if parts is None:
            raise _unknown()
        name = parts["profile"] or default
        if name not in evidences:
            raise CompanionError(f"there is no profile {name!r} here, only {', '.join(evidences)}.")
        value, places = _value(parts["name"], evidences[name])
        if lacking is not None and pd.isna(value):
            return lacking
        return _formatted(value, places, parts["form"])
    except CompanionError as error:
        raise CompanionError(f"The placeholder {{{inside}}} can't be filled: {error}") from error


def _value(name: str, e: Evidence) -> tuple[object, int | None]:
    """A placeholder's value, and with how many decimals it is written (None: as its size says)."""
    stem, _, column = name.rpartition(".")
    if name in claims.CLAIMS:
        return _claim(name, e), None
    if stem in claims.CLAIMS:
        row = derived.claim(e, stem).rename({"holds here": "holds"})
        if column not in row.index:
            raise _unknown()
        return row[column], decimals(claims.CLAIMS[stem].unit, row.ours, row.low, row.high)
    if found := CELL.fullmatch(name):
        return _cell_of(e.read(found["table"]), found["keys"], found["column"]), None
    if name.startswith("profile."):
        return _setting(e, name), None
    raise _unknown()


def _claim(id: str, e: Evidence) -> str | None:
    """A claim's number and interval; None where it has no number."""
    row = derived.claim(e, id)
    if pd.isna(row.ours):
        return None
    return cell(row.ours, claims.CLAIMS[id].unit, row.low, row.high)


def _cell_of(table: pd.DataFrame, keys: str, column: str) -> object:
    """The one cell of a table whose first columns have these values."""
    values = BETWEEN_KEYS.split(keys)
    if column not in table or len(values) > table.shape[1]:
        raise _unknown()
    rows = table
    for name, value in zip(table.columns, values, strict=False):
        rows = rows[rows[name].astype(str) == value]
    if len(rows) != 1:
        raise CompanionError(f"its keys mean {len(rows)} rows of that table, and one is needed.")
    return rows[column].iloc[0]


def _setting(e: Evidence, name: str) -> object:
    value = e.p
    for part in name.split(".")[1:]:
        if part not in getattr(value, "__dataclass_fields__", {}):
            raise _unknown()
        value = getattr(value, part)
    return value


def _formatted(value: object, places: int | None, form: str | None) -> str:
    """A value as a person reads it: 3,600; 79.7; 0.42; words as they are."""
    if pd.isna(value):
        raise CompanionError("it has no number there; run `tcnsc report`, or take it out.")
    if form is not None:
        return _in_form(value, form)
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    if isinstance(value, Integral):
        return f"{value:,}"
    value = float(value)
    return _fixed(value, decimals("", value) if places is None else places)


def _in_form(value: object, form: str) -> str:
    try:
        return format(value, form).replace("%", " %")
    except (ValueError, TypeError) as error:
        raise CompanionError(f"its format doesn't suit the value {value!r}.") from error


def _unknown() -> CompanionError:
    return CompanionError("nothing is called so; name a claim of tcnsc_lib/results/claims, a cell "
                          "like {table[row,codec].column} of a stored table, or a setting like "
                          "{profile.size}.")
