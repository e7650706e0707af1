"""The tremolo: a level that swings."""

from __future__ import annotations

import numpy as np

GLIDE_S = 0.02  # a turned knob arrives after this time: no click


class Tremolo:
    """Gain in dB that swings between 0 and -depth: ``-depth/2 (1 - cos(2π phase))``.

    Parameters
    ----------
    values : mapping
        ``rate`` in Hz, ``depth`` in dB.
    needs, assets : mapping
        Empty: the specification asks for neither.
    """

    latency = 0  # samples by which the output is late
    tail = 0  # samples that still come after the input has ended

    def __init__(self, values, needs, assets):
        self.values = dict(values)

    def prepare(self, sample_rate, channels, max_frames):
        """Ready for blocks of at most ``max_frames``; as many channels come out as go in."""
        self.sample_rate, self.channels = sample_rate, channels
        self.reset()
        return channels

    def reset(self):
        """Back to silence: phase 0, every knob where it stands."""
        self.phase = 0.0
        self.now = dict(self.values)
        self.steps = {"rate": 0.0, "depth": 0.0}
        self.left = 0  # samples until the knobs have arrived
        self.started = False

    def set(self, id, value):
        """Turn a knob between two blocks; before the first block it takes effect at once."""
        self.values[id] = value
        if not hasattr(self, "now"):
            return
        if not self.started:
            self.now = dict(self.values)
            return
        self.left = int(GLIDE_S * self.sample_rate)
        self.steps = {id: (self.values[id] - self.now[id]) / self.left for id in self.now}

    def process(self, block):
        """(channels, frames) to the same shape."""
        self.started = True
        frames = block.shape[1]
        rate, depth = self.knobs(frames)
        phase = self.phase + np.cumsum(rate) / self.sample_rate
        self.phase = float(phase[-1] % 1.0) if frames else self.phase
        level = -0.5 * depth * (1.0 - np.cos(2.0 * np.pi * phase))
        return (block * 10.0 ** (level / 20.0)).astype(np.float32)

    def flush(self, frames):
        """The input has ended, and nothing is still to come."""
        return np.zeros((self.channels, 0), np.float32)

    def knobs(self, frames):
        """Rate and depth of each of the next ``frames`` samples, gliding to where they were turned."""
        travelled = np.minimum(np.arange(1, frames + 1), self.left)
        curves = [self.now[id] + self.steps[id] * travelled for id in ("rate", "depth")]
        moved = min(frames, self.left)
        self.left -= moved
        for id in self.now:
            self.now[id] = self.values[id] if self.left == 0 else self.now[id] + self.steps[id] * moved
        return curves
