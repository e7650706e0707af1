"""Types in docstrings are prose ("ndarray, shape (channels, frames)"): their small words are no links.

Sphinx looks up every word of a type as a name, and would lead from "shape" to some attribute that is called so.
"""

from __future__ import annotations

import re
from typing import Any

_WORD = re.compile(r"[a-z_]+|[A-Z]")


def unlink(app: Any, doctree: Any) -> None:
    """Replace references from types whose target is a small word, or one letter, by their text."""
    from sphinx.addnodes import pending_xref, pending_xref_condition

    for node in list(doctree.findall(pending_xref)):
        typed = node.get("refdomain") == "py" and node.get("reftype") in ("class", "obj")
        if typed and _WORD.fullmatch(node.get("reftarget", "")) and not node.get("refexplicit"):
            choices = [choice for choice in node.children if isinstance(choice, pending_xref_condition)]
            unresolved = [choice for choice in choices if choice["condition"] == "*"]
            node.replace_self((unresolved or [node])[0].children)


def setup(app: Any) -> dict[str, Any]:
    app.connect("doctree-read", unlink)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
