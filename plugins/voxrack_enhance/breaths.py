"""Breaths before an utterance, made up for training: they belong to the voice, and are to be kept.

Corpora are cut close or cleaned, so the breath that is drawn before a sentence is hardly in them; a network that never
heard one takes it for noise that sets in. It is noise through an open vocal tract: shaped like the speaker's own
average spectrum, flatter, without the voice's low frequencies, rising and falling within a third of a second.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from .augment import RATE
from .transforms import Samples, fast_size, samples_of, spectrum_of

SECONDS = (0.12, 0.6)
LEVEL = (-38.0, -18.0)  # dB of its mean power against the utterance's active level
BEFORE = (0.0, 0.2)  # s between its end and the utterance
LOWEST = (150.0, 500.0)  # Hz, below which it falls by 18 dB an octave
FLATTER = (0.3, 0.9)  # share of the utterance's spectrum, in dB, that is left of its shape
BUMPS = 4.0  # dB, deviation of what is the breath's own in its spectrum
BANDS = 40  # of that spectrum, evenly spaced


def breath(rng: Generator, voice: Samples) -> Samples:
    """A breath of whoever speaks in ``voice``.

    Parameters
    ----------
    rng : Generator
    voice : ndarray, shape (frames,)
        An utterance at 16 kHz, audible.

    Returns
    -------
    ndarray, shape (0.12 … 0.6 s,)
        float32, of a mean power of 1; it begins and ends in silence.
    """
    frames = int(rng.uniform(*SECONDS) * RATE)
    size = fast_size(frames)
    hertz = np.arange(size // 2 + 1) * (RATE / size)
    power = np.abs(spectrum_of(voice, fast_size(max(len(voice), 4 * BANDS)))) ** 2
    bands = np.array([part.mean() for part in np.array_split(power, BANDS)]) + 1e-12 * power.max() + 1e-30
    shape = rng.uniform(*FLATTER) * 10 * np.log10(bands) + BUMPS * rng.standard_normal(BANDS)
    decibels = np.interp(hertz, (np.arange(BANDS) + 0.5) * (RATE / 2 / BANDS), shape - shape.max())
    decibels -= 18.0 * np.log2(np.maximum(rng.uniform(*LOWEST) / np.maximum(hertz, 20.0), 1.0))
    parts = rng.standard_normal((len(hertz), 2)) * 10 ** (decibels / 20)[:, None]
    noise = samples_of(np.ascontiguousarray(parts).view(np.complex128)[:, 0], size)[:frames]
    place = np.linspace(0, 1, frames) ** rng.uniform(0.5, 2.0)  # where it is loudest: early, or late
    noise = noise * np.sin(np.pi * place).astype(np.float32)
    return np.asarray(noise / np.sqrt(np.mean(noise**2) + 1e-20), dtype=np.float32)
