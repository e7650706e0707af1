"""Level: a factor on every channel, and the sum that other devices share for factors that move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .smoothing import Ramp, Smoothed

if TYPE_CHECKING:
    import torch


def scale(block: NDArray[np.float32], ramp: Ramp, moving: int) -> NDArray[np.float32]:
    """``block`` (channels, frames) times the ramp's factors (one, or one per channel), as a new array.

    The first ``moving`` samples lie on the ramp, which is advanced past them. A block of one channel
    widens to as many channels as there are factors.
    """
    frames = block.shape[1]
    if not moving:
        return block * ramp.target.astype(np.float32)[:, None]
    share = np.ones(frames)
    share[:moving] = np.arange(ramp.position + 1, ramp.position + moving + 1) / ramp.length
    factors = ramp.start[:, None] + (ramp.target - ramp.start)[:, None] * share
    ramp.advance(moving)
    return block * factors.astype(np.float32)


class Gain(Smoothed):
    """``fx.gain``: ``level`` in dB, -inf is off."""

    def numbers(self) -> NDArray[np.float64]:
        return np.array([10.0 ** (self.values["level"] / 20.0)])

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """``block`` (channels, frames) at its level, as a new array."""
        return scale(block, self.ramp, self.moving(block.shape[1]))

    def module(self, sample_rate: int, mode: str = "exact") -> torch.nn.Module:
        """The same as a torch module with gradients (see :class:`voxrack.device.Differentiable`)."""
        from .diff.gain import Gain as Module

        return Module(self.values, sample_rate, mode)
