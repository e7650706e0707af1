"""Whether presets are spread like a Gaussian: Royston's test and Henze and Zirkler's, on whitened scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrack.errors import InputError, UsageError

from .collection import Collection
from .projection import pca
from .spaces import SpaceName

Array = NDArray[np.float64]
MOST = 2000  # rows: the range for which Royston gives his constants
LEAST = 12


@dataclass(frozen=True)
class Normality:
    """Two tests of the hypothesis that rows are drawn from one Gaussian.

    Parameters
    ----------
    rows, dimensions : int
        What was tested.
    royston, royston_freedom, royston_p : float
        Statistic H, its equivalent degrees of freedom, p-value.
    henze_zirkler, henze_zirkler_p : float
        Statistic HZ, p-value.
    """

    rows: int
    dimensions: int
    royston: float
    royston_freedom: float
    royston_p: float
    henze_zirkler: float
    henze_zirkler_p: float


def normality(
    collection: Collection | ArrayLike,
    *,
    components: int | None = None,
    share: float = 0.99,
    space: SpaceName = "auto",
    seed: int = 0,
) -> Normality:
    """Test the whitened scores of a collection, or rows (n, d) as they are.

    Parameters
    ----------
    collection : Collection or array_like, shape (n, d)
    components : int, optional
        How many scores; by default as many as explain ``share`` of the variance. The paper takes 74.
    share : float
        0 … 1.
    space : {"auto", "raw", "perceptual", "logit"}
    seed : int
        Of more than 2000 rows, 2000 are drawn.

    Raises
    ------
    InputError
        For fewer than 12 rows, or not more rows than dimensions.
    """
    if isinstance(collection, Collection):
        collection.need(LEAST, "the test for normality")
        found = pca(collection, space=space)
        used = found.needed(share) if components is None else components
        if not 1 <= used <= len(found.variances):
            raise UsageError(f"components is {used}; the set has 1 to {len(found.variances)}")
        table = found.scores(collection.points(collection.space(space)), whiten=True)[:, :used]
    else:
        table = np.asarray(collection, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise InputError(f"the test for normality takes finite rows (n, d); got shape {table.shape}")
    if len(table) > MOST:
        table = table[np.sort(np.random.default_rng(seed).choice(len(table), MOST, replace=False))]
    rows, dimensions = table.shape
    if rows < LEAST or rows <= dimensions:
        raise InputError(f"the test for normality takes at least {LEAST} rows and more rows than dimensions; "
                         f"got {rows} rows of {dimensions}")  # fmt: skip
    return Normality(rows, dimensions, *royston(table), *henze_zirkler(table))


def royston(table: Array) -> tuple[float, float, float]:
    """H, its degrees of freedom, p-value (Royston 1983, with the normalisation of W of Royston 1992).

    Each column's Shapiro-Wilk W becomes a normal deviate; their squares, made one-sided, add up to a chi-square
    whose degrees of freedom allow for the correlation of the columns.
    """
    from scipy.special import ndtri
    from scipy.stats import chi2, norm, shapiro

    rows, dimensions = table.shape
    x = math.log(rows)
    mean = -1.5861 - 0.31082 * x - 0.083751 * x**2 + 0.0038915 * x**3
    deviation = math.exp(-0.4803 - 0.082676 * x + 0.0030302 * x**2)
    w = np.array([shapiro(column).statistic for column in table.T])
    z = (np.log1p(-w) - mean) / deviation
    half = norm.sf(z) / 2.0
    squares = np.square(ndtri(np.maximum(half, np.finfo(float).tiny)))
    correlation = np.corrcoef(table, rowvar=False).reshape(dimensions, dimensions)
    u, v = 0.715, 0.21364 + 0.015124 * x**2 - 0.0018034 * x**3
    adjusted = correlation**5 * (1.0 - u / v * np.maximum(1.0 - correlation, 0.0) ** u)
    off = adjusted.sum() - np.trace(adjusted)
    mean_off = off / (dimensions**2 - dimensions) if dimensions > 1 else 0.0
    freedom = dimensions / (1.0 + (dimensions - 1) * mean_off)
    statistic = float(freedom * squares.mean())
    return statistic, float(freedom), float(chi2.sf(statistic, freedom))


def henze_zirkler(table: Array) -> tuple[float, float]:
    """HZ and its p-value (Henze and Zirkler 1990): a weighted distance between characteristic functions."""
    from scipy.spatial.distance import cdist
    from scipy.stats import lognorm

    n, d = table.shape
    centred = table - table.mean(axis=0)
    covariance = centred.T @ centred / n
    values, vectors = np.linalg.eigh(covariance)
    if values[0] <= 1e-12 * values[-1]:
        raise InputError("the columns depend on each other; the test for normality takes independent ones")
    white = centred @ vectors / np.sqrt(values)
    beta = 2.0**-0.5 * ((2 * d + 1) * n / 4.0) ** (1.0 / (d + 4))
    b2 = beta**2
    pairs = np.exp(-b2 / 2.0 * cdist(white, white, "sqeuclidean")).sum() / n
    single = np.exp(-b2 / (2.0 * (1.0 + b2)) * np.square(white).sum(axis=1)).sum()
    statistic = pairs - 2.0 * (1.0 + b2) ** (-d / 2.0) * single + n * (1.0 + 2.0 * b2) ** (-d / 2.0)
    a, w = 1.0 + 2.0 * b2, (1.0 + b2) * (1.0 + 3.0 * b2)
    b4, b8 = beta**4, beta**8
    mean = 1.0 - a ** (-d / 2.0) * (1.0 + d * b2 / a + d * (d + 2) * b4 / (2.0 * a**2))
    variance = (
        2.0 * (1.0 + 4.0 * b2) ** (-d / 2.0)
        + 2.0 * a**-d * (1.0 + 2.0 * d * b4 / a**2 + 3.0 * d * (d + 2) * b8 / (4.0 * a**4))
        - 4.0 * w ** (-d / 2.0) * (1.0 + 3.0 * d * b4 / (2.0 * w) + d * (d + 2) * b8 / (2.0 * w**2))
    )
    spread = math.sqrt(math.log1p(variance / mean**2))
    middle = math.log(mean) - spread**2 / 2.0
    return float(statistic), float(lognorm.sf(statistic, spread, scale=math.exp(middle)))
