"""The six-band equaliser: bell, bell, low shelf, high shelf, low-pass, high-pass in series (spec section 1).

The bands run as a pipeline: in one step of the kernel band ``k`` works on sample ``n - k``, so the twelve
recursions of a stereo pair are independent of each other and lie side by side in one vector (lane
``2 * band + channel``). At both ends of a block the bands that have no sample yet, or none any more, keep
their state; so the result is that of the plain cascade, to the bit, however the signal is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from . import coefficients
from .biquad import TINY
from .coefficients import Section
from .lanes import fma, lane, load16, mul, push2, splat, store, where_within
from .smoothing import Smoothed

if TYPE_CHECKING:
    import torch

    from voxrack.drawn import Curve

BANDS = ("peak1", "peak2", "low_shelf", "high_shelf", "low_pass", "high_pass")
_WIDTH = 16  # lanes: six bands times two channels, and four idle ones
_DRAIN = len(BANDS) - 1

_AUDIO_IN = types.Array(types.float32, 2, "C", readonly=True)
_AUDIO_OUT = types.float32[:, ::1]
_NUMBERS = types.float64[::1]
_DELAY = np.repeat(np.arange(8.0), 2)  # samples by which each lane is behind


@njit(
    types.void(_AUDIO_IN, _AUDIO_OUT, types.intp, _NUMBERS, types.float64[:, ::1], _NUMBERS),
    cache=True, nogil=True, fastmath={"contract"},
)  # fmt: skip
def equalise_steady(block, out, begin, bands, states, delay):
    """Samples ``begin`` and later of every channel pair; ``states`` is (pairs, 32)."""
    channels, frames = block.shape
    b0, b1, b2 = load16(bands, 0), load16(bands, 16), load16(bands, 32)
    a1, a2 = load16(bands, 48), load16(bands, 64)  # negated
    behind = load16(delay, 0)
    count = frames - begin
    for pair in range(states.shape[0]):
        left, right = 2 * pair, min(2 * pair + 1, channels - 1)
        state = states[pair]
        s1, s2 = load16(state, 0), load16(state, 16)
        y = splat(b0, 0.0)
        for step in range(count + 5):
            n = begin + min(step, count - 1)
            x = push2(y, np.float64(block[left, n]), np.float64(block[right, n]))
            y = fma(b0, x, s1)
            next1 = fma(a1, y, fma(b1, x, s2))
            next2 = fma(a2, y, mul(b2, x))
            if step < 5 or step >= count:
                index = fma(behind, splat(b0, -1.0), splat(b0, np.float64(step)))
                next1 = where_within(index, np.float64(count), next1, s1)
                next2 = where_within(index, np.float64(count), next2, s2)
            s1, s2 = next1, next2
            if step >= 5:
                out[left, begin + step - 5] = lane(y, 10)
                out[right, begin + step - 5] = lane(y, 11)
        store(s1, state, 0)
        store(s2, state, 16)
        for i in range(32):
            if abs(state[i]) < TINY:
                state[i] = 0.0


@njit(
    types.void(
        _AUDIO_IN, _AUDIO_OUT, types.intp, _NUMBERS, _NUMBERS, types.intp, types.intp, types.float64[:, ::1], _NUMBERS
    ),
    cache=True, nogil=True, fastmath={"contract"},
)  # fmt: skip
def equalise_moving(block, out, stop, start, move, position, length, states, delay):
    """Samples before ``stop``, with coefficients ``start + move * share of the ramp`` of each lane's own sample."""
    channels = block.shape[0]
    behind = load16(delay, 0)
    limit = np.float64(stop)
    for pair in range(states.shape[0]):
        left, right = 2 * pair, min(2 * pair + 1, channels - 1)
        state = states[pair]
        s1, s2 = load16(state, 0), load16(state, 16)
        y = splat(s1, 0.0)
        for step in range(stop + 5):
            n = min(step, stop - 1)
            index = fma(behind, splat(s1, -1.0), splat(s1, np.float64(step)))
            done = fma(behind, splat(s1, -1.0), splat(s1, np.float64(position + step + 1)))
            share = mul(done, splat(s1, 1.0 / length))
            b0 = fma(load16(move, 0), share, load16(start, 0))
            b1 = fma(load16(move, 16), share, load16(start, 16))
            b2 = fma(load16(move, 32), share, load16(start, 32))
            a1 = fma(load16(move, 48), share, load16(start, 48))
            a2 = fma(load16(move, 64), share, load16(start, 64))
            x = push2(y, np.float64(block[left, n]), np.float64(block[right, n]))
            y = fma(b0, x, s1)
            s1 = where_within(index, limit, fma(a1, y, fma(b1, x, s2)), s1)
            s2 = where_within(index, limit, fma(a2, y, mul(b2, x)), s2)
            if step >= 5:
                out[left, step - 5] = lane(y, 10)
                out[right, step - 5] = lane(y, 11)
        store(s1, state, 0)
        store(s2, state, 16)


class Equaliser(Smoothed):
    """``fx.peq``. Each channel is filtered alone, in float64, from silence."""

    def sections(self) -> list[Section]:
        """Coefficients of the six bands for the present values, in their order."""
        v, rate = self.values, self.sample_rate
        bells = [
            make(v[f"{band}.gain"], v[f"{band}.frequency"], v[f"{band}.q"], rate)
            for band, make in zip(
                BANDS, (coefficients.peak, coefficients.peak, coefficients.low_shelf, coefficients.high_shelf)
            )
        ]
        return [
            *bells,
            coefficients.low_pass_or_off(v["low_pass.frequency"], v["low_pass.q"], rate),
            coefficients.high_pass_or_off(v["high_pass.frequency"], v["high_pass.q"], rate),
        ]

    def numbers(self) -> NDArray[np.float64]:
        lanes = np.zeros((5, _WIDTH))
        lanes[:, : 2 * len(BANDS)] = np.repeat(np.array(self.sections()).T, 2, axis=1)
        lanes[3:] *= -1.0
        return lanes.ravel()

    @property
    def tail(self) -> int:
        """Samples until the response stays below -120 dB."""
        return coefficients.tail(self.sections(), self.sample_rate)

    def clear(self) -> None:
        self._states = np.zeros(((self.channels + 1) // 2, 2 * _WIDTH))

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Filter ``block`` (channels, frames) into a new array."""
        out = np.empty_like(block)
        moving = self.moving(block.shape[1])
        ramp = self.ramp
        if moving:
            move = ramp.target - ramp.start
            equalise_moving(block, out, moving, ramp.start, move, ramp.position, ramp.length, self._states, _DELAY)
            ramp.advance(moving)
        if moving < block.shape[1]:
            equalise_steady(block, out, moving, ramp.target, self._states, _DELAY)
        return out

    @classmethod
    def curves(cls, values: Mapping[str, Any], sample_rate: int) -> tuple[Curve, ...]:
        """The magnitude response of all bands (see :mod:`voxrack.drawn`)."""
        from .drawing import response

        device = cls(values, {}, {})
        device.sample_rate = sample_rate
        return (response(device.sections(), sample_rate),)

    def module(self, sample_rate: int, mode: str = "exact") -> torch.nn.Module:
        """The same as a torch module with gradients (see :class:`voxrack.device.Differentiable`)."""
        from .diff.peq import Equaliser as Module

        return Module(self.values, sample_rate, mode)
