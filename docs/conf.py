"""The book of notebooks and documents: Sphinx's settings. `make book` builds it.

Nothing is executed, and a page loads nothing from elsewhere: it reads the same without a network.
"""
from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert

project = "TCNSC, a reproducible companion"
language = "en"
extensions = ["myst_nb", "sphinx_external_toc"]
external_toc_path = "docs/_toc.yml"  # from the folder of sources, as make lays it out
external_toc_exclude_missing = True

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # by default they are loaded from elsewhere
nb_render_markdown_format = "myst"
nb_render_image_options = {"alt": "Drawn by the code above"}
highlight_language = "none"  # of blocks that name none

html_theme = "sphinx_book_theme"
html_title = project
html_copy_source = True
html_sourcelink_suffix = ""  # a notebook is downloaded under its own name
html_show_copyright = False
html_use_index = False
html_static_path = ["book.css"]
html_css_files = html_static_path
html_math_renderer = "mathml"
html_theme_options = {
    "home_page_in_toc": True,
    "navbar_persistent": [],  # one search is enough, and it stands in the sidebar
    "show_toc_level": 2,
}


def inline(writer, node: nodes.math) -> None:
    """LaTeX within a line as MathML, which browsers draw themselves."""
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def block(writer, node: nodes.math_block) -> None:
    """LaTeX on lines of its own as MathML."""
    writer.body.append(f"<p>{convert(node.astext(), display='block')}</p>")
    raise nodes.SkipNode


def setup(app) -> None:
    """Let Sphinx draw mathematics this way."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None),
                               block_renderers=(block, None))
