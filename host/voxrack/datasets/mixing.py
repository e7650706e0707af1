"""Speech in noise at a stated ratio, both measured where they are active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity_level import FRAME, active_level, frame_power, frame_size, widened
from ..errors import InputError, UsageError

if TYPE_CHECKING:
    from numpy.random import Generator

AROUND = 0.1  # s before and after an active frame that belong to it
BELOW = 30.0  # dB under the loud frames (95th percentile) at which noise is taken for silence
QUIET = 20.0  # dB under a noise's mean that a stretch of it may have to be laid under speech
FADE = 0.005  # s at each joint


@dataclass(frozen=True, eq=False)
class Mixture:
    """What :func:`mix` gives: ``noisy = speech + noise``, all float32 of shape (frames,).

    Parameters
    ----------
    noisy, speech, noise : ndarray
    scale : float
        By which all three were multiplied so that ``noisy`` stays within -1 … 1; 1 where it did anyway.
    snr_db : float
        Ratio reached: active power of ``speech`` to mean power of ``noise``.
    """

    noisy: NDArray[np.float32]
    speech: NDArray[np.float32]
    noise: NDArray[np.float32]
    scale: float
    snr_db: float


def mix(speech: ArrayLike, noise: ArrayLike, snr_db: float, rng: Generator, *, sample_rate: int = 16_000) -> Mixture:
    """Lay a random stretch of the noise's active part under speech.

    The gain is ``g = sqrt(P_s / (P_n 10^(SNR/10)))`` with P_s the power of the speech where it is active and P_n the
    mean power of the stretch, so that neither pauses in the speech nor silence in the noise change the ratio.

    Parameters
    ----------
    speech, noise : array_like, shape (frames,)
        Mono, at one sample rate; the noise is repeated where its active part is shorter than the speech.
    snr_db : float
        Wanted ratio in dB.
    rng : numpy.random.Generator
        Draws where in the noise the stretch begins.
    sample_rate : int
        Hz.

    Raises
    ------
    InputError
        Where speech or noise are silent, empty, not finite, or of another shape.
    """
    if not np.isfinite(snr_db):
        raise UsageError(f"snr_db is {snr_db}; it takes a finite ratio in dB")
    voice = _mono(speech, "speech")
    sound = active_part(noise, sample_rate)
    laid = _stretch(sound, len(voice), rng)
    loudness = active_power(voice, sample_rate)
    laid = laid * np.sqrt(loudness / 10 ** (snr_db / 10) / np.mean(laid**2))
    noisy = voice + laid
    scale = float(1.0 / max(1.0, np.abs(noisy).max()))
    reached = 10 * np.log10(loudness / np.mean(laid**2))
    out = [np.asarray(part * scale, dtype=np.float32) for part in (noisy, voice, laid)]
    return Mixture(out[0], out[1], out[2], scale, float(reached))


def active_power(samples: ArrayLike, sample_rate: int) -> float:
    """Mean power where the signal is active: :func:`voxrack.activity.active_level` as a power.

    Raises
    ------
    InputError
        For silence.
    """
    level = active_level(_mono(samples, "the signal"), sample_rate)
    if level == -np.inf:
        raise InputError("the signal is silent throughout: it has no level that noise could be set against")
    return 10 ** (level / 10)


def active_part(noise: ArrayLike, sample_rate: int) -> NDArray[np.float64]:
    """The noise without its silent stretches, joined with fades of 5 ms.

    Frames of 10 ms more than 30 dB under the loud ones are silent, except within 0.1 s of a louder one.
    """
    samples = _mono(noise, "noise")
    power = frame_power(samples, sample_rate)
    loud = power > 0
    if not loud.any():
        raise InputError("the noise is silent throughout; choose another file")
    threshold = np.percentile(power[loud], 95) * 10 ** (-BELOW / 10)
    around = round(AROUND / FRAME)
    active = np.concatenate(([False], widened(power > threshold, around, around), [False]))
    edges = np.flatnonzero(active[1:] != active[:-1]).reshape(-1, 2)
    size = frame_size(sample_rate)
    return np.concatenate([_faded(samples[first * size : last * size], sample_rate) for first, last in edges])


def _stretch(sound: NDArray[np.float64], frames: int, rng: Generator) -> NDArray[np.float64]:
    """``frames`` samples of ``sound``, taken as a loop, from a place that is not much quieter than the whole."""
    total = np.concatenate(([0.0], np.cumsum(np.concatenate((sound, sound)) ** 2)))
    rest = frames % len(sound)
    energy = (frames // len(sound)) * total[len(sound)] + total[rest : rest + len(sound)] - total[: len(sound)]
    starts = np.flatnonzero(energy / frames >= np.mean(sound**2) * 10 ** (-QUIET / 10))
    start = int(rng.choice(starts))
    return np.take(sound, np.arange(start, start + frames), mode="wrap")


def _faded(samples: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    length = min(round(FADE * sample_rate), len(samples) // 2)
    ramp = (np.arange(length) + 0.5) / max(length, 1)
    out = samples.copy()
    out[:length] *= ramp
    out[len(out) - length :] *= ramp[::-1]
    return out


def _mono(samples: ArrayLike, what: str) -> NDArray[np.float64]:
    array = np.asarray(samples, dtype=np.float64)
    if array.ndim != 1 or not array.size:
        raise InputError(f"{what} has shape {array.shape}; mixing takes mono samples of shape (frames,)")
    if not np.isfinite(array).all():
        raise InputError(f"{what} holds NaN or infinity; repair it first, e.g. with numpy.nan_to_num")
    return array
