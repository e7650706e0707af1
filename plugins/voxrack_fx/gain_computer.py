"""The compressor's gain: level, curve with two hard knees, attack and release (spec section 4, steps 1 to 3).

Numbers of the computer, in this order (all per sample, all safe to interpolate linearly):

0. averaging coefficient of the squared signal
1. threshold, 2. expander threshold: log2 of the power at which they act
3. slope, 4. expander slope: ``(1 - 1/ratio) / 2``, in octaves of gain per octave of power
5. attack, 6. release coefficient of the gain
7. make-up factor
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit, types

from .lanes import bits_of, number_of

SIZE = 8
_STRIP = 256  # samples per pass: the working set stays in the first cache
_FLOOR = 1e-8  # of the squared signal
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_ONE_BITS = 0x3FF0000000000000
_TWO_52_BITS = 0x4330000000000000
_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it leaves the nearest integer in the low bits
_LN2 = math.log(2.0)

_AUDIO_IN = types.Array(types.float32, 2, "C", readonly=True)
_NUMBERS = types.float64[::1]
_ROWS = types.float64[:, ::1]


def coefficient(ms: float, sample_rate: float) -> float:
    """One-pole coefficient of a 10 to 90 % rise in ``ms`` (spec section 2)."""
    return -math.expm1(-2200.0 / (ms * sample_rate))


def numbers(values: Mapping[str, Any], sample_rate: float) -> list[float]:
    """The eight numbers above from ``fx.compressor``'s values."""
    octaves = math.log2(10.0) / 10.0  # of power, per dB
    return [
        coefficient(values["averaging"], sample_rate),
        values["threshold"] * octaves,
        values["expander_threshold"] * octaves,
        0.5 * (1.0 - 1.0 / values["ratio"]),
        0.5 * (1.0 - 1.0 / values["expander_ratio"]),
        coefficient(values["attack"], sample_rate),
        coefficient(values["release"], sample_rate),
        10.0 ** (values["make_up"] / 20.0),
    ]


@njit(inline="always")
def log2(power):
    """log2 of a positive normal number to 1e-12: the exponent's bits, and the series of atanh for the rest."""
    shifted = (bits_of(power) - _SQRT_HALF_BITS + _ONE_BITS) >> 52
    exponent = number_of(shifted | _TWO_52_BITS) - (4503599627370496.0 + 1023.0)
    mantissa = number_of(bits_of(power) - ((shifted - 1023) << 52))  # between sqrt(1/2) and sqrt(2)
    z = (mantissa - 1.0) / (mantissa + 1.0)
    w = z * z
    series = 1.0 / 9.0 + w * (1.0 / 11.0 + w * (1.0 / 13.0))
    series = 1.0 + w * (1.0 / 3.0 + w * (1.0 / 5.0 + w * (1.0 / 7.0 + w * series)))
    return exponent + (2.0 / _LN2) * z * series


@njit(inline="always")
def exp2(octaves):
    """2**octaves for -1000 … 0 to 1e-12: the integer goes to the exponent's bits, Taylor's series does the rest."""
    rounded = octaves + _ROUND
    t = (octaves - (rounded - _ROUND)) * _LN2
    series = 1.0 / 5040.0 + t * (1.0 / 40320.0 + t * (1.0 / 362880.0 + t * (1.0 / 3628800.0)))
    series = 1.0 / 24.0 + t * (1.0 / 120.0 + t * (1.0 / 720.0 + t * series))
    series = 1.0 + t * (1.0 + t * (0.5 + t * (1.0 / 6.0 + t * series)))
    return number_of(bits_of(series) + (bits_of(rounded) << 52))


@njit(inline="always")
def _curve(power, threshold, expander_threshold, slope, expander_slope):
    """Gain at a power: the lower of both branches, never above 1, never below 2**-1000."""
    level = log2(power)
    compressed = slope * (threshold - level)
    expanded = expander_slope * (expander_threshold - level)
    octaves = compressed if compressed < expanded else expanded
    octaves = octaves if octaves < 0.0 else 0.0
    octaves = octaves if octaves > -1000.0 else -1000.0
    return exp2(octaves)


@njit(
    types.void(_AUDIO_IN, types.intp, _NUMBERS, _ROWS, _ROWS, types.intp),
    cache=True, nogil=True, error_model="numpy", fastmath={"contract"},
)  # fmt: skip
def gains_steady(block, begin, now, state, gains, at):
    """Gains of samples ``begin`` and later into ``gains[:, at + n]``; ``state`` (channels, 2) holds power and gain.

    Two channels go through each recursion together, and the curve runs over a strip at a time, so that the
    first hide each other's waiting and the second fills vector registers.
    """
    channels, frames = block.shape
    average, attack, release, make_up = now[0], now[5], now[6], now[7]
    threshold, expander_threshold, slope, expander_slope = now[1], now[2], now[3], now[4]
    forget, stay_attack, stay_release = 1.0 - average, 1.0 - attack, 1.0 - release
    work_a, work_b = np.empty(_STRIP), np.empty(_STRIP)
    for a in range(0, channels, 2):
        b = min(a + 1, channels - 1)
        power_a, power_b, gain_a, gain_b = state[a, 0], state[b, 0], state[a, 1], state[b, 1]
        for first in range(begin, frames, _STRIP):
            count = min(_STRIP, frames - first)
            input_a, input_b = block[a, first : first + count], block[b, first : first + count]
            output_a = gains[a, at + first : at + first + count]
            output_b = gains[b, at + first : at + first + count]
            for i in range(count):
                x_a, x_b = np.float64(input_a[i]), np.float64(input_b[i])
                power_a = forget * power_a + average * max(x_a * x_a, _FLOOR)
                power_b = forget * power_b + average * max(x_b * x_b, _FLOOR)
                work_a[i], work_b[i] = power_a, power_b
            for i in range(count):
                work_a[i] = _curve(work_a[i], threshold, expander_threshold, slope, expander_slope)
            if b != a:
                for i in range(count):
                    work_b[i] = _curve(work_b[i], threshold, expander_threshold, slope, expander_slope)
            else:
                for i in range(count):
                    work_b[i] = work_a[i]
            # falling with `attack` and rising with `release` is the lower of both lines where attack is
            # the faster one, the upper one where it is not: no comparison stands in the recursion
            if attack >= release:
                for i in range(count):
                    gain_a = min(stay_attack * gain_a + attack * work_a[i], stay_release * gain_a + release * work_a[i])
                    gain_b = min(stay_attack * gain_b + attack * work_b[i], stay_release * gain_b + release * work_b[i])
                    output_a[i] = gain_a * make_up
                    output_b[i] = gain_b * make_up
            else:
                for i in range(count):
                    gain_a = max(stay_attack * gain_a + attack * work_a[i], stay_release * gain_a + release * work_a[i])
                    gain_b = max(stay_attack * gain_b + attack * work_b[i], stay_release * gain_b + release * work_b[i])
                    output_a[i] = gain_a * make_up
                    output_b[i] = gain_b * make_up
        state[a, 0], state[b, 0], state[a, 1], state[b, 1] = power_a, power_b, gain_a, gain_b


@njit(
    types.void(_AUDIO_IN, types.intp, _NUMBERS, _NUMBERS, types.intp, types.intp, _ROWS, _ROWS, types.intp),
    cache=True, nogil=True, error_model="numpy", fastmath={"contract"},
)  # fmt: skip
def gains_moving(block, stop, start, target, position, length, state, gains, at):
    """The same for samples before ``stop``, with every number on its way from ``start`` to ``target``."""
    now = np.empty(SIZE)
    for channel in range(block.shape[0]):
        power, gain = state[channel, 0], state[channel, 1]
        for n in range(stop):
            share = np.float64(position + n + 1) / length
            for k in range(SIZE):
                now[k] = start[k] + (target[k] - start[k]) * share
            x = np.float64(block[channel, n])
            power = (1.0 - now[0]) * power + now[0] * max(x * x, _FLOOR)
            aim = _curve(power, now[1], now[2], now[3], now[4])
            speed = now[5] if aim < gain else now[6]
            gain = (1.0 - speed) * gain + speed * aim
            gains[channel, at + n] = gain * now[7]
        state[channel, 0], state[channel, 1] = power, gain
