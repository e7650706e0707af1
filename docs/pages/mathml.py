"""Equations as MathML, made when the site is built: browsers draw them without a script and without a font of ours.

A command that the converter does not know, or an alignment that it would print as a letter, is a warning, which the
strict build turns into an error.
"""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert
from sphinx.util import logging

_LOG = logging.getLogger(__name__)
_NAME = re.compile(r"<mo>([A-Za-z]{2,})</mo>")  # of a function: as an operator it would stand apart from its argument
_SLASH = "<mo>&#x0002F;</mo>"
_UNREAD = re.compile(r"<m[ion]>\s*(\\\w*|&(?:amp;)?)\s*</m[ion]>")


def mathml(latex: str, display: str) -> str:
    """MathML of ``latex``; ValueError where something of it was not understood."""
    out = convert(latex, display=display)
    unread = _UNREAD.search(out)
    if unread:
        raise ValueError(f"'{unread[1]}' of the equation {latex!r} is not understood")
    return _NAME.sub(r"<mi>\1</mi>", out).replace(_SLASH, _SLASH.replace("<mo>", '<mo lspace="0" rspace="0">'))


def _inline(translator: Any, node: Any) -> None:
    translator.body.append(_made(node, "inline"))
    _skip()


def _block(translator: Any, node: Any) -> None:
    # in a narrow column an equation scrolls by itself; with tabindex the keyboard gets there too
    box = '<div class="equation" tabindex="0" role="group" aria-label="equation">'
    translator.body.append(f"{box}{_made(node, 'block')}</div>\n")
    _skip()


def _made(node: Any, display: str) -> str:
    try:
        return mathml(node.astext(), display)
    except Exception as error:  # the converter has no one class of errors
        _LOG.warning("%s", error, location=node)
        return ""


def _skip() -> None:
    from docutils.nodes import SkipNode

    raise SkipNode


def setup(app: Any) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
