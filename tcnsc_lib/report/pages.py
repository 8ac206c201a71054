"""Executed notebooks as pieces of HTML that need neither network nor script: the site's pages."""
from __future__ import annotations

import base64
import mimetypes
import re
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from nbconvert import HTMLExporter

from tcnsc_lib import CompanionError

WIDGET = "application/vnd.jupyter.widget-view+json"
BAR = re.compile(r"\d+%\||\d+it \[|\[\d+:\d\d<")  # what a tqdm bar on stderr has and nothing else
FOREIGN = re.compile(  # what loads or runs something
    r"<(script|iframe|object)\b.*?</\1>|<(?:link|embed)\b[^>]*>"
    r"|<style\b[^>]*>(?:(?!</style>).)*(?:@import|url\().*?</style>", re.DOTALL | re.IGNORECASE)
TAG = r'<{}\b(?:[^>"]|"[^"]*")*>'
HEADING = re.compile(r"<h1[^>]*>(.*?)(?:<a class=\"anchor-link\".*?)?</h1>", re.DOTALL)


class Page(NamedTuple):
    """An executed notebook: its file's stem, its first heading as text, its HTML."""

    stem: str
    title: str
    body: str

    @property
    def label(self) -> str:
        """For the navigation: "03_compression_factor" -> "3 Compression factor"."""
        number, _, words = self.stem.partition("_")
        if not number.isdigit() or not words:
            return self.stem
        return f"{int(number)} {words.replace('_', ' ').capitalize()}"


def pages(folder: Path) -> tuple[list[Page], str]:
    """All notebooks of a folder in the order of their names, and the CSS that colours their code.

    A folder without notebooks, and a file that isn't one, are a CompanionError.
    """
    paths = sorted(Path(folder).glob("*.ipynb"))
    if not paths:
        raise CompanionError(f"There are no notebooks in {folder}; execute them first "
                             "(make reproduce).")
    exporter = HTMLExporter(template_name="basic")
    exporter.register_preprocessor(still, enabled=True)
    exporter.register_preprocessor(_described, enabled=True)
    stems = {path.stem for path in paths}
    found = []
    for path in paths:
        page, colours = _page(exporter, path, stems)
        found.append(page)
    return found, colours


def _page(exporter: HTMLExporter, path: Path, stems: set[str]) -> tuple[Page, str]:
    """One notebook as a page, and the CSS of its code. stems: the notebooks that have a page."""
    try:
        html, resources = exporter.from_filename(str(path))
    except (ValueError, KeyError, AttributeError) as error:
        reason = str(error).splitlines()[0][:100]
        raise CompanionError(f"{path} is no readable notebook ({reason}); execute it "
                             "again.") from error
    body = _tidy(html, path.parent, stems)
    heading = HEADING.search(body)
    title = unescape(re.sub("<[^>]+>", "", heading[1])) if heading else path.stem
    return Page(path.stem, title, body), resources["inlining"]["css"][0]


def still(notebook, resources):
    """A preprocessor for nbconvert: no progress bars, no widgets, which would need a script.

    Other text on standard error stays.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _without_bar(output)]
    return notebook, resources


def _described(notebook, resources):
    """A preprocessor for nbconvert: an alternative text for pictures; notebooks describe them."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.setdefault("alt", "Drawn by the code above")
    return notebook, resources


def _without_bar(output) -> bool:
    """Take widget and progress bars out of a cell's output; whether something is left to show."""
    if WIDGET in output.get("data", {}):
        del output.data[WIDGET]
        return set(output.data) > {"text/plain"}  # that alone is the bar again, or a widget's name
    if output.get("name") != "stderr" or not BAR.search(output.text):
        return True
    text = output.text.replace("\x1b[A", "")  # with which tqdm moves up a line for nested bars
    lines = [line for line in re.split(r"[\r\n]+", text) if not BAR.search(line)]
    output.text = "\n".join(lines)
    return bool(output.text.strip())


def _tidy(body: str, folder: Path, stems: set[str]) -> str:
    """A notebook's HTML: links lead somewhere, pictures are inside, tables scroll, nothing foreign.

    folder: what the notebook's relative paths start from. stems: the notebooks that have a page.
    """
    body = FOREIGN.sub("", body)
    body = re.sub(TAG.format("a"), lambda match: _link(match[0], stems), body)
    body = re.sub(TAG.format("img"), lambda match: _image(match[0], folder), body)
    body = re.sub(r"<table\b", '<div class="scroll"><table', body)
    return body.replace("</table>", "</table></div>")


def _link(tag: str, stems: set[str]) -> str:
    """An <a> tag that leads to a notebook's page.

    A link to another file, which isn't in the site, becomes words.
    """
    href = re.search(r'\shref="([^"]*)"', tag)
    if not href or re.match(r"https?:|mailto:|#", href[1]):
        return tag
    parts = urlsplit(unescape(href[1]))
    target = Path(unquote(parts.path))
    elsewhere = parts.scheme or parts.netloc or target.suffix != ".ipynb"
    if elsewhere or target.stem not in stems:
        return tag.replace(href[0], "")
    fragment = f"#{quote(unquote(parts.fragment))}" if parts.fragment else ""
    return tag.replace(href[0], f' href="{quote(target.stem)}.html{fragment}"')


def _image(tag: str, folder: Path) -> str:
    """An <img> tag with the picture itself inside.

    Where the picture isn't on this disk, the words that describe it.
    """
    source = re.search(r'\ssrc="([^"]*)"', tag)
    if source and source[1].startswith("data:"):
        return tag
    path = folder / unquote(unescape(source[1])) if source else folder
    kind = mimetypes.guess_type(path.name)[0] or ""
    if kind.startswith("image/") and path.is_file():
        data = base64.b64encode(path.read_bytes()).decode()
        return tag.replace(source[0], f' src="data:{kind};base64,{data}"')
    alt = re.search(r'\salt="([^"]*)"', tag)
    return f"<em>{alt[1]}</em>" if alt and alt[1] else ""
