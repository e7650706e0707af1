"""What a player plays: takes on one timeline, how loud each is, and the gains that make them equally loud."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..audio import Audio
from ..errors import InputError

BLOCK_SECONDS = 0.4  # gating block of ITU-R BS.1770-4; anything shorter has no integrated loudness
MOST_BOOST = 24.0  # dB; a nearly silent take is not pulled up until its noise is the programme
BROWSER_RATES = (8_000, 96_000)  # every Web Audio implementation must accept buffers of these rates
LONGEST = 300.0  # s of a recording that a player takes: more would fill the page's memory and the road to it


@dataclass(frozen=True)
class Take:
    """One recording as the browser gets it.

    Parameters
    ----------
    name : str
    samples : ndarray of float32, shape (channels, frames)
        One or two channels.
    sample_rate : int
        Hz, within ``BROWSER_RATES``.
    loudness : float
        Integrated loudness in LUFS; -inf for silence.
    peak : float
        Largest absolute sample, linear.
    note : str
        What was changed for the browser's sake; empty where nothing was.
    """

    name: str
    samples: NDArray[np.float32]
    sample_rate: int
    loudness: float
    peak: float
    note: str = ""

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples.shape[1] / self.sample_rate

    def fits(self, other: Take) -> bool:
        """Whether a piece of it can stand in the place of the other's."""
        return (self.samples.shape, self.sample_rate) == (other.samples.shape, other.sample_rate)


def excerpt(audio: Audio, longest: float = LONGEST) -> Audio:
    """The beginning of a recording, at most ``longest`` seconds of it."""
    return audio if audio.duration <= longest else audio[0.0:longest]


def make_take(name: str, audio: Audio, longest: float = LONGEST) -> Take:
    """A take that is ready to be played, its loudness measured; see :func:`playable`."""
    return measured(playable(name, audio, longest))


def playable(name: str, audio: Audio, longest: float = LONGEST) -> Take:
    """Prepare audio for the browser: at most ``longest`` seconds and two channels, at a rate that every browser plays.

    Its loudness stays unmeasured, -inf: see :func:`measured`, which takes longer than all the rest.

    Raises
    ------
    InputError
        Where ``audio`` is no ``Audio``.
    """
    if not isinstance(audio, Audio):
        raise InputError(f"take '{name}' is {type(audio).__name__}; a player takes voxrack.Audio(samples, sample_rate)")
    notes = []
    if audio.duration > longest:
        notes.append(f"the first {_minutes(longest)} of {_minutes(audio.duration)} min")
        audio = excerpt(audio, longest)
    if audio.channels > 2:
        notes.append(f"{audio.channels} channels played as mono")
        audio = audio.mono()
    if not BROWSER_RATES[0] <= audio.sample_rate <= BROWSER_RATES[1]:
        notes.append(f"{audio.sample_rate} Hz played at 48000 Hz")
        audio = audio.resample(48_000)
    return Take(name, audio.samples, audio.sample_rate, -math.inf, audio.peak, "; ".join(notes))


def measured(take: Take) -> Take:
    """The take with its own loudness."""
    return replace(take, loudness=integrated_loudness(take.samples, take.sample_rate))


def _minutes(seconds: float) -> str:
    """``"30:00"``."""
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def integrated_loudness(samples: NDArray[np.float32], sample_rate: int) -> float:
    """Integrated loudness after ITU-R BS.1770-4.

    A clip shorter than one gating block is repeated until it fills one, as the looping player repeats it.

    Parameters
    ----------
    samples : ndarray of float32, shape (channels, frames)
        One or two channels, at least one frame.
    sample_rate : int
        Hz.

    Returns
    -------
    float
        LUFS; -inf where every block lies under the absolute gate of -70 LUFS.
    """
    if not samples.any():
        return -math.inf
    import pyloudnorm

    need = math.ceil(BLOCK_SECONDS * sample_rate) + 1
    if samples.shape[1] < need:
        samples = np.tile(samples, (1, math.ceil(need / samples.shape[1])))
    loudness = float(pyloudnorm.Meter(sample_rate).integrated_loudness(samples.T.astype(np.float64)))
    return loudness if math.isfinite(loudness) else -math.inf


def matched_gains(takes: Iterable[Take]) -> dict[str, float]:
    """Gain in dB by name that makes all takes as loud as the first one that is not silent.

    Where a boost would push a take over full scale, all takes come down together, so that nothing
    clips and the match stays. Silent takes get the common trim only. No boost exceeds 24 dB.
    """
    takes = list(takes)
    reference = next((take.loudness for take in takes if math.isfinite(take.loudness)), None)
    if reference is None:
        return {take.name: 0.0 for take in takes}
    gains = {
        take.name: min(reference - take.loudness, MOST_BOOST) if math.isfinite(take.loudness) else 0.0 for take in takes
    }
    tops = [20 * math.log10(take.peak) + gains[take.name] for take in takes if take.peak > 0]
    trim = -max(0.0, *tops)
    return {name: gain + trim for name, gain in gains.items()}
