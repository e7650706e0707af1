"""Parameters: one number, choice or array of a device, and the maps between its four faces.

plain (what a preset stores, in the unit's own terms) <-> unit (0 … 1, what a slider moves)
<-> logit (unbounded, what an optimiser moves); and plain <-> text (what a person reads and types).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ParamError
from .param_text import NUMERIC, short, text_of, value_of

Kind = Literal["float", "int", "bool", "choice", "array", "text", "asset"]
_FLOOR_DB = -100.0  # a level whose range reaches down to -inf starts its slider here; the very end is "off"
_EDGE = 1e-9  # logit of 0 and 1 is infinite; the optimiser's face stops this short of the ends


@dataclass(frozen=True, slots=True)
class Axis:
    """What one axis of an array parameter counts.

    Parameters
    ----------
    name : str
        What runs along it: ``"frequency"``, ``"line"``, ``"channel"``.
    size : int
        Number of entries.
    unit : str
        Unit of ``points``.
    points : tuple of float
        Position of each entry (empty: 0, 1, 2 …).
    """

    name: str
    size: int
    unit: str = ""
    points: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a device.

    Parameters
    ----------
    id : str
        Stable name inside the device; dots group (``"peak1.gain"``).
    default : object
        Plain value used where nothing is given; an array default may be a scalar, which fills.
    kind : {"float", "int", "bool", "choice", "array", "text", "asset"}
    lo, hi : float
        Allowed range in plain units, both ends included. A level in dB may have ``lo=-math.inf``, where
        -inf means off: its slider runs from -100 dB, and the very end of it is off.
    unit : str
        ``"dB"``, ``"Hz"``, ``"ms"``, ``"s"``, ``"%"`` or empty.
    scale : "lin", "log" or float
        How the slider runs. A number is a skew: ``unit = ((plain - lo) / (hi - lo)) ** scale``.
    step : float
        Grid of a slider (0: continuous). Typed values are not rounded.
    choices : tuple of str
    axes : tuple of Axis
        Shape and meaning of an array.
    structural : bool
        A change needs ``prepare`` again (it may alter latency or channels).
    fit : bool
        An optimiser may move it.
    help : str

    Examples
    --------
    >>> from voxrack import Param
    >>> frequency = Param("frequency", 1000.0, lo=20.0, hi=20000.0, unit="Hz", scale="log")
    >>> frequency.from_text("1.2 kHz")
    1200.0
    >>> round(frequency.to_unit(200.0), 3), frequency.to_text(12500.0)
    (0.333, '12.5 kHz')
    >>> frequency.check(30000.0)
    Traceback (most recent call last):
    voxrack.errors.ParamError: parameter 'frequency' got 30000.0; it takes 20 to 20000 Hz
    """

    id: str
    default: Any
    kind: Kind = "float"
    lo: float = 0.0
    hi: float = 1.0
    unit: str = ""
    scale: Literal["lin", "log"] | float = "lin"
    step: float = 0.0
    choices: tuple[str, ...] = ()
    axes: tuple[Axis, ...] = ()
    structural: bool = False
    fit: bool = True
    help: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an array parameter; ``()`` for everything else."""
        return tuple(axis.size for axis in self.axes) if self.kind == "array" else ()

    @property
    def size(self) -> int:
        """How many numbers it holds (1 for a scalar)."""
        return math.prod(self.shape)

    # ---- plain ------------------------------------------------------------------------------
    def check(self, value: Any) -> Any:
        """Return ``value`` in canonical form, or say what is wrong with it.

        Floats come back as ``float``, ints as ``int``, arrays as read-only float64 of ``shape``.

        Raises
        ------
        ParamError
            With the parameter, the value, what is allowed.
        """
        if self.kind == "bool":
            if isinstance(value, (bool, np.bool_)):
                return bool(value)
            raise self.refuse(value, "true or false")
        if self.kind == "choice":
            if isinstance(value, str) and value in self.choices:
                return value
            raise self.refuse(value, "one of " + ", ".join(self.choices))
        if self.kind in ("text", "asset"):
            if isinstance(value, str):
                return value
            raise self.refuse(value, "text" if self.kind == "text" else "the path of a file, as text")
        if self.kind == "array":
            return self._check_array(value)
        if isinstance(value, (bool, str, bytes)) or not np.isscalar(value):
            raise self.refuse(value, self.range_text())
        try:
            number = float(value)  # pyright: ignore[reportArgumentType] - complex is refused just below
        except (TypeError, ValueError, OverflowError):
            raise self.refuse(value, self.range_text()) from None
        if not self.lo <= number <= self.hi:  # false for NaN as well
            raise self.refuse(value, self.range_text())
        if self.kind == "int":
            if number != int(number):
                raise self.refuse(value, "a whole number, " + self.range_text())
            return int(number)
        return number

    def _check_array(self, value: Any) -> NDArray[np.float64]:
        if isinstance(value, (bool, str, bytes)):
            raise self.refuse(value, f"numbers of shape {self.shape}")
        try:
            array = np.array(value, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise self.refuse(value, f"numbers of shape {self.shape}") from None
        if array.shape == ():
            array = np.full(self.shape, float(array))
        if array.shape != self.shape:
            raise self.refuse_text(f"an array of shape {array.shape}", f"shape {self.shape} ({self.axes_text()})")
        bad = ~((array >= self.lo) & (array <= self.hi))
        if bad.any():
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            raise self.refuse_text(f"{float(array[where])!r} at index {list(where)}", self.range_text())
        array.setflags(write=False)
        return array

    def clamp(self, value: float) -> float:
        """The nearest allowed number."""
        return min(max(value, self.lo), self.hi)

    def range_text(self) -> str:
        """``"-60 to 0 dB"``."""
        low = "-inf (off)" if self.lo == -math.inf else short(self.lo)
        return f"{low} to {short(self.hi)} {self.unit}".rstrip()

    def axes_text(self) -> str:
        """``"49 frequency × 6 line"``."""
        return " × ".join(f"{axis.size} {axis.name}" for axis in self.axes)

    def refuse(self, value: Any, allowed: str) -> ParamError:
        """The error that says what it got, and what it takes instead."""
        shown = repr(value)
        return self.refuse_text(shown if len(shown) <= 80 else f"{shown[:79]}…", allowed)

    def refuse_text(self, shown: str, allowed: str) -> ParamError:
        return ParamError(f"parameter '{self.id}' got {shown}; it takes {allowed}")

    # ---- plain <-> unit <-> logit -------------------------------------------------------------
    def to_unit(self, plain: ArrayLike) -> Any:
        """Position on the slider, 0 … 1. Choices and switches map to evenly spaced positions."""
        if self.kind == "bool":
            return float(bool(plain))
        if self.kind == "choice":
            return self.choices.index(str(plain)) / max(1, len(self.choices) - 1)
        self._need_number()
        lo = self._slider_lo
        x = np.clip(np.asarray(plain, dtype=np.float64), lo, self.hi)
        if self.scale == "log":
            unit = np.log(x / lo) / math.log(self.hi / lo)
        else:
            unit = (x - lo) / (self.hi - lo)
            if self.scale != "lin":
                unit = unit ** float(self.scale)
        return float(unit) if unit.ndim == 0 else unit

    def from_unit(self, unit: ArrayLike) -> Any:
        """Inverse of :meth:`to_unit`; positions outside 0 … 1 are clamped."""
        u = np.clip(np.asarray(unit, dtype=np.float64), 0.0, 1.0)
        if self.kind == "bool":
            return bool(u >= 0.5)
        if self.kind == "choice":
            return self.choices[round(float(u) * (len(self.choices) - 1))]
        self._need_number()
        lo = self._slider_lo
        if self.scale == "log":
            plain = lo * (self.hi / lo) ** u
        else:
            plain = lo + (self.hi - lo) * (u if self.scale == "lin" else u ** (1.0 / float(self.scale)))
        plain = np.clip(plain, lo, self.hi)
        if self.lo == -math.inf:
            plain = np.where(u <= 0.0, -math.inf, plain)
        if self.kind == "int":
            return int(np.rint(plain))
        return float(plain) if plain.ndim == 0 else plain

    def to_logit(self, plain: ArrayLike) -> Any:
        """Unbounded coordinate ``ln(u / (1 - u))`` of the slider position ``u``."""
        u = np.clip(self.to_unit(plain), _EDGE, 1.0 - _EDGE)
        raw = np.log(u) - np.log1p(-u)
        return float(raw) if np.ndim(raw) == 0 else raw

    def from_logit(self, raw: ArrayLike) -> Any:
        """Inverse of :meth:`to_logit`."""
        r = np.asarray(raw, dtype=np.float64)
        # tanh form: no overflow for large negative numbers
        return self.from_unit(0.5 * (1.0 + np.tanh(0.5 * r)))

    @property
    def _slider_lo(self) -> float:
        return _FLOOR_DB if self.lo == -math.inf else self.lo

    def _need_number(self) -> None:
        if self.kind not in NUMERIC:
            raise ParamError(f"parameter '{self.id}' is of kind {self.kind}; it has no position on a slider")

    # ---- plain <-> text -----------------------------------------------------------------------
    def to_text(self, plain: Any) -> str:
        """What a person reads: ``"-18 dB"``, ``"1.2 kHz"``, ``"on"``."""
        return text_of(self, plain)

    def from_text(self, text: str) -> Any:
        """Parse what a person types: ``"-18"``, ``"-18dB"``, ``"1.2 kHz"``, ``"0.5 s"``, ``"on"``.

        Raises
        ------
        ParamError
            Where the text is no value of this parameter, or its unit is another one.
        """
        return value_of(self, text)


def check_values(params: Iterable[Param], values: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Defaults overlaid with ``values``, each checked; an unknown id is refused with the known ones."""
    table = {param.id: param for param in params}
    unknown = [key for key in values if key not in table]
    if unknown:
        raise ParamError(f"{owner} has no parameter '{unknown[0]}'{suggest(unknown[0], table)}")
    out: dict[str, Any] = {}
    for key, param in table.items():
        try:
            out[key] = param.check(values.get(key, param.default))
        except ParamError as error:
            raise ParamError(f"{owner}: {error}") from None
    return out


def read_value(param: Param, value: Any) -> Any:
    """A checked plain value; text is read with its unit, except where the parameter itself holds text."""
    textual = isinstance(value, str) and param.kind not in ("text", "asset", "choice")
    return param.from_text(value) if textual else param.check(value)


def suggest(wrong: str, known: Iterable[str]) -> str:
    """``"; did you mean 'threshold'? It has: …"``: the tail of an error message."""
    import difflib

    names = list(known)
    close = difflib.get_close_matches(wrong, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    listed = ", ".join(names[:24]) + (" …" if len(names) > 24 else "")
    return f"{hint} It has: {listed}" if names else f"{hint} It has none."
