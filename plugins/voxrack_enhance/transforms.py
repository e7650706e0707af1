"""Real Fourier transforms in float32, with the types that the rest asks for."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Response = NDArray[np.complex64]


def fast_size(frames: int) -> int:
    """The smallest size from ``frames`` on that transforms quickly."""
    from scipy.fft import next_fast_len

    return cast("int", next_fast_len(frames, real=True))


def spectrum_of(samples: Samples, size: int) -> Response:
    """Bins 0 … size // 2 of the samples, cut or filled with zeros to ``size``."""
    from scipy.fft import rfft

    return np.asarray(rfft(samples.astype(np.float32, copy=False), size), dtype=np.complex64)


def samples_of(spectrum: NDArray[np.complexfloating], size: int) -> Samples:
    """``size`` samples of a spectrum; the inverse of :func:`spectrum_of`."""
    from scipy.fft import irfft

    return np.asarray(irfft(spectrum.astype(np.complex64, copy=False), size), dtype=np.float32)
