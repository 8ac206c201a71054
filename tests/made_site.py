"""Two small notebooks, figures of two profiles, and the site that is built from them."""
from base64 import b64encode
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tcnsc_lib.report import items, site
from tcnsc_lib.report.items import Item
from tcnsc_lib.report.pages import WIDGET
from tcnsc_lib.results import claims
from tcnsc_lib.results.claims import Claim

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082")
HEAD = "# profile {}; seed 0; commit <0123>\nid,claim,holds if,paper,ours,low,high,holds here\n"
ITEMS = (Item("Table 9", "01_first", "table9", "Nine & ten."),
         Item("Figure 9", "09_absent", "figure9", "Not made."))


def claim(id: str, unit: str, headline: str) -> Claim:
    return Claim(id, "a sentence", lambda e: e, unit=unit, headline=headline)


KNOWN = {known.id: known for known in (
    claim("table9.gain", "points", "dual < best"), claim("table9.faces", "", "faces differ"))}
WORDS = """# 1. First: a < b

[next](02_second.ipynb#its-end) [here](#1.-First:-a-<-b)
[map](../figures/README.md) [gone](05_gone.ipynb)
[doi](https://doi.org/10.3390/sym14122691) ![there](../figures/demo/table9.png) ![a tree](tree.png)
![far](https://example.org/far.png) ![near](near.png)
<script src="https://example.org/a.js"></script>
<link rel="stylesheet" href="https://example.org/a.css">

| a | b |
|---|---|
| 1 | 2 |
"""
TABLE = ('<style scoped>@import url("https://example.org/b.css");</style>'
         '<table border="1"><tr><td>23.75</td></tr></table>')
BAR = ("\rtraining:  50%|#####     | 1/2 [00:01<00:01,  1.0it/s]"
       "\rtraining: 100%|##########| 2/2 [00:02<00:00]\nkept\n")


def executed(words: str, *outputs) -> nbformat.NotebookNode:
    code = new_code_cell("x < 1", outputs=list(outputs))
    return new_notebook(cells=[new_markdown_cell(words), code])


FILES = {
    "figures/demo": "table9.gain,a,above 0,20.5,7.7,7.7,7.7,no\n"
                    "table9.faces,b,above 0,1,1,1,1,no\n",
    "figures/photos": "table9.gain,a,above 0,20.5,-3.3,-4.4,-2.2,no\n"
                      "table9.faces,b,above 0,1,2,1,3,yes\n",
    "build/figures/demo": "table9.gain,a,above 0,20.5,1.8,-0.7,4.0,can't tell\n"
                          "table9.faces,b,above 0,1,1,1,1,yes\n"}
"""Folder -> the claims in it: of demo fresh (in build/) and committed, of photos committed."""


def outputs() -> list[nbformat.NotebookNode]:
    """A table, a picture, a widget and progress bars."""
    picture = b64encode(PNG).decode()
    widget = {"model_id": "0", "version_major": 2}
    shown = [{"text/html": TABLE, "text/plain": "23.75"},
             {"image/png": picture, "text/plain": "<Figure>"},
             {WIDGET: widget, "text/plain": "0%| widget"}]
    found = [new_output("display_data", data) for data in shown]
    return [*found, new_output("stream", name="stderr", text=BAR)]


def make_home(tmp_path, monkeypatch) -> Path:
    """notebooks/, and figures/ with claims of demo (fresh, in build/) and photos (committed)."""
    monkeypatch.setattr(site, "CHECKOUT", tmp_path)
    monkeypatch.setattr(items, "ITEMS", ITEMS)
    monkeypatch.setattr(claims, "CLAIMS", KNOWN)
    for folder, rows in FILES.items():
        (tmp_path / folder).mkdir(parents=True)
        text = HEAD.format(Path(folder).name) + rows
        (tmp_path / folder / "table9_claims.csv").write_text(text)
    for folder in ("figures/demo", "build/figures/demo"):
        (tmp_path / folder / "table9.png").write_bytes(PNG)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/near.png").write_bytes(PNG)
    nbformat.write(executed(WORDS, *outputs()), tmp_path / "notebooks/01_first.ipynb")
    second = executed("# 2. Second\n\n[back](01_first.ipynb)\n\n## its end")
    nbformat.write(second, tmp_path / "notebooks/02_second.ipynb")
    return tmp_path


def build(home: Path, profile: str = "demo") -> Path:
    return site.build(home / "notebooks", home / "build/figures" / profile, home / "build/site")


def body(page: Path) -> str:
    return page.read_text(encoding="utf-8")
