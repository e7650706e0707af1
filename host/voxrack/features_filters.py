"""Weights over the bins of a spectrum: mel bands of two schools, pitch classes, bands in semitones, and the DCT.

Everything is computed in float64 with NumPy from the definitions, so that nothing but torch and NumPy is needed
where models are trained. Rows are bands, columns the ``n_fft // 2 + 1`` bins of a real FFT.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError

Weights = NDArray[np.float64]
_LINEAR, _KNEE, _LOG_STEP = 200.0 / 3.0, 1000.0, math.log(6.4) / 27.0  # Slaney: Hz a mel, Hz, nepers a mel


def hz_to_mel(hz: Weights | float, htk: bool = False) -> Weights:
    """Mel of a frequency: Slaney's Auditory Toolbox (linear below 1 kHz) or HTK's ``2595 log10(1 + f/700)``."""
    hz = np.asarray(hz, np.float64)
    if htk:
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    return np.where(hz < _KNEE, hz / _LINEAR, _KNEE / _LINEAR + np.log(np.maximum(hz, _KNEE) / _KNEE) / _LOG_STEP)


def mel_to_hz(mel: Weights | float, htk: bool = False) -> Weights:
    """Inverse of `hz_to_mel`."""
    mel = np.asarray(mel, np.float64)
    if htk:
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    knee = _KNEE / _LINEAR
    return np.where(mel < knee, mel * _LINEAR, _KNEE * np.exp(_LOG_STEP * (np.maximum(mel, knee) - knee)))


def mel_filters(
    sample_rate: float, n_fft: int, n_mels: int = 128, f_min: float = 0.0, f_max: float | None = None,
    *, htk: bool = False, norm: bool = True,
) -> Weights:  # fmt: skip
    """Triangles between equally spaced mels, as ``librosa.filters.mel``.

    Parameters
    ----------
    sample_rate, f_min, f_max : float
        Hz; ``f_max`` None is the Nyquist frequency.
    norm : bool
        Divide every triangle by half its width in Hz (Slaney: constant energy a band); False leaves peaks at 1.

    Returns
    -------
    (n_mels, n_fft // 2 + 1) float64

    Warns
    -----
    UserWarning
        Bands so narrow that no bin falls into them: they are empty, as librosa's are.
    """
    f_max = _checked(sample_rate, n_mels, f_min, f_max)
    edges = mel_to_hz(np.linspace(hz_to_mel(f_min, htk), hz_to_mel(f_max, htk), n_mels + 2), htk)
    weights = _triangles(edges, np.arange(n_fft // 2 + 1) * (sample_rate / n_fft))
    if norm:
        weights *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    empty = int(np.sum((edges[:-2] > 0) & (weights.max(axis=1) <= 0)))
    if empty:
        warnings.warn(
            f"{empty} of {n_mels} mel bands hold no bin of an FFT of {n_fft} at {sample_rate:g} Hz and stay empty; "
            "take fewer bands or a longer FFT",
            stacklevel=3,
        )
    return weights


def htk_filters(
    sample_rate: float, n_fft: int, bands: int = 40, f_min: float = 0.0, f_max: float | None = None
) -> Weights:
    """Triangles whose corners are rounded down to bins, as ``python_speech_features.get_filterbanks``.

    Returns
    -------
    (bands, n_fft // 2 + 1) float64
    """
    f_max = _checked(sample_rate, bands, f_min, f_max)
    mels = np.linspace(hz_to_mel(f_min, True), hz_to_mel(f_max, True), bands + 2)
    corners = np.floor((n_fft + 1) * mel_to_hz(mels, True) / sample_rate)
    weights = np.zeros((bands, n_fft // 2 + 1))
    bins = np.arange(n_fft // 2 + 1)
    for row, left, middle, right in zip(weights, corners[:-2], corners[1:-1], corners[2:]):
        rising, falling = (bins >= left) & (bins < middle), (bins >= middle) & (bins < right)
        row[rising] = (bins[rising] - left) / (middle - left)
        row[falling] = (right - bins[falling]) / (right - middle)
    return weights


def semitone_filters(
    sample_rate: float, n_fft: int, bands: int = 84, f_min: float = 65.0, per_octave: int = 12
) -> Weights:
    """Triangles at ``f_min 2^(k / per_octave)``, at least one bin to each side wide, peaks at 1.

    Returns
    -------
    (bands, n_fft // 2 + 1) float64
    """
    _checked(sample_rate, bands, f_min, None)
    width = sample_rate / n_fft
    centres = f_min * 2.0 ** (np.arange(-1, bands + 1) / per_octave)
    if f_min <= 0 or centres[-2] > sample_rate / 2:
        raise UsageError(
            f"{bands} bands of 1/{per_octave} octave from {f_min:g} Hz end at {centres[-2]:.0f} Hz; "
            f"they must lie above 0 and below half the sample rate ({sample_rate / 2:g} Hz)"
        )
    low, middle, high = centres[:-2], centres[1:-1], centres[2:]
    low, high = np.minimum(low, middle - width), np.maximum(high, middle + width)
    bins = np.arange(n_fft // 2 + 1) * width
    rising = (bins - low[:, None]) / (middle - low)[:, None]
    falling = (high[:, None] - bins) / (high - middle)[:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


def chroma_filters(sample_rate: float, n_fft: int, n_chroma: int = 12, tuning: float = 0.0) -> Weights:
    """Gaussian bumps around every pitch class, C first, as ``librosa.filters.chroma`` (Ellis 2007).

    Parameters
    ----------
    tuning : float
        Deviation from A440 in fractions of a class.

    Returns
    -------
    (n_chroma, n_fft // 2 + 1) float64
    """
    _checked(sample_rate, n_chroma, 0.0, None)
    hz = np.arange(1, n_fft) * (sample_rate / n_fft)
    position = n_chroma * np.log2(hz / (440.0 * 2.0 ** (tuning / n_chroma) / 16.0))
    position = np.concatenate(([position[0] - 1.5 * n_chroma], position))  # 0 Hz: half a turn off, broad
    width = np.concatenate((np.maximum(np.diff(position), 1.0), [1.0]))
    half = round(n_chroma / 2)
    distance = np.remainder(position - np.arange(n_chroma)[:, None] + half + 10 * n_chroma, n_chroma) - half
    weights = np.exp(-0.5 * (2.0 * distance / width) ** 2)
    weights /= np.linalg.norm(weights, axis=0)
    weights *= np.exp(-0.5 * ((position / n_chroma - 5.0) / 2.0) ** 2)  # centred five octaves up, two wide
    return np.roll(weights, -3 * (n_chroma // 12), axis=0)[:, : n_fft // 2 + 1].copy()


def dct_matrix(size: int, kept: int) -> Weights:
    """First ``kept`` rows of the orthonormal DCT-II, shape (kept, size)."""
    if not 0 < kept <= size:
        raise UsageError(f"{kept} coefficients of {size} bands were asked for; 1 to {size} exist")
    angle = np.pi / size * (np.arange(size) + 0.5) * np.arange(kept)[:, None]
    matrix = np.sqrt(2.0 / size) * np.cos(angle)
    matrix[0] /= np.sqrt(2.0)
    return matrix


def _triangles(edges: NDArray[Any], bins: NDArray[Any]) -> Weights:
    ramps = edges[:, None] - bins
    rising = -ramps[:-2] / np.diff(edges)[:-1, None]
    falling = ramps[2:] / np.diff(edges)[1:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


def _checked(sample_rate: float, bands: int, f_min: float, f_max: float | None) -> float:
    """``f_max`` as a number, everything in range."""
    if not sample_rate > 0:
        raise UsageError(f"a sample rate of {sample_rate} Hz was given; it must be above 0")
    if bands < 1:
        raise UsageError(f"{bands} bands were asked for; at least 1 is needed")
    f_max = sample_rate / 2 if f_max is None else f_max
    if not 0 <= f_min < f_max <= sample_rate / 2:
        raise UsageError(
            f"bands from {f_min:g} to {f_max:g} Hz were asked for at {sample_rate:g} Hz; "
            f"0 <= f_min < f_max <= {sample_rate / 2:g} Hz is needed"
        )
    return float(f_max)
