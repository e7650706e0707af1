"""Moving a preset towards a reference under a Gaussian prior: with gradients, or without (CMA-ES)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Audio

from .playing import Desk
from .projection import Projection
from .spaces import Space
from .style_target import Target, checked

Array = NDArray[np.float64]
_DIFFERENCE = 1e-4  # step of the derivative of a space's maps


@dataclass(frozen=True)
class Problem:
    """What is minimised: the negative logarithm of the posterior, but for a constant.

    Half the squared difference from the reference, in deviations between songs, plus ``weight`` times half the squared
    scores; a weight of 1 is Bayes' rule.

    Attributes
    ----------
    desk : Desk
    dry : Audio
        At the level at which it enters the rack.
    projection : Projection
        Principal components of the prior; scores are in standard deviations, so that the prior is a standard normal
        distribution of them.
    space : Space
    target : Target
    whitener : ndarray, shape (d, d)
        See :func:`voxrack_atlas.style_noise.whitener`.
    weight : float
    """

    desk: Desk
    dry: Audio
    projection: Projection
    space: Space
    target: Target
    whitener: Array
    weight: float

    def values(self, scores: Array) -> Array:
        """Plain values (k,) of scores (r,); inside the ranges."""
        return self.space.inverse(self.projection.points(scores[None], whiten=True))[0]

    def penalty(self, scores: Array) -> float:
        """The prior's part of the cost."""
        return 0.5 * self.weight * float(np.sum(scores**2))

    def cost(self, scores: Array) -> float:
        """Of one rendering."""
        audio = self.desk.play(self.values(scores), self.dry)
        off = checked(self.target.embedding, self.target.embedding(audio)) - self.target.vector
        return 0.5 * float(np.sum((off @ self.whitener) ** 2)) + self.penalty(scores)


@dataclass(frozen=True)
class Found:
    """``scores`` (r,), their ``cost``, and the cost after each step."""

    scores: Array
    cost: float
    history: tuple[float, ...]


def descend(
    problem: Problem, start: Array, module: Any, *, steps: int, rate: float = 0.05,
    progress: Callable[[float], None] | None = None,
) -> Found:  # fmt: skip
    """Adam on the scores, with gradients through the rack's modules and a differentiable embedding.

    Parameters
    ----------
    problem : Problem
    start : ndarray, shape (r,)
    module : callable
        ``module(signal, params)``: the rack of ``problem.desk`` as a torch module, taking (1, 1, frames) and plain
        values by address.
    steps : int
    rate : float
        Step size at the beginning, in standard deviations; falls to a tenth along half a cosine.

    Returns
    -------
    Found
        The best of all steps.
    """
    import torch

    signal = torch.from_numpy(problem.dry.samples)[None]
    layout, target = problem.desk.layout, problem.target
    wanted, whitener = (torch.from_numpy(x).to(signal) for x in (target.vector, problem.whitener))
    scores, mean, square = start.astype(np.float64).copy(), np.zeros(len(start)), np.zeros(len(start))
    best, history = Found(scores.copy(), np.inf, ()), []
    for step in range(steps):
        plain, slope = _plain(problem, scores)
        vector = torch.tensor(plain, dtype=torch.float64, requires_grad=True)
        tensors = {}
        at = 0
        for address, param in layout.entries:
            piece = vector[at : at + param.size]
            at += param.size
            if np.all(np.isfinite(piece.detach().numpy())):  # a level that is off stays off
                tensors[address] = piece.reshape(param.shape)
        output = module(signal, tensors)
        found = target.embedding.tensor(output, problem.dry.sample_rate)[0]  # pyright: ignore[reportAttributeAccessIssue]
        distance = 0.5 * (((found - wanted) @ whitener) ** 2).sum()
        cost = float(distance.detach()) + problem.penalty(scores)
        history.append(cost)
        if cost < best.cost:
            best = Found(scores.copy(), cost, ())
        distance.backward()
        through = np.nan_to_num(vector.grad.numpy()[problem.space.index]) * slope * problem.projection.scale  # pyright: ignore[reportOptionalMemberAccess]
        gradient = (problem.projection.components @ through) * np.sqrt(problem.projection.variances)
        gradient += problem.weight * scores
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        size = rate * (0.55 + 0.45 * np.cos(np.pi * step / steps))
        moved = mean / (1 - 0.9 ** (step + 1))
        scores = scores - size * moved / (np.sqrt(square / (1 - 0.99 ** (step + 1))) + 1e-9)
        if progress is not None:
            progress((step + 1) / steps)
    return Found(best.scores, best.cost, tuple(history))


def _plain(problem: Problem, scores: Array) -> tuple[Array, Array]:
    """Plain values (k,), and the derivative (d,) of those that are coordinates: the maps are column by column."""
    point = problem.projection.points(scores[None], whiten=True)
    both = problem.space.inverse(np.concatenate([point, point - _DIFFERENCE, point + _DIFFERENCE]))
    chosen = both[:, problem.space.index]
    with np.errstate(invalid="ignore"):
        return both[0], np.nan_to_num((chosen[2] - chosen[1]) / (2 * _DIFFERENCE))


def evolve(
    problem: Problem, start: Array, rng: np.random.Generator, *, evaluations: int, dimensions: int = 24,
    spread: float = 0.5, progress: Callable[[float], None] | None = None,
) -> Found:  # fmt: skip
    """CMA-ES (Hansen 2016, default constants) over the first ``dimensions`` scores; the rest stay where they start.

    Needs no gradient: any rack and any embedding will do.
    """
    n = min(dimensions, len(start))
    count = 4 + int(3 * np.log(n))
    parents = count // 2
    weights = np.log(parents + 0.5) - np.log(np.arange(1, parents + 1))
    weights /= weights.sum()
    mass = 1 / np.sum(weights**2)
    c_path, c_sigma = (4 + mass / n) / (n + 4 + 2 * mass / n), (mass + 2) / (n + mass + 5)
    c_one = 2 / ((n + 1.3) ** 2 + mass)
    c_mu = min(1 - c_one, 2 * (mass - 2 + 1 / mass) / ((n + 2) ** 2 + mass))
    damping = 1 + 2 * max(0.0, np.sqrt((mass - 1) / (n + 1)) - 1) + c_sigma
    normal = np.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))  # expected length of a normal vector
    centre, sigma = start[:n].copy(), spread
    path, path_sigma, covariance = np.zeros(n), np.zeros(n), np.eye(n)
    best, history, used = Found(start.copy(), problem.cost(start), ()), [], 1
    while used + count <= evaluations:
        values, vectors = np.linalg.eigh(covariance)
        deviations = np.sqrt(np.maximum(values, 1e-12))
        steps = (rng.standard_normal((count, n)) * deviations) @ vectors.T
        tried = np.tile(start, (count, 1))
        tried[:, :n] = centre + sigma * steps
        costs = np.array([problem.cost(row) for row in tried])
        used += count
        order = np.argsort(costs)[:parents]
        if costs[order[0]] < best.cost:
            best = Found(tried[order[0]].copy(), float(costs[order[0]]), ())
        history.append(best.cost)
        move = weights @ steps[order]
        centre = centre + sigma * move
        whitened = vectors @ ((vectors.T @ move) / deviations)
        path_sigma = (1 - c_sigma) * path_sigma + np.sqrt(c_sigma * (2 - c_sigma) * mass) * whitened
        length = np.linalg.norm(path_sigma)
        straight = length / np.sqrt(1 - (1 - c_sigma) ** (2 * used / count)) < (1.4 + 2 / (n + 1)) * normal
        path = (1 - c_path) * path + straight * np.sqrt(c_path * (2 - c_path) * mass) * move
        old = 1 - c_one - c_mu + (1 - straight) * c_one * c_path * (2 - c_path)
        covariance = old * covariance + c_one * np.outer(path, path)
        covariance += c_mu * (steps[order].T * weights) @ steps[order]
        sigma *= float(np.exp((c_sigma / damping) * (length / normal - 1)))
        if progress is not None:
            progress(min(1.0, used / evaluations))
    return Found(best.scores, best.cost, tuple(history))
