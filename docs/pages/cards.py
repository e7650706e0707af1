"""Model cards: the files beside shipped weights, included as they are, so that a figure stands in one place."""

from __future__ import annotations

from pathlib import Path

from .markdown import code, page, toctree

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ("voxrack_ser", "voxrack_enhance", "voxrack_evc")


def own() -> list[Path]:
    """Every card, by the name of its weights."""
    return sorted((ROOT / "plugins").glob("*/weights/*.md"), key=lambda path: path.stem)


def pages() -> dict[str, str]:
    """Files: ``cards/NAME.md``, the list ``cards.inc``, and for each plugin of learned devices ``cards-PLUGIN.inc``."""
    cards = own()
    out = {f"cards/{path.stem}.md": f"```{{include}} /../{path.relative_to(ROOT)}\n```\n" for path in cards}
    lines = "\n".join(f"- [{code(path.stem)}](/generated/cards/{path.stem}.md)" for path in cards)
    out["cards.inc"] = page(lines, toctree((f"/generated/cards/{path.stem}" for path in cards), "hidden"))
    for plugin in PLUGINS:
        out[f"cards-{plugin}.inc"] = told([path for path in cards if path.parents[1].name == plugin])
    return out


def told(cards: list[Path]) -> str:
    """What a page about a system says of its weights."""
    if not cards:
        return (
            "**No weights of this system ship yet**, so there is no figure of ours to quote: its devices are listed "
            "as unavailable with the command that trains them. When weights ship, their model card appears here.\n"
        )
    names = ", ".join(f"[{code(path.stem)}](/generated/cards/{path.stem}.md)" for path in cards)
    return f"Measured figures of the weights that ship, each with its command and conditions: {names}.\n"
