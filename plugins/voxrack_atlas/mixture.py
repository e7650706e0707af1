"""A mixture of Gaussians over the principal components, and one Gaussian over what they leave."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .gaussian import moments, shrunk
from .prior import Prior

Array = NDArray[np.float64]
_WIDEN = 0.05  # added to the variances of each part, of scores of variance 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture(Prior):
    """Whitened scores ``y = A (x - mean)``: the first r are a mixture of k Gaussians, the rest standard normal.

    Parameters
    ----------
    mean : ndarray, shape (d,)
    whitening : ndarray, shape (d, d)
        A; its rows are principal directions, the strongest first, each divided by its standard deviation.
    weights : ndarray, shape (k,)
    means : ndarray, shape (k, r)
    covariances : ndarray, shape (k, r, r)
    """

    kind: ClassVar[str] = "mixture"
    mean: Array
    whitening: Array
    weights: Array
    means: Array
    covariances: Array

    @staticmethod
    def estimate(points: Array, *, parts: int, components: int, shrink: float, seed: int) -> dict[str, Array]:
        """The arrays, from points (n, d)."""
        from sklearn.mixture import GaussianMixture

        mean, covariance = moments(points)
        scale = np.sqrt(np.diag(covariance))
        variances, directions = np.linalg.eigh(shrunk(covariance / np.outer(scale, scale), shrink))
        whitening = (directions / np.sqrt(variances)).T[::-1] / scale
        scores = (points - mean) @ whitening[:components].T
        model = GaussianMixture(parts, random_state=seed, reg_covar=_WIDEN, n_init=3).fit(scores)
        weights, means, covariances = map(np.asarray, (model.weights_, model.means_, model.covariances_))
        return {
            "mean": mean, "whitening": whitening, "weights": weights, "means": means, "covariances": covariances
        }  # fmt: skip

    def sample(self, count: int, rng: np.random.Generator, spread: float = 1.0) -> Array:
        scores = spread * rng.standard_normal((count, self.size))
        part = rng.choice(len(self.weights), count, p=self.weights / self.weights.sum())
        first = self.means.shape[1]
        scores[:, :first] = self.means[part] + np.einsum("nij,nj->ni", self._factors[part], scores[:, :first])
        return self.mean + np.linalg.solve(self.whitening, scores.T).T

    def log_density(self, points: ArrayLike) -> Array:
        from scipy.linalg import solve_triangular

        scores = (self._checked(points) - self.mean) @ self.whitening.T
        first = self.means.shape[1]
        each = []
        for weight, mean, factor in zip(self.weights, self.means, self._factors):
            off = solve_triangular(factor, (scores[:, :first] - mean).T, lower=True)
            each.append(np.log(weight) - 0.5 * (off**2).sum(axis=0) - np.log(np.diag(factor)).sum())
        rest = 0.5 * (scores[:, first:] ** 2).sum(axis=1) + 0.5 * self.size * np.log(2.0 * np.pi)
        return np.logaddexp.reduce(each, axis=0) - rest + np.linalg.slogdet(self.whitening)[1]

    def arrays(self) -> dict[str, Array]:
        names = ("mean", "whitening", "weights", "means", "covariances")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def _factors(self) -> Array:
        return np.asarray(np.linalg.cholesky(self.covariances), dtype=np.float64)
