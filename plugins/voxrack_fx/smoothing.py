"""Changes without clicks: numbers that move in a straight line, counted in samples.

A kernel that gets ``(start, target, position, length)`` uses, for sample ``i`` of the block,
``start + (target - start) * (position + i + 1) / length``. The count is an integer and goes on from block
to block, so the curve does not depend on how the signal was cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RAMP_SECONDS = 0.02


class Ramp:
    """A vector that moves linearly to a target over a fixed number of samples.

    Parameters
    ----------
    values : array_like, shape (n,)
        Where it stands.
    sample_rate : int
        In Hz; the ramp lasts 20 ms.

    Attributes
    ----------
    start, target : ndarray, shape (n,)
        Both ends of the line; equal to each other where nothing moves.
    position, length : int
        Samples done and samples in all. It moves while ``position < length``.
    """

    def __init__(self, values: ArrayLike, sample_rate: int) -> None:
        self.length = max(1, round(RAMP_SECONDS * sample_rate))
        self.jump(values)

    def jump(self, values: ArrayLike) -> None:
        """Stand at ``values`` from now on."""
        self.target = np.array(values, dtype=np.float64)
        self.start = self.target
        self.position = self.length

    def move(self, values: ArrayLike) -> None:
        """Start from where it stands now; a target that it is heading for already changes nothing."""
        target = np.array(values, dtype=np.float64)
        if np.array_equal(target, self.target):
            return
        self.start = self.current()
        self.target = target
        self.position = 0

    def current(self) -> NDArray[np.float64]:
        """Where the sample before this one stood, shape (n,)."""
        if self.position >= self.length:
            return self.target
        return self.start + (self.target - self.start) * (self.position / self.length)

    def moving(self, frames: int) -> int:
        """How many of the next ``frames`` samples lie on the ramp; they come first."""
        return min(frames, self.length - self.position)

    def advance(self, frames: int) -> None:
        """Count ``frames`` samples that were rendered on the ramp."""
        self.position += frames
        if self.position >= self.length:
            self.start = self.target


class Smoothed:
    """What every processor here shares: stored values, a ramp over the numbers that its kernel uses.

    A subclass says in :meth:`numbers` how values become kernel numbers at ``sample_rate``, makes its
    buffers in :meth:`clear`, and calls :meth:`moving` once per block before it renders.
    """

    latency: int = 0
    tail: int | float = 0
    sample_rate: int = 0
    channels: int = 0
    out_channels: int = 0
    max_frames: int = 0
    _started = False
    _changed = False
    _left: int | float | None = None  # samples that flush still owes; None before the first flush

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Any]) -> None:
        self.values = dict(values)

    def numbers(self) -> NDArray[np.float64]:
        """Kernel numbers for the present values, shape (n,). Every straight line between two must be valid."""
        raise NotImplementedError

    def clear(self) -> None:
        """Bring the state to silence."""

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        self.sample_rate, self.channels, self.max_frames = sample_rate, channels, max_frames
        self.out_channels = channels
        self.ramp = Ramp(self.numbers(), sample_rate)
        self.reset()
        return channels

    def reset(self) -> None:
        self.ramp.jump(self.numbers())
        self._started = self._changed = False
        self._left = None
        self.clear()

    def set(self, id: str, value: Any) -> None:
        self.values[id] = value
        self._changed = True

    def moving(self, frames: int) -> int:
        """Take over what was set since the last block; how many of the next samples lie on the ramp."""
        if self._changed:
            self._changed = False
            (self.ramp.move if self._started else self.ramp.jump)(self.numbers())
        self._started = True
        return self.ramp.moving(frames)

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """``block`` (channels, frames) to a new array (out_channels, frames)."""
        raise NotImplementedError

    def flush(self, frames: int) -> NDArray[np.float32]:
        """What follows the end of the input: at most ``frames`` samples, ``latency + tail`` in all."""
        left = self.latency + self.tail if self._left is None else self._left
        count = int(min(frames, left))
        self._left = left - count
        if not count:
            return np.zeros((self.out_channels, 0), np.float32)
        return self.process(np.zeros((self.channels, count), np.float32))
