"""Several starts, alignment by the loss, the damping of an echo's gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from voxrack_match.damping import damping_term
from voxrack_match.optimiser import Descent, Evaluation, Plan, State, Vector
from voxrack_match.racing import Race
from voxrack_match.realign import best_shift


def two_valleys(point: Vector, step: int) -> Evaluation:
    """A shallow valley at -2 and a deep one at 2."""
    x = float(point[0])
    at, floor = (-2.0, 1.0) if x < 0 else (2.0, 0.0)
    total = floor + (x - at) ** 2 / 4
    return Evaluation(total, {"mss_lr": total}, np.array([(x - at) / 2]))


def race(*starts: float) -> Race:
    plan = Plan(200, rate=0.1)

    def make(state: State) -> Descent:
        return Descent(two_valleys, np.ones(1), np.full(1, -9.0), np.full(1, 9.0), plan, state)

    return Race([State.at(np.array([start])) for start in starts], make)


def test_the_start_that_came_furthest_down_goes_on_and_steps_count_on():
    lines: list[dict[str, Any]] = []

    def take(lane: Descent) -> bool:
        lines.append(lane.advance())
        return True

    runners = race(-1.9, 4.0)
    assert runners.run(30, take)
    while not runners.leader.finished:
        take(runners.leader)
    assert [line["step"] for line in lines] == list(range(200))
    assert runners.leader.state.best[0] == pytest.approx(2.0, abs=1e-2)
    assert runners.leader.state.notes == ["start 2 of 2 came furthest down"]


def test_a_race_that_is_stopped_keeps_the_best_so_far():
    runners = race(0.5, -1.5)
    steps = iter(range(5))
    assert not runners.run(30, lambda lane: lane.advance() is not None and next(steps) < 4)
    assert runners.leader is runners.lanes[0]
    assert math.isfinite(runners.leader.state.best_total)


def test_one_start_is_no_race():
    runners = race(1.0)
    assert runners.run(30, lambda lane: pytest.fail("a step was taken"))
    assert runners.leader.state.step == 0


@pytest.mark.parametrize("place", [0, 1, -7, 37, -100])
def test_alignment_finds_the_lowest_loss_of_a_valley(place: int):
    shift, loss = best_shift(lambda k: abs(k - place) + 0.5)
    assert (shift, loss) == (place, 0.5)


def test_alignment_stays_where_nothing_is_better():
    assert best_shift(lambda k: 1.0, start=5) == (5, 1.0)


def test_the_damping_term_is_that_of_the_reference():
    raw = torch.linspace(-6.0, 2.0, 9, dtype=torch.float64)
    log_damp = -torch.nn.functional.softplus(raw)
    eta = 1 / (1 + torch.exp(raw))  # exp(-softplus)
    assert torch.allclose(damping_term(log_damp), (1 - eta) ** 2, atol=1e-15)
