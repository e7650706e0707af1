"""Model cards: the files beside shipped weights, included as they are, so that a figure stands in one place."""

from __future__ import annotations

import re
from pathlib import Path

from . import devices
from .markdown import code, page, toctree

ROOT = Path(__file__).resolve().parents[2]
_FIGURES = re.compile(r"^## Figures\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def own() -> dict[str, Path]:
    """Every card, by the name of its weights."""
    return {path.stem: path for path in sorted((ROOT / "plugins").glob("*/weights/*.md"), key=lambda path: path.stem)}


def pages() -> dict[str, str]:
    """Files: ``cards/NAME.md``, the list ``cards.inc``, and ``figures/NAME.inc`` for each learned device or card."""
    cards = own()
    out = {f"cards/{name}.md": path.read_text(encoding="utf-8") for name, path in cards.items()}
    lines = "\n".join(f"- [{code(name)}](/generated/cards/{name}.md)" for name in cards)
    out["cards.inc"] = page(lines, toctree((f"/generated/cards/{name}" for name in cards), "hidden"))
    learned = {entry.spec.id for entry in devices.own() if entry.spec.weights}
    out |= {f"figures/{name}.inc": figures(name, cards.get(name)) for name in sorted(learned | set(cards))}
    out["figures/evc.inc"] = converters(cards)
    return out


def converters(cards: dict[str, Path]) -> str:
    """What is measured of the converter and its parts, each of which may have a card."""
    names = [name for name in cards if name.startswith("evc.")] or ["evc.diffevc"]
    return page(*(f"### {code(name)}\n\n{figures(name, cards.get(name))}" for name in names))


def figures(name: str, card: Path | None) -> str:
    """What the page of a system says of weights: the card's own section, or that there is none."""
    if card is None:
        return (
            f"No weights of {code(name)} ship, so there is no figure of ours here: `voxrack devices {name}` says how "
            "to train them. When weights ship, what their model card measured appears in this place.\n"
        )
    found = _FIGURES.search(card.read_text(encoding="utf-8"))
    return page(
        f"Of the weights of {code(name)} that ship; from their [model card](/generated/cards/{name}.md), which also "
        "tells the data, the limits and the licence:",
        found[1] if found else "",
    )
