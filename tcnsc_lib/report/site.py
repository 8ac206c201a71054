"""A small static site: an index with every item's verdict, and a page for each executed notebook.

It loads nothing from the network and runs no script, so it reads the same from a disk, on a phone
or behind a web server. `build(notebooks, figures, out)` writes it whole or not at all.
"""
from __future__ import annotations

import shutil
from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.files import CHECKOUT, write_text
from tcnsc_lib.profiles import profile
from tcnsc_lib.report import items
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
    committed figures. On any error what was in `out` stays; what isn't such a site is never
    replaced.
    """
    figures = Path(figures).resolve()
    out = Path(out).resolve()
    if not figures.is_dir():
        raise CompanionError(f"There is no folder {figures}; name the folder with a profile's "
                             "tables and figures.")
    if out.exists() and not _is_site(out):
        raise CompanionError(f"{out} is there and is no site of this companion; name a new folder.")
    part = out.with_name(f".{out.name}.part")
    old = out.with_name(f".{out.name}.old")
    _remove(part, old)  # left by a build that was killed
    try:
        _write(Path(notebooks).resolve(), figures, part)
        if out.exists():
            out.rename(old)
        part.rename(out)
    finally:
        if old.exists() and not out.exists():
            old.rename(out)
        _remove(part, old)
    return out / "index.html"


def _is_site(folder: Path) -> bool:
    return (folder / "index.html").exists() and (folder / "style.css").exists()


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _write(notebooks: Path, figures: Path, out: Path) -> None:
    found, colours = pages(notebooks)
    evidences = _evidences(figures)
    pictures = {item.picture for item in items.ITEMS if _picture(figures, item).exists()}
    (out / "pictures").mkdir(parents=True)
    for name in pictures:
        shutil.copyfile(figures / f"{name}.png", out / "pictures" / f"{name}.png")
    write_text(out / "style.css", colours + STYLE.read_text(encoding="utf-8"))
    foot = _foot(figures)
    index = _index(found, evidences, figures.name, pictures)
    write_text(out / "index.html", _shell(TITLE, index, found, "", foot))
    for i, page in enumerate(found):
        text = _shell(page.title, page.body + _turn(found, i), found, page.stem, foot)
        write_text(out / f"{page.stem}.html", text)


def _picture(figures: Path, item: items.Item) -> Path:
    return figures / f"{item.picture}.png"


def _evidences(figures: Path) -> dict[str, Evidence]:
    """The committed tables of the profiles that are shown, and those of this folder."""
    folders = {name: CHECKOUT / "figures" / name for name in items.LABELS}
    folders[figures.name] = figures
    return {name: Evidence(profile(name), folder) for name, folder in folders.items()}


def _shell(title: str, body: str, found: list[Page], here: str, foot: str) -> str:
    """A whole page. here: the stem of its notebook, "" for the index.

    title is text, body and foot are HTML.
    """
    entries = {"": "Overview"} | {page.stem: page.label for page in found}
    links = "\n".join(_entry(stem, name, stem == here) for stem, name in entries.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<header><nav>
{links}
</nav></header>
<main>
{body}
</main>
<footer>{foot}</footer>
</body>
</html>
"""


def _entry(stem: str, name: str, here: bool) -> str:
    """A link of the navigation; the page that one is on says so."""
    current = ' aria-current="page"' if here else ""
    return f'<a href="{quote(stem or "index")}.html"{current}>{escape(name)}</a>'


def _turn(found: list[Page], i: int) -> str:
    """Links to the page before, of the first notebook the index, and to the page after."""
    before = found[i - 1] if i else Page("index", "Overview", "")
    links = f'<a href="{quote(before.stem)}.html">← {escape(before.title)}</a>'
    for after in found[i + 1:i + 2]:
        links += f'\n<a href="{quote(after.stem)}.html">{escape(after.title)} →</a>'
    return f'<p class="turn">{links}</p>'


def _foot(figures: Path) -> str:
    """The profile and, from its first measured table that says so, what made it."""
    text = f"Profile {figures.name}."
    tables = [*sorted((figures / "evidence").glob("*.csv")), *sorted(figures.glob("*.csv"))]
    for path in tables:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
        if first.startswith("#"):
            text += f" {path.name} was made by: {first.lstrip('# ').strip()}."
            break
    return escape(text)


def _index(found: list[Page], evidences: Mapping[str, Evidence], fresh: str,
           pictures: set[str]) -> str:
    """The index: what this is, a picture an item, every verdict, and the list of notebooks.

    fresh: the profile whose numbers were just made.
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


def _gallery(stems: set[str], pictures: set[str]) -> str:
    figures = []
    for item in items.ITEMS:
        image = ""
        if item.picture in pictures:
            image = f'<img src="pictures/{quote(item.picture)}.png" alt="">'
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
