"""The built-ins that need their channels together, or that hold frames back.

They are fed chunks of one size, whatever the host's blocks, through a first-in-first-out buffer. It starts
with ``latency`` frames of silence: the chunk less one, and what pedalboard holds back, which is measured
when it is prepared. (pedalboard drops that from the front and would return fewer frames than it got.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from voxrack.device import Block
from voxrack.errors import DeviceError

from .base import Streaming
from .glide import Gliding
from .native import CHANNELS, Effect

_SETTLED_S, _SETTLED = 0.1, 4096  # time, frames
_GIVE_UP_S = 60.0


class Buffered(Streaming):
    """Base: a buffer of chunks around :meth:`_work`."""

    chunk = 128  # frames, more than channels
    several = False  # whether it takes several chunks at once

    def _prepared(self) -> int:
        self._work_restarted()
        self.held_back = self._measured()
        self.latency = self.chunk - 1 + self.held_back
        return self._out_channels()

    def _restarted(self) -> None:
        self._work_restarted()
        self._waiting = np.zeros((self.channels, 0), np.float32)
        self._ready = np.zeros((self._out_channels(), self.latency), np.float32)

    def process(self, block: Block) -> Block:
        frames = block.shape[1]
        waiting = np.concatenate((self._waiting, block), axis=1)
        whole = waiting.shape[1] - waiting.shape[1] % self.chunk
        pieces = [self._ready]
        size = whole if self.several else self.chunk
        pieces += [self._work(waiting[:, start : start + size]) for start in range(0, whole, max(1, size))]
        self._waiting = waiting[:, whole:]
        ready = np.concatenate(pieces, axis=1)
        if ready.shape[1] < frames:
            raise DeviceError(
                f"device '{self.device}' holds back {frames - ready.shape[1]} frames more than the {self.held_back} "
                "that were measured when it was prepared; its latency must have changed: prepare it again"
            )
        self._ready = ready[:, frames:]
        return np.ascontiguousarray(ready[:, :frames])

    def _measured(self) -> int:
        """The most frames that it holds back after a chunk, until that has not grown for a while."""
        silence = np.zeros((self.channels, self.chunk), np.float32)
        fed = got = most = since = 0
        while since < max(_SETTLED_S * self.rate, _SETTLED):
            got += self._work(silence).shape[1]
            fed += self.chunk
            since += self.chunk
            if fed - got > most:
                most, since = fed - got, 0
            if most > _GIVE_UP_S * self.rate:
                raise DeviceError(f"device '{self.device}' gave {got} frames for {fed}; it cannot run in blocks")
        return most

    # ---- for subclasses -----------------------------------------------------------------------
    def _work(self, chunk: Block) -> Block:
        """One chunk in; what there is so far out."""
        raise NotImplementedError

    def _work_restarted(self) -> None:
        raise NotImplementedError


class Plain(Buffered):
    """An effect whose parameters are all structural."""

    def _work_restarted(self) -> None:
        self._effect = Effect(self.spec, self.values, self.rate)

    def _work(self, chunk: Block) -> Block:
        return self._effect(chunk)


class Resample(Plain):
    device = "pedalboard.resample"

    def _measured(self) -> int:
        # between two samples of the lower rate it may hold back a few more than it did while it was measured
        return super()._measured() + math.ceil(self.rate / self.values["target_sample_rate"])

    def _tail_s(self) -> float:
        return self.held_back / self.rate  # the resamplers' kernels are symmetric


class MP3Compressor(Plain):
    device = "pedalboard.mp3_compressor"

    def _tail_s(self) -> float:
        return 2304.0 / self.rate  # two frames of the codec


class Glided(Buffered):
    """An effect whose parameters may move, a step a chunk."""

    def _prepared(self) -> int:
        self._glide = Gliding(
            self.spec, self.values, self.rate, self.channels, linked=True, step=self.chunk, primed=self.several
        )
        return super()._prepared()

    def _work_restarted(self) -> None:
        self._glide.reset()

    def _work(self, chunk: Block) -> Block:
        return self._glide.process(chunk)

    def set(self, id: str, value: Any) -> None:
        super().set(id, value)
        if hasattr(self, "_glide") and not self.spec.param(id).structural:
            self._glide.set(id, value)


class Reverb(Glided):
    device, chunk, several = "pedalboard.reverb", 16, True

    def _measured(self) -> int:
        return 0

    def _tail_s(self) -> float:
        return math.inf  # the room may grow, or freeze, while it sounds


class BrickwallLimiter(Glided):
    device = "pedalboard.brickwall_limiter"

    def _prepared(self) -> int:
        self.chunk = 16 if self.channels < 16 else 2 * CHANNELS
        return super()._prepared()
