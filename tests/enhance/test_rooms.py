"""Rooms for training: their decay and their direct sound are what was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.signal import butter, sosfilt

from voxrack_enhance.rooms import LONGEST, SHORTEST, Room

RATE = 16_000


def decay(impulse: np.ndarray) -> float:
    """Seconds for 60 dB, from the fall between -5 and -25 dB of what is yet to come (Schroeder 1965)."""
    left = np.cumsum(impulse[::-1].astype(np.float64) ** 2)[::-1]
    decibels = 10 * np.log10(left / left[0] + 1e-15)
    first, last = np.argmax(decibels < -5), np.argmax(decibels < -25)
    return 3 * (last - first) / RATE


@pytest.mark.parametrize("seconds", [0.2, 0.4, 0.8])
@pytest.mark.parametrize("damping", [0.4, 0.8])
def test_the_tail_dies_away_as_asked_sooner_for_high_frequencies(seconds, damping):
    low, high = butter(4, 500, "lowpass", fs=RATE, output="sos"), butter(4, 4000, "highpass", fs=RATE, output="sos")
    found = []
    for seed in range(12):
        tail = Room(seconds, damping).impulse(default_rng(seed), -20.0)
        tail[: int(0.055 * RATE)] = 0  # direct sound and early reflections
        found.append([decay(np.asarray(sosfilt(each, tail))) for each in (low, high)])
    measured = np.median(found, axis=0)
    assert measured[0] == pytest.approx(seconds, rel=0.2)
    assert measured[1] == pytest.approx(seconds * damping, rel=0.25)


@pytest.mark.parametrize("direct", [-3.0, 0.0, 12.0])
def test_the_direct_sound_comes_first_and_is_as_strong_as_asked(direct):
    impulse = Room(0.5, 0.7).impulse(default_rng(0), direct)
    assert impulse[0] == 1 and not impulse[1:16].any() and impulse.dtype == np.float32
    assert -10 * np.log10(np.sum(impulse[1:].astype(np.float64) ** 2)) == pytest.approx(direct, abs=0.01)


def test_the_response_is_that_of_the_impulse():
    room = Room(0.3, 0.5)
    impulse, response = room.impulse(default_rng(4), 3.0), room.response(default_rng(4), 8000, 3.0)
    assert np.allclose(np.fft.irfft(response, 8000)[: room.frames], impulse, atol=1e-5)


def test_rooms_are_drawn_within_their_range():
    rng = default_rng(0)
    decays = [Room.draw(rng).decay for _ in range(300)]
    assert SHORTEST <= min(decays) < 0.12 and 0.7 < max(decays) <= LONGEST
