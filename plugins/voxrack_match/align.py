"""Where the wet recording lies against the dry one.

The reference (spec section 9) takes the arg max of the cross-correlation. On the songs that is up to 5 ms off: an
early reflection, or half a period of the voice where the wet has reversed polarity, correlates more than the direct
sound. The losses look through windows of 3 ms, so this is heard as a worse fit. Here the arg max is one candidate; so
is that of the whitened correlation (PHAT), and a search over the finest spectrogram; the lag at which the
spectrograms are most alike is taken.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST = 10.0  # s: what a rack's offset can make up for
LOOKED_AT = 40.0  # s of a longer recording, where most happens
NEAR = 0.015  # s around each candidate that the spectrograms are compared in
CLEAR = 0.95  # correlation above which the arg max stands
_WINDOW, _HOP = 256, 32
_SKIP = 4  # every fourth hop is compared
_FLOOR = 1e-5

Signal = NDArray[np.floating]


class Lag(NamedTuple):
    """How dry and wet lie to each other.

    Attributes
    ----------
    samples : int
        By how much the dry signal has to be delayed; negative: moved ahead.
    similarity : float
        Largest correlation coefficient within 2 ms of that lag, -1 … 1; negative for reversed polarity.
    """

    samples: int
    similarity: float


def find_lag(dry: Signal, wet: Signal, sample_rate: int) -> Lag:
    """The lag at which two mono signals (frames,) are most alike. Nothing wraps around; 10 s are looked at."""
    part = busiest(wet, sample_rate, LOOKED_AT)
    dry, wet = dry[part], wet[part]
    padded = 1 << (dry.size + wet.size - 1).bit_length()
    spectrum = np.conj(np.fft.rfft(dry, padded)) * np.fft.rfft(wet, padded)
    reach = min(int(MOST * sample_rate), padded // 2 - 1, max(dry.size, wet.size) - 1)
    plain = _near(np.fft.irfft(spectrum, padded), reach)
    size = np.abs(spectrum)
    white = _near(np.fft.irfft(spectrum / (size + 1e-6 * size.max() + 1e-30), padded), reach)
    power = float(np.sqrt(np.sum(np.square(dry, dtype=np.float64)) * np.sum(np.square(wet, dtype=np.float64))))
    top = int(np.argmax(np.abs(plain)))
    if abs(float(plain[top])) > CLEAR * power:
        return Lag(top - reach, float(plain[top]) / power if power > 0 else 0.0)
    peaks = [int(np.argmax(curve)) - reach for curve in (plain, np.abs(plain), white, np.abs(white))]
    distance = _Distance(dry, wet, sample_rate)
    candidates = set(peaks)
    step = _HOP
    around = range(-round(NEAR * sample_rate / step) * step, round(NEAR * sample_rate / step) * step + 1, step)
    rough = {lag: distance(lag) for lag in {0, *(peak + by for peak in peaks for by in around)} if abs(lag) <= reach}
    candidates.add(min(rough, key=lambda lag: (rough[lag], abs(lag))))
    scores = {lag: rough[lag] if lag in rough else distance(lag) for lag in candidates}
    coarse = min(scores, key=lambda lag: (scores[lag], abs(lag)))
    best = _refined(coarse, white, reach, step)
    window = plain[max(0, best + reach - sample_rate // 500) : best + reach + sample_rate // 500 + 1]
    strongest = float(window[np.argmax(np.abs(window))])
    return Lag(best, strongest / power if power > 0 else 0.0)


def _near(correlation: Signal, reach: int) -> Signal:
    """Lags -reach … reach of a circular correlation."""
    return np.concatenate([correlation[correlation.size - reach :], correlation[: reach + 1]])


def _refined(lag: int, white: Signal, reach: int, step: int) -> int:
    """The highest whitened peak within one hop of a lag that was found on a grid of hops."""
    first = max(0, lag + reach - step)
    piece = np.abs(white[first : lag + reach + step + 1])
    at = int(np.argmax(piece))
    return first + at - reach if piece[at] > 4.0 * float(np.median(np.abs(white)) + 1e-30) else lag


class _Distance:
    """Mean distance of log spectrograms at a lag, whatever filter lies between them; lower is more alike.

    Lags are rounded to a hop, so that every spectrum is computed once.
    """

    def __init__(self, dry: Signal, wet: Signal, sample_rate: int) -> None:
        self._source = _spectrogram(_unit(dry))
        self._target = _spectrogram(_unit(wet))
        loud = self._source.mean(axis=1)
        self._active = loud > np.percentile(loud, 30)

    def __call__(self, lag: int) -> float:
        by = round(lag / _HOP)
        at = np.arange(max(0, by), min(len(self._target), len(self._source) + by), _SKIP)
        at = at[self._active[at - by]]
        if at.size < 2:
            return np.inf
        difference = self._source[at - by] - self._target[at]
        return float(np.mean(np.abs(difference - np.median(difference, axis=0))))


def _unit(signal: Signal) -> Signal:
    power = float(np.mean(np.square(signal, dtype=np.float64)))
    return (signal * (0.1 / np.sqrt(power)) if power > 0 else signal).astype(np.float32)


def _spectrogram(signal: Signal) -> Signal:
    """Natural log magnitudes (frames, bins), one frame a hop."""
    padded = np.pad(signal, (0, max(0, _WINDOW - signal.size)))
    view = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    out = np.empty((view.shape[0], _WINDOW // 2 + 1), np.float32)
    window = np.hanning(_WINDOW).astype(np.float32)
    for start in range(0, len(out), 4096):
        spectrum = np.fft.rfft(view[start : start + 4096] * window, axis=1)
        out[start : start + 4096] = np.log(np.maximum(np.abs(spectrum), _FLOOR))
    return out


def busiest(wet: Signal, sample_rate: int, seconds: float) -> slice:
    """The stretch of ``wet`` (frames,) of at most ``seconds`` that holds most of its power."""
    size = round(seconds * sample_rate)
    if wet.size <= size:
        return slice(0, wet.size)
    step = sample_rate
    power = np.add.reduceat(np.square(wet, dtype=np.float64), np.arange(0, wet.size, step))
    width = max(1, size // step)
    sums = np.convolve(power, np.ones(width), mode="valid")
    start = min(int(np.argmax(sums)) * step, wet.size - size)
    return slice(start, start + size)


def delayed(signal: NDArray[np.floating], samples: int) -> NDArray[np.floating]:
    """``signal`` (..., frames) later by ``samples`` (earlier where negative), as long as before, zeros around it."""
    out = np.zeros_like(signal)
    frames = signal.shape[-1]
    if abs(samples) >= frames:
        return out
    if samples >= 0:
        out[..., samples:] = signal[..., : frames - samples]
    else:
        out[..., :samples] = signal[..., -samples:]
    return out
