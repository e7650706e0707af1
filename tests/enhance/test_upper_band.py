"""The gains above 8 kHz: they follow what the network says of the band below."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from voxrack_enhance import upper_band
from voxrack_enhance.upper_band import FIRST, WIDTH

BINS = 769  # at 48 kHz


def hiss(rng: np.random.Generator, level: float = 1.0) -> NDArray[np.complex64]:
    """A spectrum of white noise."""
    return (level * (rng.normal(size=BINS) + 1j * rng.normal(size=BINS))).astype(np.complex64)


def mask_of(share: float) -> NDArray[np.float32]:
    """A mask that leaves ``share`` of the power."""
    return np.stack([np.full(256, np.sqrt(share)), np.zeros(256)]).astype(np.float32)


def after_noise(frames: int = 100) -> tuple[upper_band.Upper, np.random.Generator]:
    """The state after noise in which the network heard no speech."""
    state, rng = upper_band.silence(BINS), np.random.default_rng(0)
    for _ in range(frames):
        upper_band.follow(state, hiss(rng), 1.0, mask_of(0.001))
    return state, rng


def test_where_the_mask_is_one_so_are_the_gains() -> None:
    state, rng = upper_band.silence(BINS), np.random.default_rng(0)
    for frame in range(200):
        upper_band.follow(state, hiss(rng, 1.0 + frame % 7), 1.0, mask_of(1.0))
        assert np.all(state.gain == 1.0)


def test_noise_without_speech_goes() -> None:
    state, rng = after_noise()
    gains = []
    for _ in range(50):
        upper_band.follow(state, hiss(rng), 1.0, mask_of(0.001))
        gains.append(state.gain.copy())
    assert np.max(gains) < 0.04  # the lower band's own gain is 0.032


def test_a_fricative_above_the_noise_stays() -> None:
    state, rng = after_noise()
    for _ in range(8):
        upper_band.follow(state, hiss(rng, 10.0), 1.0, mask_of(0.95))
    assert state.gain.min() > 0.95


def test_noise_under_a_vowel_goes() -> None:
    state, rng = after_noise()
    gains = []
    for _ in range(60):  # the lower band is full of speech, the upper one is as before
        upper_band.follow(state, hiss(rng), 1.0, mask_of(0.95))
        gains.append(state.gain.copy())
    assert np.mean(np.square(gains[10:])) < 0.1  # 10 dB less noise


def test_a_band_is_judged_by_itself() -> None:
    state, rng = after_noise()
    spectrum = hiss(rng)
    spectrum[FIRST + 3 * WIDTH : FIRST + 4 * WIDTH] *= 20.0
    upper_band.follow(state, spectrum, 1.0, mask_of(1.0))
    assert state.gain[3] > 0.99
    assert np.delete(state.gain, 3).max() < 0.7


def test_what_pauses_is_no_noise() -> None:
    """Bursts that the network takes for noise half the time: minima keep the estimate down."""
    state, rng = upper_band.silence(BINS), np.random.default_rng(0)
    for frame in range(300):
        upper_band.follow(state, hiss(rng, 1.0 if frame % 20 < 10 else 1e-3), 1.0, mask_of(0.5))
    assert state.noise.max() < 0.05  # of a mean power of 1


def test_a_mask_that_takes_little_takes_little_here() -> None:
    state, rng = upper_band.silence(BINS), np.random.default_rng(0)
    for _ in range(300):
        upper_band.follow(state, hiss(rng), 1.0, mask_of(0.98))
    assert state.gain.min() > 0.95


@pytest.mark.parametrize("bins", [129, 257])
def test_without_an_upper_band_nothing_happens(bins: int) -> None:
    state = upper_band.silence(bins)
    upper_band.follow(state, np.zeros(bins, np.complex64), 1.0, mask_of(0.5))
    assert state.gain.size == 0


def test_silence_and_one_narrow_band() -> None:
    state = upper_band.silence(265)
    upper_band.follow(state, np.zeros(265, np.complex64), 1.0, mask_of(0.0))
    assert state.gain.tolist() == [1.0]
