"""Noises of our own making: each is what its name says, of any length, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from voxrack.testing import voice
from voxrack_enhance import synthetic

RATE = 16_000
FRAMES = 4 * RATE
VOICES = [voice(1.5, RATE, seed).samples[0] for seed in range(5)]


def power_spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hertz, and power of each bin."""
    return np.fft.rfftfreq(len(samples), 1 / RATE), np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2


def loudness(samples: np.ndarray, seconds: float) -> np.ndarray:
    """Power in dB of each stretch of so many seconds."""
    size = int(seconds * RATE)
    return 10 * np.log10(np.mean(samples[: len(samples) // size * size].reshape(-1, size) ** 2, axis=1) + 1e-12)


@pytest.mark.parametrize("name", synthetic.SHARES)
@pytest.mark.parametrize("frames", [1601, 16_001, FRAMES])
def test_every_noise_is_finite_of_power_one_and_follows_its_seed(name, frames):
    made = synthetic.make(name, default_rng(1), frames, VOICES)
    assert made.shape == (frames,) and made.dtype == np.float32 and np.isfinite(made).all()
    assert np.mean(made.astype(np.float64) ** 2) == pytest.approx(1, abs=1e-4)
    assert np.array_equal(made, synthetic.make(name, default_rng(1), frames, VOICES))
    assert not np.array_equal(made, synthetic.make(name, default_rng(2), frames, VOICES))


def test_plain_noise_falls_by_0_3_or_6_decibels_an_octave():
    slopes = []
    for seed in range(12):
        hertz, power = power_spectrum(synthetic.make("plain", default_rng(seed), FRAMES))
        octaves = np.log2(hertz[(hertz > 100)] / 100)
        levels = [10 * np.log10(power[hertz > 100][(octaves >= at) & (octaves < at + 1)].mean()) for at in range(6)]
        slopes.append(np.polyfit(np.arange(6), levels, 1)[0])
    nearest = 3.01 * np.round(np.array(slopes) / 3.01)
    assert np.abs(slopes - nearest).max() < 0.25
    assert {round(slope) for slope in nearest} == {0, -3, -6}


def test_hum_stands_on_the_harmonics_of_50_or_60_hertz():
    found = set()
    for seed in range(12):
        hertz, power = power_spectrum(synthetic.make("hum", default_rng(seed), FRAMES))
        low = hertz < 400
        for mains in (50, 60):
            near = np.abs(hertz / mains - np.round(hertz / mains)) * mains < 3
            if power[low & near].sum() > 0.97 * power[low].sum():
                found.add(mains)
                break
        else:
            raise AssertionError(f"seed {seed} hums on neither")
    assert found == {50, 60}


@pytest.mark.parametrize("name", ["knocks", "rustle"])
def test_short_sounds_leave_gaps(name):
    spreads = [np.ptp(loudness(synthetic.make(name, default_rng(seed), FRAMES), 0.02)) for seed in range(8)]
    assert np.median(spreads) > 40


def test_wind_gusts_and_is_low():
    for seed in range(6):
        made = synthetic.make("wind", default_rng(seed), FRAMES)
        hertz, power = power_spectrum(made)
        assert power[hertz < 600].sum() > 0.9 * power.sum()
        assert np.ptp(loudness(made, 0.2)) > 6


def test_a_fan_turns():
    """The loudness of its noise has a rhythm between 3 and 70 Hz that stands out."""
    peaks = []
    for seed in range(8):
        made = synthetic.make("fan", default_rng(seed), FRAMES)
        course = np.abs(np.fft.rfft(np.hanning(FRAMES // 50) * loudness(made, 50 / RATE)[: FRAMES // 50]))
        part = course[12:280]  # bins of a quarter hertz
        peaks.append(part.max() / np.median(part))
    assert np.median(peaks) > 8


def test_signals_are_tones():
    for seed in range(8):
        _, power = power_spectrum(synthetic.make("signals", default_rng(seed), FRAMES))
        strongest = np.sort(power)[::-1]
        assert strongest[: len(power) // 10].sum() > 0.8 * power.sum()  # of white noise a third


def test_babble_is_of_the_voices_that_are_given():
    tones = [np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE).astype(np.float32) for hertz in range(1000, 3000, 400)]
    hertz, power = power_spectrum(synthetic.make("babble", default_rng(0), FRAMES, tones))
    heard = np.isin(np.round(hertz, 2), np.arange(1000, 3000, 400))
    assert power[heard].sum() > 0.999 * power.sum() and (power[heard] > 0).sum() == 5


@pytest.mark.parametrize("speech", [[], VOICES[:3]])
def test_without_voices_enough_nothing_babbles(speech, monkeypatch):
    monkeypatch.setattr(synthetic, "babble", lambda *_: pytest.fail("babble was drawn"))
    for seed in range(60):
        assert synthetic.draw(default_rng(seed), 1600, speech).any()


def test_all_kinds_are_drawn(monkeypatch):
    seen = set()
    make = synthetic.make
    monkeypatch.setattr(synthetic, "make", lambda name, *rest: seen.add(name) or make(name, *rest))
    rng = default_rng(0)
    for _ in range(200):
        synthetic.draw(rng, 1600, VOICES)
    assert seen == set(synthetic.SHARES)


def test_a_loop_begins_again():
    loop = synthetic.looped(np.arange(5, dtype=np.float32), 12, 3)
    assert loop.tolist() == [3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4]
