"""A Gaussian prior: mean and covariance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrack.errors import InputError

from .prior import Prior

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaussian(Prior):
    """One normal distribution.

    Parameters
    ----------
    mean : ndarray, shape (d,)
    covariance : ndarray, shape (d, d)
        Positive definite.
    """

    kind: ClassVar[str] = "gaussian"
    mean: Array
    covariance: Array

    def sample(self, count: int, rng: np.random.Generator, spread: float = 1.0) -> Array:
        return self.mean + spread * rng.standard_normal((count, self.size)) @ self._root.T

    def log_density(self, points: ArrayLike) -> Array:
        return -0.5 * (self.squared_distance(points) + self._log_volume)

    def squared_distance(self, points: ArrayLike) -> Array:
        """Squared Mahalanobis distance of points (n, d) from the mean, shape (n,)."""
        from scipy.linalg import solve_triangular

        off = self._checked(points) - self.mean
        return (solve_triangular(self._factor, off.T, lower=True) ** 2).sum(axis=0)

    def arrays(self) -> dict[str, Array]:
        return {"mean": self.mean, "covariance": self.covariance}

    @cached_property
    def _factor(self) -> Array:
        """Lower triangular L with L L' the covariance."""
        try:
            return np.asarray(np.linalg.cholesky(self.covariance), dtype=np.float64)
        except np.linalg.LinAlgError:
            raise InputError(
                f"the covariance of prior '{self.name}' is not positive definite: too few presets for "
                f"{self.size} columns, or columns that depend on each other; take the kind 'shrunk'"
            ) from None

    @cached_property
    def _root(self) -> Array:
        """The same for drawing, which a covariance of few presets allows as well."""
        if np.linalg.matrix_rank(self.covariance, hermitian=True) == self.size:
            return self._factor
        least = 1e-9 * np.trace(self.covariance) / self.size
        return np.asarray(np.linalg.cholesky(self.covariance + least * np.eye(self.size)), dtype=np.float64)

    @cached_property
    def _log_volume(self) -> float:
        return self.size * np.log(2.0 * np.pi) + 2.0 * np.log(np.diag(self._factor)).sum()


def moments(points: Array) -> tuple[Array, Array]:
    """Mean (d,) and covariance (d, d), over n - 1."""
    return points.mean(axis=0), np.atleast_2d(np.cov(points, rowvar=False))


def pooled(a: Gaussian, b: Gaussian, name: str) -> Gaussian:
    """Mean and covariance of the presets of both; ``facts["rows"]`` tells how many each has."""
    n, m = int(a.facts["rows"]), int(b.facts["rows"])
    mean = (n * a.mean + m * b.mean) / (n + m)
    apart = np.outer(a.mean - b.mean, a.mean - b.mean) * n * m / (n + m)
    covariance = ((n - 1) * a.covariance + (m - 1) * b.covariance + apart) / (n + m - 1)
    facts = {**a.facts, "name": name, "rows": n + m, "of": [a.name, b.name]}
    return Gaussian(columns=a.columns, space=a.space, template=a.template, facts=facts, mean=mean,
                    covariance=covariance)  # fmt: skip


def shrunk(covariance: Array, share: float) -> Array:
    """The covariance with its correlations made smaller by ``share``, 0 … 1; variances stay."""
    out = covariance * (1.0 - share)
    np.fill_diagonal(out, np.diag(covariance))
    return out
