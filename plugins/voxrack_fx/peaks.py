"""Sample peak, true peak and clipping of a signal in blocks.

The true peak is the largest value of the signal between its samples, read at four times the sample rate
(ITU-R BS.1770-4, annex 2); from 88.2 kHz on at twice, from 176.4 kHz on at once the rate.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_TAPS = 32  # per phase; flat within 0.1 dB up to 0.43 of the sample rate
_CHUNK = 1024
_SHORTEST_RUN = 3  # one full-scale sample may be a peak; three in a row are a cut one
FULL_SCALE = 32767.0 / 32768.0  # the largest positive sample of a 16-bit file


def oversampling(sample_rate: int) -> int:
    """How many times finer than the samples the true peak is read."""
    return 4 if sample_rate < 88200 else 2 if sample_rate < 176400 else 1


def interpolators(factor: int) -> NDArray[np.float32]:
    """FIRs (factor - 1, 32), a Kaiser-windowed sinc each: the signal at 1/factor, 2/factor … of a sample."""
    rows = []
    for phase in range(1, factor):
        offset = np.arange(_TAPS) - (_TAPS // 2 - 1) - phase / factor
        window = np.i0(8.0 * np.sqrt(np.maximum(0.0, 1.0 - (offset / (_TAPS // 2)) ** 2))) / np.i0(8.0)
        taps = np.sinc(offset) * window
        rows.append(taps / taps.sum())
    return np.array(rows, dtype=np.float32).reshape(factor - 1, _TAPS)


@njit(cache=True, nogil=True, fastmath=True)
def _between_samples(signal, filters, scratch):
    """Largest magnitude of the interpolated signal; the input is finite, the order of additions free."""
    largest = np.float32(0.0)
    total = signal.shape[0] - filters.shape[1] + 1
    for begin in range(0, total, _CHUNK):
        frames = min(_CHUNK, total - begin)
        for phase in range(filters.shape[0]):
            for n in range(frames):
                scratch[n] = 0.0
            for k in range(0, filters.shape[1], 8):
                f = filters[phase, k : k + 8]
                f0, f1, f2, f3, f4, f5, f6, f7 = f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]
                x = signal[begin + k : begin + k + frames + 7]
                for n in range(frames):
                    scratch[n] += (
                        f0 * x[n] + f1 * x[n + 1] + f2 * x[n + 2] + f3 * x[n + 3]
                        + f4 * x[n + 4] + f5 * x[n + 5] + f6 * x[n + 6] + f7 * x[n + 7]
                    )  # fmt: skip
            for n in range(frames):
                largest = max(largest, abs(scratch[n]))
    return largest


@njit(cache=True, nogil=True)
def _count_clipped(signal, full_scale, shortest, run):
    """Samples at full scale and runs of them, and the length of the run that is still open."""
    samples = runs = 0
    for n in range(signal.shape[0]):
        if abs(signal[n]) >= full_scale:
            samples += 1
            run += 1
            if run == shortest:
                runs += 1
        else:
            run = 0
    return samples, runs, run


class Peaks:
    """Running maxima and counts.

    Attributes
    ----------
    sample, true : float
        Largest magnitude at the samples, and between them too; linear, 1 is full scale.
    clipped_samples, clipped_runs : int
        Samples at or beyond 16-bit full scale; runs of three or more of them in one channel.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._filters = interpolators(oversampling(sample_rate))
        self._past = np.zeros((channels, _TAPS - 1), np.float32)
        self._scratch = np.zeros(_CHUNK, np.float32)
        self._runs = [0] * channels
        self.sample = self._between = 0.0
        self.clipped_samples = self.clipped_runs = 0

    def push(self, block: NDArray[np.float32]) -> None:
        """Take ``block`` (channels, frames) into account."""
        if not block.shape[1]:
            return
        self.sample = max(self.sample, float(np.max(np.abs(block))))
        joined = np.concatenate([self._past, block], axis=1)
        for channel, row in enumerate(joined):
            self._between = max(self._between, self._read(row))
            samples, runs, self._runs[channel] = _count_clipped(
                row[_TAPS - 1 :], FULL_SCALE, _SHORTEST_RUN, self._runs[channel]
            )
            self.clipped_samples += samples
            self.clipped_runs += runs
        self._past = joined[:, joined.shape[1] - (_TAPS - 1) :].copy()

    @property
    def true(self) -> float:
        end = np.zeros(_TAPS // 2, np.float32)
        last = max((self._read(np.concatenate([row, end])) for row in self._past), default=0.0)
        return max(self.sample, self._between, last)

    def _read(self, row: NDArray[np.float32]) -> float:
        return float(_between_samples(row, self._filters, self._scratch)) if len(self._filters) else 0.0
