"""The paper's tables beside ours, in Markdown, for the generated pages."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import MODEL_B
from tcnsc_lib.report import derived
from tcnsc_lib.report.text import NOTHING, cell
from tcnsc_lib.results.tables import wide
from tcnsc_lib.results.trained import BELOW, NO_FEATURES, NOT_KEPT, marked

DEFAULT = "demo"  # whose rows, pictures and placeholders without a profile are meant
Row = Sequence[str]


def markdown(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table; a bar in a cell is escaped."""
    lines = [_line(head), "|" + "---|" * len(head)]
    return "\n".join([*lines, *map(_line, rows)])


def _line(cells: Row) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"


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
    """Table 3: accuracy on RAW and at LQ, AUC at LQ; in italics and signed where it is marked.

    In the last column the demo's accuracy of whole videos at LQ, by the mean of their frames'
    log-odds; unlike the others it is a mean over a row's trainings.
    """
    head = ["", "paper, RAW → LQ"]
    for name in evidences:
        head += [f"{name}, RAW → LQ", "AUC, LQ"]
    ours = {name: derived.scores(e, "table3") for name, e in evidences.items()}
    whole = _whole_videos(evidences[DEFAULT])
    rows = []
    for training in dict.fromkeys(ours[DEFAULT].training):
        cells = [training, _fall(_of(paper.TABLE3, training))]
        for table in ours.values():
            cells += _signed(_scores(table, training), marked(table).get(training, ""))
        rows.append([*cells, whole.get(training, "")])
    head.append(f"{DEFAULT}, whole videos, LQ, all seeds")
    return "\n\n".join([markdown(head, rows), *_footnote(ours.values())])


def _whole_videos(e: Evidence) -> dict[str, str]:
    """Row of Table 3 -> accuracy of whole videos at LQ, percent, the mean over its trainings."""
    at_lq = e.read("table3_videos").query("codec == 'LQ'")
    shares = at_lq.set_index("training")["mean"]
    return {training: f"{share:.1f}" for training, share in shares.items()}


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
