"""Whole-signal devices and analyzers that break the contract."""

from __future__ import annotations

import numpy as np

from voxrack import Track

from .whole import Tempo


class Random(Tempo):
    """Another result each time."""

    def convert(self, signal, sample_rate, progress):
        return signal + np.random.default_rng().normal(size=signal.shape).astype(np.float32) * 1e-3


class Longer(Tempo):
    """One frame too many."""

    def convert(self, signal, sample_rate, progress):
        return np.pad(signal, ((0, 0), (0, 1)))


class Backwards(Tempo):
    """Progress goes back."""

    def convert(self, signal, sample_rate, progress):
        for share in (0.2, 0.1, 1.0):
            progress(share)
        return signal.copy()


class Vandal(Tempo):
    """Works in the caller's memory."""

    def convert(self, signal, sample_rate, progress):
        signal *= np.float32(0.5)
        return signal.copy()


class Mean:
    """An analyzer in order: mean power of the signal."""

    def __init__(self, values, needs, assets):
        self.values = values

    def set(self, id, value):
        """It has nothing to set."""

    def prepare(self, sample_rate, channels):
        self.rate, self.sum, self.count = sample_rate, 0.0, 0

    def push(self, block):
        self.sum += float((block.astype(np.float64) ** 2).sum())
        self.count += block.shape[1]

    def track(self, times, values, **summary):
        return (Track("power", np.asarray(times, float), np.asarray(values, float)[:, None], ("power",), "", summary),)

    def finish(self):
        return self.track([self.count / self.rate / 2], [self.sum / self.count], power=self.sum / self.count)


class PerBlock(Mean):
    """One value a block."""

    def prepare(self, sample_rate, channels):
        super().prepare(sample_rate, channels)
        self.times, self.values = [], []

    def push(self, block):
        super().push(block)
        self.times.append(self.count / self.rate)
        self.values.append(float(block.max()))

    def finish(self):
        return self.track(self.times, self.values)


class Remembers(Mean):
    """Prepared again, it still counts the old signal."""

    def prepare(self, sample_rate, channels):
        self.rate = sample_rate
        self.sum, self.count = getattr(self, "sum", 0.0), getattr(self, "count", 0)


class Disordered(Mean):
    """Times run backwards."""

    def finish(self):
        return self.track([0.2, 0.1], [1.0, 1.0])


class Logarithm(Mean):
    """-inf dB of silence."""

    def finish(self):
        with np.errstate(divide="ignore"):
            return self.track([0.0], [np.log10(self.sum)])


class Unspeakable(Mean):
    """A summary that is no JSON."""

    def finish(self):
        return self.track([0.0], [1.0], power=np.float32(1.0))


class Vandalises(Mean):
    """Works in the caller's memory."""

    def push(self, block):
        super().push(block)
        block *= 0
