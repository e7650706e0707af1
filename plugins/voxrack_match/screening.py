"""A coarse search before the descent: a few numbers at a time over a few values, judged without gradients.

A reverb that begins ten times too loud costs the first fifty steps; a forward pass costs a fifth of a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from voxrack import Rack

Values = dict[str, Any]
Choices = list[Callable[[Values], Values]]


def choices(rack: Rack, echoes: list[float]) -> list[Choices]:
    """Questions in the order in which they are asked; each a list of changes to choose from."""
    asked: list[Choices] = []
    by_id: dict[str, list[str]] = {}
    for prefix, slot in rack.slots().items():
        by_id.setdefault(slot.device.spec.id, []).append(prefix)
    for prefix in by_id.get("fx.reverb", []):
        asked.append([_scaled(f"{prefix}.output", factor) for factor in (0.03, 0.1, 0.2, 0.4, 0.7, 1.5)])
        asked.append([_narrowed(f"{prefix}.output", width) for width in (0.0, 0.3)])
    for prefix in by_id.get("fx.compressor", []):
        asked.append([_added(f"{prefix}.make_up", db) for db in (-4.0, -2.0, 2.0, 4.0)])
        asked.append([_set({f"{prefix}.ratio": ratio}) for ratio in (1.3, 5.0)])
        asked.append([_added(f"{prefix}.threshold", db) for db in (-6.0, 6.0)])
    for prefix in by_id.get("fx.reverb", []):
        asked.append([_scaled(f"{prefix}.decay", factor) for factor in (0.4, 0.7, 1.7)])
        asked.append([_scaled(f"{prefix}.output", factor) for factor in (0.6, 1.6)])
    for prefix in by_id.get("fx.delay", []):
        asked.append([_set({f"{prefix}.time": time}) for time in echoes])
        asked.append([_added(f"{prefix}.level", db) for db in (-15.0, 8.0)])
    return asked


def screen(values: Values, asked: list[Choices], judge: Callable[[Values], float]) -> tuple[Values, float]:
    """The best values found by taking each question in turn, and their total."""
    best, total = values, judge(values)
    for question in asked:
        for change in question:
            candidate = change(best)
            found = judge(candidate)
            if found < total - 1e-4:
                best, total = candidate, found
    return best, total


def _scaled(address: str, factor: float) -> Callable[[Values], Values]:
    def change(values: Values) -> Values:
        return {**values, address: np.asarray(values[address]) * factor}

    return change


def _narrowed(address: str, width: float) -> Callable[[Values], Values]:
    def change(values: Values) -> Values:
        output = np.asarray(values[address])
        middle = output.mean(axis=0)
        return {**values, address: middle + width * (output - middle)}

    return change


def _added(address: str, amount: float) -> Callable[[Values], Values]:
    return lambda values: {**values, address: values[address] + amount}


def _set(given: Mapping[str, Any]) -> Callable[[Values], Values]:
    return lambda values: {**values, **given}
