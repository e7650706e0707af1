"""Pitch marks: one moment in every period of a voice, the same point of each.

From the loudest point of a stretch of voice marks are chained to both sides: the next one lies where the sound is most
like what surrounds the last one, about a period away (as in Praat, ``Sound & Pitch: To PointProcess (cc)``; Boersma
2001). Parabolas through the correlation place them between samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..mel import RATE
from .speech import FRAME, Speech, stretches

_NEAREST, _FARTHEST = 0.8, 1.25  # periods away that the next mark may lie
_LEAST = 0.2  # correlation below which the next mark is put a period away without looking


def pitch_marks(speech: Speech) -> list[NDArray[np.float64]]:
    """Marks of each stretch of voice, in seconds, rising; stretches with fewer than three marks are left out."""
    sound = speech.samples.astype(np.float64)
    out = []
    for first, end in stretches(speech.voiced):
        inside = slice(first, end)
        times, periods = speech.times[inside], RATE / speech.f0[inside]
        marks = _chained(sound, first * FRAME * RATE, end * FRAME * RATE, times * RATE, periods)
        if len(marks) >= 3:
            out.append(marks / RATE)
    return out


def _chained(
    sound: NDArray[np.float64], begin: float, end: float, times: NDArray[np.float64], periods: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Marks (samples, fractional) between ``begin`` and ``end``; ``periods`` (samples) are known at ``times``."""
    start = int(begin) + int(np.abs(sound[int(begin) : int(end)]).argmax())
    later, earlier = [float(start)], []
    for direction, found in ((1, later), (-1, earlier)):
        at = float(start)
        while True:
            at = _next(sound, at, direction, float(np.interp(at, times, periods)))
            if not begin <= at < end:
                break
            found.append(at)
    return np.array([*earlier[::-1], *later])


def _next(sound: NDArray[np.float64], at: float, direction: int, period: float) -> float:
    """Where the mark after ``at`` lies, in samples."""
    half = round(period / 2)
    centre = round(at)
    near, far = int(_NEAREST * period), int(np.ceil(_FARTHEST * period))
    shifts = direction * np.arange(near, far + 1)
    low = centre + min(shifts[0], shifts[-1]) - half
    high = centre + max(shifts[0], shifts[-1]) + half + 1
    if low < 0 or high > len(sound) or centre - half < 0 or centre + half + 1 > len(sound):
        return at + direction * period
    template = sound[centre - half : centre + half + 1]
    region = sound[low:high]
    products = np.correlate(region, template, "valid")
    energy = np.cumsum(np.concatenate([[0.0], region * region]))
    energies = energy[2 * half + 1 :] - energy[: -(2 * half + 1)]
    scale = np.sqrt(energies * float(template @ template))
    if not scale.all():
        return at + direction * period
    likeness = products / scale
    best = int(likeness.argmax())
    if likeness[best] < _LEAST or best in (0, len(likeness) - 1):
        return at + direction * period
    before, top, after = likeness[best - 1 : best + 2]
    bend = before - 2 * top + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return at + (low + half + best - centre) + float(np.clip(shift, -0.5, 0.5))
