"""Specifications of what makes space and of what measures: delay, reverb, loudness."""

from __future__ import annotations

import math
from dataclasses import replace

from voxrack.device import DeviceSpec
from voxrack.params import Axis, Param

from .specs_filters import frequency, gain, quality

_LINES = Axis("line", 6)
_CHANNELS = Axis("channel", 2)
_DECAY_HZ = tuple(22050.0 * k / 48 for k in range(49))


def _hall_decay() -> tuple[float, ...]:
    """T60 of the default hall: 1.9 s in the bass, 0.6 s at the top, as air and furniture take the treble."""
    return tuple(round(0.55 + 1.35 / (1.0 + (f / 5000.0) ** 2), 3) for f in _DECAY_HZ)


def _fan(radius: float, first: float, order: tuple[int, ...], signs: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
    """Six vectors 30 degrees apart: both columns have the same length and are orthogonal."""
    angles = [math.radians(first + 30.0 * k) for k in order]
    return tuple(
        (round(radius * sign * math.cos(angle), 4), round(radius * sign * math.sin(angle), 4))
        for angle, sign in zip(angles, signs)
    )


# Each input channel enters every line, each line reaches both outputs, and left stays orthogonal to right.
# Of 1500 orders and signs drawn at random this one had the least correlation between the outputs, the best
# balance and the lowest single echo.
_HALL_INPUT = _fan(0.75, -30.0, (2, 4, 3, 0, 5, 1), (1, -1, 1, 1, 1, -1))
_HALL_OUTPUT = tuple(zip(*_fan(0.25, -7.5, (4, 1, 2, 0, 5, 3), (1, -1, 1, -1, -1, 1))))
# Found by minimising the sum of the fourth powers of U: 30 entries of size 0.447, six of zero, so that
# one trip spreads an echo over five lines evenly.
_HALL_ROTATION = (
    0.702, 0.702, 0.702, -0.702, 0.702, 0.583, -0.702, 0.0, 0.119, 0.702, 0.119, 0.0, -0.702, -0.702, -0.583,
)  # fmt: skip


def _bell(band: str, default: float) -> tuple[Param, ...]:
    return gain(f"{band}."), frequency(default, f"{band}."), quality(f"{band}.")


def _shelf(band: str, level: float, default: float) -> tuple[Param, ...]:
    corner = frequency(default, f"{band}.", "corner frequency")
    return replace(gain(f"{band}."), default=level), corner, quality(f"{band}.", "steepness")


DELAY = DeviceSpec(
    id="fx.delay",
    kind="processor",
    factory="voxrack_fx.delay:Delay",
    title="Ping-pong delay",
    summary="Echoes that alternate between two pans; each round trip passes a low-pass. Wet only.",
    channels=(1,),
    params=(
        Param("time", 375.0, lo=1.0, hi=4000.0, unit="ms", scale="log", help="distance of the echoes"),
        Param("feedback", 0.35, help="gain from one echo to the next; lowered where it would not decay"),
        Param("level", -9.0, lo=-math.inf, hi=12.0, unit="dB", help="level of the first echo"),
        frequency(6000.0, "low_pass.", "corner of the low-pass in the loop"),
        quality("low_pass.", "resonance of the low-pass: 0.707 has none"),
        Param("odd_pan", -70.0, lo=-100.0, hi=100.0, help="pan of the first, third … echo"),
        Param("even_pan", 70.0, lo=-100.0, hi=100.0, help="pan of the second, fourth … echo"),
    ),
)

REVERB = DeviceSpec(
    id="fx.reverb",
    kind="processor",
    factory="voxrack_fx.reverb:Reverb",
    title="Feedback delay network reverb",
    summary="Six delay lines, frequency-dependent decay, orthogonal feedback matrix, four-band equaliser. Wet only.",
    channels=(2,),
    params=(
        Param("input", _HALL_INPUT, kind="array", lo=-20.0, hi=20.0, axes=(_LINES, _CHANNELS),
              help="gain of each input channel into each line"),
        Param("output", _HALL_OUTPUT, kind="array", lo=-20.0, hi=20.0, axes=(_CHANNELS, _LINES),
              help="gain of each line into each output channel"),
        Param("decay", _hall_decay(), kind="array", lo=0.001, hi=60.0, unit="s", scale="log",
              axes=(Axis("frequency", 49, "Hz", _DECAY_HZ),), help="reverberation time T60 at each frequency"),
        Param("rotation", _HALL_ROTATION, kind="array", lo=-20.0, hi=20.0, axes=(Axis("plane", 15),),
              help="how the lines feed each other: upper triangle T, row by row; the matrix is expm(T - T')"),
        *_bell("peak1", 800.0),
        *_bell("peak2", 4000.0),
        *_shelf("low_shelf", -4.0, 180.0),
        *_shelf("high_shelf", -2.0, 7000.0),
        Param("size", 1.0, lo=0.3, hi=2.0, scale="log", fit=False, help="factor on the lengths of the lines"),
        Param("damping", 0.0, fit=False, help="shortens the decay of high frequencies; 1 halves it at 2 kHz"),
    ),
)  # fmt: skip

LOUDNESS = DeviceSpec(
    id="fx.loudness",
    kind="analyzer",
    factory="voxrack_fx.loudness:Loudness",
    title="Loudness meter",
    summary="Integrated, momentary and short-term loudness, loudness range, true peak, clipping (BS.1770, EBU R 128).",
)

SPECS: tuple[DeviceSpec, ...] = (DELAY, REVERB, LOUDNESS)
