"""A-weighting as the losses hear it: an FIR of 101 taps (DiffVox spec, section 8)."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

TAPS = 101
_HALF = TAPS // 2
_CORNERS = (20.598997, 107.65265, 737.86223, 12194.217)  # Hz, IEC 61672-1
_AT_1000_HZ = 1.9997  # dB by which the analog curve is raised to pass 0 dB at 1 kHz
_SIZE = 2048  # of the transforms by which the FIR is applied
_HOP = _SIZE - TAPS + 1


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
    b, a = signal.bilinear(numerator, np.polymul(denominator, [1.0, second]), fs=sample_rate)
    frequencies, response = signal.freqz(b, a, worN=512, fs=sample_rate)  # pyright: ignore[reportArgumentType]
    taps = signal.firls(TAPS, frequencies, np.abs(response), fs=sample_rate)
    taps = taps.astype(np.float32).astype(np.float64)
    taps.setflags(write=False)
    return taps


def weigh(signal: NDArray[np.floating], sample_rate: int) -> NDArray[np.floating]:
    """A-weighted stereo signal (2, frames): zeros outside, as long as the input, no delay.

    The taps are symmetric, so this is its own adjoint. Left and right are one complex signal, filtered by
    overlap-save.
    """
    frames = signal.shape[1]
    blocks = -(-frames // _HOP)
    # in double precision: rounding beside a loud sample would drown silence, whose logarithm counts as much
    padded = np.zeros((blocks * _HOP + TAPS - 1, 2))
    padded[_HALF : _HALF + frames, 0] = signal[0]
    padded[_HALF : _HALF + frames, 1] = signal[1]
    framed = torch.view_as_complex(torch.from_numpy(padded)).unfold(0, _SIZE, _HOP)
    spectrum = torch.fft.fft(framed)
    spectrum *= _response(sample_rate)
    filtered = torch.view_as_real(torch.fft.ifft(spectrum)[:, TAPS - 1 :]).numpy().reshape(-1, 2)[:frames]
    return filtered.T.astype(signal.dtype, order="C")


@cache
def _response(sample_rate: int) -> torch.Tensor:
    return torch.fft.fft(torch.tensor(a_weighting_taps(sample_rate)), n=_SIZE)
