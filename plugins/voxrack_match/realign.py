"""Alignment refined by the loss itself.

The peak of a correlation is where most of the energy lies; where a recording came through several microphones, or a
filter turns its phases, the place of the best match is some samples away, and a millisecond costs more than an
equaliser can win back.
"""

from __future__ import annotations

from collections.abc import Callable

FIRST = 16  # samples: the first stride, a third of a millisecond
FURTHEST = 256


def best_shift(judge: Callable[[int], float], start: int = 0, first: int = FIRST) -> tuple[int, float]:
    """The shift in samples near ``start`` of the lowest loss, and that loss: strides halved where both ways lead up.

    Parameters
    ----------
    judge : callable
        Loss by shift.
    start : int
    first : int
        First stride in samples.
    """
    at, found = start, judge(start)
    stride = first
    while stride >= 1:
        tried = {k: judge(k) for k in (at - stride, at + stride) if abs(k) <= FURTHEST}
        best = min(tried, key=lambda k: tried[k], default=at)
        if tried and tried[best] < found:
            at, found = best, tried[best]
        else:
            stride //= 2
    return at, found
