"""A small static site: an index with every item of the paper and its verdict, and a page for each executed notebook.

It loads nothing from the network and runs no script, so it reads the same from a disk, on a phone or behind a web server.
`build(notebooks, figures, out)` writes it whole or not at all.
"""
from __future__ import annotations

import shutil
from html import escape
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from tcnsc_lib import CompanionError, overview
from tcnsc_lib.files import CHECKOUT, write_text
from tcnsc_lib.pages import Page, pages

TITLE = "TCNSC, a reproducible companion"
ABOUT = ('Chen, Xu and Wang (<em>Symmetry</em> 2022, 14, 2691, <a href="https://doi.org/10.3390/sym14122691">doi '
         "10.3390/sym14122691</a>) claim a deepfake detector whose accuracy barely falls when images are compressed. These "
         "pages read their method line by line and measure what it does, on rendered faces and on photographs.")
RULE = ("For each claim, the paper's number and ours with its 95 % interval. <em>agrees</em>: the whole interval lies where "
        "the claim needs it, above 0 unless the line says otherwise; the paper's number may still lie outside it. "
        "<em>disagrees</em>: none of it does. <em>can't tell</em>: it reaches to both sides. A printed percentage of SSIM "
        "agrees if it lies in our interval.")
MARKS = {"yes": ("yes", "✓ agrees"), "no": ("no", "✗ disagrees"), "can't tell": ("tell", "? can't tell")}  # CSS class, words

CSS = """
*{box-sizing:border-box}
body{margin:0;background:#fff;color:#1b1f24;font:16px/1.55 system-ui,sans-serif;overflow-wrap:break-word}
main,nav,footer{max-width:62rem;margin:0 auto;padding:.75rem 1rem}
header{background:#f3f5f7;border-bottom:1px solid #d5dadf}
nav{display:flex;flex-wrap:wrap;gap:.15rem 1rem}
nav a{padding:.2rem 0;text-decoration:none}
nav a[aria-current]{color:inherit;font-weight:600;border-bottom:2px solid #0b5cad}
footer{border-top:1px solid #d5dadf;color:#545b63;font-size:.85rem}
a{color:#0b5cad} a:not([href]){color:inherit}
h1{font-size:1.7rem;line-height:1.25} h2{font-size:1.3rem;margin-top:2rem} h1,h2,h3{text-wrap:balance}
img,svg{max-width:100%;height:auto}
code,pre{font:.86em/1.45 ui-monospace,Menlo,Consolas,monospace}
pre{margin:0;white-space:pre}
.scroll,pre,.output_subarea{overflow-x:auto;max-width:100%}
.scroll{margin:.75rem 0}
table{border:0;border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{border:0;border-bottom:1px solid #e1e5e9;padding:.3rem .6rem;text-align:left;vertical-align:top}
.text_cell td{min-width:7rem}
.output_html table{width:max-content} .output_html td,.output_html th{text-align:right;max-width:20rem}
.output_html table:not(:has([rowspan])) tbody th:first-child{position:sticky;left:0;background:#fff}
.output_html tbody th{text-align:left}
.anchor-link,.text_cell .prompt{display:none}
.cell{margin:1rem 0}
.input_prompt,.output_prompt{color:#6a7178;font:.72rem ui-monospace,monospace}
.input_area{background:#f6f8fa;border:1px solid #e1e5e9;border-radius:4px;padding:.5rem .7rem}
.input_area .highlight{background:none}
.output_area{margin:.4rem 0}
.output_stderr pre{background:#fdf3e7;padding:.4rem .6rem}
.turn{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.5rem;border-top:1px solid #d5dadf;padding-top:1rem}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(17rem,100%),1fr));gap:1rem}
.gallery figure{margin:0;border:1px solid #e1e5e9;border-radius:6px;padding:.75rem}
.gallery img{display:block;width:100%;height:11rem;object-fit:contain;margin-bottom:.5rem}
.verdicts{width:100%} .verdicts tbody th{background:#f3f5f7;font-size:1rem}
.mark{display:inline-block;border-radius:3px;padding:0 .45rem;font-weight:600;font-size:.8rem;white-space:nowrap}
.yes{background:#d9f0df;color:#12502a} .no{background:#fadedb;color:#7c1a12} .tell{background:#e8eaed;color:#3f454c}
.number{display:inline-block;margin-right:.5rem;white-space:nowrap}
@media(max-width:44rem){
.output_html table{font-size:.8rem} .output_html th{max-width:8rem}
.verdicts,.verdicts tbody,.verdicts tr,.verdicts td,.verdicts th{display:block}
.verdicts thead{position:absolute;clip-path:inset(50%)}
.verdicts td{border:0;padding:.15rem .6rem} .verdicts td:first-child{padding-top:.6rem}
.verdicts td:last-child{border-bottom:1px solid #e1e5e9;padding-bottom:.6rem}
.verdicts td[data-label]::before{content:attr(data-label)": ";color:#545b63}
}
"""


def build(notebooks: Path, figures: Path, out: Path) -> Path:
    """Write the site of a profile to the folder `out`, which it replaces as a whole; returns its index.

    notebooks: folder of executed notebooks. figures: folder with this profile's tables and pictures, named after the
    profile; the other profiles' verdicts are taken from the committed figures. On any error what was in `out` stays; what
    isn't such a site is never replaced.
    """
    figures, out = Path(figures).resolve(), Path(out).resolve()
    if not figures.is_dir():
        raise CompanionError(f"There is no folder {figures}; name the folder with a profile's tables and figures.")
    if out.exists() and not ((out / "index.html").exists() and (out / "style.css").exists()):
        raise CompanionError(f"{out} is there and is no site of this companion; name a new folder.")
    part, old = (out.with_name(f".{out.name}.{end}") for end in ("part", "old"))
    for left in (part, old):  # by a build that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        _write(Path(notebooks).resolve(), figures, part)
        if out.exists():
            out.rename(old)
        part.rename(out)
    finally:
        if old.exists() and not out.exists():
            old.rename(out)
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)
    return out / "index.html"


def _write(notebooks: Path, figures: Path, out: Path) -> None:
    found, colours = pages(notebooks)
    pictures = {item.picture for item in overview.ITEMS if (figures / f"{item.picture}.png").exists()}
    (out / "pictures").mkdir(parents=True)
    for name in pictures:
        shutil.copyfile(figures / f"{name}.png", out / "pictures" / f"{name}.png")
    write_text(out / "style.css", colours + CSS)
    foot = _foot(figures)
    write_text(out / "index.html", _shell(TITLE, _index(found, figures, pictures), found, "", foot))
    for i, page in enumerate(found):
        write_text(out / f"{page.stem}.html", _shell(page.title, page.body + _turn(found, i), found, page.stem, foot))


def _shell(title: str, body: str, found: list[Page], here: str, foot: str) -> str:
    """A whole page. here: the stem of its notebook, "" for the index; title is text, body and foot are HTML."""
    def entry(name: str, stem: str) -> str:
        current = ' aria-current="page"' if stem == here else ""
        return f'<a href="{quote(stem or "index")}.html"{current}>{escape(name)}</a>'

    links = "\n".join([entry("Overview", ""), *(entry(page.label, page.stem) for page in found)])
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
            f'<link rel="stylesheet" href="style.css">\n</head>\n<body>\n<header><nav>\n{links}\n</nav></header>\n'
            f"<main>\n{body}\n</main>\n<footer>{foot}</footer>\n</body>\n</html>\n")


def _turn(found: list[Page], i: int) -> str:
    """Links to the page before, of the first notebook the index, and to the page after."""
    stem, title = (found[i - 1].stem, found[i - 1].title) if i else ("index", "Overview")
    links = f'<a href="{quote(stem)}.html">← {escape(title)}</a>'
    if i + 1 < len(found):
        links += f'\n<a href="{quote(found[i + 1].stem)}.html">{escape(found[i + 1].title)} →</a>'
    return f'<p class="turn">{links}</p>'


def _foot(figures: Path) -> str:
    """The profile and, from its first table that says so, what made it."""
    text = f"Profile {figures.name}."
    for path in sorted(figures.glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            first = file.readline()
        if first.startswith("#"):
            text += f" {path.name} was made by: {first.lstrip('# ').strip()}."
            break
    return escape(text)


def _index(found: list[Page], figures: Path, pictures: set[str]) -> str:
    """The index: what this is, a picture an item, every verdict, and which notebook has which item."""
    stems = {page.stem for page in found}
    committed = CHECKOUT / "figures"
    folders = {name: committed / name for name in overview.LABELS} | {figures.name: figures}
    return "\n".join([
        f"<h1>{TITLE}</h1>", f"<p>{ABOUT}</p>", "<h2>Every table and figure</h2>", _gallery(stems, pictures),
        "<h2>Does it agree?</h2>", f"<p>{RULE}</p>",
        _verdicts(overview.verdicts(folders), stems, figures.name), "<h2>Notebooks</h2>", _contents(found)])


def _linked(text: str, stem: str, stems: set[str]) -> str:
    """The text (HTML) as a link to a notebook's page, or as it is where that notebook has none."""
    return f'<a href="{quote(stem)}.html">{text}</a>' if stem in stems else text


def _gallery(stems: set[str], pictures: set[str]) -> str:
    figures = []
    for item in overview.ITEMS:
        image = f'<img src="pictures/{quote(item.picture)}.png" alt="">' if item.picture in pictures else ""
        name = _linked(f"{image}<b>{escape(item.name)}</b>", item.notebook, stems)
        figures.append(f"<figure>{name}<figcaption>{escape(item.caption)}</figcaption></figure>")
    return "\n".join(['<div class="gallery">', *figures, "</div>"])


def _verdicts(table: pd.DataFrame, stems: set[str], fresh: str) -> str:
    """`overview.verdicts` as a table that becomes a list on a phone. fresh: the profile whose numbers were just made."""
    names = overview.profiles_of(table)
    heads = {name: overview.heading(name) + (" (this run)" if name == fresh else " (committed)") for name in names}
    lines = ['<table class="verdicts">', "<thead><tr><th>claim</th><th>the paper</th>"
             + "".join(f"<th>{escape(head)}</th>" for head in heads.values()) + "</tr></thead>"]
    for item, rows in table.groupby("item", sort=False):
        name = _linked(escape(item), rows.notebook.iloc[0], stems)
        lines.append(f'<tbody><tr><th colspan="{2 + len(names)}" scope="rowgroup">{name}</th></tr>')
        for row in rows.to_dict("records"):
            unit = f" ({row['unit']})" if row["unit"] else ""
            theirs = overview.cell(row["paper"], row["unit"])
            cells = [f"<td>{escape(row['claim'] + unit)}</td>", f'<td data-label="the paper">{theirs}</td>']
            cells += [f'<td data-label="{escape(head)}">{_ours(row, name)}</td>' for name, head in heads.items()]
            lines.append(f"<tr>{''.join(cells)}</tr>")
        lines.append("</tbody>")
    return "\n".join([*lines, "</table>"])


def _ours(row: dict, name: str) -> str:
    """A profile's number with its interval, and the verdict as sign, word and colour."""
    if not row[f"{name}_holds"]:
        return "not made yet"
    kind, word = MARKS[row[f"{name}_holds"]]
    number = overview.cell(row[name], row["unit"], row[f"{name}_low"], row[f"{name}_high"])
    outside = ", the paper's number lies outside" if overview.inside(row, name) == "no" and kind != "no" else ""
    return f'<span class="number">{number}</span><span class="mark {kind}">{word}</span>{outside}'


def _contents(found: list[Page]) -> str:
    """The notebooks in their order, each with its items of the paper."""
    lines = ["<ul>"]
    for page in found:
        items = ", ".join(item.name for item in overview.ITEMS if item.notebook == page.stem)
        lines.append(f'<li><a href="{quote(page.stem)}.html">{escape(page.title)}</a>'
                     + (f": {escape(items)}</li>" if items and items not in page.title else "</li>"))
    return "\n".join([*lines, "</ul>"])
