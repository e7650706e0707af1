"""What can be read off a dry and a wet recording without fitting: spectra, levels, the response between them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

THIRD = 2 ** (1 / 3)
_WINDOW = 4096


def long_term_spectrum(
    signal: NDArray[np.floating], sample_rate: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies (n,) in Hz and power in dB (n,) in third octaves, averaged over channels and time.

    ``signal`` is (channels, frames).
    """
    frequencies, power = _power(signal, sample_rate)
    edges = [20.0]
    while edges[-1] * THIRD < 0.49 * sample_rate:
        edges.append(edges[-1] * THIRD)
    centres, levels = [], []
    for lo, hi in pairwise(edges):
        inside = (frequencies >= lo) & (frequencies < hi)
        if inside.any():
            centres.append(float(np.sqrt(lo * hi)))
            levels.append(float(np.mean(power[inside])))
    return np.array(centres), 10 * np.log10(np.maximum(levels, 1e-16))


def _power(signal: NDArray[np.floating], sample_rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.signal import welch

    size = min(_WINDOW, signal.shape[-1])
    frequencies, power = welch(np.asarray(signal, dtype=np.float64), sample_rate, nperseg=size, noverlap=size // 2)
    return frequencies, power.mean(axis=0)


def levels(signal: NDArray[np.floating], sample_rate: int, window: float = 0.05) -> NDArray[np.float64]:
    """RMS level in dBFS (n,) of consecutive stretches of ``window`` seconds of ``signal`` (channels, frames)."""
    size = max(1, round(window * sample_rate))
    count = max(1, signal.shape[1] // size)
    power = np.square(signal[:, : count * size], dtype=np.float64).mean(axis=0)
    return 10 * np.log10(np.maximum(power[: count * size].reshape(count, -1).mean(axis=1), 1e-12))


def response(
    dry: NDArray[np.floating], wet: NDArray[np.floating], sample_rate: int, seconds: float = 2.0
) -> NDArray[np.float64]:
    """Estimated impulse responses (channels, n) from ``dry`` (frames,) to each channel of ``wet`` (channels, frames).

    Wiener deconvolution of the whole recording; what a compressor does stays in it as noise.
    """
    size = 1 << (2 * dry.size - 1).bit_length()
    x = np.fft.rfft(dry, size)
    power = np.abs(x) ** 2
    smooth = np.convolve(power, np.ones(65) / 65, mode="same")
    floor = 0.05 * smooth + 1e-4 * power.mean()
    y = np.fft.rfft(wet, size, axis=-1)
    found = np.fft.irfft(y * np.conj(x) / (power + floor), size, axis=-1)
    return found[:, : round(seconds * sample_rate)]


def echo_times(impulse: NDArray[np.floating], sample_rate: int, count: int = 3) -> list[float]:
    """The most likely echo times in ms, 60 … 1000, best first: peaks of the energy of ``impulse`` (channels, n)."""
    energy = np.square(impulse).sum(axis=0)
    size = max(1, round(0.002 * sample_rate))
    smooth = np.convolve(energy, np.ones(size) / size, mode="same")
    wide = max(1, round(0.1 * sample_rate))
    background = np.convolve(smooth, np.ones(wide) / wide, mode="same") + 1e-12
    score = smooth / background * np.sqrt(smooth)
    first, last = round(0.06 * sample_rate), min(score.size, round(1.0 * sample_rate))
    score = score[:last].copy()
    score[:first] = 0.0
    out: list[float] = []
    while len(out) < count and score.size and float(score.max()) > 0:
        at = int(np.argmax(score))
        out.append(1000.0 * at / sample_rate)
        score[max(0, at - wide // 4) : at + wide // 4] = 0.0
    return out
