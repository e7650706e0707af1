"""Pitch-synchronous overlap and add (Moulines & Charpentier 1990): periods of a voice laid out anew.

Between the marks of the new signal, Hann halves rise and fall as wide as the marks lie apart, so that the weights add
up to one everywhere. Where there is no voice, marks stand every 10 ms and take the sound from just where time maps them
to: what is not stretched comes back unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .marks import pitch_marks
from .plan import Plan
from .speech import FRAME, Speech

FINE = 44_100
"""Hz: at lower rates the signal is oversampled, since periods are placed on whole samples."""
_STEP = 0.010  # s between marks without voice


@dataclass(frozen=True)
class Time:
    """Input seconds to output seconds and back: straight lines between the ends of frames."""

    inner: NDArray[np.float64]
    outer: NDArray[np.float64]

    @classmethod
    def of(cls, warp: NDArray[np.float64], seconds: float) -> Time:
        """Of a plan's ``warp``; what lies behind the last frame, up to ``seconds``, keeps its length."""
        inner = np.arange(len(warp) + 1, dtype=np.float64) * FRAME
        outer = np.concatenate([[0.0], np.cumsum(warp)]) * FRAME
        rest = max(seconds - inner[-1], 0.0) + 1.0
        ends = (np.append(each, each[-1] + rest).astype(np.float64) for each in (inner, outer))
        return cls(*ends)

    def out(self, times: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.asarray(np.interp(times, self.inner, self.outer), np.float64)

    def back(self, times: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.asarray(np.interp(times, self.outer, self.inner), np.float64)


def lay_out(speech: Speech, plan: Plan, time: Time, seconds: float) -> NDArray[np.float64]:
    """Where periods go and where they come from.

    Returns
    -------
    ndarray, shape (2, marks)
        Output and input time of each mark, s; output times rise.
    """
    moves = np.ones(speech.frames)
    voiced = speech.voiced
    moves[voiced] = speech.f0[voiced] / plan.f0[voiced]
    targets: list[float] = []
    sources: list[float] = []

    def without_voice(first: float, end: float) -> None:
        begin, stop = float(time.out(first)), float(time.out(end))
        count = int((stop - begin) / _STEP)
        places = begin + (stop - begin) * np.arange(1, count + 1) / (count + 1)
        targets.extend(places.tolist())
        sources.extend(time.back(places).tolist())

    before = 0.0
    for marks in pitch_marks(speech):
        without_voice(before, float(marks[0]))
        placed, taken = _periods(marks, moves, speech.times, time)
        targets += placed
        sources += taken
        before = float(marks[-1])
    without_voice(before, seconds)
    return np.array([targets, sources])


def _periods(
    marks: NDArray[np.float64], moves: NDArray[np.float64], times: NDArray[np.float64], time: Time
) -> tuple[list[float], list[float]]:
    """Periods of one stretch: the step is the old period times how much longer the new one is."""
    placed, taken = [], []
    lengths = np.diff(marks)
    last = float(time.out(marks[-1]))
    at = float(time.out(marks[0]))
    while True:
        here = float(time.back(at))
        nearest = int(np.searchsorted(marks, here))
        if nearest == len(marks) or (nearest and here - marks[nearest - 1] < marks[nearest] - here):
            nearest -= 1
        step = float(lengths[min(nearest, len(lengths) - 1)]) * float(np.interp(here, times, moves))
        if at > last - 0.5 * step:
            break
        placed.append(at)
        taken.append(float(marks[nearest]))
        at += step
    return [*placed, last], [*taken, float(marks[-1])]


def overlap_add(
    signal: NDArray[np.float32], sample_rate: int, marks: NDArray[np.float64], seconds: float
) -> NDArray[np.float32]:
    """Lay windows around the input times of ``marks`` at their output times.

    Parameters
    ----------
    signal : ndarray, shape (channels, n)
    sample_rate : int
        Hz.
    marks : ndarray, shape (2, m)
        As :func:`lay_out` gives them.
    seconds : float
        Length of the output.
    """
    count = round(seconds * sample_rate)
    places, sources = np.rint(marks * sample_rate).astype(np.int64)
    keep = np.concatenate([[True], np.diff(places) > 0])
    places, sources = places[keep], sources[keep]
    edges = np.concatenate([[-1], places, [count]])
    if len(places):  # the ends run out flat: before the first and behind the last mark nothing overlaps
        edges[0], edges[-1] = min(-1, places[0] - 1), max(count, places[-1] + 1)
    widest = int(np.diff(edges).max()) + 1
    padded = np.pad(signal, ((0, 0), (widest, widest)))
    out = np.zeros((signal.shape[0], count), np.float32)
    for j, (place, source) in enumerate(zip(places.tolist(), sources.tolist())):
        left, right = int(place - edges[j]), int(edges[j + 2] - place)
        window = np.concatenate([
            np.ones(left, np.float32) if j == 0 else _half(left)[::-1],
            np.ones(right, np.float32) if j == len(places) - 1 else _rest(right),
        ])  # fmt: skip
        first, end = max(place - left + 1, 0), min(place + right, count)
        cut = slice(first - (place - left + 1), end - (place - left + 1))
        begin = source - left + 1 + widest + cut.start
        stop = min(begin + end - first, padded.shape[1])
        if begin >= 0 and stop > begin:
            out[:, first : first + stop - begin] += padded[:, begin:stop] * window[cut][: stop - begin]
    return out


@lru_cache(maxsize=4096)
def _half(width: int) -> NDArray[np.float32]:
    """Falling half of a Hann window: 1 at its first of ``width`` samples, 0 would be the next one."""
    return (0.5 + 0.5 * np.cos(np.pi * np.arange(width) / width)).astype(np.float32)


def _rest(width: int) -> NDArray[np.float32]:
    """:func:`_half` without its first sample."""
    return _half(width)[1:]
