"""The analyzer that needs an enhancer, whichever plugin offers one and whatever sample rate it works at."""

from __future__ import annotations

import numpy as np

from voxrack import Rack, Track


class Judge:
    """Level before and after the enhancer in frames of 10 ms."""

    def __init__(self, values, needs, assets):
        self.floor = values["floor"]
        self.rack = Rack([needs["enhancer"]])  # a rack resamples and folds around it, and says its latency

    def set(self, id, value):
        self.floor = value

    def prepare(self, sample_rate, channels):
        self.rate = sample_rate
        self.rack.prepare(sample_rate, channels, 4096)
        self.before: list = []
        self.after: list = []

    def push(self, block):
        for start in range(0, block.shape[1], 4096):
            piece = block[:, start : start + 4096]
            self.before.append(piece.copy())
            self.after.append(self.rack.process(piece))

    def finish(self):
        frames = sum(piece.shape[1] for piece in self.before)
        missing = self.rack.latency
        while missing and (piece := self.rack.flush(min(missing, 4096))).shape[1]:
            self.after.append(piece)
            missing -= piece.shape[1]
        before = np.concatenate(self.before, axis=1)
        after = np.concatenate(self.after, axis=1)[:, self.rack.latency :][:, :frames]
        hop = max(1, self.rate // 100)
        levels = np.stack([self.levels(before, hop), self.levels(after, hop)], axis=1)
        times = (np.arange(len(levels)) + 0.5) * hop / self.rate
        removed = float(np.mean(levels[:, 0] - levels[:, 1]))
        return (Track("level", times, levels, ("before", "after"), "dB", {"removed_db": round(removed, 3)}),)

    def levels(self, signal, hop):
        energy = (signal.astype(np.float64) ** 2).mean(axis=0)
        padded = np.pad(energy, (0, -len(energy) % hop)).reshape(-1, hop)
        return np.maximum(10.0 * np.log10(padded.mean(axis=1) + 1e-30), self.floor)
