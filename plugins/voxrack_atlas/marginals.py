"""Each column of a table on its own: a smooth monotone map to a standard normal number, and back.

The distribution of a column is a mixture of normal ones; ``z = Phi^-1(F(x))`` is then standard normal. It is the
first layer of :class:`~voxrack_atlas.flow.Flow` (a Gaussian copula: Liu, Lafferty and Wasserman, 2009).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_MOST_ROWS = 2000  # that a column's distribution is estimated from; more cost time and move nothing
_NARROWEST = 1e-2  # variance added to each part, of a column of variance 1
_FARTHEST = 12.0  # standard deviations: beyond, a normal number is not told from the next one
_HALVINGS = 24  # of the bracket of the inverse: to 1e-6 of a standard deviation
_NEWTON = 3  # steps from there, each of which squares the error


@dataclass(frozen=True, eq=False)
class Marginals:
    """Mixtures of ``parts`` normal distributions, one a column; a part that a column does not use has weight 0.

    Parameters
    ----------
    weights, means, deviations : ndarray, shape (d, parts)
    """

    weights: Array
    means: Array
    deviations: Array

    @classmethod
    def fit(cls, points: Array, most: int = 4, seed: int = 0) -> Marginals:
        """Estimate from points (n, d); each column takes 1 to ``most`` parts, by the Bayesian criterion (BIC)."""
        from sklearn.mixture import GaussianMixture

        n, d = points.shape
        if n > _MOST_ROWS:
            points = points[np.sort(np.random.default_rng(seed).choice(n, _MOST_ROWS, replace=False))]
        weights, means, deviations = np.zeros((d, most)), np.zeros((d, most)), np.ones((d, most))
        for column in range(d):
            x = points[:, [column]]
            scale = float(x.std())
            tried = [
                GaussianMixture(parts, random_state=seed, reg_covar=_NARROWEST * scale**2).fit(x)
                for parts in range(1, 1 + min(most, max(1, n // 10)))
            ]
            best = min(tried, key=lambda model: model.bic(x))
            parts = best.n_components
            weights[column, :parts] = np.asarray(best.weights_)
            means[column, :parts] = np.asarray(best.means_).ravel()
            deviations[column, :parts] = np.sqrt(np.asarray(best.covariances_).ravel())
        return cls(weights, means, deviations)

    def forward(self, points: Array) -> tuple[Array, Array]:
        """Normal scores (n, d) of points (n, d), and the logarithm of the derivative summed over columns (n,)."""
        from scipy.special import ndtri_exp

        below, above, log_density = self._logs(points)
        # ndtri_exp is accurate in both tails where the smaller of the two probabilities is given
        scores = np.where(below < above, ndtri_exp(np.minimum(below, above)), -ndtri_exp(np.minimum(below, above)))
        scores = np.clip(scores, -_FARTHEST, _FARTHEST)
        return scores, (log_density + 0.5 * scores**2 + 0.5 * np.log(2.0 * np.pi)).sum(axis=1)

    def inverse(self, scores: Array) -> Array:
        """Points (n, d) of normal scores (n, d), by bisection and Newton's method: the map has no closed inverse."""
        from scipy.special import log_ndtr

        scores = np.clip(scores, -_FARTHEST, _FARTHEST)
        used = self.weights > 0
        reach = _FARTHEST + 1.0
        low = np.where(used, self.means - reach * self.deviations, np.inf).min(axis=1)
        high = np.where(used, self.means + reach * self.deviations, -np.inf).max(axis=1)
        low, high = np.broadcast_to(low, scores.shape), np.broadcast_to(high, scores.shape)
        side = np.where(scores > 0.0, -1.0, 1.0)  # the nearer tail: below a point, or above it
        wanted = log_ndtr(-np.abs(scores))
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            left = side * (self._tail(middle, side) - wanted) < 0.0  # the middle lies left of the point
            low, high = np.where(left, middle, low), np.where(left, high, middle)
        point = 0.5 * (low + high)
        for _ in range(_NEWTON):
            tail, log_density = self._tail(point, side), self._logs(point)[2]
            point = np.clip(point - side * (tail - wanted) * np.exp(tail - log_density), low, high)
        return point

    def _tail(self, points: Array, side: Array) -> Array:
        """Logarithm (n, d) of the probability below (``side`` 1) or above (-1)."""
        from scipy.special import log_ndtr

        t = (points[:, :, None] - self.means) / self.deviations
        return np.logaddexp.reduce(log_ndtr(side[:, :, None] * t) + self._log_weights, axis=2)

    def _logs(self, points: Array) -> tuple[Array, Array, Array]:
        """Logarithms of the probability below and above, and of the density, each (n, d)."""
        from scipy.special import log_ndtr

        log_weights = self._log_weights
        t = (points[:, :, None] - self.means) / self.deviations
        below = np.logaddexp.reduce(log_ndtr(t) + log_weights, axis=2)
        above = np.logaddexp.reduce(log_ndtr(-t) + log_weights, axis=2)
        parts = -0.5 * t**2 - 0.5 * np.log(2.0 * np.pi) - np.log(self.deviations) + log_weights
        return below, above, np.logaddexp.reduce(parts, axis=2)

    @property
    def _log_weights(self) -> Array:
        with np.errstate(divide="ignore"):  # a part that is not used
            return np.log(self.weights)
