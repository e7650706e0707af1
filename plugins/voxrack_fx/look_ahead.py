"""Look-ahead: the gain curve, moved forward in time by a fraction of a sample (spec section 4, step 4).

The specification correlates the gain with ``sinc(k - P)``, ``k = -l … r``: 706 taps at 44.1 kHz. Away from its
centre this kernel is ``±1 / (k - P)`` with alternating sign, and a reciprocal is a sum of a few exponentials
(Braess and Hackbusch, IMA J. Numer. Anal. 25, 2005), which are one-pole recursions. So the taps near the
centre are summed as they stand, and each far side is eight recursions in one vector: a tenth of the work,
and the same kernel to 7e-10 per tap.

A row of gains holds, for output ``i``, the taps ``j = 0 … l + r`` at ``row[at + i + j]``; the centre is ``l + P``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from .lanes import fma, load8, mul, splat, spread, store, total

# 1/x on [1, 24] as sum(_WEIGHTS * exp(-_RATES * x)), largest error 6.9e-8 (minimax fit)
_RATES = np.array([
    0.021715020762893493, 0.11887441096916422, 0.3144967968137532, 0.655439874001278,
    1.2345524677723465, 2.2206225253113834, 3.92276040412512, 7.034113823442987,
])  # fmt: skip
_WEIGHTS = np.array([
    0.05621334741160088, 0.1413096781751445, 0.2574195820172687, 0.4394808671139961,
    0.7459960709849119, 1.274926667212144, 2.2298639125088666, 4.333814902407703,
])  # fmt: skip
_SPAN = 24.0
_WHOLE = 1e-6  # samples: a look-ahead this near to a whole number is that number

_ROWS = types.float64[:, ::1]
_NUMBERS = types.float64[::1]
_AUDIO = types.float32[:, ::1]


def reach(sample_rate: int) -> tuple[int, int]:
    """Taps before and after: ``l``, ``r``. The second is the compressor's latency."""
    before = int(0.001 * sample_rate)
    return before, int(0.016 * sample_rate) - before


@dataclass(frozen=True)
class Plan:
    """How to apply one look-ahead.

    Parameters
    ----------
    shift : int
        Where the look-ahead is a whole number of samples: which tap to take. -1 otherwise.
    first, last : int
        Range of taps that are summed as they stand; the far sides lie outside.
    taps : int
        Number of all taps less one, ``l + r``.
    near : ndarray, shape (last - first + 1,)
    far : ndarray, shape (8 * 8,)
        Rows of eight: powers 1 to 4 of the negated decays; weights of the left side, and what is left there of
        a sample that leaves; the same two of the right side.
    """

    shift: int
    first: int
    last: int
    taps: int
    near: NDArray[np.float64]
    far: NDArray[np.float64]


def plan(samples: float, before: int, after: int) -> Plan:
    """Plan for a look-ahead of ``samples`` (0 … ``after``) with ``before`` and ``after`` taps on either side."""
    taps = before + after
    whole = round(samples)
    if abs(samples - whole) < _WHOLE:
        return Plan(before + min(whole, after), 0, 0, taps, np.zeros(1), np.zeros(64))
    centre = before + samples
    width = math.ceil((taps + 1) / _SPAN)
    first = max(0, math.floor(centre) - width + 1)
    last = min(taps, math.floor(centre) + width)
    decay = np.exp(-_RATES / width)
    height = math.sin(math.pi * centre) / math.pi
    weight = _WEIGHTS / width * height
    far = np.zeros((8, 8))
    far[0], far[1], far[2], far[3] = -decay, decay**2, -(decay**3), decay**4
    if first > 0:
        far[4] = weight * np.exp(-_RATES * (centre - first + 1) / width)
        far[5] = decay**first
    if last < taps:
        far[6] = -weight * np.exp(-_RATES * (last + 1 - centre) / width)
        far[7] = decay ** (taps - last)
    near = np.array(np.sinc(np.arange(first, last + 1) - centre), dtype=np.float64)
    return Plan(-1, first, last, taps, near, far.ravel())


@njit(types.void(_AUDIO, _ROWS, types.intp, types.intp, _AUDIO, types.intp), cache=True, nogil=True)
def apply_whole(delayed, gains, at, shift, out, begin):
    """``out`` from ``begin`` on: the delayed signal times the gain ``shift`` taps on."""
    first, last = at + begin, at + out.shape[1]
    for channel in range(out.shape[0]):
        target, source = out[channel, begin:], delayed[channel, first:last]
        gain = gains[channel, first + shift : last + shift]
        for i in range(target.size):
            target[i] = np.float32(source[i] * gain[i])


@njit(
    types.void(_AUDIO, _ROWS, types.intp, types.intp, types.intp, types.intp, _NUMBERS, _NUMBERS, _AUDIO,
               types.intp, _ROWS),
    cache=True, nogil=True, error_model="numpy", fastmath={"contract"},
)  # fmt: skip
def apply_fraction(delayed, gains, at, first, last, taps, near, far, out, begin, work):
    """The same with a look-ahead between two samples. ``work`` (2, 8 * (frames + 32)) is overwritten."""
    count = out.shape[1] - begin
    back1, back2, back3, back4 = load8(far, 0), load8(far, 8), load8(far, 16), load8(far, 24)
    left_weight, left_leave = load8(far, 32), load8(far, 40)
    right_weight, right_leave = load8(far, 48), load8(far, 56)
    # a tap has the sign of its number; a sample that leaves on the left always adds
    left_sign = splat(back1, 1.0 if first % 2 else -1.0)
    right_sign = splat(back1, 1.0 if last % 2 else -1.0)
    end_leave = mul(right_leave, splat(back1, -1.0 if taps % 2 else 1.0))
    line, right = work[0], work[1]
    for channel in range(out.shape[0]):
        row = gains[channel, at + begin :]

        # right side: the last sample's sum from its farthest tap on, then from sample to sample backward
        side = splat(back1, 0.0)
        j = count - 1 + taps
        stop = count - 1 + last
        while j - 3 > stop:
            side = fma(back4, side, spread(back1, row, j - 3))
            side = fma(back1, spread(back1, row, j - 2), side)
            side = fma(back2, spread(back1, row, j - 1), side)
            side = fma(back3, spread(back1, row, j), side)
            j -= 4
        while j > stop:
            side = fma(back1, side, spread(back1, row, j))
            j -= 1
        side = mul(side, right_sign)
        store(mul(side, right_weight), right, 8 * (count - 1))
        for i in range(count - 2, -1, -1):
            ends = mul(end_leave, spread(back1, row, i + 1 + taps))
            side = fma(back1, side, fma(right_sign, spread(back1, row, i + last + 1), ends))
            store(mul(side, right_weight), right, 8 * i)

        # near the centre, 32 samples at a time
        for i in range(0, count, 32):
            a, b, c, d = splat(back1, 0.0), splat(back1, 0.0), splat(back1, 0.0), splat(back1, 0.0)
            for k in range(last - first + 1):
                tap, place = spread(back1, near, k), i + first + k
                a = fma(tap, load8(row, place), a)
                b = fma(tap, load8(row, place + 8), b)
                c = fma(tap, load8(row, place + 16), c)
                d = fma(tap, load8(row, place + 24), d)
            store(a, line, i)
            store(b, line, i + 8)
            store(c, line, i + 16)
            store(d, line, i + 24)

        # left side, forward
        side = splat(back1, 0.0)
        j = 0
        while j + 3 < first:
            side = fma(back4, side, spread(back1, row, j + 3))
            side = fma(back1, spread(back1, row, j + 2), side)
            side = fma(back2, spread(back1, row, j + 1), side)
            side = fma(back3, spread(back1, row, j), side)
            j += 4
        while j < first:
            side = fma(back1, side, spread(back1, row, j))
            j += 1
        side = mul(side, left_sign)
        target, source = out[channel, begin:], delayed[channel, at + begin :]
        for i in range(count):
            gain = line[i] + total(fma(side, left_weight, load8(right, 8 * i)))
            target[i] = np.float32(source[i] * gain)
            leaves = mul(left_leave, spread(back1, row, i))
            side = fma(back1, side, fma(left_sign, spread(back1, row, i + first), leaves))


@njit(
    types.void(_AUDIO, _ROWS, types.intp, types.intp, types.float64, types.float64, types.intp, types.intp, _AUDIO,
               types.intp, types.intp),
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"},
)  # fmt: skip
def apply_moving(delayed, gains, at, taps, start, target, position, length, out, before, stop):
    """The same for samples before ``stop`` while the look-ahead itself moves: the kernel is made anew each sample."""
    kernel = np.empty(taps + 1)
    for i in range(stop):
        centre = before + start + (target - start) * (np.float64(position + i + 1) / length)
        nearest = int(np.rint(centre))
        offset = centre - nearest
        height = np.sin(np.pi * offset) / np.pi
        even, odd = (height, -height) if nearest % 2 == 0 else (-height, height)
        for j in range(0, taps + 1, 2):
            kernel[j] = even / (centre - j)
        for j in range(1, taps + 1, 2):
            kernel[j] = odd / (centre - j)
        if nearest <= taps:
            kernel[nearest] = height / offset if abs(offset) > 1e-9 else 1.0
        for channel in range(out.shape[0]):
            gain = 0.0
            for j in range(taps + 1):
                gain += kernel[j] * gains[channel, at + i + j]
            out[channel, i] = delayed[channel, at + i] * gain
