"""A mel spectrogram without its harmonics, for a voice that is given another pitch.

Below 1 kHz the bands are narrower than most voices' harmonics are apart: the mel spectrogram has ridges at the pitch
that was spoken, and new harmonics between them would be as soft as the valleys there.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from voxrack.errors import InputError

from ..mel import MELS, RATE, WINDOW, filters


def flattened(log_mel: ArrayLike, f0: ArrayLike) -> NDArray[np.float32]:
    """Every band's magnitude as the mean over one distance between harmonics on both sides, weighted by a triangle.

    A triangle of that width is blind to what repeats with the harmonics (Kawahara et al. 1999, STRAIGHT's smoothing
    along frequency). Bands that are farther apart than harmonics are, and frames without a voice, stay as they are.

    Parameters
    ----------
    log_mel : array_like, shape (80, frames)
    f0 : array_like, shape (frames,)
        Hz, that the mel spectrogram was spoken with; 0 where there was no voice.

    Returns
    -------
    ndarray, shape (80, frames), float32
    """
    mel, pitch = np.asarray(log_mel, np.float32), np.asarray(f0, np.float32)
    if mel.ndim != 2 or mel.shape[0] != MELS or pitch.shape != mel.shape[1:]:
        raise InputError(f"log-mel ({MELS}, frames) with f0 (frames,) is needed; got {mel.shape} and {pitch.shape}")
    centres, widths = _bands()
    distance = np.abs(centres[:, None] - centres[None])
    out = mel.copy()
    magnitude = np.exp(mel)
    for frame in np.flatnonzero(pitch > 0):
        weights = np.maximum(0.0, 1.0 - distance / pitch[frame]) * widths
        out[:, frame] = np.log(weights @ magnitude[:, frame] / weights.sum(1))
    return out


@lru_cache(maxsize=1)
def _bands() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre of each band and its distance to the next, Hz."""
    weights = filters().double()
    frequency = torch.arange(WINDOW // 2 + 1, dtype=torch.float64) * (RATE / WINDOW)
    centres = (weights @ frequency / weights.sum(1)).numpy()
    return centres.astype(np.float32), np.gradient(centres).astype(np.float32)
