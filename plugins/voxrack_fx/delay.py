"""``fx.delay``: echoes that alternate between two places, each darker than the one before.

DiffVox spec, section 10: the real-time variant of the ping-pong delay (integer delay, infinite tail).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import coefficients, echo
from .glide import Glide

_LONGEST_SECONDS = 4.0  # upper bound of `time`
_MAX_LOOP_GAIN = 0.9999
_TAIL_DB = 120.0


def low_pass_peak(q: float) -> float:
    """Largest magnitude of a second-order low-pass: 1 up to Q = 1/sqrt(2), ``Q / sqrt(1 - 1/(4 Q^2))`` above.

    That is the analog filter's maximum; the bilinear transform moves it in frequency only.
    """
    return 1.0 if q <= math.sqrt(0.5) else q / math.sqrt(1.0 - 0.25 / q**2)


class Delay:
    """Mono in, stereo out, wet only. Changes crossfade over 30 ms.

    A low-pass with Q above 0.707 amplifies near its corner, so feedback times that peak may reach 1 and the
    echoes would grow. Only then is the feedback in use lowered, to 0.9999 round the loop; ``feedback_in_use``
    tells it. The published presets contain such settings.
    """

    latency = 0

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Any]) -> None:
        self.values = dict(values)

    @property
    def feedback_in_use(self) -> float:
        """The feedback, lowered where the echoes would not die away."""
        return min(self.values["feedback"], _MAX_LOOP_GAIN / low_pass_peak(self.values["low_pass.q"]))

    @property
    def tail(self) -> int:
        """Samples until the echoes have fallen by 120 dB, the low-pass in the loop taken at its peak."""
        gain = self.feedback_in_use * low_pass_peak(self.values["low_pass.q"])
        echoes = 1 if gain <= 1e-6 else math.ceil(_TAIL_DB / (-20.0 * math.log10(gain)))
        return (echoes + 1) * self._samples() + self._rate // 10

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        self._rate = sample_rate
        self._glide = Glide(self._loop, sample_rate)
        self.reset()
        return 2

    def reset(self) -> None:
        self._glide.jump()
        self._tape = echo.make_tape(max(1, round(_LONGEST_SECONDS * self._rate)))
        self._left_over: int | None = None

    def set(self, id: str, value: Any) -> None:
        self.values[id] = value
        self._glide.change()

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        frames = block.shape[1]
        out = np.empty((2, frames), np.float32)
        glide = self._glide
        for start, stop, position in glide.spans(frames):
            echo.run(self._tape, glide.now, glide.target, block[0], start, stop, position, glide.length, out)
        return out

    def flush(self, frames: int) -> NDArray[np.float32]:
        left = self.tail if self._left_over is None else self._left_over
        frames = min(frames, left)
        self._left_over = left - frames
        return self.process(np.zeros((1, frames), np.float32))

    def _samples(self) -> int:
        return max(1, round(self.values["time"] * self._rate / 1000.0))

    def _loop(self) -> echo.Loop:
        v = self.values
        low_pass = np.array(coefficients.low_pass(v["low_pass.frequency"], v["low_pass.q"], self._rate))
        low_pass[:3] *= self.feedback_in_use
        level = 10.0 ** (v["level"] / 20.0)
        odd, even = ((v[id] / 100.0 + 1.0) * math.pi / 4.0 for id in ("odd_pan", "even_pan"))
        gains = np.array([math.cos(odd), math.cos(even), math.sin(odd), math.sin(even)])
        return echo.Loop(self._samples(), low_pass, (level * math.sqrt(2.0) * gains).astype(np.float32))

