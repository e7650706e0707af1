"""The probes that run in blocks."""

from __future__ import annotations

import numpy as np

from voxrack import read
from voxrack.ramps import DelayLine, Ramp, gain_of

GLIDE_S = 0.02


class Gain:
    """A gain that glides, after ``latency`` samples; the base of the others."""

    latency = 0
    tail = 0

    def __init__(self, values, needs, assets):
        self.values = dict(values)
        self.assets = assets

    def target(self) -> float:
        return gain_of(self.values["level"])

    def prepare(self, sample_rate, channels, max_frames):
        self.rate, self.channels = sample_rate, channels
        self.reset()
        return channels

    def reset(self):
        self.fresh = True
        self.ramp = Ramp(self.target(), int(GLIDE_S * self.rate))
        self.line = DelayLine(self.latency, self.channels)
        self.left = self.latency + self.tail

    def set(self, id, value):
        self.values[id] = value
        if not hasattr(self, "ramp"):
            return
        self.ramp.to(self.target())
        if self.fresh:
            self.ramp.jump()

    def process(self, block):
        self.fresh = False
        return self.line.process(block) * np.asarray(self.ramp.take(block.shape[1]), np.float32)

    def flush(self, frames):
        frames = min(frames, self.left)
        self.left -= frames
        return self.process(np.zeros((self.channels, frames), np.float32))


class Widen(Gain):
    """Mono in, stereo out: the right channel comes ``delay`` later."""

    def prepare(self, sample_rate, channels, max_frames):
        self.tail = round(self.values["delay"] * 1e-3 * sample_rate)
        super().prepare(sample_rate, channels, max_frames)
        return 2

    def reset(self):
        super().reset()
        self.late = DelayLine(self.tail, 1)

    def process(self, block):
        left = super().process(block)
        return np.concatenate((left, self.late.process(left)))


class Sixteen(Gain):
    """A gain at 16 kHz that looks 5 ms ahead."""

    latency = 80


class Reference(Gain):
    """A gain that brings -20 dBFS to the level of a recording; without one, to nothing else."""

    def __init__(self, values, needs, assets):
        super().__init__(values, needs, assets)
        self.factor = 1.0
        if "recording" in assets:
            self.factor = float(np.sqrt(np.mean(read(assets["recording"]).samples ** 2))) / 0.1

    def target(self):
        return super().target() * self.factor


class Enhance(Gain):
    """What is softer than the threshold is turned down, sample by sample."""

    def target(self):
        return gain_of(self.values["threshold"])

    def process(self, block):
        self.fresh = False
        threshold = np.asarray(self.ramp.take(block.shape[1]), np.float32)
        energy = block**2
        return block * (energy / (energy + threshold**2))


class Grid(Gain):
    """A linear-phase equaliser: 96 taps out of 49 gains, each the mean over 6 lines."""

    latency = 48

    def reset(self):
        self.fresh = True
        self.taps = self.goal = self.design()
        self.ramp = Ramp(1.0, int(GLIDE_S * self.rate))
        self.past = np.zeros((self.channels, 96), np.float32)
        self.left = self.latency + self.tail

    @property
    def tail(self):
        return 48

    def design(self):
        gains = 10.0 ** (np.asarray(self.values["grid"]).mean(axis=1) / 20.0)
        taps = np.roll(np.fft.irfft(gains), 48)
        return np.append(taps, 0.0)

    def set(self, id, value):
        self.values[id] = value
        if not hasattr(self, "ramp"):
            return
        share = self.ramp.value  # on its way from one equaliser to the next it may be sent to a third
        self.taps = self.taps + share * (self.goal - self.taps)
        self.goal = self.design()
        self.ramp = Ramp(0.0, int(GLIDE_S * self.rate))
        self.ramp.to(1.0)
        if self.fresh:
            self.ramp.jump()

    def process(self, block):
        self.fresh = False
        if not block.shape[1]:
            return block
        joined = np.concatenate((self.past, block), axis=1)
        self.past = joined[:, -96:]
        share = np.asarray(self.ramp.take(block.shape[1]))
        windows = np.lib.stride_tricks.sliding_window_view(joined, 97, axis=1).astype(np.float64)
        old, new = windows @ self.taps[::-1], windows @ self.goal[::-1]
        return (old + share * (new - old)).astype(np.float32)
