"""``enhance.light`` as a device: frames of 32 ms at the signal's own rate, each heard by the network and masked.

A frame is two hops under the square root of a Hann window before and after, so that unchanged frames add up to the
signal. Up to 8 kHz the network's complex mask is applied, above it the gains of :mod:`.upper_band`; below 16 kHz of
sample rate the missing bins are silent. Every channel is heard and masked by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import light_kernel, light_packing, upper_band

SECONDS = 0.032  # of a frame, about: its length has small prime factors
_PRIMES = (2, 3, 5, 7, 11)


class Light:
    """Processor. Parameters move from one frame to the next, which fade into each other over 16 ms.

    Attributes
    ----------
    latency : int
        One frame, 32 ms.
    tail : int
        0: what comes out is as long as what came in.
    """

    latency = 0
    tail = 0

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Path]) -> None:
        self.values = dict(values)
        self.assets = dict(assets)
        self._network: light_kernel.Network | None = None

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        if self._network is None:
            self._network = light_packing.load(self.assets.get("weights"))
        self.latency = frame_length(sample_rate)
        self._hop = self.latency // 2
        self._window = np.sin(np.pi * np.arange(self.latency) / self.latency).astype(np.float32)
        self._channels = channels
        self.reset()
        return channels

    def reset(self) -> None:
        assert self._network is not None
        self._heard = np.zeros((self._channels, self.latency), np.float32)  # the last two hops
        self._ready = np.zeros((self._channels, self._hop), np.float32)  # what is given while a hop comes in
        self._late = np.zeros((self._channels, self._hop), np.float32)  # second half of the last frame
        self._filled = 0  # samples of the present hop
        self._left = self.latency  # samples that flush still owes
        self._mask = np.zeros((2, light_kernel.BINS), np.float32)
        self._states = [light_kernel.silence(self._network) for _ in range(self._channels)]
        self._upper = [upper_band.silence(self._hop + 1) for _ in range(self._channels)]

    def set(self, id: str, value: Any) -> None:
        self.values[id] = value

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """``block`` (channels, frames), ``latency`` samples late, as a new array."""
        out, hop, done = np.empty_like(block), self._hop, 0
        while done < block.shape[1]:
            at = self._filled
            count = min(hop - at, block.shape[1] - done)
            self._heard[:, hop + at : hop + at + count] = block[:, done : done + count]
            out[:, done : done + count] = self._ready[:, at : at + count]
            self._filled += count
            done += count
            if self._filled == hop:
                self._frame()
        return out

    def flush(self, frames: int) -> NDArray[np.float32]:
        """The last ``latency`` samples."""
        count = min(frames, self._left)
        self._left -= count
        return self.process(np.zeros((self._channels, count), np.float32))

    def _frame(self) -> None:
        """A hop is full: mask the frame that ends with it."""
        hop = self._hop
        spectra = np.fft.rfft(self._heard * self._window).astype(np.complex64, copy=False)
        strength, floor = self.values["strength"], 10.0 ** (self.values["floor"] / 20.0)
        scale = np.float32(1.0 / self.latency)
        for spectrum, state, upper in zip(spectra, self._states, self._upper):
            light_kernel.listen(self._network, state, spectrum, scale, self._mask)
            upper_band.follow(upper, spectrum, scale, self._mask)
            light_kernel.apply(spectrum, self._mask, upper.gain, strength, floor)
        frames = np.fft.irfft(spectra, self.latency).astype(np.float32, copy=False) * self._window
        self._ready = self._late + frames[:, :hop]
        self._late = frames[:, hop:]
        self._heard[:, :hop] = self._heard[:, hop:]
        self._filled = 0


def frame_length(sample_rate: int) -> int:
    """The even number of samples next to 32 ms that has no prime factor above 11: quick to transform."""
    wanted = max(SECONDS * sample_rate, 4.0)
    near = range(max(4, int(0.9 * wanted)), int(1.1 * wanted) + 3)
    return min((n for n in near if n % 2 == 0 and _smooth(n)), key=lambda n: (abs(n - wanted), n))


def _smooth(number: int) -> bool:
    for prime in _PRIMES:
        while number % prime == 0:
            number //= prime
    return number == 1
