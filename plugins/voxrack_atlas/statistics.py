"""What each parameter of a collection is like: mean, spread, quantiles, how often at its bound, how far from normal."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .collection import Collection
from .spaces import SpaceName

if TYPE_CHECKING:
    import pandas

Array = NDArray[np.float64]
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
QUANTILE_NAMES = ("min", "q05", "q25", "median", "q75", "q95", "max")
EDGE = 0.01  # share of a slider's run that counts as its end
_FLOOR = -100.0  # dB: where the slider of a level that can be off begins
_LEAST = 20  # presets that the test for normality takes


def stats(collection: Collection, *, space: SpaceName | None = None) -> pandas.DataFrame:
    """One row a parameter.

    Parameters
    ----------
    collection : Collection
    space : {"raw", "perceptual", "logit", "auto"}, optional
        Figures of the coordinates in a space; by default of the plain values in their units.

    Returns
    -------
    DataFrame
        Index: the address. ``unit``; ``mean``, ``sd`` (n - 1) and quantiles ``min q05 q25 median q75 q95 max``, of
        the values that are not off; ``off``, the share that is -inf; ``at_low``, ``at_high``, the shares within 1 %
        of the slider's run from its ends; ``skewness``, ``kurtosis`` (0 for a normal one) and ``normal_p``, the
        p-value of D'Agostino and Pearson's test (NaN for fewer than 20 presets, and for a constant); ``constant``.
    """
    import pandas

    if space is None:
        columns, table = collection.columns, collection.values
        units = [param.unit for _, param in collection.layout.entries for _ in range(param.size)]
    else:
        chosen = collection.space(space)
        columns, table = chosen.columns, collection.points(chosen)
        units = [""] * len(columns)
    ends = _ends(collection)
    rows = [
        _row(np.ascontiguousarray(table[:, i]), units[i]) | ends.get(column, {}) for i, column in enumerate(columns)
    ]
    return pandas.DataFrame(rows, index=pandas.Index(columns, name="parameter"))


def _row(values: Array, unit: str) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    row: dict[str, Any] = {"unit": unit, "mean": math.nan, "sd": math.nan}
    row |= dict.fromkeys(QUANTILE_NAMES, math.nan)
    if finite.size:
        row |= {"mean": float(finite.mean()), "sd": float(finite.std(ddof=1)) if finite.size > 1 else math.nan}
        row |= dict(zip(QUANTILE_NAMES, np.quantile(finite, QUANTILES).tolist(), strict=True))
    row["off"] = 1.0 - finite.size / values.size
    return row | _shape(finite) | {"constant": bool((values == values[0]).all())}


def _shape(values: Array) -> dict[str, float]:
    """Skewness, excess kurtosis, and the p-value of normality (K², D'Agostino and Pearson 1973)."""
    if values.size < 3 or np.ptp(values) == 0:
        return {"skewness": math.nan, "kurtosis": math.nan, "normal_p": math.nan}
    from scipy.stats import normaltest

    centred = values - values.mean()
    squares = np.square(centred)
    variance, third, fourth = (float(x.mean()) for x in (squares, squares * centred, np.square(squares)))
    p = math.nan
    if values.size >= _LEAST:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # nearly constant: the p-value is then NaN
            p = float(normaltest(values).pvalue)
    return {"skewness": third / variance**1.5, "kurtosis": fourth / variance**2 - 3.0, "normal_p": p}


def _ends(collection: Collection) -> dict[str, dict[str, float]]:
    """Shares of presets near either end of a slider; of what the vector of DiffVox can say, where that is the rack."""
    space = collection.space("auto")
    low, high = space.low.copy(), space.high.copy()
    low[space.index], high[space.index] = space.plain_low, space.plain_high
    low = np.where(np.isneginf(low), _FLOOR, low)
    out = {}
    params = [param for _, param in collection.layout.entries for _ in range(param.size)]
    for i, (column, param) in enumerate(zip(collection.columns, params, strict=True)):
        values, lowest, highest = collection.values[:, i], low[i], high[i]
        if param.scale == "log":
            values, lowest, highest = np.log(values), np.log(lowest), np.log(highest)
        place = (values - lowest) / (highest - lowest)
        out[column] = {"at_low": float((place <= EDGE).mean()), "at_high": float((place >= 1.0 - EDGE).mean())}
    return out
