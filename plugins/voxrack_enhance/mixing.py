"""Training pairs, drawn without end: speech in a room under noise, and the same speech without the noise.

What the ideal denoiser gives keeps the room, the microphone and the gain: only noise and clipping go. Both signals run
through the same filters, so they agree sample by sample.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from voxrack.errors import InputError, UsageError

from . import augment, synthetic
from .augment import RATE
from .rooms import LONGEST, TAIL, Room
from .sources import Noises, Utterances, gain, level
from .transforms import Response, Samples, fast_size, samples_of, spectrum_of

PAUSED = -10.0  # dB: a stretch of speech softer than its utterances by more than this is taken for a pause
RUMBLE = (-25.0, 8.0)  # dB of rumble over the speech; hardly to be heard, and yet most of the error


@dataclass(frozen=True)
class MixerSettings:
    """What is drawn, and how often. Ranges are uniform; shares are chances from 0 to 1.

    Parameters
    ----------
    snr : (float, float)
        dB: active level of the speech over active level of the noise (:func:`voxrack.activity_level.active_level`).
    level : (float, float)
        dBFS of the speech where it is active (of the noise where there is no speech).
    faint_level, faint : (float, float), float
        A second range of levels, and how often it is taken.
    clean, noise_only : float
        Pairs without noise (both signals are then equal), and without speech (the target is then silent).
    recorded, synthetic : float
        Noises from the recordings alone, made up alone; the rest are both together.
    reverberant, noise_reverberant : float
        Speech in a room; noise in that room too, where the speech is.
    direct : (float, float)
        dB of the direct sound over its reverberation.
    equalised, noise_equalised, band_limited, ridden, clipped, respeeded : float
        See :mod:`voxrack_enhance.augment`.
    breathing : float
        Utterances with a breath before them, where there is room for one (:mod:`voxrack_enhance.breaths`).
    rumbling : float
        Noisy pairs with a rumble below the voice besides (:func:`voxrack_enhance.synthetic.rumble`).
    entering : float
        Noises that begin or end somewhere within the pair.
    """

    snr: tuple[float, float] = (-5.0, 25.0)
    level: tuple[float, float] = (-45.0, -15.0)
    faint_level: tuple[float, float] = (-62.0, -45.0)
    faint: float = 0.1
    clean: float = 0.1
    noise_only: float = 0.03
    recorded: float = 0.45
    synthetic: float = 0.3
    reverberant: float = 0.4
    noise_reverberant: float = 0.5
    direct: tuple[float, float] = (-3.0, 18.0)
    equalised: float = 0.5
    noise_equalised: float = 0.4
    band_limited: float = 0.15
    ridden: float = 0.15
    clipped: float = 0.08
    respeeded: float = 0.6
    breathing: float = 0.25
    rumbling: float = 0.3
    entering: float = 0.15


class Mixer:
    """Draws pairs of noisy speech and target.

    Parameters
    ----------
    speech, noises : sequence of ndarray, shape (frames,)
        Mono at 16 kHz, floating point of any level. Silent ones are left out; noises may be none at all: they are
        then all synthetic.
    seconds : float
        Length of a pair, 0.1 or more.
    settings : MixerSettings
    groups : sequence of hashable, optional
        What each utterance belongs to, its corpus perhaps: every group is drawn as often as every other. Without it
        every utterance is, so that a corpus of many short takes of two sentences would drown one of few long ones.

    Raises
    ------
    InputError
        Where no utterance is audible, or one is not mono, or not finite.
    """

    def __init__(
        self,
        speech: Sequence[Samples],
        noises: Sequence[Samples] = (),
        *,
        seconds: float = 4.0,
        settings: MixerSettings | None = None,
        groups: Sequence[Hashable] | None = None,
    ) -> None:
        if not 0.1 <= seconds <= 60:
            raise UsageError(f"seconds is {seconds}; a pair is 0.1 to 60 s long")
        self.settings = MixerSettings() if settings is None else settings
        self.frames = round(seconds * RATE)
        self.size = fast_size(self.frames + int(TAIL * LONGEST * RATE) + RATE // 10)
        self._utterances = Utterances(speech, groups)
        self.speech = self._utterances.audible
        if not self.speech:
            raise InputError(f"{len(speech)} utterances, none of them audible; a mixer needs one or more")
        self._noises = Noises(noises, self.speech)
        self.noises = self._noises.audible

    def draw(self, rng: Generator, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """``count`` pairs; the same generator state gives the same pairs.

        Returns
        -------
        noisy, target : ndarray, shape (count, frames)
            float32 at 16 kHz, within -1 … 1.
        """
        noisy = np.zeros((count, self.frames), np.float32)
        target = np.zeros((count, self.frames), np.float32)
        for row in range(count):
            noisy[row], target[row] = self._pair(rng)
        return noisy, target

    def _pair(self, rng: Generator) -> tuple[Samples, Samples]:
        chosen = self.settings
        kind = rng.random()
        with_noise, with_speech = kind >= chosen.clean, not 0 <= kind - chosen.clean < chosen.noise_only
        loudness = rng.uniform(*(chosen.faint_level if rng.random() < chosen.faint else chosen.level))
        snr = rng.uniform(*chosen.snr)
        room = Room.draw(rng) if rng.random() < chosen.reverberant else None
        chain = self._chain(rng)
        speech, noise = np.zeros(self.frames, np.float32), np.zeros(self.frames, np.float32)
        if with_speech:
            dry = self._utterances.draw(rng, self.frames, respeeded=chosen.respeeded, breathing=chosen.breathing)
            speech = self._through(dry, chain, room, rng)
            speech *= gain(loudness - max(0.0, PAUSED - level(dry)), level(speech))
        if with_noise:
            shares = {"recorded": chosen.recorded, "made_up": chosen.synthetic, "respeeded": chosen.respeeded}
            noise = self._noises.draw(rng, self.frames, **shares)
            noise = self._through(noise, self._noise_filter(rng, chain), self._noise_room(rng, room), rng)
            if rng.random() < chosen.entering:
                noise *= _entrance(rng, self.frames)
            noise *= gain(loudness - snr if with_speech else loudness, level(noise))
            if with_speech and rng.random() < chosen.rumbling:
                deep = synthetic.make("rumble", rng, self.frames)
                noise += np.float32(10 ** ((loudness + rng.uniform(*RUMBLE)) / 20)) * deep
        return self._recorded(rng, speech, noise, with_noise and with_speech)

    def _recorded(self, rng: Generator, speech: Samples, noise: Samples, may_clip: bool) -> tuple[Samples, Samples]:
        """The sum as a device records it, and the target: gain riding, clipping, full scale."""
        noisy, target = speech + noise, speech
        if rng.random() < self.settings.ridden:
            gains = augment.gain_ride(rng, self.frames)
            noisy, target = noisy * gains, target * gains
        if may_clip and rng.random() < self.settings.clipped:
            noisy = augment.clipped(rng, noisy)
        peak = max(float(np.abs(noisy).max()), float(np.abs(target).max()))
        if peak > 1:
            scale = np.float32(rng.uniform(0.5, 0.999) / peak)
            noisy, target = noisy * scale, target * scale
        return noisy, target

    # ---- filters ----------------------------------------------------------------------------------
    def _chain(self, rng: Generator) -> Response | None:
        """The microphone and what follows it, for speech and noise alike; None where it changes nothing."""
        total = augment.equaliser(rng, self.size) if rng.random() < self.settings.equalised else None
        if rng.random() < self.settings.band_limited:
            name = list(augment.BANDS)[int(rng.integers(len(augment.BANDS)))]
            total = _times(total, augment.band_limit(name, self.size))
        return total

    def _noise_filter(self, rng: Generator, chain: Response | None) -> Response | None:
        if rng.random() < self.settings.noise_equalised:
            return _times(chain, augment.equaliser(rng, self.size))
        return chain

    def _noise_room(self, rng: Generator, room: Room | None) -> Room | None:
        return room if rng.random() < self.settings.noise_reverberant else None

    def _through(self, samples: Samples, chain: Response | None, room: Room | None, rng: Generator) -> Samples:
        """``samples`` in the room and through the chain, cut to the pair's length."""
        if room is not None:
            chain = _times(chain, room.response(rng, self.size, rng.uniform(*self.settings.direct)))
        if chain is None:
            return samples
        return samples_of(spectrum_of(samples, self.size) * chain, self.size)[: self.frames]


def _times(one: Response | None, other: Response) -> Response:
    return other if one is None else one * other


def _entrance(rng: Generator, frames: int) -> Samples:
    """Gains of a noise that begins, or ends, somewhere; within 0.01 to 1 s."""
    place, ramp = rng.uniform(0.1, 0.9) * frames, 0.01 * 100 ** rng.random() * RATE
    gains = np.clip((np.arange(frames) - place) / ramp, 0, 1).astype(np.float32)
    return gains if rng.random() < 0.5 else 1 - gains
