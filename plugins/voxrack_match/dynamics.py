"""Loudness dynamic range of a stereo item, fast on the CPU (DiffVox spec, section 8).

Sixteen one-pole averages run side by side: left, right, middle and side at two short and two long times.
``reference.dynamics`` says the same in plain torch (mode ``exact``: the long-term curve is held at its last value
where it would be read past the end).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .reference import PAIRS, POWER_FLOOR, coefficient, shift_of

Real = NDArray[np.floating]
_CHUNK = 512  # samples whose logarithms are taken in one go
_FAST = {"reassoc", "contract", "nsz", "arcp"}
_UNIT = math.sqrt(0.5)


class WantedDynamics:
    """Ratio of short- to long-term power of a signal (2, T): shape (T, 8), columns pair by pair L, R, M, S."""

    def __init__(self, signal: Real, sample_rate: int) -> None:
        self.coefficients = np.repeat([coefficient(t, sample_rate, "exact") for pair in zip(*PAIRS) for t in pair], 4)
        self.shifts = np.array([shift_of(pair, sample_rate) for pair in PAIRS])
        averages = self.averages(signal)
        self.ratio = np.empty((signal.shape[1], 8), signal.dtype)
        _ratios(averages, self.shifts, self.ratio)

    def averages(self, signal: Real) -> Real:
        """Mean power (T, 16): columns short 1, short 2, long 1, long 2, each L, R, M, S."""
        out = np.empty((signal.shape[1], 16), signal.dtype)
        _average(signal, self.coefficients, out)
        return out

    def measure(self, signal: Real) -> tuple[NDArray[np.float64], Real]:
        """Sums (4,) by signal of the distance of the log ratios, and the averages for :meth:`slope`."""
        averages = self.averages(signal)
        sums = np.zeros(8)
        mantissa = np.empty(8 * _CHUNK, np.float32)
        ratio = np.empty(8 * _CHUNK, signal.dtype)
        single = signal.dtype == np.float32
        _distances(averages, self.shifts, self.ratio, ratio, mantissa, mantissa.view(np.int32), single, sums)
        return sums[:4] + sums[4:], averages

    def slope(self, signal: Real, averages: Real, weights: NDArray[np.float64]) -> Real:
        """Gradient (2, T) by the signal; ``weights`` (4,) are those of the sums."""
        signs = np.empty((signal.shape[1], 8), np.int8)
        _signs(averages, self.shifts, self.ratio, signs)
        out = np.empty_like(signal)
        _adjoint(signal, averages, signs, self.coefficients, self.shifts, np.tile(weights, 2), out)
        return out


@njit(cache=True, nogil=True, fastmath=_FAST)
def _average(signal, coefficients, out):
    """States in double precision: the increments of a 2 s average are 1e-5 of it."""
    state = np.zeros(16)
    power = np.empty(16)
    for n in range(out.shape[0]):
        left, right = np.float64(signal[0, n]), np.float64(signal[1, n])
        power[0], power[1] = max(left * left, POWER_FLOOR), max(right * right, POWER_FLOOR)
        power[2] = max(0.5 * (left + right) * (left + right), POWER_FLOOR)
        power[3] = max(0.5 * (left - right) * (left - right), POWER_FLOOR)
        for j in range(4, 16):
            power[j] = power[j - 4]
        for j in range(16):
            state[j] += coefficients[j] * (power[j] - state[j])
            out[n, j] = state[j]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _ratios(averages, shifts, out):
    last = out.shape[0] - 1
    first_shift, second_shift = shifts[0], shifts[1]
    for n in range(out.shape[0]):
        one, two = min(n + first_shift, last), min(n + second_shift, last)
        for j in range(4):
            out[n, j] = averages[n, j] / averages[one, 8 + j]
            out[n, 4 + j] = averages[n, 4 + j] / averages[two, 12 + j]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _distances(averages, shifts, wanted, ratio, mantissa, bits, single, sums):
    frames = averages.shape[0]
    last = frames - 1
    for start in range(0, frames, _CHUNK):
        size = min(_CHUNK, frames - start)
        for i in range(size):
            n = start + i
            one, two = min(n + shifts[0], last), min(n + shifts[1], last)
            for j in range(4):
                ratio[8 * i + j] = averages[n, j] / (averages[one, 8 + j] * wanted[n, j])
                ratio[8 * i + 4 + j] = averages[n, 4 + j] / (averages[two, 12 + j] * wanted[n, 4 + j])
        _logs(ratio[: 8 * size], mantissa, bits, single)
        for i in range(size):
            for j in range(8):
                sums[j] += ratio[8 * i + j]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _logs(ratio, mantissa, bits, single):
    """|ln ratio| in place; for float32 Cephes' logf, see ``stft_kernels``."""
    if not single:
        for k in range(ratio.size):
            ratio[k] = abs(math.log(ratio[k]))
        return
    for k in range(ratio.size):
        mantissa[k] = ratio[k]
    for k in range(ratio.size):
        exponent = (bits[k] - np.int32(0x3F3504F3)) >> np.int32(23)
        bits[k] -= exponent << np.int32(23)
        ratio[k] = np.float32(exponent)
    for k in range(ratio.size):
        m = mantissa[k] - np.float32(1.0)
        z = m * m
        p = np.float32(7.0376836292e-2) * m - np.float32(1.1514610310e-1)
        p = p * m + np.float32(1.1676998740e-1)
        p = p * m - np.float32(1.2420140846e-1)
        p = p * m + np.float32(1.4249322787e-1)
        p = p * m - np.float32(1.6668057665e-1)
        p = p * m + np.float32(2.0000714765e-1)
        p = p * m - np.float32(2.4999993993e-1)
        p = p * m + np.float32(3.3333331174e-1)
        ratio[k] = abs(m * z * p - np.float32(0.5) * z + m + np.float32(ratio[k]) * np.float32(0.693147180559945))


@njit(cache=True, nogil=True, fastmath=_FAST)
def _signs(averages, shifts, wanted, out):
    last = out.shape[0] - 1
    for n in range(out.shape[0]):
        one, two = min(n + shifts[0], last), min(n + shifts[1], last)
        for j in range(4):
            found, hoped = averages[n, j], averages[one, 8 + j] * wanted[n, j]
            out[n, j] = np.int8(found > hoped) - np.int8(found < hoped)
            found, hoped = averages[n, 4 + j], averages[two, 12 + j] * wanted[n, 4 + j]
            out[n, 4 + j] = np.int8(found > hoped) - np.int8(found < hoped)


@njit(cache=True, nogil=True, fastmath=_FAST)
def _adjoint(signal, averages, signs, coefficients, shifts, weights, out):
    """The averages' recursion backwards in time."""
    frames = out.shape[1]
    last = frames - 1
    state = np.zeros(16)
    push = np.zeros(16)
    power = np.zeros(4)
    keep = 1.0 - coefficients
    held = np.zeros(8)  # every sample that read the held last value of a long-term curve pushes there
    for n in range(max(0, last - max(shifts[0], shifts[1])), frames):
        for j in range(4):
            if n + shifts[0] >= last:
                held[j] += signs[n, j]
            if n + shifts[1] >= last:
                held[4 + j] += signs[n, 4 + j]
    for step in range(frames):
        n = last - step
        one, two = n - shifts[0], n - shifts[1]
        for j in range(8):
            push[j] = weights[j] * signs[n, j]
            push[8 + j] = 0.0
        if n == last:
            for j in range(8):
                push[8 + j] = -weights[j] * held[j]
        else:
            if one >= 0:
                for j in range(4):
                    push[8 + j] = -weights[j] * signs[one, j]
            if two >= 0:
                for j in range(4):
                    push[12 + j] = -weights[4 + j] * signs[two, 4 + j]
        for j in range(16):
            state[j] = keep[j] * state[j] + push[j] / averages[n, j]
        for j in range(4):
            power[j] = (
                coefficients[j] * state[j]
                + coefficients[4 + j] * state[4 + j]
                + coefficients[8 + j] * state[8 + j]
                + coefficients[12 + j] * state[12 + j]
            )
        left, right = np.float64(signal[0, n]), np.float64(signal[1, n])
        middle, side = left + right, left - right
        g_left = 2.0 * left * power[0] if left * left >= POWER_FLOOR else 0.0
        g_right = 2.0 * right * power[1] if right * right >= POWER_FLOOR else 0.0
        g_middle = middle * power[2] if 0.5 * middle * middle >= POWER_FLOOR else 0.0
        g_side = side * power[3] if 0.5 * side * side >= POWER_FLOOR else 0.0
        out[0, n] = g_left + g_middle + g_side
        out[1, n] = g_right + g_middle - g_side
