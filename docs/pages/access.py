"""What the theme leaves to be wished of keyboards and screen readers, added to its pages.

Captions of the navigation are headings without a level; a block of code that scrolls is reached by the mouse alone.
"""

from __future__ import annotations

from typing import Any


def mend(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Called with what a page is made of, after the theme has put in its share."""
    for part in ("furo_navigation_tree", "body"):
        if part in context:
            levelled = context[part].replace('role="heading">', 'role="heading" aria-level="2">')
            context[part] = levelled.replace("<pre>", '<pre tabindex="0">')


def setup(app: Any) -> dict[str, Any]:
    app.connect("html-page-context", mend, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
