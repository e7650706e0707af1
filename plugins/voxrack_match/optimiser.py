"""Adam with a step size for every number, a schedule, and the way back when it goes wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class Evaluation(NamedTuple):
    """The loss at a point: ``total``, its ``terms`` by name, its ``gradient`` (size,)."""

    total: float
    terms: dict[str, float]
    gradient: Vector


@dataclass(frozen=True)
class Plan:
    """How long and how fast.

    Parameters
    ----------
    steps : int
        At most.
    time_budget : float
        Seconds, at most (inf: no limit).
    rate : float
        Learning rate at the beginning, times each number's own step size.
    final : float
        Share of the rate that is left at the end; in between a cosine.
    warm : int
        Steps over which the rate rises at first.
    betas : (float, float)
    """

    steps: int
    time_budget: float = math.inf
    rate: float = 0.05
    final: float = 0.02
    warm: int = 10
    betas: tuple[float, float] = (0.8, 0.95)

    def rate_at(self, step: int, seconds: float, since: int | None = None) -> float:
        """The learning rate; a time budget stretches or shortens the schedule.

        ``since`` counts steps since the moments were last empty (by default all): the rate rises over the first.
        """
        done = min(1.0, max(step / self.steps, seconds / self.time_budget))
        cosine = self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * done))
        return self.rate * cosine * min(1.0, ((step if since is None else since) + 1) / self.warm)


@dataclass
class State:
    """Everything that a checkpoint holds.

    Attributes
    ----------
    point, best : ndarray (size,)
        Where the next step starts; the point of the lowest total so far.
    first, second : ndarray (size,)
        Adam's moments; ``count`` is how many gradients they hold.
    shrink : float
        Factor on the learning rate, halved by each restart.
    shift : int
        Samples by which the dry is moved beyond the first alignment.
    """

    point: Vector
    best: Vector
    first: Vector
    second: Vector
    count: int = 0
    step: int = 0
    seconds: float = 0.0
    best_total: float = math.inf
    best_step: int = -1
    shrink: float = 1.0
    restarts: int = 0
    high: int = 0
    shift: int = 0
    notes: list[str] = field(default_factory=list)

    ARRAYS = ("point", "best", "first", "second")

    @classmethod
    def at(cls, point: Vector) -> State:
        zero = np.zeros_like(point)
        return cls(point.copy(), point.copy(), zero, zero.copy())

    def split(self) -> tuple[dict[str, Vector], dict[str, Any]]:
        """Vectors, and what JSON holds."""
        rest = {key: value for key, value in vars(self).items() if key not in self.ARRAYS}
        rest["best_total"] = None if math.isinf(self.best_total) else self.best_total
        return {key: getattr(self, key) for key in self.ARRAYS}, rest

    @classmethod
    def join(cls, stored: Mapping[str, Any]) -> State:
        """Inverse of :meth:`split`, from what a run folder gives back."""
        arrays = {key: np.array(stored["arrays"][key], dtype=np.float64) for key in cls.ARRAYS}
        names = ("count", "step", "seconds", "best_step", "shrink", "restarts", "high", "shift", "notes")
        total = math.inf if stored["best_total"] is None else stored["best_total"]
        return cls(**arrays, best_total=total, **{key: stored[key] for key in names})


class Descent:
    """Walks down ``objective`` within bounds.

    Parameters
    ----------
    objective : callable
        ``objective(point, step)`` returns an :class:`Evaluation`.
    steps : ndarray (size,)
        Step size of each number at a learning rate of 1.
    low, high : ndarray (size,)
    plan : Plan
    state : State
    judge : callable, optional
        ``judge(point)`` returns the total over everything, where ``objective`` sees only a part of it at each step;
        asked every ``every`` steps. Without it each step's own total decides what is best.
    """

    PATIENCE = 25  # steps far above the best before it counts as divergence
    FAR, MARGIN = 1.5, 0.1  # times the best total, and a little, where that is near nothing
    MOST_RESTARTS = 8

    def __init__(
        self,
        objective: Callable[[Vector, int], Evaluation],
        steps: Vector,
        low: Vector,
        high: Vector,
        plan: Plan,
        state: State,
        judge: Callable[[Vector], float] | None = None,
        every: int = 25,
    ) -> None:
        self.objective, self.steps, self.low, self.high = objective, steps, low, high
        self.plan, self.state, self.judge, self.every = plan, state, judge, every
        self._began = time.perf_counter() - state.seconds

    @property
    def finished(self) -> bool:
        """Out of steps, out of time, or too often off the road."""
        s = self.state
        return s.step >= self.plan.steps or s.seconds >= self.plan.time_budget or s.restarts > self.MOST_RESTARTS

    def go_on_from(self, other: Descent) -> None:
        """Count steps and seconds on from where another descent is."""
        self.state.step, self.state.seconds = other.state.step, other.state.seconds
        self._began = time.perf_counter() - self.state.seconds

    def advance(self) -> dict[str, Any]:
        """One step; returns its line of metrics."""
        s = self.state
        found = self.objective(s.point, s.step)
        sound = math.isfinite(found.total) and bool(np.all(np.isfinite(found.gradient)))
        if sound:
            self._remember(found.total)
        rate = self.plan.rate_at(s.step, s.seconds, s.count) * s.shrink
        if not sound:
            self._restart("the loss or its gradient was not finite")
        elif s.high >= self.PATIENCE:
            self._restart(f"the loss stayed above {self.FAR:g} times the best")
        else:
            self._move(found.gradient, rate)
        s.step += 1
        s.seconds = time.perf_counter() - self._began
        total = found.total if math.isfinite(found.total) else None
        return {
            "step": s.step - 1, "seconds": round(s.seconds, 3), "total": total, **found.terms, "rate": rate,
            "best": s.best_total,
        }  # fmt: skip

    def _remember(self, total: float) -> None:
        s = self.state
        if self.judge is None:
            if total < s.best_total:
                s.best, s.best_total, s.best_step = s.point.copy(), total, s.step
            s.high = s.high + 1 if total > self.FAR * s.best_total + self.MARGIN else 0
        elif s.step % self.every == 0:
            self.weigh()

    def weigh(self) -> None:
        """Judge the present point over everything."""
        s = self.state
        if self.judge is None:
            return
        total = self.judge(s.point)
        if total < s.best_total:
            s.best, s.best_total, s.best_step = s.point.copy(), total, s.step
        s.high = self.PATIENCE if not total <= self.FAR * s.best_total + self.MARGIN else 0

    def _move(self, gradient: Vector, rate: float) -> None:
        s = self.state
        a, b = self.plan.betas
        s.count += 1
        s.first = a * s.first + (1 - a) * gradient
        s.second = b * s.second + (1 - b) * gradient**2
        mean, power = s.first / (1 - a**s.count), s.second / (1 - b**s.count)
        direction = mean / (np.sqrt(power) + 1e-8)
        s.point = np.clip(s.point - rate * self.steps * direction, self.low, self.high)

    def _restart(self, why: str) -> None:
        s = self.state
        s.shrink, s.restarts, s.high, s.count = s.shrink / 2, s.restarts + 1, 0, 0
        s.point = s.best.copy()
        s.first, s.second = np.zeros_like(s.first), np.zeros_like(s.second)
        s.notes.append(f"step {s.step}: {why}; restarted from the best point with {s.shrink:g} times the step size")
