"""What can be said of a piece of audio in one line: length, loudness, peak."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .audio import Audio

_BLOCK = 0.4  # s: the shortest signal that ITU-R BS.1770 gives a loudness for
_MOST = 5  # channels that BS.1770 weighs


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one signal.

    Parameters
    ----------
    duration : float
        Seconds.
    channels : int
    sample_rate : int
        Hz.
    loudness : float
        Integrated, in LUFS; -inf for silence; NaN where it is not defined (under 0.4 s, over five channels).
    peak : float
        Largest sample, in dBFS; -inf for silence.
    """

    duration: float
    channels: int
    sample_rate: int
    loudness: float
    peak: float

    def line(self) -> str:
        """``"4.9 s · mono · −23.1 LUFS · peak −3.2 dBFS"``."""
        wide = {1: "mono", 2: "stereo"}.get(self.channels, f"{self.channels} channels")
        return f"{self.duration:.1f} s · {wide} · {loudness_text(self.loudness)} · peak {signed(self.peak)} dBFS"


def signed(number: float) -> str:
    """One decimal, with a true minus sign, as print sets it; "?" for NaN, what is not defined."""
    if math.isnan(number):
        return "?"
    if math.isinf(number):
        return "−∞" if number < 0 else "∞"
    text = f"{number:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", "−")


def loudness_text(lufs: float) -> str:
    """``"−23.1 LUFS"``, or that there is none."""
    return "loudness not defined" if math.isnan(lufs) else f"{signed(lufs)} LUFS"


def figures(audio: Audio) -> Figures:
    """Measure ``audio``."""
    return Figures(audio.duration, audio.channels, audio.sample_rate, loudness(audio), decibel(audio.peak))


def decibel(linear: float) -> float:
    """A linear peak in dBFS."""
    return 20 * math.log10(linear) if linear > 0 else -math.inf


def loudness(audio: Audio) -> float:
    """Integrated loudness in LUFS after ITU-R BS.1770-4, measured by pyloudnorm.

    NaN where it is not defined: under 0.4 s, over five channels.
    """
    if audio.duration < _BLOCK or audio.channels > _MOST:
        return math.nan
    import pyloudnorm

    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyloudnorm takes the logarithm of silence
        value = float(pyloudnorm.Meter(audio.sample_rate).integrated_loudness(audio.samples.T.astype(np.float64)))
    return -math.inf if math.isnan(value) else value
