"""HTML and CSS of strangers, as in a notebook's outputs, without all that runs or loads something.

What is allowed is listed here; all else goes. The list is kept by nh3, which reads HTML as browsers
do. A page's Content-Security-Policy (`frame`) is the second wall behind it.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import nh3

HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
WORDS = {"a", "abbr", "b", "br", "cite", "code", "del", "dfn", "em", "hr", "i", "ins", "kbd",
         "mark", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "u", "var",
         "wbr"}
BLOCKS = {"blockquote", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "li", "ol",
          "section", "summary", "ul"}
TABLES = {"caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
TAGS = HEADINGS | WORDS | BLOCKS | TABLES | {"img"}
CELL = {"colspan", "rowspan", "headers"}
ATTRIBUTES = {
    "*": {"class", "id", "title", "lang", "dir"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": CELL,
    "th": CELL | {"scope"},
    "ol": {"start"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
}
"""Tag -> what it may have; "*": any tag. Events, styles and all other addresses aren't among them.
"""
WITH_CONTENT = {"script", "style", "svg", "math", "iframe", "object", "embed", "applet", "noscript",
                "template", "video", "audio", "canvas", "select", "textarea", "title", "frameset"}
"""Tags that go together with what they hold; of others that go, the words stay."""
SCHEMES = {"http", "https", "mailto"}  # of links; none is followed before somebody clicks
INSIDE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
Address = Callable[[str], str | None]

STYLE = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
SELECTOR = re.compile(r"#T_\w+(?: (?:\.[\w-]+|caption|thead|tbody|tr|th|td))*")
DECLARATION = re.compile(
    r"(?:color|background-color|text-align|vertical-align|white-space|font-weight|font-style)"
    r"\s*:\s*(?:#?[\w.%-]+|rgba?\([\d., %]+\))")


def cleaned(html: str, link: Address, image: Address) -> str:
    """A piece of HTML with nothing in it but TAGS and their ATTRIBUTES, each tag closed.

    link: the address of a link -> where it leads in the site; None makes it words. image: the
    address of a picture -> a data: URI of it; a picture without one becomes the words that describe
    it. Tables get a box in which they scroll.
    """
    def address(tag: str, name: str, value: str) -> str | None:
        if (tag, name) == ("a", "href"):
            return link(value)
        if (tag, name) == ("img", "src"):
            return image(value)
        return value

    html = _listed(html, address)
    html = re.sub(r"<img\b[^>]*>", _shown, html)
    html = re.sub(r"<table\b", '<div class="scroll"><table', html)
    html = html.replace("</table>", "</table></div>")
    return _listed(html, _checked)  # last, so that nothing written above can bring something in


def _listed(html: str, address: Callable[[str, str, str], str | None]) -> str:
    return nh3.clean(html, tags=TAGS, clean_content_tags=WITH_CONTENT, attributes=ATTRIBUTES,
                     attribute_filter=address, url_schemes=SCHEMES | {"data"}, link_rel=None)


def _checked(tag: str, name: str, value: str) -> str | None:
    """The value of an attribute, if no address in it loads something."""
    if name == "src":
        return value if INSIDE.fullmatch(value) else None
    if name == "href":
        scheme = urlsplit(value).scheme.lower()
        return value if not scheme or scheme in SCHEMES else None
    return value


def _shown(match: re.Match) -> str:
    """A picture's tag, or where it has no address the words that describe it."""
    tag = match[0]
    if ' src="' in tag:
        return tag
    alt = re.search(r'\salt="([^"]*)"', tag)
    return f"<em>{alt[1]}</em>" if alt and alt[1] else ""


def rules(html: str) -> str:
    """The CSS of a piece of HTML that colours or aligns cells of a pandas Styler's tables.

    Only selectors that begin with such a table's id stay, and of their declarations those of
    colours, alignment and weight: none of these can load something or reach beyond the table.
    """
    kept = []
    for style in STYLE.findall(html):
        for selectors, block in RULE.findall(style):
            names = [name.strip() for name in selectors.split(",")]
            wanted = [part.strip() for part in block.split(";")]
            wanted = [part for part in wanted if DECLARATION.fullmatch(part)]
            if wanted and all(SELECTOR.fullmatch(name) for name in names):
                kept.append(f"{','.join(names)}{{{';'.join(wanted)}}}\n")
    return "".join(kept)
