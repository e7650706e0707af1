"""A small flow: each column to a normal number through a monotone map, then a Gaussian of few factors.

Two layers with a closed inverse and density: the first makes each column normal on its own (bounds, two humps,
heavy tails), the second tells how columns move together. Both are estimated in seconds without gradients, which
is what some hundred presets of a hundred numbers allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .marginals import Marginals
from .prior import Prior

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Flow(Prior):
    """``z = map(x)`` by column, and z normal with covariance ``loadings' loadings + diag(noise)``.

    Parameters
    ----------
    weights, means, deviations : ndarray, shape (d, parts)
        Of the columns' mixtures; see :class:`~voxrack_atlas.marginals.Marginals`.
    centre : ndarray, shape (d,)
        Mean of z.
    loadings : ndarray, shape (factors, d)
    noise : ndarray, shape (d,)
        Variance of each column that is its own.
    """

    kind: ClassVar[str] = "flow"
    weights: Array
    means: Array
    deviations: Array
    centre: Array
    loadings: Array
    noise: Array

    @staticmethod
    def estimate(points: Array, *, factors: int, parts: int, seed: int) -> dict[str, Array]:
        """The arrays, from points (n, d)."""
        from sklearn.decomposition import FactorAnalysis

        marginals = Marginals.fit(points, parts, seed)
        scores, _ = marginals.forward(points)
        model = FactorAnalysis(factors, svd_method="lapack", random_state=seed).fit(scores)
        return {
            "weights": marginals.weights, "means": marginals.means, "deviations": marginals.deviations,
            "centre": model.mean_, "loadings": model.components_, "noise": model.noise_variance_,
        }  # fmt: skip

    def sample(self, count: int, rng: np.random.Generator, spread: float = 1.0) -> Array:
        numbers = spread * rng.standard_normal((count, len(self.loadings) + self.size))
        common, own = numbers[:, : len(self.loadings)], numbers[:, len(self.loadings) :]
        return self._marginals.inverse(self.centre + common @ self.loadings + own * np.sqrt(self.noise))

    def log_density(self, points: ArrayLike) -> Array:
        from scipy.linalg import solve_triangular

        scores, log_derivative = self._marginals.forward(self._checked(points))
        off = solve_triangular(self._factor, (scores - self.centre).T, lower=True)
        volume = self.size * np.log(2.0 * np.pi) + 2.0 * np.log(np.diag(self._factor)).sum()
        return log_derivative - 0.5 * ((off**2).sum(axis=0) + volume)

    def arrays(self) -> dict[str, Array]:
        names = ("weights", "means", "deviations", "centre", "loadings", "noise")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def _marginals(self) -> Marginals:
        return Marginals(self.weights, self.means, self.deviations)

    @cached_property
    def _factor(self) -> Array:
        return np.asarray(np.linalg.cholesky(self.loadings.T @ self.loadings + np.diag(self.noise)), dtype=np.float64)
