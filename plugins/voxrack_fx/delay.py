"""``fx.delay``: echoes that alternate between two places, each darker than the one before.

DiffVox spec, section 10: the real-time variant of the ping-pong delay (integer delay, infinite tail).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import coefficients, echo
from .glide import Glide
from .pan import factors

if TYPE_CHECKING:
    import torch

    from voxrack.drawn import Curve

_LONGEST_SECONDS = 4.0  # upper bound of `time`
STABLE_GAIN = 0.9999  # largest gain round the loop that needs no guard
GUARDED_GAIN = 0.95  # gain round the loop once the guard has closed
MODEST = 0.03  # echoes 30 dB below the input's peak may grow
MOST_GROWTH = 1000.0
_TAIL_DB = 120.0


def low_pass_peak(q: float) -> float:
    """Largest magnitude of a second-order low-pass: 1 up to Q = 1/sqrt(2), ``Q / sqrt(1 - 1/(4 Q^2))`` above.

    That is the analog filter's maximum; the bilinear transform moves it in frequency only.
    """
    return 1.0 if q <= math.sqrt(0.5) else q / math.sqrt(1.0 - 0.25 / q**2)


class Delay:
    """Mono in, stereo out, wet only. Changes crossfade over 30 ms.

    A low-pass with Q above 0.707 amplifies near its corner, so feedback times that peak may exceed 1, and
    echoes grow for ever. Published presets contain such settings at -37 dB and less, where little of it is
    heard in a song's length, so the setting is taken as it is until an echo would become louder than the
    loudest input so far and louder than 30 dB below it at the output. There it is clipped, and the guard
    closes: the feedback is lowered to a gain of 0.95 round the loop, until a parameter changes. It closes
    as well when the input ends. Stable settings (gain up to 0.9999) are never touched.

    Attributes
    ----------
    guarded : bool
        Whether the guard has closed.
    feedback_in_use : float
        The feedback, lowered where the guard has closed.
    """

    latency = 0
    _prepared = False

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Any]) -> None:
        self.values = dict(values)
        self.guarded = False

    @property
    def loop_gain(self) -> float:
        """Largest gain of one echo to the next over all frequencies, as set; above 1 the echoes grow."""
        return self.values["feedback"] * low_pass_peak(self.values["low_pass.q"])

    @property
    def feedback_in_use(self) -> float:
        lowered = GUARDED_GAIN / low_pass_peak(self.values["low_pass.q"])
        return lowered if self.guarded else self.values["feedback"]

    @property
    def tail(self) -> int:
        """Samples until the echoes have fallen by 120 dB, the low-pass in the loop taken at its peak."""
        gain = self.loop_gain if self.loop_gain <= STABLE_GAIN else GUARDED_GAIN
        echoes = 1 if gain <= 1e-6 else math.ceil(_TAIL_DB / (-20.0 * math.log10(gain)))
        return (echoes + 1) * self._samples() + coefficients.tail([self._low_pass()], self._rate)

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        self._rate = sample_rate
        self._glide = Glide(self._loop, sample_rate)
        self._prepared = True
        self.reset()
        return 2

    def reset(self) -> None:
        self.guarded = False
        self._glide.jump()
        self._tape = echo.make_tape(max(1, round(_LONGEST_SECONDS * self._rate)))
        self._left_over: int | None = None

    def set(self, id: str, value: Any) -> None:
        self.values[id] = value
        self.guarded = False
        if self._prepared:
            self._glide.change()

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        frames = block.shape[1]
        out = np.empty((2, frames), np.float32)
        glide, done = self._glide, 0
        if glide.resting and glide.now.limit == 0.0:  # the usual case, with as little as possible around the kernel
            echo.run_steady(self._tape, glide.now, block[0], 0, frames, out)
            return out
        while done < frames:
            begin = done
            for start, stop, position in glide.spans(frames - begin):
                span = (begin + start, begin + stop)
                if position < 0:
                    done, reached = echo.run_steady(self._tape, glide.now, block[0], *span, out)
                else:
                    course = (position, glide.length)
                    done, reached = echo.run(self._tape, glide.now, glide.target, block[0], *span, *course, out)
                if reached:
                    self._close()
                    break
        return out

    def flush(self, frames: int) -> NDArray[np.float32]:
        if self._left_over is None:
            self._left_over = self.tail
            if self.loop_gain > STABLE_GAIN and not self.guarded:
                self._close()
        frames = min(frames, self._left_over)
        self._left_over -= frames
        return self.process(np.zeros((1, frames), np.float32))

    @staticmethod
    def curves(values: Mapping[str, Any], sample_rate: int) -> tuple[Curve, ...]:
        """The echoes, left and right (see :mod:`voxrack.drawn`)."""
        from .drawing import echoes

        return (echoes(values),)

    def module(self, sample_rate: int, mode: str = "exact") -> torch.nn.Module:
        """The same as a torch module with gradients (see :class:`voxrack.device.Differentiable`)."""
        from .diff.delay import Delay as Module

        return Module(self.values, sample_rate, mode)

    def _close(self) -> None:
        self.guarded = True
        self._glide.change()

    def _samples(self) -> int:
        return max(1, round(self.values["time"] * self._rate / 1000.0))

    def _low_pass(self) -> coefficients.Section:
        return coefficients.low_pass(self.values["low_pass.frequency"], self.values["low_pass.q"], self._rate)

    def _loop(self) -> echo.Loop:
        v = self.values
        low_pass = np.array(self._low_pass())
        low_pass[:3] *= self.feedback_in_use
        level = 10.0 ** (v["level"] / 20.0)
        odd, even = factors(v["odd_pan"]), factors(v["even_pan"])
        gains = level * np.array([odd[0], even[0], odd[1], even[1]])
        limit = 0.0
        if self.loop_gain > STABLE_GAIN and not self.guarded:
            limit = min(max(1.0, MODEST / max(level, 1e-9)), MOST_GROWTH)
        return echo.Loop(self._samples(), low_pass, gains.astype(np.float32), limit)
