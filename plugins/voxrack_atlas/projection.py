"""Principal components of a collection: plain, weighted, standardised; and other presets seen through them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrack.errors import InputError, UsageError

from .collection import Collection
from .spaces import SpaceName

Array = NDArray[np.float64]
_NOTHING = 1e-12  # share of the largest variance under which a direction is rounding


@dataclass(frozen=True, eq=False)
class Projection:
    """Principal components of points.

    Parameters
    ----------
    space : str
        Where the points lie; empty for points given as an array.
    columns : tuple of str
        d coordinates.
    mean : ndarray, shape (d,)
    components : ndarray, shape (r, d)
        Orthonormal rows, the one of greatest variance first; the largest entry of each is positive.
    variances : ndarray, shape (r,)
        Along each, divided by n - 1.
    scale : ndarray, shape (d,)
        What coordinates were divided by: their standard deviations where they were standardised, else 1.
    count : int
        n, the presets behind it.
    constant : tuple of str
        Coordinates that are the same in every preset: no component moves them.
    """

    space: str
    columns: tuple[str, ...]
    mean: Array
    components: Array
    variances: Array
    scale: Array
    count: int = 0
    constant: tuple[str, ...] = ()

    def scores(self, points: ArrayLike, *, whiten: bool = False) -> Array:
        """Coordinates (n, r) along the components of points (n, d); ``whiten`` divides them by their deviations."""
        table = np.asarray(points, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != len(self.mean):
            raise UsageError(f"the projection takes points of shape (n, {len(self.mean)}); got {table.shape}")
        found = ((table - self.mean) / self.scale) @ self.components.T
        return found / np.sqrt(self.variances) if whiten else found

    def points(self, scores: ArrayLike, *, whiten: bool = False) -> Array:
        """Points (n, d) of scores (n, m), m up to r: components that are left out stay at their mean."""
        table = np.asarray(scores, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] > len(self.variances):
            raise UsageError(f"scores have the shape (n, m), m up to {len(self.variances)}; got {table.shape}")
        used = table.shape[1]
        moved = table * np.sqrt(self.variances[:used]) if whiten else table
        return self.mean + self.scale * (moved @ self.components[:used])

    @cached_property
    def ratios(self) -> Array:
        """Share (r,) of the variance that each component explains."""
        return self.variances / self.variances.sum()

    @cached_property
    def cumulative(self) -> Array:
        """Share (r,) that each and those before it explain."""
        return np.cumsum(self.ratios)

    def needed(self, share: float) -> int:
        """How many components explain more than ``share`` (0 … 1) of the variance."""
        return components_for(self.cumulative, share)

    def spectrum(self, points: ArrayLike) -> Array:
        """Share (r,) of the mean square of other points, taken from this mean, along each component."""
        squares = np.square(self.scores(points)).mean(axis=0)
        return squares / squares.sum()


def components_for(cumulative: ArrayLike, share: float) -> int:
    """How many components come to more than ``share``; all, where rounding keeps them from it."""
    if not 0.0 < share < 1.0:
        raise UsageError(f"share is {share:g}; it takes what lies between 0 and 1")
    shares = np.asarray(cumulative)
    return min(int(np.searchsorted(shares, share, side="right")) + 1, len(shares))


def area(cumulative: ArrayLike) -> float:
    """Area under the cumulative share over the share of components: trapezia from 0, as the paper takes it."""
    shares = np.concatenate([[0.0], np.asarray(cumulative)])
    return float((shares[1:] + shares[:-1]).sum() / 2.0 / (len(shares) - 1))


def pca(
    collection: Collection | ArrayLike,
    *,
    space: SpaceName = "auto",
    weights: ArrayLike | None = None,
    standardise: bool = False,
) -> Projection:
    """Principal components, from the eigenvectors of the covariance.

    Parameters
    ----------
    collection : Collection or array_like, shape (n, d)
        Presets, or points.
    space : {"auto", "raw", "perceptual", "logit"}
        Where presets are compared, see :mod:`voxrack_atlas.spaces`.
    weights : array_like, shape (n,), optional
        Not negative. Mean and covariance are weighted; the covariance is divided by ``1 - sum(w²)`` of weights that
        sum to 1, which is n - 1 for equal ones. See :func:`fit_weights`.
    standardise : bool
        Divide coordinates by their standard deviation.

    Raises
    ------
    InputError
        For fewer than two presets, or points that all agree.
    """
    if isinstance(collection, Collection):
        collection.need(2, "pca")
        chosen = collection.space(space)
        points, columns, name = collection.points(chosen), chosen.columns, chosen.name
    else:
        points, name = _points(collection), ""
        columns = tuple(f"x{i}" for i in range(points.shape[1]))
    shares = _shares(weights, len(points))
    mean = shares @ points
    centred = points - mean
    correction = 1.0 - float(np.square(shares).sum())
    varies = np.ptp(points[shares > 0], axis=0) > 0
    spread = np.sqrt(shares @ np.square(centred) / correction)
    if not varies.any():
        raise InputError("all presets agree in every number; there is no variance to explain")
    scale = np.where(varies, spread, 1.0) if standardise else np.ones(len(mean))
    centred /= scale
    centred[:, ~varies] = 0.0
    covariance = (centred * (shares / correction)[:, None]).T @ centred
    values, vectors = np.linalg.eigh(covariance)
    rank = min(int((shares > 0).sum()) - 1, int(varies.sum()))
    order = np.argsort(values)[::-1][:rank]
    order = order[values[order] > _NOTHING * values.max()]
    rows = vectors[:, order].T
    rows = rows * np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])[:, None]
    constant = tuple(column for column, moves in zip(columns, varies, strict=True) if not moves)
    return Projection(name, columns, mean, rows, values[order], scale, len(points), constant)


def fit_weights(collection: Collection, loss: str = "total") -> Array:
    """Weights (n,) by fit quality: ``1 / loss²``, so that a fit twice as far off counts a quarter.

    Raises
    ------
    InputError
        Where a preset has no such loss, with its name.
    """
    if loss not in collection.meta:
        raise UsageError(f"the set knows no '{loss}'; fits have mss_lr, mss_ms, mldr_lr, mldr_ms, total")
    values = collection.meta[loss].to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise InputError(
            f"{collection.names[int(np.argmax(bad))]} has no '{loss}' above 0 to weigh it by, nor have "
            f"{int(bad.sum()) - 1} others of {len(collection)}; only fitted presets have losses"
        )
    return values**-2.0


def _points(given: ArrayLike) -> Array:
    points = np.asarray(given, dtype=np.float64)
    if points.ndim != 2 or points.shape[0] < 2:
        raise InputError(f"pca takes points of shape (n, d), n at least 2; got shape {points.shape}")
    if not np.isfinite(points).all():
        row, column = np.argwhere(~np.isfinite(points))[0]
        raise InputError(f"point {row}, coordinate {column} is {points[row, column]}; pca takes finite numbers")
    return points


def _shares(weights: ArrayLike | None, count: int) -> Array:
    """Weights that sum to 1."""
    if weights is None:
        return np.full(count, 1.0 / count)
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (count,) or not np.isfinite(given).all() or (given < 0).any() or (given > 0).sum() < 2:
        raise UsageError(f"weights are {count} finite numbers, none negative and at least two positive; "
                         f"got shape {given.shape}")  # fmt: skip
    return given / given.sum()
