"""How fast each line of the reverb decays at each frequency: line lengths, and one short FIR per line.

Reverberation times are given at 49 fixed frequencies, 0 … 22 050 Hz. A line of ``m`` samples that is to
fall by 60 dB in T60 seconds must lose ``60 m / (fs T60)`` dB on every trip, so its gain at frequency f is

    gamma_j(f) = 10^(-3 m_j / (fs T60(f)))                                        (DiffVox spec, section 7)

which a linear-phase FIR follows (section 10: ``firwin2`` with a Hamming window, 97 taps at 44.1 kHz).
The FIR delays by half its length; the line is shortened by as much.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

REFERENCE_RATE = 44100
REFERENCE_LENGTHS = (997, 1153, 1327, 1559, 1801, 2099)  # primes, so that echoes of different lines seldom meet
REFERENCE_HALF = 48  # half of the FIR's length at the reference rate; it scales, so that its resolution in Hz stays
FREQUENCIES = np.linspace(0.0, REFERENCE_RATE / 2, 49)
MAX_GAIN = 0.9999  # largest gain round the loop that is let through
_DAMPING_HZ = 2000.0  # where damping 1 halves the reverberation time


def half_length(sample_rate: int) -> int:
    """Delay of the absorption FIR in samples; it has ``2 * half_length + 1`` taps."""
    return max(4, round(REFERENCE_HALF * sample_rate / REFERENCE_RATE))


def line_lengths(sample_rate: int, size: float = 1.0) -> NDArray[np.int64]:
    """Lengths of the six lines in samples, FIR delay included: six different primes.

    Parameters
    ----------
    sample_rate : int
        Hz. At 44100 Hz and size 1 the lengths are exactly ``REFERENCE_LENGTHS``.
    size : float
        Factor on every length.
    """
    lengths: list[int] = []
    for reference in REFERENCE_LENGTHS:
        wanted = reference * size * sample_rate / REFERENCE_RATE
        lengths.append(_nearest_prime(wanted, above=half_length(sample_rate), taken=lengths))
    return np.array(lengths, dtype=np.int64)


def damped(decay: ArrayLike, damping: float) -> NDArray[np.float64]:
    """Reverberation times (49,) with the high frequencies shortened: ``T60 / (1 + damping * f / 2 kHz)``."""
    return np.asarray(decay, dtype=np.float64) / (1.0 + damping * FREQUENCIES / _DAMPING_HZ)


def line_gains(decay: ArrayLike, lengths: ArrayLike, sample_rate: int) -> NDArray[np.float64]:
    """Wanted gain (line, 49) of one trip through each line at ``FREQUENCIES``.

    Parameters
    ----------
    decay : array_like, shape (49,)
        T60 in seconds.
    lengths : array_like, shape (line,)
        Samples.
    sample_rate : int
        Hz.
    """
    trip = np.asarray(lengths, dtype=np.float64)[:, None] / sample_rate
    return 10.0 ** (-3.0 * trip / np.asarray(decay, dtype=np.float64)[None, :])


def absorption_filters(decay: ArrayLike, lengths: ArrayLike, sample_rate: int) -> NDArray[np.float64]:
    """Linear-phase FIRs (line, taps), symmetric, none of which exceeds ``MAX_GAIN`` at any frequency.

    Gains are interpolated linearly between the 49 frequencies and held above 22 050 Hz; below 44.1 kHz
    the points beyond Nyquist play no part. Where neighbouring gains differ sharply the window's side lobes
    may lift the response above the wanted gains; only where it would reach ``MAX_GAIN`` is the line scaled
    down. The feedback matrix being orthogonal, the loop is then stable for every decay curve.
    """
    filters = linear_phase(line_gains(decay, lengths, sample_rate), sample_rate)
    peak = peak_gain(filters)
    return filters * np.minimum(1.0, MAX_GAIN / np.maximum(peak, 1e-300))[:, None]


def linear_phase(gains: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """Symmetric FIRs (line, taps) by windowed frequency sampling; linear in the wanted ``gains`` (line, 49)."""
    taps = 2 * half_length(sample_rate) + 1
    bins = 1 + 2 ** math.ceil(math.log2(taps))
    frequency = np.linspace(0.0, sample_rate / 2, bins)
    wanted = np.stack([np.interp(frequency, FREQUENCIES, row) for row in gains])
    delayed = wanted * np.exp(-0.5j * (taps - 1) * np.pi * np.linspace(0.0, 1.0, bins))
    return np.fft.irfft(delayed, axis=1)[:, :taps] * np.hamming(taps)


def peak_gain(filters: NDArray[np.float64]) -> NDArray[np.float64]:
    """An upper bound (line,) on each symmetric FIR's magnitude response, at most 0.02 % above the maximum.

    The zero-phase response is a trigonometric polynomial of degree n = half the length. Read at N equally
    spaced points of the circle, its largest value falls short of the maximum by at most the factor
    cos(pi n / N) (Ehlich and Zeller 1964).
    """
    half = filters.shape[1] // 2
    points = 2 ** math.ceil(math.log2(160 * half))
    return np.abs(np.fft.rfft(filters, points, axis=1)).max(axis=1) / math.cos(math.pi * half / points)


def _nearest_prime(wanted: float, above: int, taken: list[int]) -> int:
    start = max(above + 1, round(wanted))
    distance = 0
    while True:  # ends: there is always a prime further up
        for candidate in (start - distance, start + distance):
            if candidate > above and candidate not in taken and _is_prime(candidate):
                return candidate
        distance += 1


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, math.isqrt(number) + 1))
