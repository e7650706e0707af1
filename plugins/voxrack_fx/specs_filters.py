"""Specifications of gain, pan, the filters and the compressor. Nothing heavy is imported here."""

from __future__ import annotations

import math

from voxrack.device import DeviceSpec
from voxrack.params import Param

from .coefficients import HIGHEST, LOWEST


def gain(prefix: str = "") -> Param:
    """A filter's boost or cut."""
    return Param(f"{prefix}gain", 0.0, lo=-40.0, hi=40.0, unit="dB", help="boost (positive) or cut (negative)")


def frequency(default: float, prefix: str = "", what: str = "centre frequency") -> Param:
    """A filter's frequency."""
    return Param(f"{prefix}frequency", default, lo=LOWEST, hi=HIGHEST, unit="Hz", scale="log", help=what)


def quality(prefix: str = "", what: str = "width: higher is narrower") -> Param:
    """A filter's quality factor."""
    return Param(f"{prefix}q", 0.707, lo=0.05, hi=40.0, scale="log", help=what)


_SLOPE = "steepness: above 0.707 the shelf overshoots"
_LOW_PASS, _HIGH_PASS = "corner frequency; 22 kHz is off", "corner frequency; 10 Hz is off"
_RESONANCE = "resonance at the corner: 0.707 has none"


def _times(id: str, default: float, help: str) -> Param:
    return Param(id, default, lo=1e-3, hi=1e6, unit="ms", scale="log", help=help)


GAIN = DeviceSpec(
    "fx.gain",
    "processor",
    "voxrack_fx.gain:Gain",
    (Param("level", 0.0, lo=-math.inf, hi=60.0, unit="dB", help="-inf is off"),),
    transparent={"level": 0.0},
    title="Gain",
    summary="Makes the signal louder or softer.",
)

PAN = DeviceSpec(
    "fx.pan",
    "processor",
    "voxrack_fx.pan:Pan",
    (Param("pan", 0.0, lo=-100.0, hi=100.0, help="-100 is left, 0 the centre, 100 right"),),
    channels=(1, 2),
    transparent={"pan": 0.0},
    title="Pan",
    summary="Places a mono signal between left and right, or shifts the balance of a stereo one.",
)

PEAK = DeviceSpec(
    "fx.peak",
    "processor",
    "voxrack_fx.biquad:Peak",
    (gain(), frequency(1000.0), quality()),
    transparent={"gain": 0.0},
    title="Peak filter",
    summary="Boosts or cuts around a frequency.",
)

LOW_SHELF = DeviceSpec(
    "fx.low_shelf",
    "processor",
    "voxrack_fx.biquad:LowShelf",
    (gain(), frequency(115.0, what="corner frequency"), quality(what=_SLOPE)),
    transparent={"gain": 0.0},
    title="Low shelf",
    summary="Boosts or cuts everything below a frequency.",
)

HIGH_SHELF = DeviceSpec(
    "fx.high_shelf",
    "processor",
    "voxrack_fx.biquad:HighShelf",
    (gain(), frequency(6000.0, what="corner frequency"), quality(what=_SLOPE)),
    transparent={"gain": 0.0},
    title="High shelf",
    summary="Boosts or cuts everything above a frequency.",
)

LOW_PASS = DeviceSpec(
    "fx.low_pass",
    "processor",
    "voxrack_fx.biquad:LowPass",
    (frequency(17500.0, what=_LOW_PASS), quality(what=_RESONANCE)),
    transparent={"frequency": HIGHEST},
    title="Low-pass filter",
    summary="Removes what lies above a frequency, 12 dB per octave.",
)

HIGH_PASS = DeviceSpec(
    "fx.high_pass",
    "processor",
    "voxrack_fx.biquad:HighPass",
    (frequency(80.0, what=_HIGH_PASS), quality(what=_RESONANCE)),
    transparent={"frequency": LOWEST},
    title="High-pass filter",
    summary="Removes what lies below a frequency, 12 dB per octave.",
)


def _bell(band: str, default: float) -> tuple[Param, ...]:
    return gain(f"{band}."), frequency(default, f"{band}."), quality(f"{band}.")


def _shelf(band: str, default: float) -> tuple[Param, ...]:
    return gain(f"{band}."), frequency(default, f"{band}.", "corner frequency"), quality(f"{band}.", _SLOPE)


def _pass(band: str, default: float, what: str) -> tuple[Param, ...]:
    return frequency(default, f"{band}.", what), quality(f"{band}.", _RESONANCE)


PEQ = DeviceSpec(
    "fx.peq",
    "processor",
    "voxrack_fx.peq:Equaliser",
    (
        *_bell("peak1", 800.0),
        *_bell("peak2", 4000.0),
        *_shelf("low_shelf", 115.0),
        *_shelf("high_shelf", 6000.0),
        *_pass("low_pass", HIGHEST, _LOW_PASS),
        *_pass("high_pass", LOWEST, _HIGH_PASS),
    ),
    transparent={
        "peak1.gain": 0.0,
        "peak2.gain": 0.0,
        "low_shelf.gain": 0.0,
        "high_shelf.gain": 0.0,
        "low_pass.frequency": HIGHEST,
        "high_pass.frequency": LOWEST,
    },
    title="Equaliser",
    summary="Two bells, two shelves, a low-pass and a high-pass in series.",
)

COMPRESSOR = DeviceSpec(
    "fx.compressor",
    "processor",
    "voxrack_fx.compressor:Compressor",
    (
        Param("threshold", -18.0, lo=-80.0, hi=20.0, unit="dB", help="level above which the signal is compressed"),
        Param("ratio", 2.0, lo=1.0, hi=100.0, scale="log", help="dB in for one dB out above the threshold"),
        Param(
            "expander_threshold", -48.0, lo=-100.0, hi=20.0, unit="dB",
            help="level below which the signal is turned down",
        ),
        Param(
            "expander_ratio", 0.5, lo=0.001, hi=1.0, scale="log",
            help="dB in for one dB out below the expander threshold; 1 leaves it off",
        ),
        _times("attack", 50.0, "time in which the gain falls (10 to 90 %)"),
        _times("release", 50.0, "time in which the gain recovers (10 to 90 %)"),
        _times("averaging", 0.14, "time over which the level is measured"),
        Param("look_ahead", 0.0, lo=0.0, hi=15.0, unit="ms", help="time by which the gain moves before the signal"),
        Param("make_up", 0.0, lo=-40.0, hi=40.0, unit="dB", help="gain after compression"),
    ),
    transparent={"ratio": 1.0, "expander_ratio": 1.0, "look_ahead": 0.0, "make_up": 0.0},
    title="Compressor",
    summary="Turns down what is loud and what is very soft, with look-ahead; each channel alone.",
)  # fmt: skip

SPECS: tuple[DeviceSpec, ...] = (
    GAIN, PAN, PEAK, LOW_SHELF, HIGH_SHELF, LOW_PASS, HIGH_PASS, PEQ, COMPRESSOR
)  # fmt: skip
