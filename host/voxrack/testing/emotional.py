"""Synthetic voices with labels: a small corpus that a recogniser can learn in a minute, where there is no real one.

They are no acting: an emotion is a caricature (pitch, speed, loudness, brightness), so what is learned from them says
nothing about people. They make training, resuming, notebooks and tests run on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..audio import Audio
from ..errors import UsageError
from .signals import _VOWELS, _sung

RATE = 16_000


@dataclass(frozen=True)
class _Manner:
    code: str  # of the emotion in RAVDESS' file names
    pitch: float  # factor on the speaker's own
    sweep: float  # octaves that the pitch moves over the phrase
    syllable: float  # s
    level: float  # dBFS, peak
    bright: float  # 0: falling spectrum, 1: pressed


_MANNERS = {
    "neutral": _Manner("01", 1.00, 0.00, 0.21, -16.0, 0.20),
    "calm": _Manner("02", 0.92, -0.05, 0.27, -22.0, 0.05),
    "happy": _Manner("03", 1.45, 0.35, 0.17, -10.0, 0.45),
    "sad": _Manner("04", 0.85, -0.30, 0.31, -25.0, 0.00),
    "angry": _Manner("05", 1.25, -0.10, 0.14, -3.0, 1.00),
    "fearful": _Manner("06", 1.70, 0.10, 0.13, -14.0, 0.30),
    "disgust": _Manner("07", 0.80, 0.05, 0.24, -13.0, 0.70),
    "surprised": _Manner("08", 1.55, 0.80, 0.19, -8.0, 0.35),
}


def emotional_voice(emotion: str, seconds: float = 1.5, speaker: int = 0, take: int = 0) -> Audio:
    """A phrase of a synthetic speaker in the manner of an emotion, mono, 16 kHz, with pauses of 0.1 s round it.

    Parameters
    ----------
    emotion : str
        neutral, calm, happy, sad, angry, fearful, disgust or surprised.
    seconds : float
        Of the whole, at least 0.5.
    speaker, take : int
        Another voice; another phrase of it.
    """
    if emotion not in _MANNERS:
        raise UsageError(f"there is no synthetic '{emotion}' voice; there are {', '.join(_MANNERS)}")
    if seconds < 0.5:
        raise UsageError(f"a phrase lasts 0.5 s or more; got {seconds:g}")
    manner = _MANNERS[emotion]
    own = np.random.default_rng([11, speaker])
    rng = np.random.default_rng([12, speaker, take, int(manner.code)])
    base, tract = 105.0 * 2.0 ** own.uniform(0.0, 1.0), own.uniform(0.92, 1.15)  # Hz; factor on the formants
    frames = round((seconds - 0.2) * RATE)
    t = np.arange(frames) / RATE
    syllable = manner.syllable * rng.uniform(0.93, 1.07)
    count = int(np.ceil(t[-1] / syllable)) + 1
    centre = (np.arange(count) + 0.5) * syllable
    vowels = np.array(_VOWELS, dtype=float)[rng.integers(0, len(_VOWELS), count)] * tract
    jumps = rng.normal(0.0, 0.12, count) + manner.sweep * np.linspace(-0.5, 0.5, count)
    f0 = np.interp(t, centre, base * manner.pitch * 2.0**jumps)
    knots = np.arange(0.0, t[-1] + 0.03, 0.02)
    f0 *= 1.0 + 0.012 * np.interp(t, knots, rng.normal(size=len(knots)))  # a voice is never quite steady
    formants = np.stack([np.interp(t, centre, vowels[:, i]) for i in range(3)])
    loud = rng.uniform(0.6, 1.0, count)
    within = t / syllable - np.floor(t / syllable)
    envelope = loud[np.minimum((t / syllable).astype(int), count - 1)] * np.sin(np.pi * np.clip(within, 0, 1)) ** 0.4
    sound = _sung(f0, formants, RATE)
    sound = _brightened(sound, manner.bright) * envelope
    sound *= 10.0 ** ((manner.level + rng.uniform(-2.0, 2.0)) / 20.0) / max(float(np.abs(sound).max()), 1e-9)
    edge = round(0.1 * RATE)
    out = np.pad(sound, (edge, round(seconds * RATE) - frames - edge))
    return Audio((out + rng.normal(0.0, 1e-4, len(out))).astype(np.float32), RATE)


def emotional_voices(
    folder: str | Path, emotions: Sequence[str] = ("neutral", "happy", "sad", "angry"), speakers: int = 6,
    takes: int = 3, seconds: float = 1.3,
) -> Path:  # fmt: skip
    """Write a corpus of synthetic speakers under RAVDESS' file names, and return its folder.

    ``voxrack.datasets.load`` reads it, and all that takes a corpus takes it. Files that are there stay.
    """
    from ..files import write

    folder = Path(folder)
    for speaker in range(1, speakers + 1):
        for emotion in emotions:
            for take in range(takes):
                audio = emotional_voice(emotion, seconds, speaker, take)
                code = _MANNERS[emotion].code
                name = f"03-01-{code}-01-{1 + take % 2:02d}-{1 + take // 2 % 2:02d}-{speaker:02d}.wav"
                path = folder / f"Actor_{speaker:02d}" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists():
                    write(path, audio)
    return folder


def _brightened(sound: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Lifted by 6 dB an octave to that share."""
    lifted = np.diff(sound, prepend=0.0)
    return (1.0 - share) * sound + share * lifted * (np.abs(sound).max() / max(float(np.abs(lifted).max()), 1e-9))
