"""A coarse search before the descent: a few numbers at a time over a few values, judged without gradients.

A reverb that begins ten times too loud costs the first fifty steps; a forward pass costs a fifth of a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from voxrack import Rack

# Places where published presets and our own fits are found, far from each other
TIMES = (
    {"attack": 1.0, "release": 250.0, "averaging": 0.05},
    {"attack": 5.0, "release": 20.0, "averaging": 0.5},
    {"attack": 0.3, "release": 1000.0, "averaging": 0.02},
    {"attack": 40.0, "release": 700.0, "averaging": 0.1},
)
FLOORS = ({"expander_threshold": -45.0, "expander_ratio": 0.8}, {"expander_threshold": -35.0, "expander_ratio": 0.7})
ECHOES = (
    {"feedback": 0.95, "level": -46.0, "low_pass.frequency": 15000.0},  # dense and endless: a bed under the voice
    {"feedback": 0.6, "level": -26.0, "low_pass.frequency": 3000.0},
    {"feedback": 0.05, "level": -24.0, "low_pass.frequency": 6000.0},
)
# A second path a few milliseconds behind the first: two microphones, a doubler
DOUBLES = tuple(
    {"time": time, "feedback": 0.05, "level": -8.0, "low_pass.frequency": 15000.0, "odd_pan": 0.0, "even_pan": 0.0}
    for time in (1.0, 1.5, 2.3, 4.0, 8.0, 15.0, 25.0)
)

Values = dict[str, Any]
Choices = list[Callable[[Values], Values]]


def screened(rack: Rack, values: Values, echoes: list[float], judge: Callable[[Values], float]) -> list[Values]:
    """Starts for a descent: one near the typical settings, and one that may lie far from them where that differs.

    Parameters
    ----------
    rack : Rack
    values : dict
        Plain values by address to begin with.
    echoes : list of float
        Likely echo times in ms.
    judge : callable
        The loss of plain values.
    """
    near, total = screen(values, judge(values), _near(rack, echoes), judge)
    far, found = screen(near, total, _far(rack), judge)
    return [near, far] if found < total else [near]


def _by_id(rack: Rack) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for prefix, slot in rack.slots().items():
        found.setdefault(slot.device.spec.id, []).append(prefix)
    return found


def _near(rack: Rack, echoes: list[float]) -> list[Choices]:
    """Questions in the order in which they are asked; each a list of changes to choose from."""
    asked: list[Choices] = []
    by_id = _by_id(rack)
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


def _far(rack: Rack) -> list[Choices]:
    asked: list[Choices] = []
    by_id = _by_id(rack)
    for prefix in by_id.get("fx.compressor", []):
        asked += [[_set(_under(prefix, place)) for place in places] for places in (TIMES, FLOORS)]
    for prefix in by_id.get("fx.delay", []):
        asked.append([_set(_under(prefix, echo)) for echo in ECHOES + DOUBLES])
    asked += [[_set({address: level}) for level in (-15.0, 0.0)] for address in _inner_sends(rack)]
    return asked


def _under(prefix: str, place: Mapping[str, float]) -> dict[str, float]:
    return {f"{prefix}.{id}": value for id, value in place.items()}


def _inner_sends(rack: Rack) -> list[str]:
    """Addresses of the sends from bus to bus."""
    return [f"send.{bus.name}.{to}" for bus in rack.buses for to, level in bus.sends.items() if level > -math.inf]


def screen(
    values: Values, total: float, asked: list[Choices], judge: Callable[[Values], float]
) -> tuple[Values, float]:
    """The best values found by taking each question in turn, and their total; ``total`` is that of ``values``."""
    best = values
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
