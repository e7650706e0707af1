"""Convolution with a recorded impulse response.

pedalboard scales every response so that its energy is that of -18 dB (JUCE: 0.125 / sqrt(sum h^2), over the
louder channel). That scale is taken back here, and applied only where ``normalize`` asks for it. The dry
signal is mixed in here, too, since pedalboard's mixer glides over the size of a block.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pedalboard
from numpy.typing import NDArray

from voxrack import files
from voxrack.device import Block
from voxrack.errors import InputError, UsageError
from voxrack.ramps import GLIDE_S, Ramp

from .base import MOST_TAIL_S, Streaming
from .native import feed, prime

_LEVEL = 0.125  # JUCE's target: -18 dB


class Convolution(Streaming):
    device = "pedalboard.convolution"

    def _prepared(self) -> int:
        response = self._response()
        energies = np.sum(np.square(response, dtype=np.float64), axis=1)
        louder = _LEVEL / math.sqrt(float(energies.max()))
        self._seconds = (response.shape[1] - 1) / self.rate
        self._plugins, self._scales = [], []
        for channel in range(self.channels):
            row = channel if response.shape[0] > 1 else 0
            self._plugins.append(pedalboard.Convolution(response[row : row + 1].copy(), 1.0, float(self.rate)))
            own = math.sqrt(float(energies[row])) / _LEVEL  # takes pedalboard's scale of this channel back
            self._scales.append(np.float32(own * (louder if self.values["normalize"] else 1.0)))
        return self.channels

    def _restarted(self) -> None:
        self._wet = Ramp(self.values["wet"], math.ceil(GLIDE_S * self.rate))
        self._running = False
        for plugin in self._plugins:
            prime(plugin, self.rate, 1)

    def process(self, block: Block) -> Block:
        if not self._running:
            self._wet.jump()
            self._running = True
        share = self._wet.take(block.shape[1])
        out = np.empty_like(block)
        for channel, (plugin, scale) in enumerate(zip(self._plugins, self._scales, strict=True)):
            if block.shape[1]:
                out[channel] = feed(plugin, block[channel : channel + 1], self.rate)[0] * scale
        return (block + np.asarray(share, np.float32) * (out - block)).astype(np.float32, copy=False)

    def set(self, id: str, value: Any) -> None:
        super().set(id, value)
        if id == "wet" and hasattr(self, "_wet"):
            self._wet.to(value)

    def _tail_s(self) -> float:
        return self._seconds

    def _response(self) -> NDArray[np.float32]:
        """(1 or ``channels``, frames) at the signal's rate."""
        path: Path | None = self.assets.get("impulse_response")
        if path is None:
            raise UsageError(
                f"device '{self.device}' needs an impulse response: set impulse_response to the path of an audio file"
            )
        audio = files.read(path)
        if audio.channels not in (1, self.channels):
            raise UsageError(
                f"impulse response {path} has {audio.channels} channels, the signal has {self.channels}; "
                "it takes a mono response or one with the signal's channels"
            )
        if audio.duration > MOST_TAIL_S:
            raise UsageError(
                f"impulse response {path} lasts {audio.duration:.1f} s; it takes up to {MOST_TAIL_S:g} s: "
                "cut it, or is it a recording of something else?"
            )
        response = audio.resample(self.rate).samples
        if audio.sample_rate != self.rate:
            response = response * np.float32(audio.sample_rate / self.rate)  # the same filter has more samples now
        silent = np.flatnonzero(np.abs(response).max(axis=1) < 1e-9)
        if silent.size:
            raise InputError(f"impulse response {path}: channel {silent[0]} is silent; choose another file")
        return response
