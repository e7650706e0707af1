"""What tells a voice from other sounds, frame by frame: level, period, pitch, and the shape of the spectrum.

Every frame depends on the samples around it and on nothing else, so that a stream cut into any blocks gives the same
numbers to the bit. NumPy only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FRAMES = 100  # a second
_LOWEST, _HIGHEST = 65.0, 520.0  # Hz: pitch of voices
_SPAN = 0.025  # s compared with what follows a period later
_WINDOW = 0.032  # s of the spectrum
BANDS = 20
_FIRST, _LAST = 90.0, 7000.0  # Hz
_SPLIT = 1600.0  # Hz: where the spectrum is parted for its tilt
_SLOW = 8000  # Hz: rate at which periods are looked for
_OCTAVE_COST = 0.02
_TINY = 1e-14

Signal = NDArray[np.float64]


class Description(NamedTuple):
    """Of frames of 10 ms; every array begins with (frames,)."""

    level: Signal  # dBFS above 90 Hz; silence -140
    period: Signal  # normalised correlation one period later, 0 … 1
    pitch: Signal  # Hz, 0 where there is none
    shape: Signal  # (frames, bands) dB, mean taken away
    tilt: Signal  # dB by which the strongest band below 1.6 kHz exceeds the strongest above


class Describer:
    """Describes frames at one sample rate.

    Attributes
    ----------
    before, after : int
        Samples that a frame looks at before and after its first sample.
    """

    def __init__(self, sample_rate: int) -> None:
        self.rate = sample_rate
        self.factor = max(1, round(sample_rate / _SLOW))
        slow = sample_rate / self.factor
        self.span = round(_SPAN * slow)
        self.shortest, self.longest = int(slow / _HIGHEST) - 1, int(np.ceil(slow / _LOWEST)) + 1
        self.slow = slow
        self.length = (self.span + self.longest) * self.factor
        self.window = np.hanning(round(_WINDOW * sample_rate) + 1)[:-1]
        width = max(self.length, len(self.window))
        middle = sample_rate // (2 * FRAMES)
        self.before = width // 2 - middle
        self.after = width - self.before
        edges = np.geomspace(_FIRST, min(_LAST, 0.45 * sample_rate), BANDS + 1)
        bins = np.rint(edges * len(self.window) / sample_rate).astype(int)
        self.edges = np.maximum(bins, bins[0] + np.arange(BANDS + 1))  # one bin at least
        self.low = int(np.searchsorted(edges[1:], _SPLIT))

    def start(self, frame: Any) -> Any:
        """First sample of a frame (an int or an array of ints)."""
        return frame * self.rate // FRAMES

    def started(self, sample: int) -> int:
        """Frames that begin at ``sample`` or before."""
        return ((sample + 1) * FRAMES - 1) // self.rate + 1 if sample >= 0 else 0

    def __call__(self, pieces: Signal) -> Description:
        """Frames (frames, before + after) of samples to numbers."""
        width = pieces.shape[1]
        at = (width - len(self.window)) // 2
        spectrum = np.fft.rfft(pieces[:, at : at + len(self.window)] * self.window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        power *= 2.0 / (len(self.window) * float(np.sum(self.window**2)))
        bands = np.add.reduceat(power, self.edges, axis=1)[:, :-1] + _TINY
        level = 10 * np.log10(bands.sum(axis=1))
        shape = 10 * np.log10(bands)
        shape = np.maximum(shape, shape.max(axis=1, keepdims=True) - 60.0)
        tilt = shape[:, : self.low].max(axis=1) - shape[:, self.low :].max(axis=1)
        at = (width - self.length) // 2
        period, pitch = self._period(pieces[:, at : at + self.length])
        return Description(level, period, pitch, shape - shape.mean(axis=1, keepdims=True), tilt)

    def _period(self, pieces: Signal) -> tuple[Signal, Signal]:
        """Height and frequency of the best peak of the normalised cross-correlation (Talkin 1995)."""
        x = pieces.reshape(len(pieces), -1, self.factor).mean(axis=2)
        raw = np.sum(x * x, axis=1, keepdims=True)
        x = x - x.mean(axis=1, keepdims=True)
        size = 1 << (x.shape[1] - 1).bit_length()
        both = np.conj(np.fft.rfft(x[:, : self.span], size, axis=1)) * np.fft.rfft(x, size, axis=1)
        product = np.fft.irfft(both, size, axis=1)[:, self.shortest : self.longest + 1]
        total = np.concatenate([np.zeros((len(x), 1)), np.cumsum(x * x, axis=1)], axis=1)
        lags = np.arange(self.shortest, self.longest + 1)
        energy = (total[:, lags + self.span] - total[:, lags]) * total[:, self.span, None]
        sound = energy > (1e-9 * raw + 1e-20) ** 2
        curve = np.where(sound, product / np.sqrt(np.where(sound, energy, 1.0)), 0.0)
        left, here, right = curve[:, :-2], curve[:, 1:-1], curve[:, 2:]
        top = (here >= left) & (here > right)
        bend = np.where(top, left - 2 * here + right, -1.0)
        shift = np.clip(0.5 * (left - right) / bend, -0.5, 0.5)
        height = np.minimum(here - 0.25 * (left - right) * shift, 1.0)
        score = np.where(top, height - _OCTAVE_COST * np.log2(lags[1:-1]), -np.inf)
        best = score.argmax(axis=1)
        row = np.arange(len(x))
        found = top[row, best]
        return (
            np.where(found, np.maximum(height[row, best], 0.0), 0.0),
            np.where(found, self.slow / (lags[1:-1][best] + shift[row, best]), 0.0),
        )
