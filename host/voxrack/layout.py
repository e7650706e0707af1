"""All numbers of a rack as one vector, and back: what an optimiser moves and an atlas analyses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ParamError
from .params import NUMERIC, Param


@dataclass(frozen=True)
class Layout:
    """An ordered set of addressed parameters, packed to one vector and back.

    Parameters
    ----------
    entries : sequence of (address, Param)
        Only numeric parameters (float, int, array) take part in the vector.
    """

    entries: Sequence[tuple[str, Param]]
    _numeric: list[tuple[str, Param]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_numeric", [(a, p) for a, p in self.entries if p.kind in NUMERIC])

    @property
    def size(self) -> int:
        """Length of the vector."""
        return sum(param.size for _, param in self._numeric)

    def names(self) -> list[str]:
        """One address per number; array entries as ``reverb.decay[3]``, ``reverb.input[2,1]``."""
        out: list[str] = []
        for address, param in self._numeric:
            if param.kind != "array":
                out.append(address)
                continue
            out += [f"{address}[{','.join(map(str, index))}]" for index in np.ndindex(*param.shape)]
        return out

    def fittable(self) -> Layout:
        """The part that an optimiser may move."""
        return Layout([(a, p) for a, p in self._numeric if p.fit])

    def pack(
        self, values: Mapping[str, Any], space: Literal["plain", "unit", "logit"] = "plain"
    ) -> NDArray[np.float64]:
        """Vector of shape (size,) from plain values by address."""
        convert: dict[str, Callable[[Param], Callable[[Any], Any]]] = {
            "plain": lambda p: lambda v: v, "unit": lambda p: p.to_unit, "logit": lambda p: p.to_logit
        }  # fmt: skip
        parts = [np.ravel(np.asarray(convert[space](p)(values[a]), dtype=np.float64)) for a, p in self._numeric]
        return np.concatenate(parts) if parts else np.zeros(0)

    def unpack(self, vector: ArrayLike, space: Literal["plain", "unit", "logit"] = "plain") -> dict[str, Any]:
        """Plain values by address from a vector of shape (size,)."""
        x = np.asarray(vector, dtype=np.float64)
        if x.shape != (self.size,):
            raise ParamError(f"the layout holds {self.size} numbers; got an array of shape {x.shape}")
        convert: dict[str, Callable[[Param], Callable[[Any], Any]]] = {
            "plain": lambda p: p.check, "unit": lambda p: p.from_unit, "logit": lambda p: p.from_logit
        }  # fmt: skip
        out: dict[str, Any] = {}
        start = 0
        for address, param in self._numeric:
            piece = x[start : start + param.size]
            start += param.size
            value: Any = piece.reshape(param.shape) if param.kind == "array" else float(piece[0])
            out[address] = param.check(convert[space](param)(value))
        return out
