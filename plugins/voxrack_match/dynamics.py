"""Loudness dynamic range of a stereo item, fast on the CPU (DiffVox spec, section 8).

Left, right, middle and side are averaged at two short and two long times: sixteen rows, laid out time 1 short,
time 2 short, time 1 long, time 2 long, each L, R, M, S. ``reference.dynamics`` says the same in plain torch (mode
``exact``: the long-term curve is held at its last value where it would be read past the end).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .logs import FAST, sum_of_logs
from .reference import PAIRS, POWER_FLOOR, coefficient, shift_of

Real = NDArray[np.floating]
_CHUNK = 512  # samples that are handled together, so that they stay in the first cache


class WantedDynamics:
    """Ratio (8, T) of short- to long-term power of a signal (2, T): both pairs of times, each L, R, M, S."""

    def __init__(self, signal: Real, sample_rate: int) -> None:
        self.coefficients = np.repeat([coefficient(t, sample_rate, "exact") for pair in zip(*PAIRS) for t in pair], 4)
        self.shifts = np.array([shift_of(pair, sample_rate) for pair in PAIRS])
        averages = self.averages(signal)
        self.ratio = np.empty((8, signal.shape[1]), signal.dtype)
        _ratios(averages, self.shifts, self.ratio)

    def averages(self, signal: Real) -> Real:
        """Mean power (16, T)."""
        out = np.empty((16, signal.shape[1]), signal.dtype)
        _average(signal, self.coefficients, out)
        return out

    def measure(self, signal: Real) -> tuple[NDArray[np.float64], Real]:
        """Sums (4,) by signal of the distance of the log ratios, and the averages for :meth:`slope`."""
        averages = self.averages(signal)
        sums, mantissa, ratio = np.zeros(4), np.empty(_CHUNK, np.float32), np.empty(_CHUNK, signal.dtype)
        single = signal.dtype == np.float32
        _distances(averages, self.shifts, self.ratio, ratio, mantissa, mantissa.view(np.int32), single, sums)
        return sums, averages

    def slope(self, signal: Real, averages: Real, weights: NDArray[np.float64]) -> Real:
        """Gradient (2, T) by the signal; ``weights`` (4,) are those of the sums."""
        signs = np.empty((8, signal.shape[1]), np.int8)
        _signs(averages, self.shifts, self.ratio, signs)
        out = np.empty_like(signal)
        _adjoint(signal, averages, signs, self.coefficients, self.shifts, weights, out)
        return out


@njit(cache=True, nogil=True, fastmath=FAST)
def _average(signal, coefficients, out):
    """States in double precision: the increments of a 2 s average are 1e-5 of it."""
    frames = out.shape[1]
    power = np.empty((4, _CHUNK))
    averaged = np.empty((4, _CHUNK))
    state = np.zeros(16)
    for start in range(0, frames, _CHUNK):
        size = min(_CHUNK, frames - start)
        left, right = signal[0, start : start + size], signal[1, start : start + size]
        for i in range(size):
            a, b = np.float64(left[i]), np.float64(right[i])
            power[0, i] = max(a * a, POWER_FLOOR)
            power[1, i] = max(b * b, POWER_FLOOR)
            power[2, i] = max(0.5 * (a + b) * (a + b), POWER_FLOOR)
            power[3, i] = max(0.5 * (a - b) * (a - b), POWER_FLOOR)
        for s in range(4):
            c0, c1, c2, c3 = coefficients[s], coefficients[4 + s], coefficients[8 + s], coefficients[12 + s]
            s0, s1, s2, s3 = state[s], state[4 + s], state[8 + s], state[12 + s]
            for i in range(size):
                p = power[s, i]
                s0 = (1.0 - c0) * s0 + c0 * p
                s1 = (1.0 - c1) * s1 + c1 * p
                s2 = (1.0 - c2) * s2 + c2 * p
                s3 = (1.0 - c3) * s3 + c3 * p
                averaged[0, i], averaged[1, i], averaged[2, i], averaged[3, i] = s0, s1, s2, s3
            state[s], state[4 + s], state[8 + s], state[12 + s] = s0, s1, s2, s3
            for t in range(4):
                row = out[4 * t + s, start : start + size]
                for i in range(size):
                    row[i] = averaged[t, i]


@njit(cache=True, nogil=True, inline="always")
def _later(averages, row, shift, start, size, out):
    """The long-term curve ``row`` from ``start + shift`` on, its last value held, into ``out``."""
    last = averages.shape[1] - 1
    inside = max(0, min(size, last + 1 - start - shift))
    curve = averages[row]
    for i in range(inside):
        out[i] = curve[start + shift + i]
    for i in range(inside, size):
        out[i] = curve[last]


@njit(cache=True, nogil=True, fastmath=FAST)
def _ratios(averages, shifts, out):
    frames = out.shape[1]
    later = np.empty(_CHUNK, averages.dtype)
    for start in range(0, frames, _CHUNK):
        size = min(_CHUNK, frames - start)
        for j in range(8):
            _later(averages, 8 + j, shifts[j // 4], start, size, later)
            for i in range(size):
                out[j, start + i] = averages[j, start + i] / later[i]


@njit(cache=True, nogil=True, fastmath=FAST)
def _distances(averages, shifts, wanted, ratio, mantissa, bits, single, sums):
    """|ln a - ln b| is the logarithm of the larger by the smaller: both pairs of times share one."""
    frames = averages.shape[1]
    one, two = np.empty(_CHUNK, averages.dtype), np.empty(_CHUNK, averages.dtype)
    for start in range(0, frames, _CHUNK):
        size = min(_CHUNK, frames - start)
        for j in range(4):
            _later(averages, 8 + j, shifts[0], start, size, one)
            _later(averages, 12 + j, shifts[1], start, size, two)
            first, second = averages[j, start : start + size], averages[4 + j, start : start + size]
            hope, desire = wanted[j, start : start + size], wanted[4 + j, start : start + size]
            for i in range(size):
                a, b = first[i], one[i] * hope[i]
                c, d = second[i], two[i] * desire[i]
                ratio[i] = max(a, b) * max(c, d) / (min(a, b) * min(c, d))
            sums[j] += sum_of_logs(ratio[:size], mantissa, bits, single)


@njit(cache=True, nogil=True, fastmath=FAST)
def _signs(averages, shifts, wanted, out):
    frames = out.shape[1]
    later = np.empty(_CHUNK, averages.dtype)
    for start in range(0, frames, _CHUNK):
        size = min(_CHUNK, frames - start)
        for j in range(8):
            _later(averages, 8 + j, shifts[j // 4], start, size, later)
            found, hoped, sign = averages[j, start : start + size], wanted[j, start : start + size], out[j, start:]
            for i in range(size):
                level = later[i] * hoped[i]
                sign[i] = np.int8(found[i] > level) - np.int8(found[i] < level)


@njit(cache=True, nogil=True, fastmath=FAST)
def _adjoint(signal, averages, signs, coefficients, shifts, weights, out):
    """The averages' recursion backwards in time."""
    frames = out.shape[1]
    push, power, state = np.empty((4, _CHUNK)), np.empty((4, _CHUNK)), np.zeros(16)
    chunks = (frames + _CHUNK - 1) // _CHUNK
    for chunk in range(chunks - 1, -1, -1):
        start = chunk * _CHUNK
        size = min(_CHUNK, frames - start)
        for s in range(4):
            for pair in range(2):
                short, long = averages[4 * pair + s, start:], averages[8 + 4 * pair + s, start:]
                sign, earlier = signs[4 * pair + s, start:], signs[4 * pair + s]
                for i in range(size):
                    push[pair, i] = weights[s] * sign[i] / short[i]
                first = min(size, max(0, shifts[pair] - start))
                for i in range(first):
                    push[2 + pair, i] = 0.0
                for i in range(first, size):
                    push[2 + pair, i] = -weights[s] * earlier[start + i - shifts[pair]] / long[i]
                if chunk == chunks - 1:  # every sample that read the held last value pushes there
                    held = 0.0
                    for n in range(max(0, frames - 1 - shifts[pair]), frames):
                        held += earlier[n]
                    push[2 + pair, size - 1] = -weights[s] * held / long[size - 1]
            c0, c1, c2, c3 = coefficients[s], coefficients[4 + s], coefficients[8 + s], coefficients[12 + s]
            s0, s1, s2, s3 = state[s], state[4 + s], state[8 + s], state[12 + s]
            for i in range(size - 1, -1, -1):
                s0 = (1.0 - c0) * s0 + push[0, i]
                s1 = (1.0 - c1) * s1 + push[1, i]
                s2 = (1.0 - c2) * s2 + push[2, i]
                s3 = (1.0 - c3) * s3 + push[3, i]
                power[s, i] = c0 * s0 + c1 * s1 + c2 * s2 + c3 * s3
            state[s], state[4 + s], state[8 + s], state[12 + s] = s0, s1, s2, s3
        left, right = signal[0, start : start + size], signal[1, start : start + size]
        to_left, to_right = out[0, start : start + size], out[1, start : start + size]
        for i in range(size):
            a, b = np.float64(left[i]), np.float64(right[i])
            middle, side = a + b, a - b
            g_left = 2.0 * a * power[0, i] if a * a >= POWER_FLOOR else 0.0
            g_right = 2.0 * b * power[1, i] if b * b >= POWER_FLOOR else 0.0
            g_middle = middle * power[2, i] if 0.5 * middle * middle >= POWER_FLOOR else 0.0
            g_side = side * power[3, i] if 0.5 * side * side >= POWER_FLOOR else 0.0
            to_left[i] = g_left + g_middle + g_side
            to_right[i] = g_right + g_middle - g_side
