"""The numbers of a rack as an optimiser sees them: one vector, on scales where equal steps sound alike.

dB stay dB, what runs on a logarithmic scale (Hz, Q, ms, T60) becomes its natural logarithm, everything else is
linear. Ranges are kept by clamping after each step: unlike a sigmoid this leaves gradients alone near a bound, so a
number that starts there (a mix of 1) can leave it, and one that ought to be there gets there.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Layout, Param

if TYPE_CHECKING:
    import torch

# size of one step at a learning rate of 1, by kind of number; measured on the songs of `benchmarks/fit.py`
STEP = {"dB": 10.0, "log": 2.0, "lin": 1.0, "share": 1.0, "array": 4.0}


class Coordinates:
    """Maps plain values by address to one vector and back.

    Parameters
    ----------
    layout : Layout
        The addresses.
    values : mapping
        Plain values; a level that is off (-inf) stays off.
    frozen : collection of str
        Addresses that keep their value.
    extra : mapping of str to Param
        Numbers of the fit that the rack does not have; they begin at their default.
    """

    def __init__(
        self,
        layout: Layout,
        values: Mapping[str, Any],
        frozen: Collection[str] = (),
        extra: Mapping[str, Param] | None = None,
    ) -> None:
        entries = [(a, p) for a, p in layout.fittable().entries if p.kind in ("float", "array")]
        own = [(a, p) for a, p in entries if a not in frozen and np.all(np.isfinite(values[a]))]
        self.extra = dict(extra or {})
        self.entries: list[tuple[str, Param]] = [*own, *self.extra.items()]
        self.size = sum(param.size for _, param in self.entries)
        low, high, steps = [], [], []
        self.places: dict[str, slice] = {}
        start = 0
        for address, param in self.entries:
            self.places[address] = slice(start, start + param.size)
            start += param.size
            lo, hi = _inner(param.lo, _is_log(param)), _inner(param.hi, _is_log(param))
            low += [max(lo, -100.0) if param.lo == -math.inf else lo] * param.size
            high += [hi] * param.size
            steps += [_step(param, values.get(address, param.default))] * param.size
        self.low, self.high = np.array(low), np.array(high)
        self.steps = np.array(steps)

    def pack(self, values: Mapping[str, Any]) -> NDArray[np.float64]:
        """The vector (size,) of plain values by address."""
        parts = []
        for address, param in self.entries:
            plain = np.ravel(np.asarray(values.get(address, param.default), dtype=np.float64))
            parts.append(np.log(plain) if _is_log(param) else plain)
        return np.clip(np.concatenate(parts), self.low, self.high) if parts else np.zeros(0)

    def tensors(self, vector: torch.Tensor) -> dict[str, torch.Tensor]:
        """Plain values by address as tensors that depend on ``vector`` (size,)."""
        out = {}
        for address, param in self.entries:
            piece = vector[self.places[address]]
            plain = piece.exp() if _is_log(param) else piece
            out[address] = plain.reshape(param.shape)
        return out

    def plain(self, vector: NDArray[np.float64]) -> dict[str, Any]:
        """Checked plain values by address, of the rack's own numbers."""
        out = {}
        for address, param in self.entries:
            if address in self.extra:
                continue
            piece = vector[self.places[address]]
            value = np.exp(piece) if _is_log(param) else piece
            value = np.clip(value, param.lo, param.hi).reshape(param.shape)
            out[address] = param.check(value if param.kind == "array" else float(value))
        return out

    def names(self) -> list[str]:
        """One address per number."""
        return Layout(self.entries).names()


def _is_log(param: Param) -> bool:
    return param.scale == "log" and param.lo > 0


def _inner(bound: float, log: bool) -> float:
    return math.log(bound) if log else bound


def _step(param: Param, value: Any) -> float:
    """Of an array of plain numbers: in proportion to what it holds, since its range says little of it."""
    if param.kind == "array" and not _is_log(param) and param.unit != "dB":
        return STEP["array"] * max(float(np.sqrt(np.mean(np.square(value)))), 1e-3)
    if _is_log(param):
        return STEP["log"]
    if param.unit == "dB":
        return STEP["dB"]
    if param.lo == 0.0 and param.hi == 1.0:
        return STEP["share"]
    width = param.hi - param.lo
    return width / 2 if math.isfinite(width) else STEP["lin"]
