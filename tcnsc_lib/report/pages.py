"""Executed notebooks as pieces of HTML that need neither network nor script: the site's pages."""
from __future__ import annotations

import re
from functools import partial
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

import nbformat
from nbconvert import HTMLExporter

from tcnsc_lib import CompanionError, checked
from tcnsc_lib.report import embed
from tcnsc_lib.report.clean import SCHEMES, cleaned, rules

WIDGET = "application/vnd.jupyter.widget-view+json"
SHOWN = {"text/html", "text/markdown", "text/plain", "text/latex", "image/png", "image/jpeg",
         "image/gif", "image/webp"}  # forms of an output that a page can show; drawings in SVG run
BAR = re.compile(r"\d+%\||\d+it \[|\[\d+:\d\d<")  # what a tqdm bar on stderr has and nothing else
HEADING = re.compile(r"<h1[^>]*>(.*?)(?:<a class=\"anchor-link\".*?)?</h1>", re.DOTALL)
LARGEST = 200_000_000  # bytes of a notebook
AGAIN = "execute it again"


class Page(NamedTuple):
    """An executed notebook: its file's stem, its first heading as text, its HTML, its own CSS."""

    stem: str
    title: str
    body: str
    style: str = ""

    @property
    def label(self) -> str:
        """For the navigation: "03_compression_factor" -> "3 Compression factor"."""
        number, _, words = self.stem.partition("_")
        if not number.isdigit() or not words:
            return self.stem
        return f"{int(number)} {words.replace('_', ' ').capitalize()}"


def pages(folder: Path) -> tuple[list[Page], str]:
    """All notebooks of a folder in the order of their names, and the CSS that colours their code.

    A folder without notebooks, a file that isn't one, and a notebook whose page would be the index
    are a CompanionError.
    """
    paths = sorted(Path(folder).glob("*.ipynb"))
    if not paths:
        raise CompanionError(f"There are no notebooks in {folder}; execute them first "
                             "(make reproduce).")
    stems = {path.stem for path in paths}
    if "index" in stems:
        raise CompanionError(f"The page of {folder}/index.ipynb would be the index of the site; "
                             "name that notebook otherwise.")
    exporter = HTMLExporter(template_name="basic")
    for step in (still, _showable, _described):
        exporter.register_preprocessor(step, enabled=True)
    found = []
    for path in paths:
        page, colours = _page(exporter, path, stems)
        found.append(page)
    return found, colours


def _page(exporter: HTMLExporter, path: Path, stems: set[str]) -> tuple[Page, str]:
    """One notebook as a page, and the CSS of its code. stems: the notebooks that have a page."""
    notebook = read(path)
    try:
        html, resources = exporter.from_notebook_node(notebook)
    except Exception as error:  # whatever a template or a filter makes of what it can't show
        raise _damaged(path, error) from error
    image = partial(_image, folder=path.parent)
    body = cleaned(html, link=partial(_link, stems=stems), image=image)
    heading = HEADING.search(body)
    title = unescape(re.sub("<[^>]+>", "", heading[1])) if heading else path.stem
    return Page(path.stem, title, body, rules(html)), resources["inlining"]["css"][0]


def read(path: Path) -> nbformat.NotebookNode:
    """The notebook in a file, valid by nbformat's schema. Raises CompanionError for any other file.
    """
    data = checked.content(path, LARGEST, AGAIN)
    try:
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise _damaged(path, error.message) from error
    except Exception as error:  # of JSON that is something else, nbformat says it in many ways
        raise _damaged(path, error) from error
    return notebook


def _damaged(path: Path, error: Exception | str) -> CompanionError:
    lines = str(error).splitlines()
    reason = lines[0][:100] if lines else type(error).__name__
    return CompanionError(f"{path} is no readable notebook ({reason}); {AGAIN}.")


def still(notebook, resources):
    """A preprocessor for nbconvert: no progress bars, no widgets, which would need a script.

    Other text on standard error stays.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _without_bar(output)]
    return notebook, resources


def _showable(notebook, resources):
    """A preprocessor for nbconvert: each output in a form of SHOWN; without one it goes."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            for kind in set(output.get("data", {})) - SHOWN:
                del output.data[kind]
        cell.outputs = [output for output in cell.outputs if output.get("data", True)]
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


def _link(address: str, stems: set[str]) -> str | None:
    """Where a notebook's link leads in the site; None for a file that isn't in it."""
    try:
        parts = urlsplit(address)
    except ValueError:  # such as http://[
        return None
    if parts.scheme:
        return address if parts.scheme.lower() in SCHEMES else None
    if address.startswith("#"):
        return address
    target = Path(unquote(parts.path))
    if parts.netloc or target.suffix != ".ipynb" or target.stem not in stems:
        return None
    fragment = f"#{quote(unquote(parts.fragment))}" if parts.fragment else ""
    return f"{quote(target.stem)}.html{fragment}"


def _image(address: str, folder: Path) -> str | None:
    """A notebook's picture as a data: URI; None where it is damaged or not in the folder.

    folder: where the notebook lies. Links on the disk are followed before it is looked at where a
    file lies, so no picture from elsewhere gets into the site.
    """
    if address.lower().lstrip().startswith("data:"):
        return embed.same_uri(address)
    try:
        parts = urlsplit(address)
        path = (folder / unquote(parts.path)).resolve()
        inside = path.is_relative_to(folder.resolve())
        local = not (parts.scheme or parts.netloc)
        return embed.file_uri(path) if inside and local else None
    except (CompanionError, ValueError, OSError):
        return None
