"""Fundamental frequency on the frames of the mel spectrogram: candidates of several ranges, one path through them.

Correlation alone takes two periods for one, or half of one, wherever a voice creaks or a formant sits on a harmonic.
So each frame offers the best period of every range of `RANGES`, and dynamic programming chooses the sequence in which
the voice neither leaps nor starts and stops without need (Talkin 1995, RAPT's second stage; the costs are of the form
of Boersma 1993). A median over three frames takes away what single frames still stick out.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.nn.functional import pad

from voxrack.errors import InputError
from voxrack.features_pitch import pitch

from .mel import HOP, RATE, SHORTEST

RANGES = ((55.0, 140.0), (85.0, 220.0), (140.0, 360.0), (230.0, 700.0))
"""Hz. They overlap, so that a true period is nearly always inside of one and offered by two."""

_WINDOWS = (0.030, 0.024, 0.018, 0.015)  # s, compared with what follows: about two periods of each range
_HIGH = 0.03  # of correlation for every octave up: of two periods nearly alike the shorter one is meant
_LEAP = 0.9  # of correlation for every octave between neighbouring frames
_SWITCH = 0.14  # of correlation for the voice to start or to stop
_UNVOICED = 0.48  # correlation that a voice must have
_QUIET = 1e-3  # amplitude relative to the loudest frame (-60 dB) below which no voice is looked for


def track(samples: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fundamental frequency and how periodic the sound is.

    Parameters
    ----------
    samples : array_like, shape (samples,)
        At 22,050 Hz; at least 512.

    Returns
    -------
    f0 : ndarray, shape (samples // 256,), float32
        Hz, between 55 and 700; 0 where there is no voice.
    voicing : ndarray, shape (samples // 256,), float32
        Correlation of the sound with itself a period later, 0 … 1; 0 where there is no voice. Frame ``k`` is centred
        at sample ``256 k + 128``, as that of the mel spectrogram is.

    Raises
    ------
    InputError
        Another shape, too short, or not finite.
    """
    sound = torch.as_tensor(np.asarray(samples, np.float32))
    if sound.ndim != 1 or len(sound) < SHORTEST:
        raise InputError(f"pitch takes mono samples, {SHORTEST} at least; the shape is {tuple(sound.shape)}")
    frequencies, heights = candidates(sound)
    path = _best_path(frequencies, heights)
    frames = np.arange(len(path))
    voiced = path < len(RANGES)
    chosen = np.where(voiced, path, 0)
    f0 = np.where(voiced, frequencies[frames, chosen], 0.0)
    voicing = np.where(voiced, heights[frames, chosen], 0.0)
    return smoothed(f0).astype(np.float32), voicing.astype(np.float32)


def candidates(sound: torch.Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Best frequency (Hz) of each range and the correlation there, both (frames, ranges); 0 in frames too quiet."""
    count = len(sound) // HOP
    shifted = pad(sound[HOP // 2 :], (0, 4 * HOP))  # frame 0 is centred at sample 128; a window fits in any case
    found = [
        pitch(shifted, RATE, f_min=low, f_max=high, hop=HOP / RATE, window=window)
        for (low, high), window in zip(RANGES, _WINDOWS, strict=True)
    ]
    frequencies, heights = (torch.stack([one[k][:count] for one in found], 1).double().numpy() for k in (0, 1))
    level = sound[: count * HOP].reshape(count, HOP).square().mean(1).sqrt().numpy()
    heights[level <= _QUIET * level.max()] = 0.0
    return frequencies, heights


def smoothed(f0: NDArray[np.floating]) -> NDArray[np.floating]:
    """Median over three frames within each stretch of voice; a rise or a fall stays as it is."""
    padded = np.pad(f0, 1)
    three = np.stack([padded[:-2], padded[1:-1], padded[2:]])
    return np.where((three > 0).all(0), np.median(three, axis=0), f0)


def _best_path(frequencies: NDArray[np.float64], heights: NDArray[np.float64]) -> NDArray[np.intp]:
    """Column of each frame, that of no voice being the last: the path of the highest sum (Viterbi)."""
    count, ranges = frequencies.shape
    with np.errstate(divide="ignore"):
        octaves = np.where(frequencies > 0, np.log2(frequencies), -np.inf)
    score = np.full((count, ranges + 1), _UNVOICED)
    score[:, :ranges] = np.where(np.isfinite(octaves), heights + _HIGH * (octaves - np.log2(RANGES[0][0])), -np.inf)
    octaves = np.where(np.isfinite(octaves), octaves, 0.0)
    back = np.zeros((count, ranges + 1), np.intp)
    total = score[0]
    cost = np.full((ranges + 1, ranges + 1), _SWITCH)  # (from, to)
    cost[-1, -1] = 0.0
    for frame in range(1, count):
        cost[:ranges, :ranges] = _LEAP * np.abs(octaves[frame - 1][:, None] - octaves[frame][None])
        paths = total[:, None] - cost
        back[frame] = paths.argmax(0)
        total = paths.max(0) + score[frame]
    path = np.empty(count, np.intp)
    path[-1] = total.argmax()
    for frame in range(count - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    return path
