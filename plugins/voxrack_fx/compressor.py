"""The compressor and expander as a device (spec section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import gain_computer
from .gain_computer import gains_moving, gains_steady
from .look_ahead import Plan, apply_fraction, apply_moving, apply_whole, plan, reach
from .smoothing import Smoothed

if TYPE_CHECKING:
    import torch

    from voxrack.drawn import Curve

_ROOM = 16384  # frames between two moves of the histories
_MARGIN = 32  # the kernels read and write in tiles of this size


class Compressor(Smoothed):
    """``fx.compressor``. Each channel alone; the gain's past and future lie in one history.

    The latency is that of the longest look-ahead, whatever the present one: moving the look-ahead moves the
    gain against the signal, and the signal stays where it is.
    """

    def numbers(self) -> NDArray[np.float64]:
        samples = self.values["look_ahead"] * self.sample_rate / 1000.0
        return np.array([*gain_computer.numbers(self.values, self.sample_rate), samples])

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        self._before, self.latency = reach(sample_rate)
        self._taps = self._before + self.latency
        self._room = max(_ROOM, max_frames)
        return super().prepare(sample_rate, channels, max_frames)

    def clear(self) -> None:
        self._state = np.zeros((self.channels, 2))  # mean power, gain
        self._state[:, 1] = 1.0
        self._gains = np.zeros((self.channels, self._taps + self._room + _MARGIN))
        self._delayed = np.zeros((self.channels, self.latency + self._room), np.float32)
        self._work = np.empty((2, 8 * (self._room + _MARGIN)))
        self._at = 0  # where the next block's oldest gain lies
        self._empty = True
        self._plan: Plan | None = None
        self._planned = -1.0

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """``block`` (channels, frames) compressed, ``latency`` samples late, as a new array."""
        return self._render(block, ended=False)

    def flush(self, frames: int) -> NDArray[np.float32]:
        """The last ``latency`` samples: the gain stays where it stood when the input ended."""
        left = self.latency if self._left is None else self._left
        count = int(min(frames, left))
        self._left = left - count
        return self._render(np.zeros((self.channels, count), np.float32), ended=True)

    def _render(self, block: NDArray[np.float32], ended: bool) -> NDArray[np.float32]:
        frames = block.shape[1]
        if frames == 0:
            return np.empty_like(block)
        if frames > self._room:
            parts = [block[:, i : i + self._room] for i in range(0, frames, self._room)]
            return np.concatenate([self._render(np.ascontiguousarray(part), ended) for part in parts], axis=1)
        at = self._place(frames)
        moving = self.moving(frames)
        self._delayed[:, at + self.latency : at + self.latency + frames] = block
        if ended:
            self._hold(at, frames)
        else:
            self._gain(block, at, moving)
        out = np.empty_like(block)
        self._apply(out, at, moving)
        self.ramp.advance(moving)
        self._at = at + frames
        return out

    def _place(self, frames: int) -> int:
        """Position of the next block in the histories, which move back to the front when they are full."""
        at = self._at
        if at + frames > self._room:
            self._gains[:, : self._taps] = self._gains[:, at : at + self._taps].copy()
            self._delayed[:, : self.latency] = self._delayed[:, at : at + self.latency].copy()
            at = 0
        return at

    def _gain(self, block: NDArray[np.float32], at: int, moving: int) -> None:
        ramp, end = self.ramp, at + self._taps
        if moving:
            gains_moving(
                block, moving, ramp.start, ramp.target, ramp.position, ramp.length, self._state, self._gains, end
            )
        if moving < block.shape[1]:
            gains_steady(block, moving, ramp.target, self._state, self._gains, end)
        if self._empty:
            self._gains[:, :end] = self._gains[:, end : end + 1]  # before its start the gain is that of the start
            self._empty = False

    def _hold(self, at: int, frames: int) -> None:
        end = at + self._taps
        if end > 0:
            self._gains[:, end : end + frames] = self._gains[:, end - 1 : end]

    def _apply(self, out: NDArray[np.float32], at: int, moving: int) -> None:
        start, target = self.ramp.start[-1], self.ramp.target[-1]
        begin = 0
        if moving and start != target:
            apply_moving(
                self._delayed, self._gains, at, self._taps, start, target, self.ramp.position, self.ramp.length,
                out, self._before, moving,
            )  # fmt: skip
            begin = moving
        if begin == out.shape[1]:
            return
        if self._plan is None or self._planned != target:
            self._plan, self._planned = plan(target, self._before, self.latency), target
        p = self._plan
        if p.shift >= 0:
            apply_whole(self._delayed, self._gains, at, p.shift, out, begin)
        else:
            apply_fraction(
                self._delayed, self._gains, at, p.first, p.last, p.taps, p.near, p.far, out, begin, self._work
            )

    @staticmethod
    def curves(values: Mapping[str, Any], sample_rate: int) -> tuple[Curve, ...]:
        """Level out over level in (see :mod:`voxrack.drawn`)."""
        from .drawing import gain_curve

        return (gain_curve(values),)

    def module(self, sample_rate: int, mode: str = "exact") -> torch.nn.Module:
        """The same as a torch module with gradients (see :class:`voxrack.device.Differentiable`)."""
        from .diff.compressor import Compressor as Module

        return Module(self.values, sample_rate, mode)
