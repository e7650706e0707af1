"""A component's effects in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .descriptors import Descriptor
    from .directions import Effect


def sentence(effects: Sequence[Effect], share: float) -> str:
    """Heading and :func:`changes`::

    PC 1 (13.9 % of the variance)
      +2 sd: wetter (−27.7 → −21.7 dB, 19 of 19 vocals), longer decay (1.02 → 1.50 s, 17 of 19 vocals)
      −2 sd: darker (2939 → 2046 Hz, 19 of 19 vocals)
    """
    return f"PC {effects[0].component} ({100 * share:.1f} % of the variance)\n{changes(effects)}"


def changes(effects: Sequence[Effect]) -> str:
    """A line for each far step: audible changes only, those that come to most steps of the ear first."""
    lines: list[str] = []
    steps = effects[0].steps
    for at in (len(steps) - 1, 0):
        if steps[at] == 0.0:
            continue
        heard = sorted((e for e in effects if e.audible[at]), key=lambda e: -abs(e.sizes[at]))
        told = ", ".join(phrase(effect, at) for effect in heard) or "nothing that the descriptors tell apart"
        lines.append(f"  {steps[at]:+g} sd: {told}".replace("-", "−"))
    return "\n".join(lines)


def phrase(effect: Effect, at: int) -> str:
    """``"longer decay (1.02 → 1.50 s, 17 of 19 vocals)"``: the mean preset's figure, and that at a step. The vocals
    are counted where there are several."""
    descriptor = effect.descriptor
    word = descriptor.more if effect.changes[at] > 0 else descriptor.less
    before, after = (number(descriptor, effect.means[i]) for i in (effect.steps.index(0.0), at))
    unit = f" {descriptor.unit}" if descriptor.unit else ""
    agree = f", {effect.agree[at]} of {effect.vocals} vocals" if effect.vocals > 1 else ""
    return f"{word} ({before} → {after}{unit}{agree})"


def number(descriptor: Descriptor, value: float) -> str:
    """With the digits that its unit deserves."""
    if np.isnan(value):
        return "?"
    if descriptor.unit == "Hz":
        return f"{value:.0f}"
    return f"{value:.2f}" if descriptor.unit in ("s", "") else f"{value:.1f}"
