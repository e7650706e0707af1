"""The reverb's equaliser: two bells and two shelves on two channels, in series, in float64.

As in ``peq`` the bands run as a pipeline: in one step band ``k`` works on sample ``n - k``, so that the
eight recursions lie side by side in one vector (lane ``2 * band + channel``). Bands that have no sample
yet, or none any more, keep their state, so the result is that of the plain cascade however it is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from . import coefficients
from .biquad import TINY
from .coefficients import Section
from .lanes import fma, lane, load8, mul, push2, splat, store, where_within

_BANDS = (
    ("peak1", coefficients.peak), ("peak2", coefficients.peak),
    ("low_shelf", coefficients.low_shelf), ("high_shelf", coefficients.high_shelf),
)  # fmt: skip
_WIDTH = 2 * len(_BANDS)
_BEHIND = np.repeat(np.arange(float(len(_BANDS))), 2)  # samples by which each lane is behind


def sections(values: Mapping[str, Any], sample_rate: int) -> list[Section]:
    """Coefficients of the four bands, in their order."""
    return [
        make(values[f"{band}.gain"], values[f"{band}.frequency"], values[f"{band}.q"], sample_rate)
        for band, make in _BANDS
    ]


def pack(bands: list[Section]) -> NDArray[np.float64]:
    """Coefficients as the kernels read them, (40,): b0, b1, b2, -a1, -a2, each in all eight lanes."""
    lanes = np.repeat(np.array(bands).T, 2, axis=1)
    lanes[3:] *= -1.0
    return lanes.ravel()


def silence() -> NDArray[np.float64]:
    """State of the filters, (16,)."""
    return np.zeros(2 * _WIDTH)


_AUDIO = types.float32[:, ::1]
_NUMBERS = types.float64[::1]


@njit(
    types.void(_AUDIO, types.intp, types.intp, _NUMBERS, _NUMBERS, _NUMBERS),
    cache=True, nogil=True, fastmath={"contract"},
)  # fmt: skip
def _steady(signal, begin, end, bands, state, behind_each):
    b0, b1, b2 = load8(bands, 0), load8(bands, 8), load8(bands, 16)
    a1, a2 = load8(bands, 24), load8(bands, 32)  # negated
    behind = load8(behind_each, 0)
    minus = splat(b0, -1.0)
    count = end - begin
    s1, s2 = load8(state, 0), load8(state, 8)
    y = splat(b0, 0.0)
    for step in range(count + 3):
        n = begin + min(step, count - 1)
        x = push2(y, np.float64(signal[0, n]), np.float64(signal[1, n]))
        y = fma(b0, x, s1)
        next1 = fma(a1, y, fma(b1, x, s2))
        next2 = fma(a2, y, mul(b2, x))
        if step < 3 or step >= count:
            index = fma(behind, minus, splat(b0, np.float64(step)))
            next1 = where_within(index, np.float64(count), next1, s1)
            next2 = where_within(index, np.float64(count), next2, s2)
        s1, s2 = next1, next2
        if step >= 3:
            signal[0, begin + step - 3] = lane(y, 6)
            signal[1, begin + step - 3] = lane(y, 7)
    store(s1, state, 0)
    store(s2, state, 8)
    for i in range(16):
        if abs(state[i]) < TINY:
            state[i] = 0.0


@njit(
    types.void(_AUDIO, types.intp, types.intp, _NUMBERS, _NUMBERS, types.intp, types.intp, _NUMBERS, _NUMBERS),
    cache=True, nogil=True, fastmath={"contract"},
)  # fmt: skip
def _moving(signal, begin, end, start, move, position, length, state, behind_each):
    behind = load8(behind_each, 0)
    limit = np.float64(end - begin)
    s1, s2 = load8(state, 0), load8(state, 8)
    minus = splat(s1, -1.0)
    y = splat(s1, 0.0)
    for step in range(end - begin + 3):
        n = min(begin + step, end - 1)
        index = fma(behind, minus, splat(s1, np.float64(step)))
        share = mul(fma(behind, minus, splat(s1, np.float64(position + step + 1))), splat(s1, 1.0 / length))
        b0 = fma(load8(move, 0), share, load8(start, 0))
        b1 = fma(load8(move, 8), share, load8(start, 8))
        b2 = fma(load8(move, 16), share, load8(start, 16))
        a1 = fma(load8(move, 24), share, load8(start, 24))
        a2 = fma(load8(move, 32), share, load8(start, 32))
        x = push2(y, np.float64(signal[0, n]), np.float64(signal[1, n]))
        y = fma(b0, x, s1)
        s1, s2 = (
            where_within(index, limit, fma(a1, y, fma(b1, x, s2)), s1),
            where_within(index, limit, fma(a2, y, mul(b2, x)), s2),
        )
        if step >= 3:
            signal[0, begin + step - 3] = lane(y, 6)
            signal[1, begin + step - 3] = lane(y, 7)
    store(s1, state, 0)
    store(s2, state, 8)


def equalise_steady(
    signal: NDArray[np.float32], begin: int, end: int, bands: NDArray[np.float64], state: NDArray[np.float64]
) -> None:
    """:func:`equalise` where nothing moves."""
    _steady(signal, begin, end, bands, state, _BEHIND)


def equalise(
    signal: NDArray[np.float32],
    begin: int,
    end: int,
    now: NDArray[np.float64],
    target: NDArray[np.float64],
    position: int,
    length: int,
    state: NDArray[np.float64],
) -> None:
    """Filter samples ``begin`` … ``end`` of ``signal`` (2, frames) in place.

    ``now`` and ``target`` are packed coefficients; ``position`` is the number of samples done of the
    ``length`` between them, -1 where nothing moves.
    """
    if position < 0:
        _steady(signal, begin, end, now, state, _BEHIND)
    else:
        _moving(signal, begin, end, now, target - now, position, length, state, _BEHIND)
