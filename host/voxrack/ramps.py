"""Two small machines of the desk: a gain that glides and a line that delays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .device import Block

GLIDE_S = 0.02  # a change of level, send, mix or bypass takes this long: no click, no sluggishness


def gain_of(level_db: float) -> float:
    """Linear gain of a level in dB; -inf is 0."""
    return 10.0 ** (level_db / 20.0)


def blend(dry: Block, wet: Block, mix: float | NDArray[np.float32]) -> Block:
    """``dry`` where ``mix`` is 0, ``wet`` where it is 1; shapes as ``dry``."""
    share = np.float32(mix) if isinstance(mix, float) else mix
    return (dry + (wet - dry) * share).astype(np.float32, copy=False)


class Ramp:
    """A gain that moves linearly to its target over a fixed number of samples.

    Counted in samples, so that what is heard does not depend on the size of the blocks.
    """

    def __init__(self, value: float, frames: int) -> None:
        self.value = self.target = float(value)
        self._frames = max(1, frames)
        self._left = 0
        self._step = 0.0

    def to(self, target: float) -> None:
        """Start towards ``target`` from wherever it is."""
        if target != self.target:
            self.target = float(target)
            self._left = self._frames
            self._step = (self.target - self.value) / self._frames

    @property
    def moving(self) -> bool:
        return self._left > 0

    def jump(self) -> None:
        """Arrive at once."""
        self.value, self._left = self.target, 0

    def take(self, frames: int) -> float | NDArray[np.float32]:
        """Gain of the next ``frames`` samples: one number where it rests, an array where it moves."""
        if self._left == 0:
            return self.value
        moving = min(self._left, frames)
        gains = np.full(frames, self.target, np.float32)
        gains[:moving] = self.value + self._step * np.arange(1, moving + 1)
        self._left -= moving
        self.value = self.target if self._left == 0 else self.value + self._step * moving
        return gains


class DelayLine:
    """Delay by a whole number of samples.

    Parameters
    ----------
    frames : int
    channels : int
    """

    def __init__(self, frames: int, channels: int) -> None:
        self.frames = frames
        self.channels = channels
        self._room = 4096
        self.reset()

    def reset(self) -> None:
        self._tape = np.zeros((self.channels, self.frames + self._room), np.float32)
        self._at = self.frames  # where the next sample goes

    def remember(self, block: Block) -> None:
        """Take a block in without asking for one."""
        frames = block.shape[1]
        if self._at + frames > self._tape.shape[1]:
            last = self._tape[:, self._at - self.frames : self._at].copy()
            self._room = max(self._room, frames)
            self._tape = np.zeros((self.channels, self.frames + self._room), np.float32)
            self._tape[:, : self.frames] = last
            self._at = self.frames
        self._tape[:, self._at : self._at + frames] = block
        self._at += frames

    def process(self, block: Block) -> Block:
        """The signal ``frames`` samples ago; same shape as ``block``."""
        if self.frames == 0:
            return block
        self.remember(block)
        start = self._at - self.frames - block.shape[1]
        return self._tape[:, start : start + block.shape[1]].copy()
