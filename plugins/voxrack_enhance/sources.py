"""Where the mixer's sounds come from: utterances one after another, and noises recorded, made up, or both."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.random import Generator

from voxrack.activity_level import active_level
from voxrack.datasets.mixing import active_part
from voxrack.errors import InputError

from . import augment, synthetic
from .augment import RATE
from .breaths import BEFORE, LEVEL, breath
from .transforms import Samples

JOINT = 0.05  # s over which a noise's end and its next beginning overlap
VOICES = (0.8, 1.25)  # factors of speed and pitch at which speech is heard: as if by other speakers
PAUSE = (0.1, 1.5)  # s between two utterances
LEAST = -10.0  # dB, the softer of a recorded and a synthetic noise under the louder


class Utterances:
    """Speech without end.

    Parameters
    ----------
    speech : sequence of ndarray, shape (frames,)
        Mono at 16 kHz; silent ones are left out.
    groups : sequence of hashable, optional
        What each belongs to; every group is drawn as often as every other.

    Attributes
    ----------
    audible : list of ndarray
        Those that are drawn.
    """

    def __init__(self, speech: Sequence[Samples], groups: Sequence[Hashable] | None = None) -> None:
        every = [checked(samples, "speech") for samples in speech]
        self._drawing = _groups([bool(samples.any()) for samples in every], groups)
        self.audible = [samples for samples in every if samples.any()]
        self._levels: dict[int, float] = {}  # dB of each utterance, once it was drawn

    def draw(self, rng: Generator, frames: int, *, respeeded: float, breathing: float) -> Samples:
        """Utterances at an active level of about 0 dB, one after another with pauses, cut to ``frames``."""
        factor = rng.uniform(*VOICES) if rng.random() < respeeded else 1.0
        wanted = int(frames * factor) + 2
        out = np.zeros(wanted, np.float32)
        position = 0
        while position < wanted:
            members = self._drawing[int(rng.integers(len(self._drawing)))]
            index = members[int(rng.integers(len(members)))]
            samples = self.audible[index]
            if not position and len(samples) < wanted and rng.random() < 0.5:  # begins in a pause as often as not
                position = int(rng.integers(wanted - len(samples)))
            start = int(rng.integers(len(samples) - wanted + 1)) if len(samples) > wanted else 0
            part = samples[start : start + wanted - position]
            factor_of_level = 10 ** ((rng.uniform(-4, 4) - self._level_of(index)) / 20)
            out[position : position + len(part)] = _faded(part) * np.float32(factor_of_level)
            if not start and rng.random() < breathing:
                _breathe(rng, out[:position], samples)
            position += len(part) + int(rng.uniform(*PAUSE) * RATE)
        return out[:frames] if factor == 1 else _fitted(augment.respeed(out, factor), frames)

    def _level_of(self, index: int) -> float:
        if index not in self._levels:
            self._levels[index] = level(self.audible[index])
        return self._levels[index]


class Noises:
    """Noises without end.

    Parameters
    ----------
    noises : sequence of ndarray, shape (frames,)
        Recordings, mono at 16 kHz; silent ones are left out, and there may be none.
    speech : sequence of ndarray
        Utterances that babble is made of.

    Attributes
    ----------
    audible : list of ndarray
        The recordings that are drawn.
    """

    def __init__(self, noises: Sequence[Samples], speech: Sequence[Samples]) -> None:
        every = [checked(samples, "noise") for samples in noises]
        self.audible, self.speech = [samples for samples in every if samples.any()], speech
        self._loops: dict[int, tuple[Samples, Samples]] = {}  # each without its silences and with, once drawn

    def draw(self, rng: Generator, frames: int, *, recorded: float, made_up: float, respeeded: float) -> Samples:
        """A recording (so often as ``recorded`` says), a noise made up, or both together for the rest."""
        kind = rng.random()
        if not self.audible or recorded <= kind < recorded + made_up:
            return synthetic.draw(rng, frames, self.speech)
        found = self._recording(rng, frames, respeeded)
        if kind < recorded:
            return found
        made = synthetic.draw(rng, frames, self.speech)
        one, other = (found, made) if rng.random() < 0.5 else (made, found)
        total = one * gain(0.0, level(one)) + other * gain(rng.uniform(LEAST, 0.0), level(other))
        return np.asarray(total, dtype=np.float32)

    def _recording(self, rng: Generator, frames: int, respeeded: float) -> Samples:
        """A stretch of a recorded noise at -18 … +25 % of its speed; mostly without its silences."""
        index = int(rng.integers(len(self.audible)))
        if index not in self._loops:
            whole = self.audible[index]
            self._loops[index] = _circle(active_part(whole, RATE).astype(np.float32)), _circle(whole)
        samples = self._loops[index][rng.random() >= 0.75]
        factor = rng.uniform(0.82, 1.25) if rng.random() < respeeded else 1.0
        part = synthetic.looped(samples, int(frames * factor) + 2, int(rng.integers(len(samples))))
        if factor != 1:
            part = _fitted(augment.respeed(part, factor), frames)
        return part[:frames] if part[:frames].any() else samples[np.arange(frames) % len(samples)]


def checked(samples: Samples, what: str) -> Samples:
    """The samples in float32, where they are mono, floating point and finite; :class:`InputError` where not."""
    array = np.asarray(samples)
    if array.ndim != 1 or array.dtype.kind != "f" or not array.size:
        raise InputError(f"{what} of shape {array.shape} and type {array.dtype}; (frames,) floating point is needed")
    if not np.isfinite(array).all():
        raise InputError(f"{what} holds NaN or infinity; mend it: numpy.nan_to_num")
    return array.astype(np.float32, copy=False)


def level(samples: Samples) -> float:
    """Active level in dB of samples at 16 kHz; -inf for silence."""
    return active_level(samples, RATE)


def gain(wanted: float, level: float) -> np.float32:
    """Factor from one level in dB to another; 0 from silence."""
    return np.float32(0.0 if level == -np.inf else 10 ** ((wanted - level) / 20))


def _groups(audible: Sequence[bool], groups: Sequence[Hashable] | None) -> list[list[int]]:
    """Positions, among the audible utterances alone, of each group's members."""
    kept = [True if groups is None else groups[index] for index, heard in enumerate(audible) if heard]
    members: dict[Hashable, list[int]] = {}
    for position, group in enumerate(kept):
        members.setdefault(group, []).append(position)
    return list(members.values())


def _breathe(rng: Generator, pause: Samples, voice: Samples) -> None:
    """Add a breath of ``voice`` near the end of ``pause``, in place, its beginning cut where the pause is shorter."""
    breathed = breath(rng, voice) * np.float32(10 ** (rng.uniform(*LEVEL) / 20))
    stop = len(pause) - int(rng.uniform(*BEFORE) * RATE)
    if stop > 0:
        breathed = breathed[-stop:]
        pause[stop - len(breathed) : stop] += breathed


def _faded(samples: Samples) -> Samples:
    """With 5 ms of fade at both ends: a cut is no click."""
    length = min(RATE // 200, len(samples) // 2)
    ramp = np.linspace(0, 1, length, endpoint=False, dtype=np.float32)
    out = samples.copy()
    out[:length] *= ramp
    out[len(out) - length :] *= ramp[::-1]
    return out


def _fitted(samples: Samples, frames: int) -> Samples:
    """Cut, or filled up with silence."""
    return samples[:frames] if len(samples) >= frames else np.pad(samples, (0, frames - len(samples)))


def _circle(samples: Samples) -> Samples:
    """A loop: its end fades into its beginning with equal power, and is that much shorter."""
    length = min(int(JOINT * RATE), len(samples) // 3)
    turn = np.linspace(0, np.pi / 2, length, dtype=np.float32)
    out = samples[: len(samples) - length].copy()
    out[:length] = out[:length] * np.sin(turn) + samples[len(samples) - length :] * np.cos(turn)
    return out
