"""Sphinx: the documentation site, built without a network by ``make docs`` and readable without one."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

project = "voxrack"
author = "the voxrack authors"
release = version = installed("voxrack")
language = "en"

extensions = [
    "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon",
    "docs.pages", "docs.pages.access", "docs.pages.mathml", "docs.pages.types",
]  # fmt: skip
exclude_patterns = ["pages/**"]
smartquotes_action = "D"  # two hyphens become a dash; quotation marks stay

# ---- Markdown ------------------------------------------------------------------------------------
myst_enable_extensions = ["colon_fence", "dollarmath", "attrs_inline"]
myst_heading_anchors = 3

# ---- docstrings: NumPy style, as they stand in the code -------------------------------------------
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

# ---- HTML: everything that a page needs lies beside it --------------------------------------------
COLOURED = ("color-brand-primary", "color-brand-content", "color-api-name", "color-api-pre-name")
html_theme = "furo"
html_title = "voxrack"
html_static_path = ["static"]
html_css_files = ["voxrack.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # a summary is fetched, which browsers refuse for pages that are opened as files
html_show_copyright = False
pygments_style = "a11y-light"
pygments_dark_style = "a11y-dark"
html_theme_options = {
    "light_css_variables": dict.fromkeys(COLOURED, "#0b5c7d"),  # 7.4 to 1 on white
    "dark_css_variables": dict.fromkeys(COLOURED, "#7cc7e8"),  # 9.8 to 1 on the dark ground
    "footer_icons": [],
}
