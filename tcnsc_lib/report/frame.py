"""A whole page of the site around a piece of HTML: its policy, its style, its navigation."""
from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from tcnsc_lib.report.pages import Page


def whole(page: Page, found: Sequence[Page], foot: str, style: str) -> str:
    """A page as a file that loads nothing: pictures and style are in it.

    page: title (text) and body (HTML); a stem of "" means the index. found: all notebooks' pages.
    foot: HTML. style: CSS of all pages; the page's own follows it. The policy lets a browser take
    exactly this style and pictures that are inside, and nothing else: no script, no form, no
    address.
    """
    entries = {"": "Overview"} | {other.stem: other.label for other in found}
    links = "\n".join(_entry(stem, name, stem == page.stem) for stem, name in entries.items())
    style = f"\n{style}{page.style}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(policy(style))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(page.title)}</title>
<style>{style}</style>
</head>
<body>
<header><nav>
{links}
</nav></header>
<main>
{page.body}
</main>
<footer>{foot}</footer>
</body>
</html>
"""


def policy(style: str) -> str:
    """The Content-Security-Policy of a page with this style; the style is named by its digest."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'")


def _entry(stem: str, name: str, here: bool) -> str:
    """A link of the navigation; the page that one is on says so."""
    current = ' aria-current="page"' if here else ""
    return f'<a href="{quote(stem or "index")}.html"{current}>{escape(name)}</a>'


def turn(found: Sequence[Page], i: int) -> str:
    """Links to the page before, of the first notebook the index, and to the page after."""
    before = found[i - 1] if i else Page("index", "Overview", "")
    links = f'<a href="{quote(before.stem)}.html">← {escape(before.title)}</a>'
    for after in found[i + 1:i + 2]:
        links += f'\n<a href="{quote(after.stem)}.html">{escape(after.title)} →</a>'
    return f'<p class="turn">{links}</p>'
