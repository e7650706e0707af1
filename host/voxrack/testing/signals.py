"""Signals to test with: a synthetic voice and noise. The same arguments give the same samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..audio import Audio
from ..errors import UsageError

# First three formants of vowels of a male speaker in Hz (Peterson and Barney 1952, table II)
_VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (660, 1720, 2410),
)
_BANDWIDTHS = (80.0, 110.0, 160.0)  # Hz
_SYLLABLE = 0.22  # s
_HIGHEST = 6_000.0  # Hz: no harmonics above, so that 16 kHz and 48 kHz carry the same voice


def voice(seconds: float = 3.0, sample_rate: int = 48_000, seed: int = 0, channels: int = 1) -> Audio:
    """Something like a sung phrase: harmonics under moving formants, hissed onsets, pauses, vibrato.

    Parameters
    ----------
    seconds : float
        Above 0.
    sample_rate : int
        In Hz. What is sung does not depend on it.
    seed : int
        Another phrase.
    channels : int
        Each channel holds the same signal, each a little softer than the one before, so that a swap shows.

    Returns
    -------
    Audio
        Peak 0.5 (-6 dBFS) in the first channel.
    """
    frames = _frames(seconds, sample_rate)
    rng = np.random.default_rng(seed)
    t = np.arange(frames) / sample_rate
    count = int(np.ceil(seconds / _SYLLABLE)) + 1
    vowels = np.array(_VOWELS, dtype=float)[rng.integers(0, len(_VOWELS), count)]
    pitch = 115.0 * 2.0 ** rng.uniform(-0.4, 0.4, count)  # Hz
    loud = np.where(rng.random(count) < 0.2, 0.0, rng.uniform(0.5, 1.0, count))  # a fifth are pauses
    loud[0] = 1.0
    hiss = rng.random(count) < 0.4

    centre = (np.arange(count) + 0.5) * _SYLLABLE
    f0 = np.interp(t, centre, pitch) * (1.0 + 0.012 * np.sin(2 * np.pi * 5.3 * t))  # vibrato: 5.3 Hz, 20 cents
    formants = np.stack([np.interp(t, centre, vowels[:, i]) for i in range(3)])
    syllable = np.minimum((t / _SYLLABLE).astype(int), count - 1)
    within = t / _SYLLABLE - syllable
    envelope = loud[syllable] * np.sin(np.pi * np.clip(within, 0.0, 1.0)) ** 0.5

    sound = _sung(f0, formants, sample_rate) * envelope
    burst = np.where(hiss[syllable] & (within < 0.25), np.sin(np.pi * within / 0.25), 0.0) * loud[syllable]
    grain = np.interp(t, np.arange(int(seconds * 12_000) + 2) / 12_000, rng.normal(size=int(seconds * 12_000) + 2))
    sound += 0.15 * np.abs(sound).max() * burst * grain
    sound *= 0.5 / max(np.abs(sound).max(), 1e-9)
    return Audio((sound * 0.9 ** np.arange(channels)[:, None]).astype(np.float32), sample_rate)


def _sung(f0: NDArray, formants: NDArray, sample_rate: int) -> NDArray:
    """Harmonics of ``f0``, each as loud as the formants leave it, falling 6 dB an octave like a glottis."""
    # trapezoids from sample 0 on: the phase at a time, and so the sound, is the same at every sample rate
    phase = 2 * np.pi * (np.cumsum(f0) - (f0 + f0[0]) / 2) / sample_rate
    out = np.zeros(f0.shape)
    highest = min(_HIGHEST, 0.45 * sample_rate)
    for number in range(1, int(highest / f0.min()) + 1):
        frequency = number * f0
        level = np.zeros(f0.shape)
        for centre, width, weight in zip(formants, _BANDWIDTHS, (1.0, 0.6, 0.3), strict=True):
            level += weight / (1.0 + ((frequency - centre) / width) ** 2)
        out += np.where(frequency < highest, level / number, 0.0) * np.sin(number * phase)
    return out


def noise(
    seconds: float = 1.0, sample_rate: int = 48_000, seed: int = 0, channels: int = 1, level: float = -20.0
) -> Audio:
    """White Gaussian noise, independent in every channel.

    Parameters
    ----------
    seconds : float
        Above 0.
    sample_rate : int
        In Hz.
    seed : int
    channels : int
    level : float
        RMS in dBFS.
    """
    rng = np.random.default_rng(seed)
    samples = rng.normal(scale=10.0 ** (level / 20.0), size=(channels, _frames(seconds, sample_rate)))
    return Audio(samples.astype(np.float32), sample_rate)


def _frames(seconds: float, sample_rate: int) -> int:
    frames = round(seconds * sample_rate)
    if frames < 1:
        raise UsageError(f"{seconds} s at {sample_rate} Hz are no samples; ask for at least {1 / sample_rate:.3g} s")
    return frames
