"""Executed notebooks as pieces of HTML that need neither network nor script: what the site's pages consist of."""
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
BAR = re.compile(r"\d+%\||\d+it \[|\[\d+:\d\d<")  # what a tqdm bar on standard error has and nothing else
FOREIGN = re.compile(r"<(script|iframe|object)\b.*?</\1>|<(?:link|embed)\b[^>]*>"  # what loads or runs something
                     r"|<style\b[^>]*>(?:(?!</style>).)*(?:@import|url\().*?</style>", re.DOTALL | re.IGNORECASE)
TAG = r'<{}\b(?:[^>"]|"[^"]*")*>'


class Page(NamedTuple):
    """An executed notebook: its file's stem, its first heading as text, its HTML."""

    stem: str
    title: str
    body: str

    @property
    def label(self) -> str:
        """For the navigation: "03_compression_factor" -> "3 Compression factor"."""
        number, _, words = self.stem.partition("_")
        return f"{int(number)} {words.replace('_', ' ').capitalize()}" if number.isdigit() and words else self.stem


def pages(folder: Path) -> tuple[list[Page], str]:
    """All notebooks of a folder in the order of their names, and the CSS that colours their code.

    A folder without notebooks, and a file that isn't one, are a CompanionError.
    """
    paths = sorted(Path(folder).glob("*.ipynb"))
    if not paths:
        raise CompanionError(f"There are no notebooks in {folder}; execute them first (make reproduce).")
    exporter, found = HTMLExporter(template_name="basic"), []
    for preprocessor in (still, _described):
        exporter.register_preprocessor(preprocessor, enabled=True)
    for path in paths:
        try:
            body, resources = exporter.from_filename(str(path))
        except (ValueError, KeyError, AttributeError) as error:
            reason = str(error).splitlines()[0][:100]
            raise CompanionError(f"{path} is no readable notebook ({reason}); execute it again.") from error
        body = _tidy(body, path.parent, {path.stem for path in paths})
        heading = re.search(r"<h1[^>]*>(.*?)(?:<a class=\"anchor-link\".*?)?</h1>", body, re.DOTALL)
        title = unescape(re.sub("<[^>]+>", "", heading[1])) if heading else path.stem
        found.append(Page(path.stem, title, body))
    return found, resources["inlining"]["css"][0]


def still(notebook, resources):
    """A preprocessor for nbconvert: no widgets, which need a script, no progress bars; other text on stderr stays."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _without_bar(output)]
    return notebook, resources


def _described(notebook, resources):
    """A preprocessor for nbconvert: an alternative text for the pictures; notebooks describe them in words."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.setdefault("alt", "Drawn by the code above")
    return notebook, resources


def _without_bar(output) -> bool:
    """Take widget and progress bars out of a cell's output; whether something is left to show."""
    if WIDGET in output.get("data", {}):
        del output.data[WIDGET]
        return set(output.data) > {"text/plain"}  # that alone is the bar once more, or the widget's name
    if output.get("name") == "stderr" and BAR.search(output.text):
        lines = re.split(r"[\r\n]+", output.text.replace("\x1b[A", ""))  # tqdm moves up a line for nested bars
        output.text = "\n".join(line for line in lines if not BAR.search(line))
        return bool(output.text.strip())
    return True


def _tidy(body: str, folder: Path, stems: set[str]) -> str:
    """A notebook's HTML with links that lead somewhere, pictures inside, tables that scroll, and nothing foreign.

    folder: what the notebook's relative paths start from. stems: the notebooks that have a page.
    """
    body = FOREIGN.sub("", body)
    body = re.sub(TAG.format("a"), lambda match: _link(match[0], stems), body)
    body = re.sub(TAG.format("img"), lambda match: _image(match[0], folder), body)
    return re.sub(r"<table\b", '<div class="scroll"><table', body).replace("</table>", "</table></div>")


def _link(tag: str, stems: set[str]) -> str:
    """An <a> tag that leads to a notebook's page; of another file, which isn't in the site, the link becomes words."""
    href = re.search(r'\shref="([^"]*)"', tag)
    if not href or re.match(r"https?:|mailto:|#", href[1]):
        return tag
    parts = urlsplit(unescape(href[1]))
    target = Path(unquote(parts.path))
    if parts.scheme or parts.netloc or target.suffix != ".ipynb" or target.stem not in stems:
        return tag.replace(href[0], "")
    fragment = f"#{quote(unquote(parts.fragment))}" if parts.fragment else ""
    return tag.replace(href[0], f' href="{quote(target.stem)}.html{fragment}"')


def _image(tag: str, folder: Path) -> str:
    """An <img> tag with the picture itself inside, or the words that describe it where the picture isn't on this disk."""
    source = re.search(r'\ssrc="([^"]*)"', tag)
    if source and source[1].startswith("data:"):
        return tag
    path = folder / unquote(unescape(source[1])) if source else folder
    kind = mimetypes.guess_type(path.name)[0] or ""
    if kind.startswith("image/") and path.is_file():
        return tag.replace(source[0], f' src="data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"')
    alt = re.search(r'\salt="([^"]*)"', tag)
    return f"<em>{alt[1]}</em>" if alt and alt[1] else ""
