"""Executed notebooks without progress bars, as they are committed and shown in the book."""
from __future__ import annotations

import re

from nbformat import NotebookNode

WIDGET = "application/vnd.jupyter.widget-view+json"
BAR = re.compile(r"\d+%\||\d+it \[|\[\d+:\d\d<")  # what a tqdm bar on stderr has and nothing else


def still(notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
    """A preprocessor for nbconvert: no progress bars, no widgets, which would need a script.

    Other text on standard error stays. The notebook is changed in place.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _without_bar(output)]
    return notebook, resources


def _without_bar(output: NotebookNode) -> bool:
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
