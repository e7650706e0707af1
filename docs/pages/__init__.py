"""Pages and tables that are written by what they describe: devices, recipes, verbs, presets, cards, names.

Sphinx calls :func:`generate` before it reads the sources, so ``docs/generated`` cannot go stale; it is not kept in
the repository. Files that end in ``.inc`` are parts of pages, included by those that are written by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import cards, devices, notebooks, presets, python_names, recipes, verbs
from .markdown import write

FOLDER = "generated"


def generate(docs: Path) -> dict[str, str]:
    """Write what is generated into ``docs/generated``; what is no longer made there is removed.

    Returns
    -------
    dict of str to str
        The text of every file by its path below the folder.
    """
    pages: dict[str, str] = {}
    for room in (cards, devices, notebooks, presets, python_names, recipes):
        pages.update(room.pages())
    pages.update(verbs.pages({path.stem for path in (docs / "verbs").glob("*.md")}))
    write(docs / FOLDER, pages)
    return pages


def setup(app: Any) -> dict[str, Any]:
    app.connect("builder-inited", lambda app: generate(Path(app.srcdir)))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
