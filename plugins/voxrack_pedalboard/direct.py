"""The built-ins that answer frame by frame: no latency, an object of pedalboard's for every channel.

Single channels go in as one-dimensional arrays, which pedalboard cannot misread, down to one frame.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from voxrack.device import Block

from .base import Streaming, echoing, ringing
from .glide import Gliding


class Direct(Streaming):
    """Base. ``fade`` and ``jumps`` say how parameters move (see :mod:`.glide`)."""

    fade = False
    jumps: Collection[str] = ()

    def _prepared(self) -> int:
        self._glide = Gliding(self.spec, self.values, self.rate, self.channels, fade=self.fade, jumps=self.jumps)
        return self.channels

    def _restarted(self) -> None:
        self._glide.reset()

    def process(self, block: Block) -> Block:
        return self._glide.process(block) if block.shape[1] else block.copy()

    def set(self, id: str, value: Any) -> None:
        super().set(id, value)
        if hasattr(self, "_glide"):
            self._glide.set(id, value)


class Gain(Direct):
    device, fade = "pedalboard.gain", True


class Invert(Direct):
    device = "pedalboard.invert"


class Clipping(Direct):
    device, fade = "pedalboard.clipping", True


class Distortion(Direct):
    device, fade = "pedalboard.distortion", True


class Bitcrush(Direct):
    device, fade = "pedalboard.bitcrush", True


class Compressor(Direct):
    device = "pedalboard.compressor"


class NoiseGate(Direct):
    device = "pedalboard.noise_gate"


class Limiter(Direct):
    device = "pedalboard.limiter"


class _Biquad(Direct):
    def _tail_s(self) -> float:
        # poles of a peak or shelf: bandwidth f / Q, and narrower by the gain's fourth root of power where it boosts
        narrow = 10.0 ** (abs(self.values["gain_db"]) / 40.0)
        return ringing(max(self.values["q"], 0.5) * narrow / (math.pi * self.values["cutoff_frequency_hz"]))


class HighShelfFilter(_Biquad):
    device = "pedalboard.high_shelf_filter"


class LowShelfFilter(_Biquad):
    device = "pedalboard.low_shelf_filter"


class PeakFilter(_Biquad):
    device = "pedalboard.peak_filter"


class _FirstOrder(Direct):
    def _tail_s(self) -> float:
        return ringing(1.0 / (2.0 * math.pi * self.values["cutoff_frequency_hz"]))


class HighpassFilter(_FirstOrder):
    device = "pedalboard.highpass_filter"


class LowpassFilter(_FirstOrder):
    device = "pedalboard.lowpass_filter"


class LadderFilter(Direct):
    device = "pedalboard.ladder_filter"

    def _tail_s(self) -> float:
        # four poles in a loop: close to resonance 1 they ring by themselves
        slower = 4.0 / (1.0 - self.values["resonance"]) if self.values["resonance"] < 0.95 else math.inf
        return ringing(slower / (2.0 * math.pi * self.values["cutoff_hz"]))


class Chorus(Direct):
    device = "pedalboard.chorus"

    def _tail_s(self) -> float:
        longest = (self.values["centre_delay_ms"] + 20.0) / 1000.0  # the modulation adds at most 20 ms
        return echoing(longest, self.values["feedback"])


class Phaser(Direct):
    device = "pedalboard.phaser"

    def _tail_s(self) -> float:
        stages = ringing(6.0 / (2.0 * math.pi * 20.0))  # six first-order all-passes, swept down to 20 Hz
        return echoing(stages, self.values["feedback"])


class Delay(Direct):
    device, jumps = "pedalboard.delay", ("delay_seconds",)

    def _tail_s(self) -> float:
        return math.inf  # feedback may be raised while the echoes run
