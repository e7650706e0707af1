"""What the tools that ship weights have in common: the licence, the card and its tables."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from voxrack import weights

RAVDESS = """\
The weights derive from RAVDESS and inherit CC BY-NC-SA 4.0: **non-commercial use only**, name the source, share alike.
The program around them has its own licence."""
"""Licence of what was trained with RAVDESS alone."""

RAVDESS_AND_OTHERS = """\
The weights derive from RAVDESS, among others, and inherit CC BY-NC-SA 4.0: **non-commercial use only**, name the
sources, share alike. The program around them has its own licence."""
"""Licence of what was trained with RAVDESS and with corpora that ask for less."""


def carded(target: Path, title: str, sections: Mapping[str, str], show: bool = False) -> None:
    """Write the card of the weights at ``target`` and tell where both lie; ``show`` prints the card, too.

    Raises
    ------
    SystemExit
        They cannot be shipped so; what stands in the way has been printed.
    """
    card = weights.write_card(target, title, sections)
    if show:
        print(card.read_text(encoding="utf-8"))
    problems = weights.card_problems(target)
    print(json.dumps({"weights": str(target), "card": str(card), "problems": problems}, indent=2))
    if problems:
        raise SystemExit(1)


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, line by line."""
    head = "|".join(f" {name} " if name else " " for name in columns)
    return [f"|{head}|", "|" + "---|" * len(columns), *("| " + " | ".join(row) + " |" for row in rows)]


def interval(found: Mapping[str, Any] | None, digits: int) -> str:
    """``2.65 [2.53, 2.77]``: a mean and its interval, which may be missing; empty where there is no mean."""
    if found is None or found["mean"] is None or not math.isfinite(float(found["mean"])):
        return ""
    text = f"{float(found['mean']):.{digits}f}"
    if found["low"] is None or found["high"] is None:
        return text
    return f"{text} [{float(found['low']):.{digits}f}, {float(found['high']):.{digits}f}]"
