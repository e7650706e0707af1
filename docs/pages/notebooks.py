"""A page for every notebook: what it looks like, and all that it says, from the notebook itself and its README."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .markdown import code, fence, page, table, toctree

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
_ROW = re.compile(r"^\| [`\[]*(\d\d_\w+)[^|]*\| (.*) \|$", re.MULTILINE)
_PICTURE = re.compile(r"^!\[([^\]]+)\]\(\.\./docs/screenshots/(\d\d_\w+)\.png\)$", re.MULTILINE)


def own() -> list[Path]:
    """Every notebook, in the order in which they are meant to be read."""
    return sorted(FOLDER.glob("*.ipynb"))


def pages() -> dict[str, str]:
    """Files: ``notebooks/NAME.md`` and the list ``notebooks.inc``."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    seen = {name: words for words, name in _PICTURE.findall(readme)}
    out = {f"notebooks/{path.stem}.md": notebook(path, seen.get(path.stem, "")) for path in own()}
    rows = [(f"[{code(name)}](/generated/notebooks/{name}.md)", told) for name, told in _ROW.findall(readme)]
    out["notebooks.inc"] = page(
        table(("notebook", "what happens in it"), rows),
        toctree((f"/generated/notebooks/{path.stem}" for path in own()), "hidden"),
    )
    return out


def notebook(path: Path, words: str) -> str:
    """The page of one notebook; ``words`` say what its picture shows.

    Raises
    ------
    ValueError
        Where there is no picture, or README does not say what it shows.
    """
    picture = ROOT / "docs" / "screenshots" / f"{path.stem}.png"
    if not words or not picture.is_file():
        raise ValueError(
            f"notebook {path.stem} has no picture: python tools/screenshots.py {path.stem} takes it, and "
            "notebooks/README.md shows it and says what is seen"
        )
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    first, *others = ("".join(cell["source"]) for cell in cells)
    title, _, rest = first.partition("\n")
    parts = [
        source if cell["cell_type"] == "markdown" else fence(source, "python")
        for cell, source in zip(cells[1:], others, strict=True)
    ]
    shown = f"![{words}](/screenshots/{path.stem}.png)"
    return page(title, f"*{code(f'voxrack lab --notebook {path.stem}')} opens it.*", shown, rest, *parts)
