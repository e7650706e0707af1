"""One second-order section as a device: bell, shelves, low-pass and high-pass (spec section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from . import coefficients
from .coefficients import Section
from .smoothing import Smoothed

if TYPE_CHECKING:
    import torch

    from voxrack.drawn import Curve

TINY = 1e-60  # states below this become zero: far below any float32, far above slow denormal numbers

_AUDIO_IN = types.Array(types.float32, 2, "C", readonly=True)
_AUDIO_OUT = types.float32[:, ::1]
_NUMBERS = types.float64[::1]


@njit(
    types.void(_AUDIO_IN, _AUDIO_OUT, types.intp, _NUMBERS, types.float64[:, ::1]),
    cache=True, nogil=True, fastmath={"contract"},
)  # fmt: skip
def filter_steady(block, out, begin, section, state):
    """Transposed direct form II over samples ``begin`` and later; ``state`` is (channels, 2)."""
    b0, b1, b2, a1, a2 = section[0], section[1], section[2], section[3], section[4]
    for channel in range(block.shape[0]):
        s1, s2 = state[channel, 0], state[channel, 1]
        for n in range(begin, block.shape[1]):
            x = np.float64(block[channel, n])
            y = b0 * x + s1
            s1 = b1 * x + s2 - a1 * y
            s2 = b2 * x - a2 * y
            out[channel, n] = y
        state[channel, 0] = s1 if abs(s1) > TINY else 0.0
        state[channel, 1] = s2 if abs(s2) > TINY else 0.0


@njit(
    types.void(_AUDIO_IN, _AUDIO_OUT, types.intp, _NUMBERS, _NUMBERS, types.intp, types.intp, types.float64[:, ::1]),
    cache=True, nogil=True, fastmath={"contract"},
)  # fmt: skip
def filter_moving(block, out, stop, start, target, position, length, state):
    """The same over samples before ``stop``, with coefficients on a straight line between two stable sections.

    Stable pairs (a1, a2) form a triangle, which is convex: every section on the way is stable.
    """
    for channel in range(block.shape[0]):
        s1, s2 = state[channel, 0], state[channel, 1]
        for n in range(stop):
            share = np.float64(position + n + 1) / length
            x = np.float64(block[channel, n])
            y = (start[0] + (target[0] - start[0]) * share) * x + s1
            b1 = start[1] + (target[1] - start[1]) * share
            b2 = start[2] + (target[2] - start[2]) * share
            s1 = b1 * x + s2 - (start[3] + (target[3] - start[3]) * share) * y
            s2 = b2 * x - (start[4] + (target[4] - start[4]) * share) * y
            out[channel, n] = y
        state[channel, 0], state[channel, 1] = s1, s2


class Biquad(Smoothed):
    """A device of one section. Each channel is filtered alone, in float64, from silence."""

    kind = ""  # what the differentiable module calls it

    def section(self) -> Section:
        """Coefficients for the present values at ``sample_rate``."""
        raise NotImplementedError

    def numbers(self) -> NDArray[np.float64]:
        return np.array(self.section())

    @property
    def tail(self) -> int:
        """Samples until the response stays below -120 dB."""
        return coefficients.tail([self.section()], self.sample_rate)

    def clear(self) -> None:
        self._state = np.zeros((self.channels, 2))

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Filter ``block`` (channels, frames) into a new array."""
        out = np.empty_like(block)
        moving = self.moving(block.shape[1])
        ramp = self.ramp
        if moving:
            filter_moving(block, out, moving, ramp.start, ramp.target, ramp.position, ramp.length, self._state)
            ramp.advance(moving)
        if moving < block.shape[1]:
            filter_steady(block, out, moving, ramp.target, self._state)
        return out

    @classmethod
    def curves(cls, values: Mapping[str, Any], sample_rate: int) -> tuple[Curve, ...]:
        """The magnitude response (see :mod:`voxrack.drawn`)."""
        from .drawing import response

        device = cls(values, {}, {})
        device.sample_rate = sample_rate
        return (response([device.section()], sample_rate),)

    def module(self, sample_rate: int, mode: str = "exact") -> torch.nn.Module:
        """The same as a torch module with gradients (see :class:`voxrack.device.Differentiable`)."""
        from .diff.biquad import Biquad as Module

        return Module(self.values, sample_rate, mode, kind=self.kind)


class Peak(Biquad):
    """``fx.peak``: a bell."""

    kind = "peak"

    def section(self) -> Section:
        return coefficients.peak(self.values["gain"], self.values["frequency"], self.values["q"], self.sample_rate)


class LowShelf(Biquad):
    """``fx.low_shelf``."""

    kind = "low_shelf"

    def section(self) -> Section:
        return coefficients.low_shelf(self.values["gain"], self.values["frequency"], self.values["q"], self.sample_rate)


class HighShelf(Biquad):
    """``fx.high_shelf``."""

    kind = "high_shelf"

    def section(self) -> Section:
        return coefficients.high_shelf(
            self.values["gain"], self.values["frequency"], self.values["q"], self.sample_rate
        )


class LowPass(Biquad):
    """``fx.low_pass``: 12 dB per octave; off at the upper end of its range."""

    kind = "low_pass"

    def section(self) -> Section:
        return coefficients.low_pass_or_off(self.values["frequency"], self.values["q"], self.sample_rate)


class HighPass(Biquad):
    """``fx.high_pass``: 12 dB per octave; off at the lower end of its range."""

    kind = "high_pass"

    def section(self) -> Section:
        return coefficients.high_pass_or_off(self.values["frequency"], self.values["q"], self.sample_rate)
