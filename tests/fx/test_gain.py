"""Level."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fx.streams import noise, render

from voxrack_fx.specs_filters import GAIN


@pytest.mark.parametrize(("level", "factor"), [(0.0, 1.0), (20.0, 10.0), (-20.0, 0.1), (-math.inf, 0.0)])
def test_decibels_are_a_factor(level, factor):
    signal = noise()
    np.testing.assert_allclose(render(GAIN, {"level": level}, signal), signal * factor, rtol=1e-6)


def test_a_change_is_a_straight_fade_of_twenty_milliseconds_to_off():
    out = render(GAIN, {}, np.ones((1, 3000), np.float32), changes={1000: {"level": -math.inf}})[0]
    line = np.interp(np.arange(3000), [999, 999 + 882], [1.0, 0.0])
    np.testing.assert_allclose(out, line, atol=1e-6)


@pytest.mark.parametrize("sizes", [[1], [64], [5, 700], [12000]])
def test_a_change_during_a_change_sounds_the_same_in_any_blocks(sizes):
    signal, changes = noise(), {500: {"level": 6.0}, 1000: {"level": -60.0}, 4000: {"level": 1.0}}
    np.testing.assert_array_equal(
        render(GAIN, {}, signal, sizes, changes=changes), render(GAIN, {}, signal, [512], changes=changes)
    )


def test_set_before_the_first_block_applies_at_once():
    signal = noise()
    out = render(GAIN, {}, signal, changes={0: {"level": 12.0}})
    np.testing.assert_array_equal(out, render(GAIN, {"level": 12.0}, signal))
