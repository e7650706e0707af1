"""What the effects look like: responses, the compressor's curve, echoes, reverberation times, as ``Curve``s."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from voxrack.drawn import Curve

from .absorption import FREQUENCIES, damped
from .coefficients import Section
from .pan import factors

POINTS = 160
LOWEST, HIGHEST = 20.0, 20_000.0  # Hz
SOFTEST = -80.0  # dBFS, of the compressor's curve
FAINTEST = 60.0  # dB below the first echo, where the picture of echoes ends
MOST_ECHOES = 40


def response(sections: Iterable[Section], sample_rate: int, name: str = "response") -> Curve:
    """Magnitude in dB of sections in series, ``|b0 + b1 z + b2 z^2| / |1 + a1 z + a2 z^2|`` at z = exp(-i w)."""
    frequencies = np.geomspace(LOWEST, min(HIGHEST, 0.49 * sample_rate), POINTS)
    z = np.exp(-2j * np.pi * frequencies / sample_rate)
    level = np.zeros(POINTS)
    for b0, b1, b2, a1, a2 in sections:
        gain = np.abs(b0 + b1 * z + b2 * z * z) / np.abs(1.0 + a1 * z + a2 * z * z)
        level += 20.0 * np.log10(np.maximum(gain, 1e-6))
    return Curve(name, frequencies, {"level": np.maximum(level, -60.0)}, "frequency", "Hz", "gain", "dB",
                 "log", (-12.0, 12.0))  # fmt: skip


def gain_curve(values: Mapping[str, Any]) -> Curve:
    """Level out over level in of a steady tone: two hard knees and the make-up (spec section 4)."""
    level = np.linspace(SOFTEST, 0.0, POINTS + 1)
    above = (1.0 - 1.0 / values["ratio"]) * (values["threshold"] - level)
    below = (1.0 - 1.0 / values["expander_ratio"]) * (values["expander_threshold"] - level)
    out = level + np.minimum(0.0, np.minimum(above, below)) + values["make_up"]
    lines = {"out": np.maximum(out, SOFTEST - 20.0), "as it came": level}
    return Curve("gain curve", level, lines, "level in", "dB", "out", "dB", "lin", (SOFTEST, 0.0))


def echoes(values: Mapping[str, Any]) -> Curve:
    """Each echo at its time, as loud as it is below the low-pass's corner, on the left and on the right.

    Echo j comes after j times ``time``, at ``level + 20 (j - 1) log10(feedback)`` dB times its pan (spec section 10).
    """
    feedback = values["feedback"]
    loss = -20.0 * math.log10(feedback) if feedback > 0.0 else math.inf
    count = 1 if math.isinf(loss) else MOST_ECHOES if loss <= 0.0 else min(MOST_ECHOES, 1 + int(FAINTEST / loss))
    number = np.arange(1, count + 1)
    fall = np.zeros(count) if count == 1 else loss * (number - 1)
    pans = np.array([factors(values["odd_pan" if j % 2 else "even_pan"]) for j in number])
    level = (values["level"] - fall)[:, None] + 20.0 * np.log10(np.maximum(pans, 1e-6))
    floor = values["level"] - FAINTEST
    level[level < floor] = np.nan
    return Curve("echoes", number * values["time"], {"left": level[:, 0], "right": level[:, 1]}, "time", "ms",
                 "level", "dB", "lin", (floor, values["level"] + 3.0), bars=True)  # fmt: skip


def decay(values: Mapping[str, Any]) -> Curve:
    """Reverberation time over frequency, damping included."""
    times = damped(values["decay"], values["damping"])
    frequencies = np.geomspace(LOWEST, HIGHEST, POINTS)
    shown = np.interp(frequencies, FREQUENCIES, times)
    return Curve("decay", frequencies, {"T60": shown}, "frequency", "Hz", "T60", "s", "log", (0.0, 1.0))
