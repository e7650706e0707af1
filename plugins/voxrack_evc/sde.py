"""The forward process between a voice and the average voice, and what is known of it in closed form.

``dX = 1/2 beta(t) (Xbar - X) dt + sqrt(beta(t)) dW`` (DiffVC, Popov et al. 2022; DiffEVC, section 2.1.2) with
``beta(t) = 0.05 + 19.95 t``: at t = 1 hardly anything but Xbar and noise of deviation 1 is left. Times are numbers or
tensors of shape (B,); spectra are (B, bands, frames).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import overload

import torch
from torch import Tensor


@dataclass(frozen=True)
class Schedule:
    """Linear noise schedule.

    Parameters
    ----------
    first, last : float
        beta at t = 0 and t = 1.
    """

    first: float = 0.05
    last: float = 20.0

    @overload
    def beta(self, t: float) -> float: ...
    @overload
    def beta(self, t: Tensor) -> Tensor: ...
    def beta(self, t: float | Tensor) -> float | Tensor:
        """``beta(t)``."""
        return self.first + (self.last - self.first) * t

    @overload
    def gamma(self, s: float, t: float, power: float = ...) -> float: ...
    @overload
    def gamma(self, s: float, t: Tensor, power: float = ...) -> Tensor: ...
    def gamma(self, s: float, t: float | Tensor, power: float = 1.0) -> float | Tensor:
        """``exp(-power/2 int_s^t beta)``: the share of X_s that is left in X_t."""
        integral = (self.first + 0.5 * (self.last - self.first) * (t + s)) * (t - s)
        exponent = -0.5 * power * integral
        return exponent.exp() if isinstance(exponent, Tensor) else math.exp(exponent)

    def share(self, t: Tensor) -> Tensor:
        """``gamma(0, t)`` to multiply spectra with, (B, 1, 1)."""
        return self.gamma(0.0, t)[:, None, None]

    def deviation(self, t: Tensor) -> Tensor:
        """Standard deviation ``sqrt(1 - gamma(0, t)^2)`` of X_t given X_0, (B, 1, 1)."""
        return (-torch.expm1(2.0 * self.gamma(0.0, t).log()))[:, None, None].sqrt()

    def mean(self, x0: Tensor, average: Tensor, t: Tensor) -> Tensor:
        """Mean ``gamma X_0 + (1 - gamma) Xbar`` of X_t given X_0."""
        share = self.share(t)
        return share * x0 + (1.0 - share) * average

    def diffuse(self, x0: Tensor, average: Tensor, t: Tensor, z: Tensor) -> Tensor:
        """X_t of standard normal noise ``z``."""
        return self.mean(x0, average, t) + self.deviation(t) * z

    def score(self, x: Tensor, x0: Tensor, average: Tensor, t: Tensor) -> Tensor:
        """Gradient of ``log p(X_t | X_0)`` at ``x``: ``-(x - mean) / deviation^2``; of a diffused x, -z / deviation."""
        return -(x - self.mean(x0, average, t)) / self.deviation(t).square()

    # ---- what a network may predict instead --------------------------------------------------------
    def score_of_velocity(self, velocity: Tensor, x: Tensor, average: Tensor, t: Tensor) -> Tensor:
        """The score that a velocity ``v = gamma z - deviation (X_0 - Xbar)`` stands for (Salimans and Ho 2022, app. D).

        As X_t - Xbar = gamma (X_0 - Xbar) + deviation z, the score is ``-(X_t - Xbar) - gamma / deviation v``: at t = 1
        the network has nothing to do, and at t = 0 it predicts the noise.
        """
        return -(x - average) - self.share(t) / self.deviation(t) * velocity

    def tweedie(self, x: Tensor, score: Tensor, average: Tensor, t: Tensor) -> Tensor:
        """Expected X_0 given X_t, in one step (DiffEVC, section 2.1.4; Efron 2011):
        ``(X_t + deviation^2 s - (1 - gamma) Xbar) / gamma``."""
        share = self.share(t)
        return (x + self.deviation(t).square() * score - (1.0 - share) * average) / share
