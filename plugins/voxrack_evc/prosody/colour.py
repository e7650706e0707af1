"""Another timbre for speech: a linear-phase equaliser that is faded in where somebody speaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .manner import BANDS
from .speech import Speech

_SECONDS = 0.016  # of the filter
_MOST = 18.0  # dB
_FADE = 5  # frames


def colour(
    signal: NDArray[np.float32], sample_rate: int, speech: Speech, timbre: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Filter the spoken parts; their power stays, the pauses are as they were.

    Parameters
    ----------
    signal : ndarray, shape (channels, n)
    sample_rate : int
        Hz.
    speech : Speech
        Of the same signal.
    timbre : ndarray, shape (15,)
        dB in the third octaves :data:`~voxrack_evc.prosody.manner.BANDS`; kept below and above them.
    """
    from scipy.signal import oaconvolve

    if not speech.voiced.any() or not np.abs(timbre).max() > 0:
        return signal
    taps = filter_of(timbre, sample_rate)
    delay = len(taps) // 2
    filtered = oaconvolve(signal.astype(np.float64), taps[None], axes=1)[:, delay : delay + signal.shape[1]]
    weight = np.interp(np.arange(signal.shape[1]) / sample_rate, speech.times, _presence(speech.spoken))
    before, after = (float(np.sum(weight * np.square(each, dtype=np.float64))) for each in (signal, filtered))
    filtered *= np.sqrt(before / after) if after > 0 else 1.0
    return (signal + weight * (filtered - signal)).astype(np.float32)


def filter_of(timbre: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """Taps, an odd number, symmetric."""
    size = 1 << int(np.ceil(np.log2(max(_SECONDS * sample_rate, 64))))
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    decibel = np.interp(np.log(np.maximum(frequencies, 1.0)), np.log(BANDS), np.clip(timbre, -_MOST, _MOST))
    impulse = np.roll(np.fft.irfft(10 ** (decibel / 20), size), size // 2)
    taps = np.append(impulse, impulse[0]) * np.hanning(size + 1)
    return 0.5 * (taps + taps[::-1])


def _presence(spoken: NDArray[np.bool_]) -> NDArray[np.float64]:
    """1 inside of speech, 0 outside, smooth between."""
    kernel = np.hanning(_FADE + 2)[1:-1]
    padded = np.pad(spoken.astype(np.float64), _FADE // 2, mode="edge")
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), "valid"), np.float64)
