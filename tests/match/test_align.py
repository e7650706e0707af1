from __future__ import annotations

import numpy as np
import pytest

from voxrack_match.align import delayed, find_lag


@pytest.mark.parametrize("lag", [0, 1, 137, -42, 3000, -3000])
def test_lag_of_a_shifted_noise(lag):
    noise = np.random.default_rng(1).standard_normal(20_000)
    found = find_lag(noise, delayed(noise, lag), 8000)
    assert found.samples == lag
    assert found.similarity > 0.8


def test_reversed_polarity_is_found_and_said():
    noise = np.random.default_rng(2).standard_normal(8000)
    found = find_lag(noise, -delayed(noise, 55), 8000)
    assert found.samples == 55
    assert found.similarity < -0.9


def test_nothing_wraps_around():
    late = np.zeros(1000)
    late[990] = 1.0
    early = np.zeros(1000)
    early[5] = 1.0
    assert find_lag(late, early, 8000).samples == -985


@pytest.mark.parametrize("by", [0, 3, -3, 10, -10, 99, -99])
def test_delayed_keeps_length_and_fills_with_silence(by):
    x = np.arange(1.0, 11.0)[None]
    y = delayed(x, by)
    assert y.shape == x.shape
    expected = np.zeros(10)
    for n in range(10):
        if 0 <= n - by < 10:
            expected[n] = x[0, n - by]
    np.testing.assert_array_equal(y[0], expected)
