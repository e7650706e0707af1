"""Breaths that are made up: their length, their shape, and that they are of the speaker's own colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng

from voxrack.testing import voice
from voxrack_enhance.breaths import SECONDS, breath
from voxrack_enhance.mixing import Mixer, MixerSettings

RATE = 16_000
VOICE = voice(2.0, RATE, 0).samples[0]


def breaths(count: int = 30, of: np.ndarray = VOICE) -> list[np.ndarray]:
    rng = default_rng(0)
    return [breath(rng, of) for _ in range(count)]


def test_length_power_and_ends():
    made = breaths()
    lengths = np.array([len(each) / RATE for each in made])
    assert lengths.min() >= SECONDS[0] - 1e-3 and lengths.max() <= SECONDS[1] and np.ptp(lengths) > 0.3
    for each in made:
        assert each.dtype == np.float32 and np.mean(each**2) == pytest.approx(1, abs=1e-3)
        assert max(np.abs(each[:16]).max(), np.abs(each[-16:]).max()) < 0.2 * np.abs(each).max()


def test_low_frequencies_are_missing():
    for each in breaths():
        power = np.abs(np.fft.rfft(each * np.hanning(len(each)))) ** 2
        hertz = np.fft.rfftfreq(len(each), 1 / RATE)
        assert power[hertz < 75].sum() < 0.05 * power.sum()


def test_a_dark_voice_breathes_darker():
    bright = default_rng(1).standard_normal(RATE).astype(np.float32)
    dark = np.cumsum(bright).astype(np.float32)

    def centre(of: np.ndarray) -> float:
        powers = [np.abs(np.fft.rfft(each, 2**14)) ** 2 for each in breaths(of=of)]
        return float(np.mean([np.sum(np.fft.rfftfreq(2**14, 1 / RATE) * each) / each.sum() for each in powers]))

    assert centre(dark) < 0.6 * centre(bright)


@pytest.mark.parametrize("frames", [1, 50, 159])
def test_the_shortest_voices_breathe_too(frames):
    assert np.isfinite(breath(default_rng(0), VOICE[5000 : 5000 + frames] + np.float32(0.01))).all()


def test_a_breath_is_part_of_the_target_and_lies_before_the_utterance():
    bare = MixerSettings(
        clean=1, faint=0, ridden=0, reverberant=0, equalised=0, band_limited=0, respeeded=0, breathing=0
    )
    short = [VOICE[: RATE // 2]]
    rng = [default_rng(seed) for seed in (0, 0)]
    without, _ = Mixer(short, seconds=3, settings=bare).draw(rng[0], 20)
    breathing, target = Mixer(short, seconds=3, settings=replace(bare, breathing=1)).draw(rng[1], 20)
    assert np.array_equal(breathing, target)

    def quiet(samples: np.ndarray) -> float:
        """Share of 20 ms frames that are silent."""
        frames = samples.reshape(len(samples), -1, RATE // 50)
        return float(np.mean(np.abs(frames).max(-1) < 1e-6))

    assert quiet(breathing) < quiet(without) - 0.05
