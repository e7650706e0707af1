"""Pan."""

from __future__ import annotations

import numpy as np
import pytest
from fx.streams import noise, render

from voxrack_fx.pan import factors
from voxrack_fx.specs_filters import PAN


@pytest.mark.parametrize("pan", [-100.0, -37.0, 0.0, 12.5, 100.0])
def test_power_is_the_same_everywhere(pan):
    left, right = factors(pan)
    assert left**2 + right**2 == pytest.approx(2.0)


def test_centre_is_unity_and_the_ends_are_one_sided():
    assert factors(0.0) == pytest.approx((1.0, 1.0))
    assert factors(-100.0) == pytest.approx((2**0.5, 0.0), abs=1e-12)
    assert factors(100.0) == pytest.approx((0.0, 2**0.5), abs=1e-12)


def test_one_channel_comes_out_as_two():
    signal = noise(channels=1)
    np.testing.assert_allclose(render(PAN, {"pan": 50.0}, signal), signal * np.array(factors(50.0))[:, None], rtol=1e-6)


def test_of_two_channels_each_is_scaled():
    signal = noise()
    out = render(PAN, {"pan": -50.0}, signal)
    np.testing.assert_allclose(out, signal * np.array(factors(-50.0))[:, None], rtol=1e-6)


def test_moving_it_makes_no_click():
    out = render(PAN, {"pan": -100.0}, np.ones((1, 4000), np.float32), changes={1000: {"pan": 100.0}})
    assert np.abs(np.diff(out)).max() < 2e-3  # sqrt(2) over 882 samples
    np.testing.assert_allclose(out[:, -1], [0.0, 2**0.5], atol=1e-6)


@pytest.mark.parametrize("sizes", [[1], [33, 600], [12000]])
def test_any_blocks_give_the_same(sizes):
    signal, changes = noise(channels=1), {100: {"pan": 80.0}, 700: {"pan": -80.0}}
    np.testing.assert_array_equal(
        render(PAN, {}, signal, sizes, changes=changes), render(PAN, {}, signal, [512], changes=changes)
    )
