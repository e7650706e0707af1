"""How an emotion is spoken: what is measured of one recording, and the table of what people change on average.

The table ``manners.json`` holds, for each emotion, the mean over RAVDESS actors 1 to 18 of the difference to the same
actor's neutral clips. ``python tools/prosody_statistics.py RAVDESS`` measures and writes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError

from ..mel import HOP, RATE, WINDOW
from .speech import FRAME, Speech

BANDS = (315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000)
"""Hz: centres of the third octaves that timbre is measured in; below, what is heard is where the melody lies."""
LEAST = 0.15
"""Seconds of voice that a recording must hold to be measured."""
_SPOKEN = 30.0  # dB under the loudest frame at which speech begins and ends
_SILENCE = 1e-9  # power of a band in a frame, under which digital silence is not told apart
_ORDINARY = 2.563  # standard deviations between the 10th and the 90th percentile of a normal distribution


@dataclass(frozen=True)
class Manner:
    """A way to speak, or the difference of two.

    Parameters
    ----------
    pitch : float
        Mean fundamental frequency, semitones above 1 Hz.
    spread : float
        Natural logarithm of the spread of the melody in semitones (10th to 90th percentile as a standard deviation).
    slope : float
        Semitones that the melody climbs from the first to the last voiced frame, by regression.
    energy : float
        dB: mean power of voiced frames.
    dynamics : float
        Natural logarithm of the standard deviation of the level of audible frames in dB.
    tempo : float
        Natural logarithm of utterances per second, from the first to the last frame within 30 dB of the loudest.
    timbre : ndarray, shape (15,)
        dB in :data:`BANDS`, the mean over frames of speech, the mean of the bands taken away.
    """

    pitch: float = 0.0
    spread: float = 0.0
    slope: float = 0.0
    energy: float = 0.0
    dynamics: float = 0.0
    tempo: float = 0.0
    timbre: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(BANDS)))

    def __add__(self, other: Manner) -> Manner:
        return Manner(**{name: getattr(self, name) + getattr(other, name) for name in _names()})

    def __sub__(self, other: Manner) -> Manner:
        return self + other * -1.0

    def __mul__(self, share: float) -> Manner:
        return Manner(**{name: getattr(self, name) * share for name in _names()})

    def record(self) -> dict[str, Any]:
        """As JSON holds it, rounded to three decimals."""
        return {name: np.round(np.asarray(getattr(self, name), np.float64), 3).tolist() for name in _names()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Manner:
        """What :meth:`record` gave."""
        numbers = {name: float(record[name]) for name in _names() if name != "timbre"}
        return cls(**numbers, timbre=np.asarray(record["timbre"], np.float64))


def _names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Manner))


def measure(speech: Speech) -> Manner:
    """The manner of one recording, absolute.

    Raises
    ------
    InputError
        Less than 0.15 s of voice.
    """
    voiced = speech.voiced
    if voiced.sum() * FRAME < LEAST:
        raise InputError(
            f"{voiced.sum() * FRAME:.2f} s of voice; {LEAST} s are needed to tell how it is spoken"
        )  # fmt: skip
    melody = 12 * np.log2(speech.f0[voiced])
    place = np.flatnonzero(voiced)
    place = (place - place[0]) / max(1, place[-1] - place[0]) - 0.5
    low, high = np.percentile(melody, (10, 90))
    spoken = np.flatnonzero(speech.level > speech.level.max() - _SPOKEN)
    return Manner(
        pitch=float(melody.mean()),
        spread=float(np.log(max(high - low, 0.1) / _ORDINARY)),
        slope=float((melody - melody.mean()) @ place / max(float(place @ place), 1e-9)),
        energy=float(10 * np.log10(np.mean(10 ** (speech.level[voiced] / 10)))),
        dynamics=float(np.log(max(float(speech.level[speech.audible].std()), 0.1))),
        tempo=float(-np.log((spoken[-1] - spoken[0] + 1) * FRAME)),
        timbre=timbre(speech),
    )


def timbre(speech: Speech) -> NDArray[np.float64]:
    """dB in third octaves: the mean of the levels in every frame of speech, as ears and recognisers add them up.

    The mean of the bands is taken away.
    """
    sound = np.pad(speech.samples.astype(np.float64), WINDOW)
    starts = (np.flatnonzero(speech.spoken) * HOP + HOP // 2 - WINDOW // 2) + WINDOW
    frames = sound[starts[:, None] + np.arange(WINDOW)] * np.hanning(WINDOW)
    power = np.square(np.abs(np.fft.rfft(frames)))
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    levels = []
    for centre in BANDS:
        inside = np.abs(np.log2(np.maximum(frequencies, 1.0) / centre)) < 1 / 6
        levels.append(10 * np.log10(power[:, inside].mean(axis=1) + _SILENCE).mean())
    return np.array(levels, np.float64) - float(np.mean(levels))


@cache
def manners() -> Mapping[str, Manner]:
    """Difference to neutral of every emotion of the table."""
    table = json.loads(_table())
    return {emotion: Manner.from_record(record) for emotion, record in table["emotions"].items()}


def toward(emotion: str, contrast: float = 0.0) -> Manner:
    """Difference to neutral of an emotion, its timbre led away from what the others have in common.

    ``timbre + contrast (timbre - mean of the others)``: what guidance with a negative condition does to a score
    (DiffEVC, eq. 5, with lambda = 1 + contrast), done to averages. Without it the mean over actors, who do not all do
    the same, is fainter than any one of them.

    Parameters
    ----------
    emotion : str
        A key of :func:`manners`.
    contrast : float
        0 and more; 0 is the average.
    """
    known = manners()
    others = [manner.timbre for name, manner in known.items() if name != emotion]
    own = known[emotion]
    return replace(own, timbre=own.timbre + contrast * (own.timbre - np.mean(others, axis=0)))


@cache
def manners_digest() -> str:
    """SHA-256 of the table, in hexadecimal."""
    return hashlib.sha256(_table()).hexdigest()


def _table() -> bytes:
    return files("voxrack_evc.prosody").joinpath("manners.json").read_bytes()
