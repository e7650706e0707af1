"""A picture of directions: the change of every descriptor at the ends of each component, and its course between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .descriptors import DESCRIPTORS

if TYPE_CHECKING:
    from .directions import Directions

_FULL = 20.0  # steps of the ear at which a colour is full


def figure(found: Directions) -> Any:
    """Left: change at the lowest and highest step, in steps of the ear. Right: the four descriptors that move most."""
    from voxrack.notebook.plots import Picture

    sheet = Picture(figsize=(13, 1.8 + 0.6 * max(5, found.components)), layout="constrained")
    parts: Any = sheet.subfigures(1, 2, width_ratios=(1.25, 1))
    _grid(parts[0], found)
    _curves(parts[1], found)
    return sheet


def _grid(sheet: Any, found: Directions) -> None:
    axes = sheet.subplots()
    ends = [at for at in (0, len(found.steps) - 1) if found.steps[at] != 0.0]
    rows = [(row, at) for row in found.effects for at in ends]
    sizes = np.array([[effect.sizes[at] for effect in row] for row, at in rows])
    shade, reach = np.sign(sizes) * np.log2(1 + np.abs(sizes)), np.log2(1 + _FULL)
    axes.imshow(shade, cmap="RdBu_r", vmin=-reach, vmax=reach, aspect="auto")
    for y, (row, at) in enumerate(rows):
        for x, effect in enumerate(row):
            text = f"{effect.sizes[at]:+.1f}".replace("-", "−")
            colour = ("white" if abs(shade[y, x]) > 0.6 * reach else "black") if effect.audible[at] else "0.65"
            axes.text(x, y, text, ha="center", va="center", fontsize=8, color=colour)
    for line in range(len(ends), len(rows), len(ends)):
        axes.axhline(line - 0.5, color="white", linewidth=3)
    axes.set_xticks(range(len(DESCRIPTORS)), [d.id.replace("_", " ") for d in DESCRIPTORS], rotation=35, ha="right")
    names = [f"PC {row[0].component}, {found.steps[at]:+g} sd".replace("-", "−") for row, at in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.set_title(
        f"change from the mean preset in steps of the ear, mean of {len(found.vocals)} vocals\n"
        "(grey: less than one step, or its sign depends on the vocal)", fontsize=9,
    )  # fmt: skip


def _curves(sheet: Any, found: Directions) -> None:
    sizes = np.array([[np.max(np.abs(e.sizes) * e.audible) for e in row] for row in found.effects])
    most = np.sort(np.argsort(-sizes.max(axis=0))[:4])
    panels = sheet.subplots(2, 2).ravel()
    for place, axes in zip(most, panels):
        descriptor = DESCRIPTORS[place]
        for row in found.effects:
            effect = row[place]
            width = 2.0 if any(effect.audible) else 0.6
            axes.plot(
                effect.steps, effect.means, marker="o", markersize=3, linewidth=width, label=f"PC {effect.component}"
            )
        unit = f" ({descriptor.unit})" if descriptor.unit else ""
        axes.set_title(descriptor.title + unit, fontsize=9)
        axes.set_xlabel("standard deviations", fontsize=8)
        axes.tick_params(labelsize=8)
    panels[0].legend(fontsize=7)
