"""What prosody is read from: fundamental frequency and level, frame by frame, of a recording at any rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..mel import HOP, RATE, SHORTEST

FRAME = HOP / RATE
"""Seconds from frame to frame: those of the mel spectrogram."""
AUDIBLE = 40.0
"""dB under the loudest frame from which a frame counts as sound."""
VOICED = 32.0
"""dB under the loudest frame from which a frame may be voiced: below, rooms hum."""
_STRAY = 13.0  # semitones from the median beyond which a short stretch of voice is none
_BRIEF = 6  # frames
_CONSONANT = 13  # frames, 150 ms
_FLOOR = -120.0  # dB


@dataclass(frozen=True)
class Speech:
    """A voice, heard.

    Parameters
    ----------
    samples : ndarray, shape (n,), float32
        Mono, at 22,050 Hz.
    f0 : ndarray, shape (frames,)
        Hz; 0 without voice. Frame ``k`` is centred at ``(k + 0.5) * FRAME`` seconds.
    voicing : ndarray, shape (frames,)
        How periodic, 0 … 1.
    level : ndarray, shape (frames,)
        dB of full scale, RMS over 23 ms.
    """

    samples: NDArray[np.float32]
    f0: NDArray[np.float64]
    voicing: NDArray[np.float64]
    level: NDArray[np.float64]

    @property
    def frames(self) -> int:
        return len(self.f0)

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Frames with a fundamental frequency."""
        return self.f0 > 0

    @property
    def audible(self) -> NDArray[np.bool_]:
        """Frames within 40 dB of the loudest one."""
        return self.level > max(float(self.level.max(initial=_FLOOR)) - AUDIBLE, _FLOOR + 1)

    @property
    def spoken(self) -> NDArray[np.bool_]:
        """Frames within 32 dB of the loudest one, and no farther from a voice than a consonant lasts: no room."""
        from scipy.ndimage import binary_dilation

        loud = self.level > max(float(self.level.max(initial=_FLOOR)) - VOICED, _FLOOR + 1)
        return loud & np.asarray(binary_dilation(self.voiced, iterations=_CONSONANT), np.bool_)

    @property
    def times(self) -> NDArray[np.float64]:
        """Centre of each frame, s."""
        return (np.arange(self.frames, dtype=np.float64) + 0.5) * FRAME


def hear(signal: NDArray[np.float32], sample_rate: int) -> Speech | None:
    """Read pitch and level off a recording.

    Parameters
    ----------
    signal : ndarray, shape (channels, n), float32
        Channels are averaged: they are taken for one voice.
    sample_rate : int
        Hz.

    Returns
    -------
    Speech or None
        None of less than 23 ms.
    """
    import soxr

    from ..f0 import track

    mono = signal.mean(axis=0, dtype=np.float64).astype(np.float32)
    if sample_rate != RATE:
        mono = np.ascontiguousarray(soxr.resample(mono, sample_rate, RATE), np.float32)
    if len(mono) < SHORTEST:
        return None
    f0, voicing = track(mono)
    level = levels(mono)[: len(f0)]
    kept = _without_strays(np.where(level > level.max() - VOICED, f0.astype(np.float64), 0.0))
    return Speech(mono, kept, np.where(kept > 0, voicing.astype(np.float64), 0.0), level)


def _without_strays(f0: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without stretches of a few frames more than an octave away from all else."""
    if not (f0 > 0).any():
        return f0
    out, median = f0.copy(), float(np.median(f0[f0 > 0]))
    for first, end in stretches(f0 > 0):
        far = abs(12 * np.log2(float(np.median(f0[first:end])) / median)) > _STRAY
        if far and end - first <= _BRIEF:
            out[first:end] = 0.0
    return out


def stretches(frames: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """(first, end) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], frames.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist())


def levels(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """dB of full scale of each frame of mono samples at 22,050 Hz, over two hops."""
    count = len(samples) // HOP
    power = np.square(samples[: count * HOP].astype(np.float64)).reshape(count, HOP).mean(axis=1)
    padded = np.pad(power, 1, mode="edge")
    smooth = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return 10 * np.log10(np.maximum(smooth, 10 ** (_FLOOR / 10)))
