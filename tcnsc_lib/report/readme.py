"""Every item of the paper on one line: what it claims, the paper's number, ours for each profile, agree or not.

Nothing is computed here. The claims, their 95 % intervals and whether they hold are read from the files that the
notebooks made (figures/<profile>/table1_claims.csv and its like); ITEMS picks the headline ones and words them for a reader
who hasn't opened a notebook yet.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.figures import read
from tcnsc_lib.files import CHECKOUT
from tcnsc_lib.tables import wide

POINTS = "points"
LABELS = {"demo": "ours at demo", "photos": "photographs"}  # a profile's heading; of another: "ours at <name>"
COLUMNS = {"holds if", "paper", "ours", "low", "high", "holds here"}  # of a claims file, after the claim itself
NOTHING = "–"  # a cell without a number: not in the paper, or not made for that profile yet
ACROSS = 3  # pictures in a row of the gallery: what fits beside one another in GitHub's column


class Claim(NamedTuple):
    """One claim: how its text in the file starts, the sentence for the reader, the unit of its numbers ("": none)."""

    start: str
    sentence: str
    unit: str


@dataclass(frozen=True)
class Item:
    """A table or figure of the paper: its notebook, its picture (a PNG's stem), and its claims with their file's stem."""

    name: str
    notebook: str
    picture: str
    caption: str
    file: str
    claims: tuple[Claim, ...]


ITEMS = (
    Item("Figure 1", "01_data", "figure1",
         "A fake and a real face under JPEG at quality 80, 50 and 20.", "figure1_claims", (
             Claim("the lower the quality, the more obvious: LQ less MQ",
                   "the lower the quality, the more obvious the blocks: contrast across their borders, LQ less MQ", ""),)),
    Item("Figure 2", "02_method", "figure2", "The method: two branches that share one encoder.", "", ()),
    Item("Table 1", "03_compression_factor", "table1",
         "Four training pairs on five test sets: which pair is it best to train on?", "table1_claims", (
             Claim("(RAW, LQ) is the best pair",
                   "(RAW, LQ) is the best pair: its mean over five test sets, less that of the best other pair", POINTS),
             Claim("a model is right about as often at every quality",
                   "a model is right about as often at every quality: the largest loss from RAW to LQ, at most the paper's",
                   POINTS),
             Claim("similarity learning makes robust",
                   "similarity makes robust: what the classifier alone loses from RAW to LQ, less what (RAW, LQ) loses",
                   POINTS))),
    Item("Table 2", "04_ablation", "table2", "Each branch alone, both, and five controls that the paper lacks.",
         "table2_claims", (
             Claim("similarity alone is worse than both branches",
                   "similarity alone is worse than both branches: dual less model A, mean over the test sets", POINTS),
             Claim("both branches are best under strong compression",
                   "both branches are better than the classifier alone: dual less model B at LQ", POINTS),
             Claim("not in the paper: similarity gains more than seeing the same compressed images",
                   "not in the paper: similarity gains more than training on the same compressed images: dual less (i), LQ",
                   POINTS),
             Claim("not in the paper: ... than twins in the batch statistics",
                   "not in the paper: Loss_sim itself gains: dual less (v), the same with λ = 0, LQ", POINTS))),
    Item("Table 3", "05_comparison", "table3", "Nine detectors on five test sets.", "table3_claims", (
        Claim("TCNSC less Xception-RAW at LQ", "TCNSC is ahead of Xception-RAW at LQ", POINTS),
        Claim("TCNSC less the best other detector at LQ", "TCNSC is ahead of the best other detector at LQ", POINTS))),
    Item("Figure 3", "06_features_and_heatmaps", "figure3",
         "t-SNE of the features of real and fake faces: the margin shrinks.", "figure3_claims", (
             Claim("real and fake are separated on RAW: silhouette, TCNSC",
                   "real and fake are separated on RAW: silhouette of TCNSC's features", ""),
             Claim("less so for TCNSC",
                   "compression shrinks TCNSC's margin less (implied): fall to LQ, Xception-RAW's less TCNSC's", ""),
             Claim("not in the paper: ... and the similarity branch",
                   "not in the paper: the similarity branch is why: model B's fall less TCNSC's", ""))),
    Item("Figure 4", "06_features_and_heatmaps", "figure4", "Grad-CAM: where TCNSC and Xception look, at each quality.",
         "figure4_claims", (
             Claim("the main areas stay: a map at LQ",
                   "the main areas of concern stay: correlation of maps at LQ and on RAW, less that with other people's", ""),
             Claim("not in the paper: steadiness shows",
                   "not in the paper: steadiness shows what was learned: that correlation less that of shuffled weights", ""),
             Claim("... the same, beyond other people's maps, TCNSC less TCNSC, weights shuffled",
                   "not in the paper: the same, each less the correlation with other people's maps", ""))),
    Item("Figure 5", "07_similarity_and_spectra", "figure5", "SSIM of compressed faces against RAW, and what the window does.",
         "figure5_claims", (
             Claim("HQ is close to 1: SSIM changes by so many percent, real",
                   "HQ is close to 1 (bound ours: SSIM changes by less than 5 %), real faces", "percent"),
             *(Claim(f"SSIM changes by so many percent at {name}, {word}", f"SSIM changes at {name}, {word} faces", "percent")
               for name in ("MQ", "LQ") for word in ("real", "fake")))),
    Item("Figure 6", "07_similarity_and_spectra", "figure6", "Power spectra: JPEG takes the high frequencies.",
         "figure6_claims", (
             Claim("low frequencies are roughly unchanged: gain of the low third at LQ",
                   "low frequencies are roughly unchanged (bound ours: within 1 dB): change at LQ", "dB"),
             Claim("the impact is on high frequencies: on the high third less on the middle at LQ",
                   "the impact is on high frequencies: mean absolute change of the high third less of the middle, LQ", "dB"),
             Claim("fakes have more energy at high frequencies",
                   "fakes have more energy at high frequencies: on RAW, fake less real", "dB"))),
)


def verdicts(folders: dict[str, Path] | None = None) -> pd.DataFrame:
    """One row a claim of ITEMS, in their order: item, notebook, claim, unit, paper, and four columns for each profile.

    folders: profile -> the folder with its claims files; by default the committed ones of demo and photos. The four columns
    are <profile> (our number), <profile>_low and _high (its 95 % interval), and <profile>_holds: yes, no, can't tell, or ""
    where that profile's file isn't there (its numbers are NaN then). A claim that a file lacks is a CompanionError.
    """
    folders = folders or {name: CHECKOUT / "figures" / name for name in LABELS}
    rows = []
    for item in ITEMS:
        for claim in item.claims:
            row = {"item": item.name, "notebook": item.notebook, "claim": claim.sentence, "unit": claim.unit,
                   "paper": math.nan}
            for name, folder in folders.items():
                found = _find(Path(folder) / f"{item.file}.csv", claim.start)
                if found is None:
                    row |= {name: math.nan, f"{name}_low": math.nan, f"{name}_high": math.nan, f"{name}_holds": ""}
                    continue
                row |= {name: found.ours, f"{name}_low": found.low, f"{name}_high": found.high,
                        f"{name}_holds": found["holds here"]}
                row["paper"] = found.paper if math.isnan(row["paper"]) else row["paper"]
            rows.append(row)
    columns = ["item", "notebook", "claim", "unit", "paper",
               *(f"{name}{end}" for name in folders for end in ("", "_low", "_high", "_holds"))]
    return pd.DataFrame(rows, columns=columns)


def _find(path: Path, start: str) -> pd.Series | None:
    """The row of a claims file whose claim starts so; None where there is no such file."""
    if not path.exists():
        return None
    table = read(path)
    if lost := COLUMNS - set(table.columns):
        raise CompanionError(f"{path} is no table of claims (it lacks {', '.join(sorted(lost))}); "
                             "run the notebook that makes it again.")
    found = table[table.iloc[:, 0].astype(str).str.startswith(start)]
    if len(found) != 1:
        raise CompanionError(f"{len(found) or 'No'} claims in {path} start with \"{start}\", one should; make the file "
                             "again or mend ITEMS in tcnsc_lib/overview.py.")
    return found.iloc[0]


def profiles_of(table: pd.DataFrame) -> list[str]:
    """The profiles whose columns a table of `verdicts` has, in its order."""
    return [name.removesuffix("_holds") for name in table.columns if name.endswith("_holds")]


def heading(profile: str) -> str:
    """What a column with this profile's numbers is called."""
    return LABELS.get(profile, f"ours at {profile}")


def cell(value: float, unit: str, low: float = math.nan, high: float = math.nan) -> str:
    """`1.8 (-0.7 to 4.0)`, or the number alone where it has no interval, or a dash where there is none.

    As many decimals as the largest of the three needs: one for points, percent and from 10 on, two from 0.1 on, else three.
    """
    if math.isnan(value):
        return NOTHING
    known = [x for x in (value, low, high) if not math.isnan(x)]
    largest = max(abs(x) for x in known)
    decimals = 1 if unit in (POINTS, "percent") or largest >= 10 else 2 if largest >= 0.1 else 3
    texts = [f"{round(x, decimals) + 0.0:.{decimals}f}" for x in known]  # + 0.0: no "-0.0"
    return f"{texts[0]} ({texts[1]} to {texts[2]})" if len(known) == 3 else texts[0]


def inside(row: dict, profile: str) -> str:
    """Whether the paper's number lies in our 95 % interval: yes, no, or a dash where either isn't there."""
    known = not any(math.isnan(row[name]) for name in ("paper", f"{profile}_low", f"{profile}_high"))
    return ("yes" if row[f"{profile}_low"] <= row["paper"] <= row[f"{profile}_high"] else "no") if known else NOTHING


def markdown(table: pd.DataFrame) -> str:
    """The README's table: item (linked on its first line), claim with its unit, the numbers; in the same order whether the
    claim holds, and whether the paper's number is in our interval."""
    names = profiles_of(table)
    head = ["item", "claim", "paper", *(heading(name) for name in names), "agree?", "size?"]
    lines, last = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"], ""
    for row in table.to_dict("records"):
        unit = f" ({row['unit']})" if row["unit"] else ""
        cells = [f"[{row['item']}](notebooks/{row['notebook']}.ipynb)" if row["item"] != last else "",
                 row["claim"].replace("|", "\\|") + unit, cell(row["paper"], row["unit"]),
                 *(cell(row[name], row["unit"], row[f"{name}_low"], row[f"{name}_high"]) for name in names),
                 " / ".join(row[f"{name}_holds"] or NOTHING for name in names),
                 " / ".join(inside(row, name) for name in names)]
        lines.append("| " + " | ".join(cells) + " |")
        last = row["item"]
    return "\n".join(lines)


def gallery(pictures_base: str = "figures/demo") -> str:
    """A table of thumbnails for the README, as HTML that GitHub keeps: each links to its notebook, with name and caption.

    pictures_base: the folder of the pictures as the README names it. An item without a picture there has only its words.
    """
    cells = []
    for item in ITEMS:
        picture = f"{pictures_base}/{item.picture}.png"
        there = (CHECKOUT / picture).exists()
        image = f'<img src="{escape(picture)}" width="260" alt="{escape(item.name)}"><br>' if there else ""
        cells.append(f'<td align="center" valign="top" width="33%"><a href="notebooks/{escape(item.notebook)}.ipynb">{image}'
                     f"<b>{escape(item.name)}</b></a><br>{escape(item.caption)}</td>")
    rows = [cells[i:i + ACROSS] for i in range(0, len(cells), ACROSS)]
    return "\n".join(["<table>", *(line for row in rows for line in ("<tr>", *row, "</tr>")), "</table>"])


def readme_table(number: int) -> str:
    """The README's Table 1, 2 or 3: the paper's numbers and those committed for each profile.

    Table 1 in full, with the classifier alone; of Tables 2 and 3 accuracy on RAW and at LQ, and AUC at LQ; of Table 2 also
    the mean and standard deviation over seeds of accuracy at LQ, of the rows that have several.
    """
    base = CHECKOUT / "figures"
    files = {name: base / name / f"table{number}.csv" for name in ("demo", "photos")}
    ours = {name: read(path) for name, path in files.items() if path.exists()}
    if number == 1:
        blocks = {"paper": pd.concat([paper.TABLE1, paper.TABLE2.loc[["model B"]]])}
        blocks |= {name: wide(pd.concat([table, read(base / name / "difficulty.csv")])) for name, table in ours.items()}
        lines = ["| trained on | | " + " | ".join(paper.CODECS) + " |", "|---|---|" + "---|" * len(paper.CODECS)]
        for row in blocks["paper"].index:
            for i, (name, block) in enumerate(blocks.items()):
                label = "" if i else "classifier alone (model B)" if row == "model B" else row
                lines.append(f"| {label} | {name} | " + " | ".join(f"{block.loc[row, c]:.1f}" for c in paper.CODECS) + " |")
        return "\n".join(lines)
    theirs = {2: paper.TABLE2, 3: paper.TABLE3}[number]
    seeds = {name: read(base / name / "table2_seeds.csv").query("codec == 'LQ'") for name in ours} if number == 2 else {}
    head = ["paper RAW", "LQ", *(word for name in ours for word in (
        f"{name} RAW", "LQ", "AUC LQ", *(["LQ, seeds"] if name in seeds else [])))]
    lines = ["| | " + " | ".join(head) + " |", "|---|" + "---|" * len(head)]
    for row in dict.fromkeys(read(files["demo"]).training):
        cells = [f"{theirs.loc[row, c]:.1f}" if row in theirs.index else "" for c in ("RAW", "LQ")]
        for name, table in ours.items():
            block = table[table.training == row].set_index("codec")
            known = len(block) > 0
            cells += [f"{v:.1f}" for v in (block.accuracy.RAW, block.accuracy.LQ, block.auc.LQ)] if known else [""] * 3
            if name in seeds:
                each = seeds[name].accuracy[seeds[name].training == row]
                cells.append(f"{each.mean():.1f} ± {each.std():.1f}" if len(each) > 1 else "")
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def differences_table() -> str:
    """The README's differences over seeds at LQ, from table2_differences.csv of each profile; bold where settled."""
    base = CHECKOUT / "figures"
    tables = {name: read(path) for name in LABELS if (path := base / name / "table2_differences.csv").exists()}
    lines = ["| at LQ, points | " + " | ".join(tables) + " |", "|---|" + "---|" * len(tables)]
    for title in dict.fromkeys(tables["demo"]["difference of accuracy"]):
        cells = []
        for table in tables.values():
            row = table[(table["difference of accuracy"] == title) & (table.codec == "LQ")].iloc[0]
            text = cell(row.difference, POINTS, row.low, row.high)
            cells.append(f"**{text}**" if row.settled == "yes" else text)
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
