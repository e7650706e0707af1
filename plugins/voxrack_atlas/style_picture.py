"""A picture of a style match: its course, and each feature's distance from the reference before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .style import StyleMatch

_MOST = 33  # features that are named


def figure(found: StyleMatch) -> Any:
    """Left: what was minimised. Right: differences of the features, in scales, of mean preset, nearest and match."""
    from voxrack.notebook.plots import Picture

    sheet = Picture(figsize=(12, 8), layout="constrained")
    left, right = sheet.subplots(1, 2, width_ratios=(1, 1.6))
    if found.history:
        left.plot(range(1, len(found.history) + 1), found.history, color="#00798c")
    left.set(xlabel="step", title=f"negative log posterior ({found.method})")
    table = found.table
    off = {key: (table[key] - table["reference"]) / table["scale"] for key in ("mean", "nearest", "match")}
    shown = np.sort(np.argsort(-np.abs(off["mean"]))[:_MOST])
    rows = np.arange(len(shown))
    for (key, values), mark, colour in zip(off.items(), "oxs", ("0.6", "#d1495b", "#00798c")):
        right.plot(np.clip(values[shown], -10, 10), rows, mark, color=colour, markersize=5, label=key)
    right.axvline(0.0, color="0.4", linewidth=1)
    right.set_yticks(rows, [table["labels"][i] for i in shown], fontsize=8)
    right.invert_yaxis()
    right.set(xlabel="difference from the reference in spreads of the feature (held within ±10)")
    right.legend(fontsize=8)
    return sheet
