"""Compiled gain of the compressor and its adjoint: level, curve, attack and release (spec section 4, steps 1 to 3).

Rows are independent. ``numbers`` (rows, 7) holds, as in :mod:`voxrack_fx.gain_computer`: averaging coefficient,
threshold and expander threshold in octaves of power, both slopes in octaves of gain per octave of power, attack
and release coefficients. States and sums are float64.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..biquad import TINY
from ..gain_computer import exp2, log2

_STRIP = 256  # samples per pass: the working set stays in the first cache
_FLOOR = 1e-8  # of the squared signal
_LOWEST = -1000.0  # octaves
_LN2 = math.log(2.0)


@njit(inline="always")
def _octaves(level, threshold, expander_threshold, slope, expander_slope):
    """The curve: the lower of both branches, at most 0."""
    compressed = slope * (threshold - level)
    expanded = expander_slope * (expander_threshold - level)
    octaves = compressed if compressed < expanded else expanded
    octaves = octaves if octaves < 0.0 else 0.0
    return octaves if octaves > _LOWEST else _LOWEST


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def forward(x, numbers, power, gain, falls):
    """Fill ``power``, ``gain`` and ``falls`` (whether the attack is at work), all (rows, frames) like ``x``."""
    rows, frames = x.shape
    aims = np.empty(_STRIP)
    for row in range(rows):
        average, threshold, expander_threshold = numbers[row, 0], numbers[row, 1], numbers[row, 2]
        slope, expander_slope, attack, release = numbers[row, 3], numbers[row, 4], numbers[row, 5], numbers[row, 6]
        forget, stay_attack, stay_release = 1.0 - average, 1.0 - attack, 1.0 - release
        s, g = 0.0, 1.0
        for first in range(0, frames, _STRIP):
            count = min(_STRIP, frames - first)
            signal, powers = x[row, first : first + count], power[row, first : first + count]
            gains, masks = gain[row, first : first + count], falls[row, first : first + count]
            for i in range(count):
                v = np.float64(signal[i])
                s = forget * s + average * max(v * v, _FLOOR)
                aims[i] = s
                powers[i] = s
            for i in range(count):
                aims[i] = exp2(_octaves(log2(aims[i]), threshold, expander_threshold, slope, expander_slope))
            for i in range(count):
                falling = aims[i] < g
                fast, slow = stay_attack * g + attack * aims[i], stay_release * g + release * aims[i]
                g = fast if falling else slow
                gains[i] = g
                masks[i] = falling


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def backward(grad, x, numbers, power, gain, falls, grad_x, grad_numbers):
    """Gradients to ``x`` and ``numbers`` from that to ``gain``, time-reversed; the switch is not differentiated.

    Where a ratio is exactly 1 its branch counts above (or below) its threshold all the same, so that a fit can
    leave that ratio.
    """
    rows, frames = x.shape
    to_aim, to_power, to_speed = np.empty(_STRIP), np.empty(_STRIP), np.empty(_STRIP)
    aims, levels, octaves = np.empty(_STRIP), np.empty(_STRIP), np.empty(_STRIP)
    for row in range(rows):
        average, threshold, expander_threshold = numbers[row, 0], numbers[row, 1], numbers[row, 2]
        slope, expander_slope, attack, release = numbers[row, 3], numbers[row, 4], numbers[row, 5], numbers[row, 6]
        forget = 1.0 - average
        sums = np.zeros(7)
        carry_gain, carry_power = 0.0, 0.0  # what sample n + 1 sends back through the recursions
        for first in range((frames - 1) // _STRIP * _STRIP, -1, -_STRIP):
            count = min(_STRIP, frames - first)
            signal, powers = x[row, first : first + count], power[row, first : first + count]
            masks, given = falls[row, first : first + count], grad[row, first : first + count]
            for i in range(count):
                levels[i] = log2(np.float64(powers[i]))
                octaves[i] = _octaves(levels[i], threshold, expander_threshold, slope, expander_slope)
                aims[i] = exp2(octaves[i])
            for i in range(count - 1, -1, -1):
                to_gain = given[i] + carry_gain
                speed = attack if masks[i] else release
                to_aim[i] = speed * to_gain
                to_speed[i] = to_gain
                carry_gain = (1.0 - speed) * to_gain
            before = 1.0 if first == 0 else np.float64(gain[row, first - 1])
            to_attack = to_speed[0] * (aims[0] - before) if masks[0] else 0.0
            to_release = 0.0 if masks[0] else to_speed[0] * (aims[0] - before)
            gains = gain[row, first : first + count]
            for i in range(1, count):
                moved = to_speed[i] * (aims[i] - gains[i - 1])
                to_attack += moved if masks[i] else 0.0
                to_release += 0.0 if masks[i] else moved
            sums[5] += to_attack
            sums[6] += to_release

            to_threshold, to_slope, to_expander_threshold, to_expander_slope = 0.0, 0.0, 0.0, 0.0
            for i in range(count):
                over, under = levels[i] - threshold, expander_threshold - levels[i]
                compressed, expanded = -slope * over, expander_slope * under
                compresses = (compressed <= expanded) & (over > 0.0)
                expands = (expanded < compressed) & (under > 0.0)
                expands |= (under > 0.0) & (over <= 0.0)
                live = to_aim[i] * aims[i] * _LN2 if octaves[i] > _LOWEST else 0.0
                by_compressor = live if compresses & (compressed <= 0.0) else 0.0
                by_expander = live if expands & (expanded <= 0.0) else 0.0
                to_threshold += by_compressor
                to_slope -= by_compressor * over
                to_expander_threshold += by_expander
                to_expander_slope += by_expander * under
                to_level = -slope * by_compressor - expander_slope * by_expander
                to_power[i] = to_level / (_LN2 * np.float64(powers[i]))
            sums[1] += to_threshold * slope
            sums[2] += to_expander_threshold * expander_slope
            sums[3] += to_slope
            sums[4] += to_expander_slope

            for i in range(count - 1, -1, -1):
                total = to_power[i] + carry_power
                to_power[i] = total
                carry_power = forget * total
            for i in range(count):
                v = np.float64(signal[i])
                grad_x[row, first + i] = 2.0 * average * v * to_power[i] if v * v > _FLOOR else 0.0
            # A loop of its own, that writes nothing: beside a write that may lie next to what it reads, the compiler
            # keeps two versions, which add up in different orders, and chooses by where the arrays happen to lie.
            v = np.float64(signal[0])
            before = 0.0 if first == 0 else np.float64(power[row, first - 1])
            to_average = to_power[0] * (max(v * v, _FLOOR) - before)
            for i in range(1, count):
                v = np.float64(signal[i])
                to_average += to_power[i] * (max(v * v, _FLOOR) - np.float64(powers[i - 1]))
            sums[0] += to_average
            carry_gain = carry_gain if abs(carry_gain) > TINY else 0.0
            carry_power = carry_power if abs(carry_power) > TINY else 0.0
        grad_numbers[row] = sums
