"""From a manner of speaking to numbers for every frame: the new melody, the gains, and how time is stretched."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .manner import Manner
from .speech import AUDIBLE, FRAME, stretches

LOWEST, HIGHEST = 60.0, 650.0
"""Hz that a new melody keeps to."""
FARTHEST = 12.0
"""Semitones that a frame is moved at most."""
_PHRASE = 0.25  # s without voice that end a phrase: a slope belongs to one phrase
_FOLLOW = 9  # frames over which a level is averaged before it is spread or flattened
_MOST = 9.0  # dB by which dynamics change a frame at most
_RISE = (0.25, 0.6)  # of the way from the background to the voice: a frame there is none, or all, of the speaker's
_ELASTIC = (0.4, 2.5)  # by which vowels and pauses are stretched
_ROOM = 0.25  # share of frames that must be elastic; else everything is stretched alike


@dataclass(frozen=True)
class Plan:
    """What is to become of every frame; all of shape (frames,).

    Parameters
    ----------
    f0 : ndarray
        Hz; 0 where there is no voice.
    gains : ndarray
        dB.
    warp : ndarray
        Frames that each frame becomes: 1 keeps its length.
    """

    f0: NDArray[np.float64]
    gains: NDArray[np.float64]
    warp: NDArray[np.float64]


def plan(
    f0: NDArray[np.float64], level: NDArray[np.float64], move: Manner, *, pitch_range: float = 1.0, energy: float = 0.0,
    tempo: float = 1.0,
) -> Plan:  # fmt: skip
    """What a change of manner does to the frames of a voice.

    Parameters
    ----------
    f0 : ndarray, shape (frames,)
        Hz; 0 without voice.
    level : ndarray, shape (frames,)
        dB.
    move : Manner
        Difference to the manner that is there; see :class:`~voxrack_evc.prosody.manner.Manner`.
    pitch_range : float
        Times as wide a melody as the move makes it.
    energy : float
        dB more than the move asks for.
    tempo : float
        Times as fast.
    """
    return Plan(
        _melody(f0, move, pitch_range),
        _gains(f0, level, move.dynamics, move.energy + energy),
        _warp(f0, level, math.exp(move.tempo) * tempo),
    )


def _melody(f0: NDArray[np.float64], move: Manner, pitch_range: float) -> NDArray[np.float64]:
    """Level, range and slope: ``m + pitch + (s - m) exp(spread) pitch_range + slope (place - 1/2)`` in semitones."""
    voiced = f0 > 0
    if not voiced.any() or (move.pitch == move.spread == move.slope == 0.0 and pitch_range == 1.0):
        return f0.copy()  # as it was, to the bit
    old = 12 * np.log2(f0[voiced])
    mean = old.mean()
    wide = math.exp(move.spread) * pitch_range
    moved = mean + move.pitch + wide * (old - mean) + move.slope * pitch_range * _place(voiced)[voiced]
    new = old + np.clip(moved - old, -FARTHEST, FARTHEST)
    out = np.zeros_like(f0)
    out[voiced] = np.clip(2 ** (new / 12), np.minimum(LOWEST, f0[voiced]), np.maximum(HIGHEST, f0[voiced]))
    return out


def _place(voiced: NDArray[np.bool_]) -> NDArray[np.float64]:
    """-0.5 at the first frame of each phrase … 0.5 at its last."""
    quiet = round(_PHRASE / FRAME)
    joined = voiced.copy()
    for first, end in stretches(~voiced):
        if end - first <= quiet and first > 0 and end < len(voiced):
            joined[first:end] = True
    out = np.zeros(len(voiced))
    for first, end in stretches(joined):
        if end - first > 1:
            out[first:end] = np.linspace(-0.5, 0.5, end - first)
    return out


def _gains(
    f0: NDArray[np.float64], level: NDArray[np.float64], dynamics: float, energy: float
) -> NDArray[np.float64]:
    """Who speaks up raises the voice and not the room: the background between words keeps its level.

    The level's distance from the mean of voiced frames grows by ``exp(dynamics)``.
    """
    voiced = f0 > 0
    if not voiced.any():
        return np.full(len(f0), energy)
    smooth = _smooth(level)
    loud, quiet = float(smooth[voiced].mean()), float(np.percentile(smooth, 5))
    change = np.clip((math.exp(dynamics) - 1) * (smooth - loud), -_MOST, _MOST)
    if loud - quiet < _MOST:  # no pauses to tell the background from
        return energy + change
    low, high = (quiet + share * (loud - quiet) for share in _RISE)
    return _smooth(np.clip((smooth - low) / (high - low), 0.0, 1.0)) * (energy + change)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel = np.hanning(_FOLLOW + 2)[1:-1]
    padded = np.pad(values, _FOLLOW // 2, mode="edge")
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), "valid"), np.float64)


def _warp(f0: NDArray[np.float64], level: NDArray[np.float64], tempo: float) -> NDArray[np.float64]:
    """Vowels and pauses give way, consonants without voice keep their length; ``frames / tempo`` in all."""
    if tempo == 1.0 or not len(f0):
        return np.ones(len(f0))
    consonant = (f0 <= 0) & (level > level.max() - AUDIBLE)
    elastic = ~consonant
    if elastic.mean() < _ROOM:
        return np.full(len(f0), 1 / tempo)
    each = (len(f0) / tempo - consonant.sum()) / elastic.sum()
    return np.where(elastic, np.clip(each, *_ELASTIC), 1.0)
