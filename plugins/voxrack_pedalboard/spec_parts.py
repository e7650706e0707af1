"""Building blocks of the tables: one function for a device, one for each kind of number.

A parameter bears the name of pedalboard's property, except where a slot of a rack already has an
address of that name: pedalboard's ``mix`` is ``wet`` here (see :data:`RENAMED`).
"""

from __future__ import annotations

from typing import Any

from voxrack.device import DeviceSpec
from voxrack.params import Param

RENAMED = {"wet": "mix"}  # parameter id -> pedalboard's property


def built_in(name: str, effect: str, summary: str, *params: Param, module: str = "direct", **more: Any) -> DeviceSpec:
    """Specification of a built-in: ``effect`` is pedalboard's class, and the name of ours in ``module``."""
    return DeviceSpec(
        id=f"pedalboard.{name}",
        kind="processor",
        factory=f"voxrack_pedalboard.{module}:{effect}",
        params=params,
        extra="pedalboard:pedalboard",
        title=f"{effect} (pedalboard)",
        summary=summary,
        **more,
    )


def decibels(id: str, default: float, lo: float, hi: float, help: str) -> Param:
    return Param(id, default, lo=lo, hi=hi, unit="dB", help=help)


def milliseconds(id: str, default: float, lo: float, hi: float, help: str, **more: Any) -> Param:
    return Param(id, default, lo=lo, hi=hi, unit="ms", scale="log", help=help, **more)


def cutoff(id: str, default: float, help: str) -> Param:
    """A frequency that is clamped to 0.49 of the sample rate where it is applied."""
    return Param(id, default, lo=1.0, hi=40_000.0, unit="Hz", scale="log", help=help)


def lfo_rate() -> Param:
    return Param("rate_hz", 1.0, lo=0.0, hi=100.0, unit="Hz", scale=0.3, help="speed of the modulation")


def share(id: str, default: float, help: str, lo: float = 0.0, hi: float = 1.0) -> Param:
    return Param(id, default, lo=lo, hi=hi, help=help)


def wet(default: float) -> Param:
    return share("wet", default, "0 is only the dry signal, 1 only the effect (pedalboard's `mix`)")
