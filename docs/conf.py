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

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docs.pages", "docs.pages.mathml"]
exclude_patterns = ["pages/**"]
smartquotes = False
# a type such as "(channels, frames)" is looked up as a name, and may have two homes; links of Markdown are not these
suppress_warnings = ["ref.python"]

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
html_theme = "furo"
html_title = "voxrack"
html_static_path = ["static"]
html_css_files = ["voxrack.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
pygments_style = "a11y-light"
pygments_dark_style = "a11y-dark"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c7d", "color-brand-content": "#0b5c7d"},
    "dark_css_variables": {"color-brand-primary": "#7cc7e8", "color-brand-content": "#7cc7e8"},
    "footer_icons": [],
}
