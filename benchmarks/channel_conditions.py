"""What happens to a recording between the mouth and the file: level, noise, band, room, silence; seeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from voxrack.datasets import mix

Samples = NDArray[np.float32]
Change = Callable[[Samples, int, np.random.Generator], Samples]  # (frames,), Hz, generator to (frames',)

SEED = 0
DECAY = 0.4  # s, T60 of the room
SILENCE = 2.0  # s before and behind


@dataclass(frozen=True)
class Condition:
    """A change of mono samples, with what a table calls it."""

    name: str
    change: Change

    def __call__(self, samples: Samples, rate: int, clip: int) -> Samples:
        """Change the ``clip``-th recording; equal numbers give equal noise."""
        made = self.change(samples, rate, np.random.default_rng((SEED, clip)))
        return np.ascontiguousarray(made, dtype=np.float32)


def clean(samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    return samples


def quiet(samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """20 dB less."""
    return 0.1 * samples


def _laid(noise: NDArray[np.float64], samples: Samples, rate: int, snr_db: float, rng: np.random.Generator) -> Samples:
    """Noise under speech at that ratio; a silent recording, which has no level, stays as it is."""
    return mix(samples, noise, snr_db, rng, sample_rate=rate).noisy if samples.any() else samples


def white(snr_db: float, samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """White noise, ``snr_db`` below the active speech."""
    return _laid(rng.standard_normal(len(samples)), samples, rate, snr_db, rng)


def brown(snr_db: float, samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """Noise that falls by 6 dB an octave above 50 Hz."""
    pole = np.exp(-2 * np.pi * 50 / rate)
    noise: Any = signal.lfilter([1.0], [1.0, -pole], rng.standard_normal(len(samples)))
    return _laid(noise, samples, rate, snr_db, rng)


def telephone(samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """300 to 3400 Hz, Butterworth of order 4 at either end."""
    made: Any = signal.sosfilt(signal.butter(4, (300, 3400), "bandpass", fs=rate, output="sos"), samples)
    return made


def tilt(samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """``y[n] = x[n] - 0.7 x[n-1]``: at 16 kHz 15 dB from the lowest to the highest frequency."""
    made: Any = signal.lfilter([1.0, -0.7], [1.0], samples)
    return made


def room(samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """The direct sound and as much energy of noise that decays by 60 dB in 0.4 s; what rings on is kept."""
    time = np.arange(round(DECAY * rate)) / rate
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / DECAY)
    tail[0] = 0.0
    response = tail / np.sqrt(np.square(tail).sum())
    response[0] = 1.0
    return signal.fftconvolve(samples, response)


def padded(samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """2 s of digital silence before and behind."""
    return np.pad(samples, round(SILENCE * rate))


CONDITIONS = (
    Condition("clean", clean),
    Condition("level -20 dB", quiet),
    Condition("white noise, 20 dB", partial(white, 20.0)),
    Condition("white noise, 10 dB", partial(white, 10.0)),
    Condition("brown noise, 10 dB", partial(brown, 10.0)),
    Condition("telephone, 300 to 3400 Hz", telephone),
    Condition("rising tilt of 15 dB", tilt),
    Condition("room, 0.4 s", room),
    Condition("2 s of silence around", padded),
)
"""In the order of a table; the first changes nothing."""
