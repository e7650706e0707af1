"""Ramps: straight, 20 ms long, counted in samples."""

from __future__ import annotations

import numpy as np
import pytest

from voxrack_fx.smoothing import Ramp


def _walk(ramp: Ramp, sizes: list[int]) -> list[float]:
    """Where the ramp stands after each block."""
    seen = []
    for size in sizes:
        ramp.advance(ramp.moving(size))
        seen.append(float(ramp.current()[0]))
    return seen


def test_a_move_is_a_line_of_twenty_milliseconds():
    ramp = Ramp([1.0], 1000)
    ramp.move([3.0])
    assert _walk(ramp, [1] * 22) == pytest.approx([*(1.0 + 0.1 * n for n in range(1, 21)), 3.0, 3.0])


@pytest.mark.parametrize("sizes", [[20], [7, 7, 6], [1] * 20, [100]])
def test_however_cut_it_ends_exactly_on_the_target(sizes):
    ramp = Ramp([0.1, 5.0], 1000)
    ramp.move([0.7, -5.0])
    _walk(ramp, sizes)
    assert ramp.current().tolist() == [0.7, -5.0]
    assert ramp.moving(50) == 0


def test_a_new_target_starts_from_where_it_stands():
    ramp = Ramp([0.0], 1000)
    ramp.move([1.0])
    ramp.advance(10)
    ramp.move([0.0])
    assert ramp.current()[0] == pytest.approx(0.5)
    assert _walk(ramp, [10, 10]) == pytest.approx([0.25, 0.0])


def test_the_target_it_is_heading_for_already_changes_nothing():
    ramp = Ramp([0.0], 1000)
    ramp.move([1.0])
    ramp.advance(10)
    ramp.move([1.0])
    assert ramp.position == 10
    ramp.advance(10)
    ramp.move([1.0])
    assert ramp.moving(1) == 0


def test_a_jump_does_not_move():
    ramp = Ramp([0.0], 48000)
    ramp.jump([np.pi])
    assert ramp.moving(1) == 0
    assert ramp.current()[0] == np.pi
