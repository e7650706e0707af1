"""Presets of a collection that lie nearest to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import PresetError, UsageError

from .collection import Collection

if TYPE_CHECKING:
    import pandas

    from voxrack import Preset

    from .spaces import SpaceName

Array = NDArray[np.float64]
Metric = Literal["mahalanobis", "standardised", "euclidean"]
_SHRINK = 0.15  # of the correlations, so that few presets do as well


def nearest(
    collection: Collection,
    preset: Preset | str | int,
    count: int = 5,
    *,
    space: SpaceName = "auto",
    metric: Metric = "mahalanobis",
) -> pandas.DataFrame:
    """The ``count`` presets nearest to one, the nearest first.

    Parameters
    ----------
    collection : Collection
    preset : Preset, str or int
        A preset of the same rack; or a name or row of the collection, which is then left out itself.
    count : int
    space : {"auto", "raw", "perceptual", "logit"}
    metric : {"mahalanobis", "standardised", "euclidean"}
        With the collection's covariance (correlations 15 % smaller); in standard deviations of each column; as the
        space has it.

    Returns
    -------
    DataFrame
        ``name``, ``row``, ``distance``, and ``differs``: the three columns that contribute most.
    """
    from pandas import DataFrame

    if count < 1:
        raise UsageError(f"{count} neighbours; it takes 1 or more")
    rows = np.arange(len(collection))
    chosen = collection.space(space)
    points = collection.points(chosen)
    if isinstance(preset, (str, int)):
        own = collection.row(preset) if isinstance(preset, str) else int(preset)
        if not 0 <= own < len(collection):
            raise UsageError(f"row {own} is not there; the set has rows 0 to {len(collection) - 1}")
        point, rows = points[own], rows[rows != own]
    else:
        point = _point(collection, preset, chosen)
    if not len(rows):
        raise UsageError("the set holds one preset alone, which has no neighbour")
    scaled = (points[rows] - point) / _scale(points, metric)
    shares = scaled**2
    if metric == "mahalanobis":
        scaled = _decorrelated(scaled, points)
    distances = np.sqrt((scaled**2).sum(axis=1))
    order = np.argsort(distances, kind="stable")[:count]
    columns = np.array(chosen.columns)
    most = [", ".join(columns[np.argsort(-shares[i])[:3]]) for i in order]
    return DataFrame({
        "name": [collection.names[row] for row in rows[order]], "row": rows[order], "distance": distances[order],
        "differs": most,
    })  # fmt: skip


def _point(collection: Collection, preset: Preset, space) -> Array:
    """Coordinates of a preset that is not of the collection, if it has the same rack."""
    from .gathering import gather

    one = gather([preset], [preset.name or "the preset"], "keep")
    if one.columns != collection.columns:
        odd = sorted(set(one.columns) ^ set(collection.columns))[0]
        raise PresetError(f"another rack than the set's: they differ in {odd}", f"$.parameters['{odd}']")
    return space.forward(one.values, one.names)[0]


def _scale(points: Array, metric: str) -> Array:
    """Standard deviations; 1 for a column that does not vary."""
    if metric == "euclidean":
        return np.ones(points.shape[1])
    if metric not in ("mahalanobis", "standardised"):
        raise UsageError(f"there is no metric '{metric}'; there are mahalanobis, standardised, euclidean")
    scale = points.std(axis=0, ddof=1) if len(points) > 1 else np.zeros(points.shape[1])
    return np.where(scale > 1e-12, scale, 1.0)


def _decorrelated(differences: Array, points: Array) -> Array:
    from scipy.linalg import solve_triangular

    from .gaussian import shrunk

    standard = (points - points.mean(axis=0)) / _scale(points, "standardised")
    correlation = standard.T @ standard / max(1, len(points) - 1)
    np.fill_diagonal(correlation, 1.0)
    factor = np.linalg.cholesky(shrunk(correlation, _SHRINK))
    return solve_triangular(factor, differences.T, lower=True).T
