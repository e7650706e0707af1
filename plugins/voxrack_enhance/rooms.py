"""Rooms made up for training: a direct sound, early reflections, and a tail of noise that dies away.

The tail follows J.-D. Polack's model, Gaussian noise under an exponential decay, with a shorter decay for high
frequencies than for low ones, as air and furniture have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator

from .augment import RATE
from .transforms import Response, Samples, spectrum_of

SHORTEST, LONGEST = 0.1, 0.8  # s, decay by 60 dB
TAIL = 1.0  # of the decay that is rendered
CROSSOVER = 1500.0  # Hz, between the low and the high decay


@dataclass(frozen=True)
class Room:
    """A room; each place in it has its own response.

    Parameters
    ----------
    decay : float
        Seconds for 60 dB, at low frequencies.
    damping : float
        The decay at high frequencies as a share of that, 0 … 1.
    """

    decay: float
    damping: float

    @classmethod
    def draw(cls, rng: Generator) -> Room:
        """Any decay from 0.1 to 0.8 s; short ones are as frequent as in a house."""
        return cls(SHORTEST * (LONGEST / SHORTEST) ** rng.random(), rng.uniform(0.35, 0.9))

    @property
    def frames(self) -> int:
        """Samples after which the response is over."""
        return int(TAIL * self.decay * RATE) + 1

    def impulse(self, rng: Generator, direct: float) -> Samples:
        """Impulse response at a random place, shape (frames,); the direct sound is sample 0, of height 1.

        Parameters
        ----------
        rng : Generator
        direct : float
            Energy of the direct sound over that of all else, in dB.
        """
        time = np.arange(self.frames, dtype=np.float32) / np.float32(RATE)
        low = rng.standard_normal(self.frames, dtype=np.float32) * np.exp(-6.908 / self.decay * time)
        high = rng.standard_normal(self.frames, dtype=np.float32) * np.exp(-6.908 / (self.decay * self.damping) * time)
        tail = _filtered(low, "lowpass") + _filtered(high, "highpass")
        first = int(rng.uniform(0.001, 0.012) * RATE)  # nothing comes back sooner
        tail[:first] = 0
        count = int(rng.integers(3, 12))
        places = np.minimum(first + (rng.random(count) * 0.04 * RATE).astype(int), self.frames - 1)
        strength = float(np.abs(tail).max()) * 2.5 * np.exp(-6.908 / self.decay * places / RATE)
        tail[places] += (strength * rng.uniform(-1, 1, count)).astype(np.float32)
        tail[0] = 0
        energy = float(np.dot(tail, tail))
        if energy > 0:
            tail *= np.float32(np.sqrt(10 ** (-direct / 10) / energy))
        tail[0] = 1
        return tail.astype(np.float32, copy=False)

    def response(self, rng: Generator, size: int, direct: float) -> Response:
        """:meth:`impulse` as a response on the grid of a real transform of ``size`` samples."""
        return spectrum_of(self.impulse(rng, direct), size)


def _filtered(samples: Samples, kind: str) -> Samples:
    """One side of the crossover; steep, or the slower decay would be heard on both."""
    from scipy.signal import sosfilt

    return np.asarray(sosfilt(_sections(kind), samples), dtype=np.float32)


@lru_cache(maxsize=2)
def _sections(kind: str) -> Samples:
    from scipy.signal import butter

    return np.asarray(butter(4, CROSSOVER, kind, fs=RATE, output="sos"), dtype=np.float32)
