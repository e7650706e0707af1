"""The figures of a signal against what they are defined as."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voxrack import Audio
from voxrack.report import decibel, figures, loudness, loudness_text, signed


@pytest.mark.parametrize(("rate", "frequency"), [(48_000, 997.0), (44_100, 997.0)])
def test_a_sine_at_0_dBFS_has_minus_3_LUFS(rate: int, frequency: float) -> None:
    time = np.arange(5 * rate) / rate
    # ITU-R BS.1770-4: a 997 Hz sine at 0 dBFS in one front channel reads -3.01 LKFS
    assert loudness(Audio(np.sin(2 * np.pi * frequency * time), rate)) == pytest.approx(-3.01, abs=0.05)


def test_silence_short_and_wide_signals() -> None:
    assert loudness(Audio(np.zeros(48_000), 48_000)) == -math.inf
    assert math.isnan(loudness(Audio(np.ones(100), 48_000)))
    assert math.isnan(loudness(Audio(np.ones((6, 48_000)), 48_000)))


def test_line() -> None:
    told = figures(Audio(np.full((2, 48_000), 0.5), 48_000)).line()
    assert told.startswith("1.0 s · stereo · ") and told.endswith("peak −6.0 dBFS")
    assert figures(Audio(np.zeros(10), 8000)).line() == "0.0 s · mono · loudness not defined · peak −∞ dBFS"


def test_numbers_as_print_sets_them() -> None:
    texts = [signed(number) for number in (-23.04, 0.0, -0.01, -math.inf, math.nan)]
    assert texts == ["−23.0", "0.0", "0.0", "−∞", "?"]
    assert loudness_text(-math.inf) == "−∞ LUFS" and decibel(0.0) == -math.inf and decibel(1.0) == 0.0
