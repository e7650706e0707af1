"""Values of parameters as people read and type them: ``"-18 dB"``, ``"1.2 kHz"``, ``"on"``."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .params import Param

NUMERIC = ("float", "int", "array")
"""Kinds whose values are numbers."""
_NUMBER = re.compile(r"^\s*([-+]?(?:inf|∞|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?))\s*([^\s\d].*)?$", re.IGNORECASE)
_PREFIX = {  # typed unit -> (base unit, factor)
    "khz": ("hz", 1e3), "hz": ("hz", 1.0), "us": ("s", 1e-6), "µs": ("s", 1e-6), "ms": ("s", 1e-3),
    "s": ("s", 1.0), "sec": ("s", 1.0), "min": ("s", 60.0), "db": ("db", 1.0), "%": ("%", 1.0),
}  # fmt: skip


def text_of(param: Param, plain: Any) -> str:
    """What a person reads; see :meth:`~voxrack.params.Param.to_text`."""
    if param.kind == "bool":
        return "on" if plain else "off"
    if param.kind == "array":
        values = np.asarray(plain)
        low, high = short(float(values.min())), short(float(values.max()))
        return f"{param.axes_text()}, {low} … {high} {param.unit}".rstrip()
    if param.kind not in NUMERIC:
        return str(plain)
    number = float(plain)
    if math.isinf(number):
        return ("-inf " if number < 0 else "inf ") + param.unit
    if param.unit == "Hz" and abs(number) >= 1000:
        return f"{short(number / 1000)} kHz"
    if param.unit == "ms" and abs(number) >= 1000:
        return f"{short(number / 1000)} s"
    return f"{short(number)} {param.unit}".rstrip()


def value_of(param: Param, text: str) -> Any:
    """The checked value of what a person types; see :meth:`~voxrack.params.Param.from_text`."""
    word = text.strip()
    if param.kind in NUMERIC:
        word = word.replace("−", "-")  # the minus sign, as our own tables print it
    if param.kind == "bool":
        if word.lower() in ("on", "true", "yes", "1"):
            return True
        if word.lower() in ("off", "false", "no", "0"):
            return False
        raise param.refuse(text, "on or off")
    if param.kind in ("choice", "text", "asset"):
        return param.check(word)
    if param.kind == "array":
        try:
            return param.check([float(part) for part in word.strip("[]").split(",")])
        except ValueError:
            raise param.refuse(text, f"numbers, comma-separated, {param.axes_text()}") from None
    match = _NUMBER.match(word)
    if not match:
        raise param.refuse(text, param.range_text())
    number = float(match[1].replace("∞", "inf"))
    return param.check(number * _unit_factor(param, (match[2] or "").strip(), text))


def _unit_factor(param: Param, typed: str, text: str) -> float:
    if not typed or typed.lower() == param.unit.lower():
        return 1.0
    base, factor = _PREFIX.get(typed.lower(), ("", 0.0))
    own_base, own_factor = _PREFIX.get(param.unit.lower(), (None, 1.0))
    if base != own_base:
        raise param.refuse(text, f"{param.range_text()}; '{typed}' is not a unit of it")
    return factor / own_factor


def short(number: float) -> str:
    """Four significant digits, without an exponent for large numbers."""
    text = f"{number:.4g}"
    return f"{number:.10g}" if "e+" in text else text  # 22000, not 2.2e+04
