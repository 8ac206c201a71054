"""A small static site: an index with every item's verdict, and a page for each executed notebook.

Each page is one file that loads nothing and runs no script, so it reads the same from a disk, on a
phone or behind a web server. `build(notebooks, figures, out)` writes it whole or not at all.
"""
from __future__ import annotations

import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from tcnsc_lib import CompanionError, checked
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.files import CHECKOUT, write_text
from tcnsc_lib.profiles import profile
from tcnsc_lib.report import embed, items, place
from tcnsc_lib.report.frame import turn, whole
from tcnsc_lib.report.pages import Page, pages
from tcnsc_lib.report.text import cell

TITLE = "TCNSC, a reproducible companion"
ABOUT = (
    'Chen, Xu and Wang (<em>Symmetry</em> 2022, 14, 2691, '
    '<a href="https://doi.org/10.3390/sym14122691">doi 10.3390/sym14122691</a>) claim a deepfake '
    "detector whose accuracy barely falls when images are compressed. These pages read their "
    "method line by line and measure what it does, on rendered faces and on photographs.")
RULE = (
    "For each claim, the paper's number and ours with its 95 % interval. <em>agrees</em>: the "
    "whole interval lies where the claim needs it, above 0 unless the line says otherwise; the "
    "paper's number may still lie outside it. <em>disagrees</em>: none of it does. "
    "<em>can't tell</em>: it reaches to both sides. A printed percentage of SSIM agrees if it "
    "lies in our interval.")
MARKS = {"yes": ("yes", "✓ agrees"), "no": ("no", "✗ disagrees"),
         "can't tell": ("tell", "? can't tell")}  # verdict -> CSS class, words
STYLE = Path(__file__).with_name("site.css")


def build(notebooks: Path, figures: Path, out: Path) -> Path:
    """Write the site of a profile to the folder `out`, which it replaces as a whole.

    Returns its index. notebooks: folder of executed notebooks. figures: folder with this profile's
    tables and pictures, named after the profile; the other profiles' verdicts are taken from the
    committed figures. On any error what was in `out` stays; what no build wrote is never replaced
    (`place`). A picture that can't be read is told on standard error and left out.
    """
    figures = Path(figures).resolve()
    notebooks = Path(notebooks).resolve()
    if not figures.is_dir():
        raise CompanionError(f"There is no folder {figures}; name the folder with a profile's "
                             "tables and figures.")
    with place.replacing(out, (notebooks, figures)) as part:
        _write(notebooks, figures, part)
    return Path(out).resolve() / "index.html"


def _write(notebooks: Path, figures: Path, out: Path) -> None:
    found, colours = pages(notebooks)
    evidences = _evidences(figures)
    style = colours + STYLE.read_text(encoding="utf-8")
    foot = _foot(figures)
    index = Page("", TITLE, _index(found, evidences, figures.name, _pictures(figures)))
    write_text(out / "index.html", whole(index, found, foot, style))
    for i, page in enumerate(found):
        turned = page._replace(body=page.body + turn(found, i))
        write_text(out / f"{page.stem}.html", whole(turned, found, foot, style))


def _pictures(figures: Path) -> dict[str, str]:
    """Stem -> data: URI, of the items' pictures that are there."""
    found = {}
    for item in items.ITEMS:
        path = figures / f"{item.picture}.png"
        if not path.exists():
            continue
        try:
            found[item.picture] = embed.file_uri(path)
        except CompanionError as error:
            print(f"tcnsc: {error} The site shows {item.name} without it.", file=sys.stderr)
    return found


def _evidences(figures: Path) -> dict[str, Evidence]:
    """The committed tables of the profiles that are shown, and those of this folder."""
    folders = {name: CHECKOUT / "figures" / name for name in items.LABELS}
    folders[figures.name] = figures
    return {name: Evidence(profile(name), folder) for name, folder in folders.items()}


def _foot(figures: Path) -> str:
    """The profile and, from its first measured table that says so, what made it."""
    text = f"Profile {figures.name}."
    tables = [*sorted((figures / "evidence").glob("*.csv")), *sorted(figures.glob("*.csv"))]
    for path in tables:
        cure = "make it again, see figures/README.md"
        lines = checked.content(path, checked.LARGEST_TABLE, cure).partition(b"\n")
        first = lines[0].decode("utf-8", errors="replace")
        if first.startswith("#"):
            text += f" {path.name} was made by: {first.lstrip('# ').strip()}."
            break
    return escape(text)


def _index(found: list[Page], evidences: Mapping[str, Evidence], fresh: str,
           pictures: Mapping[str, str]) -> str:
    """The index: what this is, a picture an item, every verdict, and the list of notebooks.

    fresh: the profile whose numbers were just made. pictures: stem -> address.
    """
    stems = {page.stem for page in found}
    return "\n".join([
        f"<h1>{TITLE}</h1>", f"<p>{ABOUT}</p>",
        "<h2>Every table and figure</h2>", _gallery(stems, pictures),
        "<h2>Does it agree?</h2>", f"<p>{RULE}</p>",
        _verdicts(items.verdicts(evidences), stems, fresh),
        "<h2>Notebooks</h2>", _contents(found)])


def _linked(text: str, stem: str, stems: set[str]) -> str:
    """HTML as a link to a notebook's page, or as it is where that notebook has none."""
    return f'<a href="{quote(stem)}.html">{text}</a>' if stem in stems else text


def _gallery(stems: set[str], pictures: Mapping[str, str]) -> str:
    figures = []
    for item in items.ITEMS:
        image = ""
        if item.picture in pictures:
            image = f'<img src="{pictures[item.picture]}" alt="">'
        name = _linked(f"{image}<b>{escape(item.name)}</b>", item.notebook, stems)
        caption = f"<figcaption>{escape(item.caption)}</figcaption>"
        figures.append(f"<figure>{name}{caption}</figure>")
    return "\n".join(['<div class="gallery">', *figures, "</div>"])


def _verdicts(table: pd.DataFrame, stems: set[str], fresh: str) -> str:
    """`items.verdicts` as a table that becomes a list on a phone."""
    heads = {name: _head(name, fresh) for name in items.profiles_of(table)}
    titles = "".join(f"<th>{escape(head)}</th>" for head in heads.values())
    lines = ['<table class="verdicts">',
             f"<thead><tr><th>claim</th><th>the paper</th>{titles}</tr></thead>"]
    for item, rows in table.groupby("item", sort=False):
        name = _linked(escape(item), rows.notebook.iloc[0], stems)
        lines.append(f'<tbody><tr><th colspan="{2 + len(heads)}" scope="rowgroup">{name}</th></tr>')
        lines += [_verdict(row, heads) for row in rows.to_dict("records")]
        lines.append("</tbody>")
    return "\n".join([*lines, "</table>"])


def _head(name: str, fresh: str) -> str:
    return items.heading(name) + (" (this run)" if name == fresh else " (committed)")


def _verdict(row: dict, heads: dict[str, str]) -> str:
    """A claim's line: its sentence, the paper's number, a cell for each profile."""
    unit = f" ({row['unit']})" if row["unit"] else ""
    theirs = cell(row["paper"], row["unit"])
    cells = [f"<td>{escape(row['claim'] + unit)}</td>",
             f'<td data-label="the paper">{theirs}</td>']
    for name, head in heads.items():
        cells.append(f'<td data-label="{escape(head)}">{_ours(row, name)}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def _ours(row: dict, name: str) -> str:
    """A profile's number with its interval, and the verdict as sign, word and colour."""
    holds = row[f"{name}_holds"]
    if not holds:
        return "not made yet"
    kind, word = MARKS[holds]
    number = cell(row[name], row["unit"], row[f"{name}_low"], row[f"{name}_high"])
    far = items.inside(row, name) == "no" and holds != "no"
    outside = ", the paper's number lies outside" if far else ""
    return (f'<span class="number">{number}</span><span class="mark {kind}">{word}</span>'
            f"{outside}")


def _contents(found: list[Page]) -> str:
    """The notebooks in their order, each with its items of the paper."""
    lines = ["<ul>"]
    for page in found:
        names = ", ".join(item.name for item in items.ITEMS if item.notebook == page.stem)
        more = f": {escape(names)}" if names and names not in page.title else ""
        lines.append(f'<li><a href="{quote(page.stem)}.html">{escape(page.title)}</a>{more}</li>')
    return "\n".join([*lines, "</ul>"])
