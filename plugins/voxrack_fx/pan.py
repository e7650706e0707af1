"""Pan: a mono signal between left and right, or the balance of a stereo one (spec section 5)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .gain import scale
from .smoothing import Smoothed

if TYPE_CHECKING:
    import torch


def factors(pan: float) -> tuple[float, float]:
    """Left and right factor for ``pan`` in -100 … 100: equal power, unity on both sides at the centre."""
    angle = (pan + 100.0) / 200.0 * (0.5 * math.pi)
    return math.sqrt(2.0) * math.cos(angle), math.sqrt(2.0) * math.sin(angle)


class Pan(Smoothed):
    """``fx.pan``. One channel comes out as two; of two, each is scaled."""

    def numbers(self) -> NDArray[np.float64]:
        return np.array(factors(self.values["pan"]))

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        super().prepare(sample_rate, channels, max_frames)
        self.out_channels = 2
        return 2

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """``block`` (1 or 2 channels, frames) as a new array (2, frames)."""
        return scale(block, self.ramp, self.moving(block.shape[1]))

    def module(self, sample_rate: int, mode: str = "exact") -> torch.nn.Module:
        """The same as a torch module with gradients (see :class:`voxrack.device.Differentiable`)."""
        from .diff.pan import Pan as Module

        return Module(self.values, sample_rate, mode)
