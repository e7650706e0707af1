"""A correct gain, and one device for every way to break the contract."""

from __future__ import annotations

import numpy as np

from .streaming import Gain


class BlockWise(Gain):
    """Removes the mean of each block: what comes out depends on the cut."""

    def process(self, block):
        return (block - block.sum(axis=1, keepdims=True) / max(1, block.shape[1])).astype(np.float32)


class Forgetful(Gain):
    """Reset leaves the old signal in the line."""

    latency = 100

    def reset(self):
        kept = getattr(self, "line", None)
        super().reset()
        if kept is not None and kept.channels == self.line.channels:
            self.line = kept


class Late(Gain):
    """Delays by 10 samples and says 9."""

    latency = 9

    def reset(self):
        super().reset()
        self.hidden = np.zeros((self.channels, 1), np.float32)

    def process(self, block):
        joined = np.concatenate((self.hidden, super().process(block)), axis=1)
        self.hidden = joined[:, block.shape[1] :]
        return joined[:, : block.shape[1]].copy()


class Coloured(Gain):
    """Its transparent settings are not transparent: every second sample is softer."""

    def reset(self):
        super().reset()
        self.count = 0

    def process(self, block):
        weight = np.where((self.count + np.arange(block.shape[1])) % 2, 0.9, 1.0).astype(np.float32)
        self.count += block.shape[1]
        return super().process(block) * weight


class Short(Gain):
    """Announces a tail that it does not give."""

    tail = 1000

    def flush(self, frames):
        return np.zeros((self.channels, 0), np.float32)


class Shifty(Gain):
    """Its latency changes while it runs."""

    latency = 0

    def process(self, block):
        out = super().process(block)
        self.latency = 5
        return out


class Explosive(Gain):
    """Infinite at one end of its range."""

    def target(self):
        return float("inf") if self.values["level"] == 24.0 else super().target()


class Humming(Gain):
    """Makes a sound of silence."""

    def process(self, block):
        return super().process(block) + np.float32(1e-3)


class Abrupt(Gain):
    """A change glides over one block, however long that is."""

    def process(self, block):
        goal = self.target()
        start = goal if self.fresh else self.last
        self.fresh, self.last = False, goal
        frames = block.shape[1]
        return (block * (start + (goal - start) * np.arange(1, frames + 1) / max(frames, 1))).astype(np.float32)


class Deaf(Gain):
    """Ignores what is set."""

    def set(self, id, value):
        """Nothing happens."""


class Picky(Gain):
    """Crashes at a sample rate that its spec admits."""

    def prepare(self, sample_rate, channels, max_frames):
        if sample_rate == 192_000:
            raise ValueError("192 kHz is too much")
        return super().prepare(sample_rate, channels, max_frames)


class Stuck(Gain):
    """Keeps the sample rate of its first prepare."""

    def prepare(self, sample_rate, channels, max_frames):
        self.first = getattr(self, "first", sample_rate)
        out = super().prepare(sample_rate, channels, max_frames)
        self.factor = np.float32(self.first / sample_rate)
        return out

    def process(self, block):
        return super().process(block) * self.factor


class Greedy(Gain):
    """Needs two frames at least."""

    def process(self, block):
        return super().process(block) + np.float32(0.0) * np.diff(block, axis=1)[:, :1]


class Vandal(Gain):
    """Works in the caller's memory."""

    def process(self, block):
        block *= np.float32(0.5)
        return block.copy()


class Thrifty(Gain):
    """Returns the same memory every time."""

    def prepare(self, sample_rate, channels, max_frames):
        self.memory = np.zeros((channels, max_frames), np.float32)
        return super().prepare(sample_rate, channels, max_frames)

    def process(self, block):
        out = self.memory[:, : block.shape[1]]
        out[:] = super().process(block)
        return out


class Denormal(Gain):
    """Divides by the signal, where it is not zero."""

    def process(self, block):
        tiny = (block != 0) & (np.abs(block) < 1e-38)
        with np.errstate(over="ignore"):
            return np.where(tiny, np.float32(1.0) / np.where(tiny, block, 1), block).astype(np.float32)


class Torch(Gain):
    """A gain with a torch module that agrees."""

    factor = 1.0

    def module(self, sample_rate, mode="exact"):
        import torch

        factor = self.factor

        class Module(torch.nn.Module):
            def forward(self, x, params):
                return x * factor * 10.0 ** (params["level"] / 20.0)

        return Module()


class Discord(Torch):
    """A torch module that does not agree."""

    factor = 1.01


class NoGradient(Torch):
    """A torch module whose gradient is not finite."""

    def module(self, sample_rate, mode="exact"):
        import torch

        class Module(torch.nn.Module):
            def forward(self, x, params):
                level = params["level"]
                return x * (10.0 ** (level / 20.0)) + 0.0 * torch.sqrt((level - level).abs())

        return Module()
