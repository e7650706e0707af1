"""A-weighting as the losses hear it: an FIR of 101 taps (DiffVox spec, section 8)."""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

TAPS = 101
_HALF = TAPS // 2
_CORNERS = (20.598997, 107.65265, 737.86223, 12194.217)  # Hz, IEC 61672-1
_AT_1000_HZ = 1.9997  # dB by which the analog curve is raised to pass 0 dB at 1 kHz
_BLOCK = 4096


@cache
def a_weighting_taps(sample_rate: int) -> NDArray[np.float64]:
    """Least-squares FIR approximation of the A-weighting curve, rounded to float32 as in the reference.

    Parameters
    ----------
    sample_rate : int
        Hz.

    Returns
    -------
    ndarray, shape (101,)
        Symmetric; read-only.
    """
    from scipy import signal

    low, second, third, high = (2.0 * np.pi * corner for corner in _CORNERS)
    numerator = [high**2 * 10.0 ** (_AT_1000_HZ / 20.0), 0.0, 0.0, 0.0, 0.0]
    denominator = np.polymul(np.polymul([1.0, 2.0 * high, high**2], [1.0, 2.0 * low, low**2]), [1.0, third])
    digital = signal.bilinear(numerator, np.polymul(denominator, [1.0, second]), fs=sample_rate)
    frequencies, response = signal.freqz(*digital, worN=512, fs=sample_rate)
    taps = signal.firls(TAPS, frequencies, np.abs(response), fs=sample_rate)
    taps = taps.astype(np.float32).astype(np.float64)
    taps.setflags(write=False)
    return taps


def weigh(signals: NDArray[np.floating], taps: NDArray[np.floating]) -> NDArray[np.floating]:
    """Filter rows (rows, frames), zeros outside, as long as the input, no delay. Its own adjoint: taps are symmetric."""
    padded = np.zeros((signals.shape[0], signals.shape[1] + 2 * _HALF), signals.dtype)
    padded[:, _HALF:-_HALF] = signals
    out = np.zeros_like(signals)
    _convolve(padded, np.asarray(taps, signals.dtype), out)
    return out


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def _convolve(padded, taps, out):
    """Blocks stay in the first cache; taps that lie mirrored share a product; four pairs to a pass."""
    rows, frames = out.shape
    half = taps.size // 2
    last = 2 * half
    for row in range(rows):
        for start in range(0, frames, _BLOCK):
            size = min(_BLOCK, frames - start)
            x = padded[row, start : start + size + last]
            y = out[row, start : start + size]
            middle = taps[half]
            for n in range(size):
                y[n] = middle * x[n + half]
            k = 0
            while k + 4 < half:
                a, b, c, d, e = taps[k], taps[k + 1], taps[k + 2], taps[k + 3], taps[k + 4]
                for n in range(size):
                    y[n] += (
                        a * (x[n + k] + x[n + last - k])
                        + b * (x[n + k + 1] + x[n + last - k - 1])
                        + c * (x[n + k + 2] + x[n + last - k - 2])
                        + d * (x[n + k + 3] + x[n + last - k - 3])
                        + e * (x[n + k + 4] + x[n + last - k - 4])
                    )
                k += 5
            while k < half:
                a = taps[k]
                for n in range(size):
                    y[n] += a * (x[n + k] + x[n + last - k])
                k += 1
