"""The enhancer in front: any device of the role, for whole recordings and for a signal that still goes on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from voxrack.instance import Device
from voxrack.rack import as_rack
from voxrack.remade import Remade
from voxrack.trim import Trim

Samples = NDArray[np.float32]


class Enhancer(Remade[Device]):
    """Recordings through a device of the role ``enhancer``; another process makes the same one for itself.

    Parameters
    ----------
    device : Device
    """

    def __call__(self, samples: Samples, sample_rate: int) -> Samples:
        """A mono recording (frames,) enhanced: as many frames, nothing later than before."""
        from voxrack import Audio
        from voxrack.rendering import render

        made = render(self.device, Audio(samples[None], sample_rate), tail=False).samples.mean(axis=0)
        return np.ascontiguousarray(made[: len(samples)], dtype=np.float32)


class Pairs:
    """A mono signal in pieces, to pieces (2, frames): the signal, and what the enhancer makes of it at the same time.

    An enhancer that wants the whole signal gets it when it has ended; until then nothing comes out.

    Parameters
    ----------
    device : Device
        The enhancer.
    sample_rate : int
    most : int
        Frames of the longest piece.

    Attributes
    ----------
    latency : int
        Frames by which the pairs come later than the signal.
    """

    def __init__(self, device: Device, sample_rate: int, most: int) -> None:
        self._device, self._rate = device, sample_rate
        self._heard = np.zeros(0, np.float32)  # not yet paired
        self._frames = 0
        self._rack = None if not device.spec.streaming else as_rack(device)
        self.latency = 0
        if self._rack is not None:
            self._rack.prepare(sample_rate, 1, most)
            self.latency = self._rack.latency
        self._trim = Trim(self.latency, sample_rate)

    def push(self, samples: Samples) -> Iterator[Samples]:
        """The next samples (n,)."""
        self._heard = np.concatenate((self._heard, samples))
        self._frames += len(samples)
        if self._rack is not None:
            yield from self._paired(self._trim.after(self._rack.process(samples[None])))

    def finish(self) -> Iterator[Samples]:
        """The signal has ended: the rest of it."""
        if self._rack is None:
            yield from self._paired(Enhancer(self._device)(self._heard, self._rate)[None])
            return
        for block in self._trim.ending(self._rack, self._frames, tail=False):
            yield from self._paired(block)

    def _paired(self, enhanced: Samples) -> Iterator[Samples]:
        count = enhanced.shape[1]
        if count:
            yield np.stack((self._heard[:count], enhanced.mean(axis=0, dtype=np.float32)))
            self._heard = self._heard[count:]
