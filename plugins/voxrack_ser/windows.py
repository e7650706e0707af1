"""A signal that comes in blocks, cut into overlapping windows that do not depend on how it was cut before.

Samples are (frames,), or (rows, frames) where several signals go side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a signal: ``samples`` (…, frames), which began at frame ``start`` of it."""

    start: int
    samples: Samples

    @property
    def stop(self) -> int:
        return self.start + self.samples.shape[-1]


class Rechunk:
    """Blocks of any size in, blocks of exactly ``size`` frames out; the rest at the end."""

    def __init__(self, size: int, rows: tuple[int, ...] = ()) -> None:
        self.size = size
        self._rows = rows
        self._parts: list[Samples] = []
        self._held = 0

    def push(self, samples: Samples) -> Iterator[Samples]:
        """Chunks that are complete, each of shape (…, size)."""
        self._parts.append(samples)
        self._held += samples.shape[-1]
        if self._held < self.size:
            return
        joined = np.concatenate(self._parts, axis=-1)
        whole = self._held // self.size * self.size
        self._parts, self._held = [joined[..., whole:].copy()], self._held - whole
        for start in range(0, whole, self.size):
            yield joined[..., start : start + self.size]

    def rest(self) -> Samples:
        """What is left, fewer than ``size`` frames."""
        return np.concatenate([np.zeros((*self._rows, 0), np.float32), *self._parts], axis=-1)


class Windows:
    """Windows of ``length`` frames, one every ``hop`` frames, and one that ends with the signal.

    The closing window is given where the last half hop or more would else be heard by no window; a signal shorter
    than one window is one window of its own length. Memory: one window and a block.
    """

    def __init__(self, length: int, hop: int, rows: tuple[int, ...] = ()) -> None:
        self.length, self.hop = length, hop
        self._held: Samples = np.zeros((*rows, 0), np.float32)
        self._at = 0  # frame of the signal at which `_held` begins
        self._next = 0  # where the next window begins
        self.frames = 0  # heard so far

    def push(self, samples: Samples) -> Iterator[Window]:
        """Windows that are complete."""
        self._held = np.concatenate((self._held, samples), axis=-1)
        self.frames += samples.shape[-1]
        while self._next + self.length <= self.frames:
            start = self._next - self._at
            yield Window(self._next, self._held[..., start : start + self.length].copy())
            self._next += self.hop
        # the closing window ends with the signal, so the last `length` frames are kept
        spare = min(self._next - self._at, self._held.shape[-1] - self.length)
        if spare > 0:
            self._held, self._at = self._held[..., spare:], self._at + spare

    def finish(self) -> Iterator[Window]:
        """The closing window, where there is one."""
        heard = self._next - self.hop + self.length if self._next else 0
        if self.frames and (not heard or 2 * (self.frames - heard) >= self.hop):
            kept = self._held[..., -self.length :]
            yield Window(self.frames - kept.shape[-1], kept)
