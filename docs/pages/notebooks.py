"""The notebooks and what happens in them: the rows of their README, without its links to files."""

from __future__ import annotations

import re
from pathlib import Path

from .markdown import code, page, table

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
_ROW = re.compile(r"^\| [`\[]*(\d\d_\w+)[^|]*\| (.*) \|$", re.MULTILINE)


def pages() -> dict[str, str]:
    """The file ``notebooks.inc``."""
    rows = _ROW.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    return {"notebooks.inc": page(table(("notebook", "what happens in it"), [(code(n), told) for n, told in rows]))}
