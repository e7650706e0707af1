"""What a collection refuses: values that no parameter takes, a name that stands twice, presets that agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from voxrack import Layout
from voxrack.errors import InputError, PresetError

from .collection import Collection, Duplicates


def check_values(values: NDArray[np.float64], layout: Layout, names: Sequence[str], where: str = "") -> None:
    """Refuse what a parameter does not take, with preset and address; NaN is never in a range."""
    columns = [(address, param) for address, param in layout.entries for _ in range(param.size)]
    low, high = (np.array([getattr(param, end) for _, param in columns]) for end in ("lo", "hi"))
    for column in np.flatnonzero(~((values >= low) & (values <= high)).all(axis=0)):
        inside = (values[:, column] >= low[column]) & (values[:, column] <= high[column])
        row = int(np.argmin(inside))
        address, param = layout.names()[column], columns[column][1]
        shown = "no number (NaN)" if np.isnan(values[row, column]) else f"{values[row, column]:g}"
        raise PresetError(f"{where}{names[row]} has {shown}; it takes {param.range_text()}",
                          f"$.parameters['{address}']")  # fmt: skip


def check_names(names: Sequence[str]) -> None:
    """Refuse a name that stands twice."""
    if len(set(names)) < len(names):
        name, count = Counter(names).most_common(1)[0]
        raise InputError(f"{count} presets of the set are called '{name}'; each takes a name of its own")


def settle_duplicates(collection: Collection, duplicates: Duplicates) -> Collection:
    """Refuse, keep or leave out presets that agree with an earlier one in every value."""
    if duplicates == "keep" or len(collection) < 2:
        return collection
    others = [collection.meta[address].astype(str) for address in collection.meta.columns
              if address in collection.template.parameters]  # fmt: skip
    seen: dict[tuple[object, ...], int] = {}
    later, pairs = np.zeros(len(collection), dtype=bool), []
    for row, numbers in enumerate(collection.values + 0.0):  # -0 is 0
        first = seen.setdefault((numbers.tobytes(), *(column.iloc[row] for column in others)), row)
        if first != row:
            later[row] = True
            pairs.append(f"{collection.names[row]} = {collection.names[first]}")
    if not pairs:
        return collection
    told = f"{len(pairs)} of {len(collection)} presets have every value in common with another: {listed(pairs)}"
    if duplicates == "refuse":
        raise InputError(f"{told}; keep them or the first of each (--duplicates keep, --duplicates first)")
    kept = collection.take(~later)
    return replace(kept, remarks=(*collection.remarks, f"{told}; the first of each is kept"))


def listed(words: Sequence[str], most: int = 5) -> str:
    """``"a, b and 3 more"``."""
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
