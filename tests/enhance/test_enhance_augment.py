"""The recording chain: equaliser, band limits, speed, gain riding and clipping, each measured."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from voxrack_enhance import augment

RATE = 16_000
SIZE = 64_000


def decibel(response: np.ndarray, hertz: float) -> float:
    return float(20 * np.log10(np.abs(response[round(hertz * SIZE / RATE)])))


@pytest.mark.parametrize("kind, there, away", [("low shelf", 0, 8000), ("high shelf", 8000, 0), ("peak", 1000, 0)])
@pytest.mark.parametrize("gain", [-8.0, 5.0])
def test_a_section_has_its_gain_where_it_belongs_and_none_elsewhere(kind, there, away, gain):
    delay = np.exp(-1j * np.linspace(0, np.pi, augment.LATTICE + 1))
    response = augment.spread(augment._section(kind, 1000.0, gain, 0.7, delay), SIZE)
    assert decibel(response, there) == pytest.approx(gain, abs=0.01)
    assert decibel(response, away) == pytest.approx(0, abs=0.01)
    assert np.abs(20 * np.log10(np.abs(response))).max() < abs(gain) + 0.5


def test_equalisers_differ_and_ring_for_a_short_time():
    one, other = augment.equaliser(default_rng(0), SIZE), augment.equaliser(default_rng(1), SIZE)
    assert np.abs(one - other).max() > 0.1
    for response in (one, other):
        impulse = np.fft.irfft(response, SIZE)
        assert np.sum(impulse[: RATE // 10] ** 2) > 0.999 * np.sum(impulse**2)  # causal: nothing at the end


@pytest.mark.parametrize("name", augment.BANDS)
def test_a_band_limit_is_3_decibels_down_at_its_corners_and_36_an_octave_beyond(name):
    low, high = augment.BANDS[name]
    response = augment.band_limit(name, SIZE)
    for corner, beyond in ((low, low / 2), (high, high * 2)):
        if corner:
            assert decibel(response, corner) == pytest.approx(-3, abs=0.1)
        if corner and beyond < RATE / 2:
            assert decibel(response, beyond) < -35
    assert decibel(response, 1000) == pytest.approx(0, abs=0.1)
    with pytest.raises(ValueError, match="read-only"):
        response[0] = 0


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.12])
def test_speed_moves_pitch_and_length_and_keeps_the_level(factor):
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE).astype(np.float32)
    made = augment.respeed(tone, factor)
    actual = len(tone) / len(made)
    assert actual == pytest.approx(factor, rel=0.01) and made.dtype == np.float32
    middle = made[2000:-2000].astype(np.float64)
    strongest = np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 8 * len(middle)))) / (8 * len(middle))
    assert strongest * RATE == pytest.approx(1000 * actual, rel=0.002)
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(1, abs=0.01)


def test_faster_speech_does_not_alias():
    tone = np.sin(2 * np.pi * 7600 * np.arange(2 * RATE) / RATE).astype(np.float32)  # becomes 8.5 kHz: nothing is left
    assert np.mean(augment.respeed(tone, 1.12)[2000:-2000] ** 2) < 1e-4


def test_gain_rides_within_6_decibels_and_without_clicks():
    reached = []
    for seed in range(40):
        gains = augment.gain_ride(default_rng(seed), SIZE)
        decibels = 20 * np.log10(gains)
        assert gains.shape == (SIZE,) and gains.dtype == np.float32 and np.abs(decibels).max() < augment.RIDE + 1e-3
        assert np.abs(np.diff(decibels)).max() < 0.2
        reached.append(np.ptp(decibels))
    assert max(reached) > 6


def test_clipping_touches_only_the_loudest():
    samples = 0.3 * default_rng(0).standard_normal(SIZE).astype(np.float32)
    flat = 0
    for seed in range(30):
        made = augment.clipped(default_rng(seed), samples)
        ceiling = np.abs(made).max()
        assert ceiling < np.abs(samples).max() and np.all(np.sign(made) == np.sign(samples))
        changed = np.mean(made != samples)
        if changed < 0.031:  # cut flat; a tangent bends everything a little
            flat += 1
            assert changed >= 0.0004 and np.all(np.abs(made[made != samples]) == ceiling)
    assert 10 < flat < 30
    silence = np.zeros(100, np.float32)
    assert np.array_equal(augment.clipped(default_rng(0), silence), silence)
