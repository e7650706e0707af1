"""Noises of our own making, without end and free of anybody's rights: for training beside recorded ones.

Each maker gives float32 samples at 16 kHz of shape (frames,), of any level; :func:`draw` chooses among them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .augment import RATE
from .transforms import Samples, fast_size, samples_of

LOWEST = 20.0  # Hz; below it a spectrum stays flat
FLOOR = 0.4  # chance of a second, soft noise
TABLE = 2048  # samples of one period of a tone


def draw(rng: Generator, frames: int, speech: Sequence[Samples] = ()) -> Samples:
    """One noise.

    Parameters
    ----------
    rng : Generator
    frames : int
    speech : sequence of ndarray
        Utterances for babble; with fewer than four there is none.

    Returns
    -------
    ndarray, shape (frames,)
        float32, of a mean power of about 1.
    """
    names = [name for name in SHARES if name != "babble" or len(speech) >= VOICES[0]]
    shares = np.array([SHARES[name] for name in names])
    made = make(names[int(rng.choice(len(names), p=shares / shares.sum()))], rng, frames, speech)
    if rng.random() < FLOOR:  # what knocks, beeps and hums in a real place does so over its own quiet noise
        made += np.float32(10 ** (rng.uniform(-50, -20) / 20)) * make("coloured", rng, frames)
    return made


def make(name: str, rng: Generator, frames: int, speech: Sequence[Samples] = ()) -> Samples:
    """The noise of that name (a key of :data:`SHARES`), of mean power 1."""
    made = babble(rng, frames, speech) if name == "babble" else MAKERS[name](rng, frames)
    power = float(np.mean(made**2))
    return np.asarray(made / np.sqrt(power) if power > 0 else made, dtype=np.float32)


# ---- noise without pitch --------------------------------------------------------------------------
def plain(rng: Generator, frames: int) -> Samples:
    """White, pink or brown: power falls by 0, 3 or 6 dB an octave."""
    return _shaped(rng, frames, np.float32(-3.0103 * rng.integers(0, 3)) * _octaves(frames))


def coloured(rng: Generator, frames: int) -> Samples:
    """A random slope (up 2 to down 9 dB an octave) with random smooth bumps and dents; still, or slowly swelling."""
    noise = _shaped(rng, frames, _colour(rng, frames))
    return noise * _swell(rng, frames, rng.uniform(1, 6)) if rng.random() < 0.5 else noise


def ambience(rng: Generator, frames: int) -> Samples:
    """Two or three coloured noises that come and go by themselves: traffic, a station, a kitchen, an office."""
    total = np.zeros(frames, np.float32)
    for _ in range(rng.integers(2, 4)):
        layer = _shaped(rng, frames, _colour(rng, frames))
        layer *= np.float32(10 ** (rng.uniform(-12, 0) / 20) / (np.sqrt(np.mean(layer**2)) + 1e-12))
        total += layer * _swell(rng, frames, rng.uniform(2, 12))
    return total


def wind(rng: Generator, frames: int) -> Samples:
    """Noise below a few hundred hertz in gusts."""
    corner = rng.uniform(40, 300)
    rise = np.maximum(_octaves(frames) - np.log2(corner / LOWEST), 0)
    return _shaped(rng, frames, -rng.uniform(6, 14) * rise) * _swell(rng, frames, rng.uniform(6, 15), rng.uniform(1, 6))


def rumble(rng: Generator, frames: int) -> Samples:
    """What lies below voices: traffic far away, air conditioning, a hand on the microphone or a door."""
    corner, slope = rng.uniform(20, 70), rng.uniform(12, 36)
    rise = np.maximum(_octaves(frames) - np.log2(corner / LOWEST), 0)
    return _shaped(rng, frames, np.float32(-slope) * rise) * _swell(rng, frames, rng.uniform(1, 6))


def fan(rng: Generator, frames: int) -> Samples:
    """Noise whose loudness turns with a rotor, with the rotor's tone: fans, engines, drones, vacuum cleaners."""
    turns = rng.uniform(4, 60) * _drift(rng, frames)
    phase = np.cumsum(turns / RATE)
    depth = rng.uniform(0.1, 0.9)
    noise = _shaped(rng, frames, _colour(rng, frames))
    noise *= np.float32(1 / (np.sqrt(np.mean(noise**2)) + 1e-12))
    noise *= 1 + np.float32(depth) * _tone(phase, _harmonics(rng, 4, 1.0))
    blades = _tone(phase * rng.integers(2, 9), _harmonics(rng, 20, rng.uniform(0.5, 1.5)))
    return np.asarray(noise + 10 ** (rng.uniform(-20, 5) / 20) * blades, dtype=np.float32)


def rustle(rng: Generator, frames: int) -> Samples:
    """Short bursts of noise: paper, cloth, steps, crackling, a keyboard."""
    noise = _shaped(rng, frames, _colour(rng, frames))
    steps = frames // 80 + 2  # of 5 ms
    bursts = np.zeros(steps)
    count = max(1, int(rng.poisson(rng.uniform(1, 12) * frames / RATE)))
    bursts[rng.integers(0, steps, count)] = 10 ** (rng.uniform(-20, 0, count) / 20)
    kernel = np.exp(-np.arange(40) / rng.uniform(1, 12))
    envelope = np.convolve(bursts, kernel)[:steps]
    return noise * np.interp(np.arange(frames), np.arange(steps) * 80, envelope).astype(np.float32)


# ---- noise with pitch -----------------------------------------------------------------------------
def hum(rng: Generator, frames: int) -> Samples:
    """Mains hum of 50 or 60 Hz and its harmonics, drifting a little; sometimes with a hiss under it."""
    phase = np.cumsum((50.0 if rng.random() < 0.6 else 60.0) * _drift(rng, frames, 0.003) / RATE)
    tone = _tone(phase, _harmonics(rng, 40, rng.uniform(0.3, 1.5)))
    if rng.random() < 0.5:
        tone += np.float32(10 ** (rng.uniform(-30, -5) / 20)) * _shaped(rng, frames, _colour(rng, frames))
    return tone


def signals(rng: Generator, frames: int) -> Samples:
    """Beeps, rings, sirens and squeaks: tones that switch on and off, jump or sweep."""
    time = np.arange(frames) / RATE
    frequency = 300 * 12 ** rng.random()
    period = rng.uniform(0.1, 2.0)
    if rng.random() < 0.5:  # a siren
        swing = np.sin(2 * np.pi * (time / period + rng.random()))
        track = frequency * 2 ** (rng.uniform(0.05, 1.0) * swing)
    else:
        steps = frequency * 2 ** (rng.integers(-6, 7, int(frames / RATE / period) + 2) / 12 * rng.integers(0, 2))
        track = steps[(time / period).astype(int)]
    tone = _tone(np.cumsum(track / RATE), _harmonics(rng, max(1, int(3000 / frequency)), rng.uniform(0.5, 3)))
    if rng.random() < 0.7:  # pulsed; 5 ms of ramp
        beat, share = rng.uniform(0.08, 1.5), rng.uniform(0.2, 0.9)
        inside = (time / beat + rng.random()) % 1
        gate = np.minimum(inside, share - inside) * beat / 0.005
        tone = tone * np.clip(gate, 0, 1).astype(np.float32)
    return tone


def knocks(rng: Generator, frames: int) -> Samples:
    """Clicks and struck things: decaying resonances at random times, or in a regular beat."""
    out = np.zeros(frames, np.float32)
    count = max(1, int(rng.poisson(rng.uniform(0.5, 8) * frames / RATE)))
    beat = rng.random() < 0.3
    places = (np.arange(count) + rng.random()) / count * frames if beat else rng.random(count) * frames
    thing = _struck(rng)
    for place in places.astype(int):
        if not beat and rng.random() < 0.4:
            thing = _struck(rng)
        part = thing[: frames - place]
        out[place : place + len(part)] += np.float32(10 ** (rng.uniform(-15, 0) / 20)) * part
    return out


# ---- noise of voices ------------------------------------------------------------------------------
VOICES = (4, 13)


def babble(rng: Generator, frames: int, speech: Sequence[Samples]) -> Samples:
    """Four to twelve voices at once, alike in level within 10 dB; sometimes backwards, so that nothing is words."""
    total = np.zeros(frames, np.float32)
    backwards = rng.random() < 0.25
    for _ in range(rng.integers(*VOICES)):
        voice = speech[int(rng.integers(len(speech)))]
        power = float(np.dot(voice, voice)) / len(voice)
        if power <= 0:
            continue
        part = looped(voice, frames, int(rng.integers(len(voice))))
        total += np.float32(10 ** (rng.uniform(-10, 0) / 20) / np.sqrt(power)) * part
    return total[::-1] if backwards else total


def looped(samples: Samples, frames: int, start: int) -> Samples:
    """``frames`` samples from ``start`` on, beginning again at the end."""
    if start + frames <= len(samples):
        return samples[start : start + frames]
    turns = -(-(start + frames) // len(samples))
    return np.tile(samples, turns)[start : start + frames]


# ---- parts ----------------------------------------------------------------------------------------
@lru_cache(maxsize=8)
def _octaves(frames: int) -> NDArray[np.float32]:
    """Octaves above 20 Hz of each bin of the transform of so many samples; 0 below."""
    size = fast_size(frames)
    hertz = np.arange(size // 2 + 1) * (RATE / size)
    return np.log2(np.maximum(hertz, LOWEST) / LOWEST).astype(np.float32)


def _colour(rng: Generator, frames: int) -> NDArray[np.float32]:
    """Random spectrum in dB at each bin."""
    octaves = _octaves(frames)
    knots = np.linspace(0, octaves[-1], int(rng.integers(4, 14)))
    bumps = rng.uniform(0, 10) * rng.standard_normal(len(knots))
    bumps += rng.uniform(-9, 2) * knots
    return np.interp(octaves, knots, bumps).astype(np.float32)


def _shaped(rng: Generator, frames: int, decibels: NDArray[np.float32]) -> Samples:
    """Gaussian noise of that spectrum (dB at each bin, as :func:`_octaves` has them)."""
    parts = rng.standard_normal((len(decibels), 2), dtype=np.float32)
    parts *= np.exp2(decibels * np.float32(0.166096))[:, None]  # 10^(dB / 20)
    return samples_of(parts.view(np.complex64)[:, 0], fast_size(frames))[:frames]


def _swell(rng: Generator, frames: int, spread: float, speed: float = 2.0) -> Samples:
    """Gains that wander around 0 dB with a deviation of ``spread`` dB, ``speed`` turns a second."""
    knots = max(2, int(speed * frames / RATE) + 2)
    values = np.clip(spread * rng.standard_normal(knots), -25, 12)
    coarse = np.interp(np.linspace(0, knots - 1, frames // 64 + 2), np.arange(knots), values)
    gains = 10 ** (coarse / 20)
    return np.interp(np.arange(frames), np.arange(len(gains)) * 64, gains).astype(np.float32)


def _drift(rng: Generator, frames: int, most: float = 0.1) -> NDArray[np.float64]:
    """Factors around 1 that wander by up to ``most``."""
    knots = np.linspace(0, frames, 5)
    return 1 + rng.uniform(0, most) * np.interp(np.arange(frames), knots, rng.uniform(-1, 1, 5))


def _harmonics(rng: Generator, count: int, slope: float) -> NDArray[np.float32]:
    """One period of a tone: up to ``count`` random harmonics that fall off as k^-slope; peak 1."""
    spectrum = np.zeros(TABLE // 2 + 1, dtype=np.complex128)
    order = np.arange(1, int(rng.integers(1, count + 1)) + 1)
    strength = order**-slope * rng.random(len(order)) ** 2
    strength[0] = max(strength[0], 0.05)
    spectrum[order] = strength * np.exp(2j * np.pi * rng.random(len(order)))
    period = samples_of(spectrum, TABLE)
    return period / np.abs(period).max()


def _tone(phase: NDArray[np.float64], period: NDArray[np.float32]) -> Samples:
    """The period read at ``phase`` (turns)."""
    return period[(phase * TABLE).astype(np.int64) & (TABLE - 1)]


def _struck(rng: Generator) -> Samples:
    """A click with a few resonances, 2 to 300 ms."""
    length = int(0.002 * 150 ** rng.random() * RATE)
    time = np.arange(length, dtype=np.float32) / np.float32(RATE)
    modes = int(rng.integers(1, 5))
    frequency = (80 * 80 ** rng.random(modes)).astype(np.float32)
    sound = np.sin(2 * np.float32(np.pi) * frequency[:, None] * time + rng.random((modes, 1), dtype=np.float32)).sum(0)
    sound += rng.standard_normal(length, dtype=np.float32) * np.float32(rng.uniform(0, 2))
    return sound * np.exp(np.float32(-5 / max(length, 1)) * np.arange(length, dtype=np.float32))


MAKERS: dict[str, Callable[[Generator, int], Any]] = {
    "plain": plain, "coloured": coloured, "ambience": ambience, "wind": wind, "rumble": rumble, "fan": fan,
    "rustle": rustle, "hum": hum, "signals": signals, "knocks": knocks,
}  # fmt: skip
SHARES = {
    "plain": 0.06, "coloured": 0.2, "ambience": 0.2, "wind": 0.05, "rumble": 0.03, "fan": 0.09, "rustle": 0.08,
    "hum": 0.05, "signals": 0.04, "knocks": 0.06, "babble": 0.14,
}  # fmt: skip
"""How often each noise is drawn."""
