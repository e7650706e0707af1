"""From noise around the average voice back to a voice: the reverse process, solved in a few steps.

DiffVC (Popov et al. 2022), section 3: the maximum-likelihood solver has the coefficients for which each step's
distribution is the best there is, however long the step; with them set to zero it is Euler and Maruyama's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from voxrack.errors import UsageError

from .sde import Schedule

Method = Literal["maximum_likelihood", "euler_maruyama"]
Score = Callable[[Tensor, float], Tensor]  # spectra (B, bands, frames) at a time to the score of each


@dataclass(frozen=True)
class Coefficients:
    """Of a step from t to t - h."""

    kappa: float
    omega: float
    sigma: float


def maximum_likelihood(schedule: Schedule, t: float, h: float, spread: float = 0.0) -> Coefficients:
    """The coefficients that make a step most likely (DiffVC, section 3), from

    ``mu = g(s,t) (1-g(0,s)^2) / (1-g(0,t)^2)``, ``nu = g(0,s) (1-g(s,t)^2) / (1-g(0,t)^2)``,
    ``sigma^2 = (1-g(0,s)^2) (1-g(s,t)^2) / (1-g(0,t)^2) + nu^2 Var(X_0 | X_t)``, s = t - h.

    Parameters
    ----------
    spread : float
        Standard deviation of X_0 where it is Gaussian: then, and where X_0 is constant (0, which the published code
        assumes), the marginals are exact for any h.
    """
    s = max(t - h, 0.0)
    beta = schedule.beta(t)
    whole, part, left = (1.0 - schedule.gamma(a, b, 2.0) for a, b in ((0.0, t), (s, t), (0.0, s)))
    mu = schedule.gamma(s, t) * left / whole
    nu = schedule.gamma(0.0, s) * part / whole
    kappa = nu * whole / (schedule.gamma(0.0, t) * beta * h) - 1.0
    omega = nu / schedule.gamma(0.0, t) + mu - 0.5 * beta * h - 1.0
    variance = left * part / whole
    if spread > 0:
        variance += nu**2 / (1.0 / spread**2 + schedule.gamma(0.0, t, 2.0) / whole)
    return Coefficients(kappa, omega, math.sqrt(variance))


def euler_maruyama(schedule: Schedule, t: float, h: float, spread: float = 0.0) -> Coefficients:
    """kappa = omega = 0, sigma^2 = beta h."""
    return Coefficients(0.0, 0.0, math.sqrt(schedule.beta(t) * h))


METHODS: dict[str, Callable[..., Coefficients]] = {
    "maximum_likelihood": maximum_likelihood, "euler_maruyama": euler_maruyama
}  # fmt: skip


def sample(
    score: Score,
    start: Tensor,
    average: Tensor,
    steps: int,
    generator: torch.Generator,
    *,
    schedule: Schedule | None = None,
    method: Method = "maximum_likelihood",
    spread: float = 0.0,
    time: float = 1.0,
    progress: Callable[[float], object] = lambda share: None,
) -> Tensor:
    """X_0 from X_1 in equal steps (DiffVC, section 3):
    ``X_s = X_t - [(Xbar - X_t) (beta h/2 + omega) - score (1 + kappa) beta h + sigma xi]``.

    Parameters
    ----------
    score : callable
    start : Tensor (B, bands, frames)
        X at ``time``; :func:`begin` makes it.
    average : Tensor (B, bands, frames)
        Xbar.
    steps : int
        Of equal length; the published code takes 30, its fast setting 6.
    generator : torch.Generator
    method : {"maximum_likelihood", "euler_maruyama"}
    spread : float
        See :func:`maximum_likelihood`.
    time : float
        Where it begins, above 0 and at most 1.
    progress : callable
        Told the finished share after each step.
    """
    if not 0.0 < time <= 1.0:
        raise UsageError(f"the sampler begins at time {time:g}; it takes more than 0, and 1 at most")
    if steps < 1:
        raise UsageError(f"steps is {steps}; it takes 1 or more")
    if method not in METHODS:
        raise UsageError(f"there is no sampler '{method}'; there are {', '.join(METHODS)}")
    schedule, h = schedule or Schedule(), time / steps
    x = start
    for step in range(steps):
        t = time - step * h
        c = METHODS[method](schedule, t, h, spread)
        drift = schedule.beta(t) * h
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = x - ((average - x) * (0.5 * drift + c.omega) - score(x, t) * (1.0 + c.kappa) * drift + c.sigma * noise)
        progress((step + 1) / steps)
    return x


def begin(
    source: Tensor, average: Tensor, generator: torch.Generator, *, schedule: Schedule | None = None,
    temperature: float = 1.0, time: float = 1.0,
) -> Tensor:  # fmt: skip
    """X_1 = gamma(0,1) X_source + (1 - gamma(0,1)) Xbar + temperature xi, as DiffVC begins.

    At an earlier ``time`` there is more of the source in it, and less noise (sqrt(1 - gamma^2)): what is made of it
    stays nearer to the source (SDEdit, Meng et al. 2022).
    """
    share = (schedule or Schedule()).gamma(0.0, time)
    deviation = temperature * (1.0 if time == 1.0 else math.sqrt(1.0 - share**2))
    noise = torch.randn(source.shape, generator=generator, dtype=source.dtype, device=source.device)
    return share * source + (1.0 - share) * average + deviation * noise
