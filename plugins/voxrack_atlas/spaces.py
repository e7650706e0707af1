"""Spaces in which presets are compared: one coordinate for each number, and the way back into the ranges.

``raw``
    The numbers that DiffVox fits, without the 21 that its rotation does not use: 130 for the rack of the paper, at
    44.1 kHz (spec, sections 1, 2 and 11). Gains before and after, mixes, sends and levels of buses are no part of it.
    The look-ahead, of which the published vectors hold either sign, is positive.
``perceptual``
    Any rack. Levels in dB (off counts as -100 dB); what runs on a logarithmic scale as ``10 log10``, so that 1 is
    a third-octave band, or 26 % of a time or ratio; shares, gains and angles times 10, pans divided by 10.
``logit``
    Any rack. Where the number stands in its range, ``ln(u / (1 - u))``; see :meth:`voxrack.Param.to_logit`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrack import Layout, Param, Preset
from voxrack.errors import PresetError, UsageError

from .maps import Map

Array = NDArray[np.float64]
SpaceName = Literal["auto", "raw", "perceptual", "logit"]
NAMES = ("auto", "raw", "perceptual", "logit")
SAMPLE_RATE = 44100  # of the raw space, in Hz
_OFF = -100.0  # dB


@dataclass(frozen=True, eq=False)
class Space:
    """A map of k plain numbers to d coordinates, column by column.

    Parameters
    ----------
    name : str
    inputs : tuple of str
        The k plain numbers.
    index : ndarray of int, shape (d,)
        Which of them each coordinate is made of.
    maps : tuple of Map
        d of them.
    low, high : ndarray, shape (k,)
        Ranges of the plain numbers.
    rest : ndarray, shape (k,)
        What :meth:`inverse` gives to numbers that are no coordinate.
    fixed : mapping of int to float
        Plain numbers that are no coordinate and that must have one value.
    """

    name: str
    inputs: tuple[str, ...]
    index: NDArray[np.intp]
    maps: tuple[Map, ...]
    low: Array
    high: Array
    rest: Array
    fixed: dict[int, float]

    @property
    def columns(self) -> tuple[str, ...]:
        """The d addresses."""
        return tuple(self.inputs[i] for i in self.index)

    @property
    def plain_low(self) -> Array:
        """Lower end (d,) of what each coordinate can say, in plain units."""
        return np.maximum(self.low[self.index], [map.low for map in self.maps])

    @property
    def plain_high(self) -> Array:
        """Upper end (d,)."""
        return np.minimum(self.high[self.index], [map.high for map in self.maps])

    def holds(self, values: ArrayLike) -> bool:
        """Whether all of ``values`` (n, k) can be written in this space."""
        return self._first_outside(np.asarray(values, dtype=np.float64)) is None

    def forward(self, values: ArrayLike, names: Sequence[str] | None = None) -> Array:
        """Coordinates (n, d) of plain values (n, k).

        Raises
        ------
        PresetError
            For a value that has no place in the space, with the name of the preset and the address.
        """
        table = np.asarray(values, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != len(self.inputs):
            raise UsageError(f"the space takes values of shape (n, {len(self.inputs)}); got {table.shape}")
        found = self._first_outside(table)
        if found is not None:
            row, column, allowed = found
            label = f"preset {row}" if names is None else names[row]
            raise PresetError(
                f"{label} has {table[row, column]:g}; the space '{self.name}' holds {allowed}: "
                "choose another space (perceptual, logit)", f"$.parameters['{self.inputs[column]}']",
            )  # fmt: skip
        out = np.empty((len(table), len(self.index)))
        for place, (column, map) in enumerate(zip(self.index, self.maps, strict=True)):
            out[:, place] = map.raw(table[:, column])
        return out

    def _first_outside(self, table: Array) -> tuple[int, int, str] | None:
        """Row, column and what is allowed of the first value that the space cannot hold."""
        for column, wanted in self.fixed.items():
            wrong = table[:, column] != wanted
            if wrong.any():
                return int(np.argmax(wrong)), column, f"{wanted:g} alone"
        for column, map in zip(self.index, self.maps, strict=True):
            wrong = ~((table[:, column] > map.low) & (table[:, column] < map.high))
            if wrong.any() and (map.low > -math.inf or map.high < math.inf):
                return int(np.argmax(wrong)), int(column), f"what lies between {map.low:g} and {map.high:g}"
        return None

    def inverse(self, points: ArrayLike) -> Array:
        """Plain values (n, k) of coordinates (n, d), inside the ranges of the parameters."""
        table = np.asarray(points, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != len(self.index):
            raise UsageError(f"the space has {len(self.index)} coordinates; got points of shape {table.shape}")
        out = np.tile(self.rest, (len(table), 1))
        with np.errstate(over="ignore", divide="ignore"):  # the range takes care of what is beyond numbers
            for place, (column, map) in enumerate(zip(self.index, self.maps, strict=True)):
                out[:, column] = np.clip(map.plain(table[:, place]), self.low[column], self.high[column])
        return out


def space_of(template: Preset, name: SpaceName = "auto") -> Space:
    """A space for presets of the template's rack.

    Parameters
    ----------
    template : Preset
    name : {"auto", "raw", "perceptual", "logit"}
        ``"auto"`` is ``raw`` for the rack of DiffVox, else ``perceptual``.

    Raises
    ------
    UsageError
        For another name, or ``raw`` for another rack.
    """
    if name not in NAMES:
        raise UsageError(f"there is no space '{name}'; there are {', '.join(NAMES)}")
    rack = template.rack(missing="refuse")
    layout = rack.layout().fittable()
    columns = tuple(layout.names())
    params = [param for _, param in layout.entries for _ in range(param.size)]
    rest = layout.pack(rack.values())
    low, high = np.array([param.lo for param in params]), np.array([param.hi for param in params])
    if name in ("auto", "raw"):
        found = _raw(layout, columns)
        if found is not None:
            index, maps, fixed = found
            return Space("raw", columns, index, maps, low, high, rest, fixed)
        if name == "raw":
            raise UsageError(
                "the space 'raw' is made for the rack of DiffVox, and these presets have another one: "
                "choose perceptual or logit"
            )
    maker = _logit if name == "logit" else _perceptual
    every = np.arange(len(columns))
    return Space("logit" if name == "logit" else "perceptual", columns, every, tuple(map(maker, params)),
                 low, high, rest, {})  # fmt: skip


def _raw(layout: Layout, columns: tuple[str, ...]) -> tuple[NDArray[np.intp], tuple[Map, ...], dict[int, float]] | None:
    """Columns of the raw vector in its order, their maps, what must be as the paper has it; None for another rack."""
    from .diffvox import free_numbers, wired_numbers

    places = {column: i for i, column in enumerate(columns)}
    free = free_numbers(SAMPLE_RATE)
    fixed, ignored = wired_numbers()
    if {*free, *fixed, *ignored} != set(columns):
        return None
    index = np.array([places[column] for column in free])
    return index, tuple(free.values()), {places[column]: value for column, value in fixed.items()}


def _perceptual(param: Param) -> Map:
    if param.unit == "dB":
        return Map(lambda r: np.where(r <= _OFF, param.lo, r) if param.lo == -math.inf else r,
                   lambda v: np.maximum(v, _OFF))  # fmt: skip
    if param.scale == "log":
        return Map(lambda r: _whole(param, 10.0 ** (r / 10.0)), lambda v: 10.0 * np.log10(v))
    factor = 0.1 if param.hi - param.lo > 100.0 else 10.0
    if param.unit:
        factor = 1.0
    return Map(lambda r: _whole(param, r / factor), lambda v: v * factor)


def _logit(param: Param) -> Map:
    if param.kind == "int":
        import dataclasses

        smooth = dataclasses.replace(param, kind="float")
        return Map(lambda r: np.rint(smooth.from_logit(r)), smooth.to_logit)
    if param.lo == -math.inf:
        lowest = float(param.to_logit(param.lo)) + 1e-6
        return Map(lambda r: np.where(r <= lowest, param.lo, param.from_logit(r)), param.to_logit)
    return Map(param.from_logit, param.to_logit)


def _whole(param: Param, plain: Array) -> Array:
    return np.rint(plain) if param.kind == "int" else plain
