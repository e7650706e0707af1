"""Which parameters move together: a correlation of every pair, and its mean between effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import UsageError

from .collection import Collection
from .spaces import SpaceName

if TYPE_CHECKING:
    import pandas

Array = NDArray[np.float64]
Method = Literal["spearman", "pearson", "kendall"]
METHODS = ("spearman", "pearson", "kendall")


@dataclass(frozen=True, eq=False)
class Correlation:
    """A correlation of every two coordinates.

    Parameters
    ----------
    method, space : str
    columns : tuple of str
        d coordinates.
    matrix : ndarray, shape (d, d)
        -1 … 1; NaN where one of the two is constant.
    count : int
        n, the presets behind it.
    constant : tuple of str
        Coordinates that are the same in every preset.
    """

    method: str
    space: str
    columns: tuple[str, ...]
    matrix: Array
    count: int
    constant: tuple[str, ...]

    def frame(self) -> pandas.DataFrame:
        """The matrix with its columns named."""
        import pandas

        return pandas.DataFrame(self.matrix, index=list(self.columns), columns=list(self.columns))

    def pairs(self, *, within_arrays: bool = False) -> pandas.DataFrame:
        """Pairs by strength: ``first``, ``second``, ``correlation``; those with a constant have none.

        Parameters
        ----------
        within_arrays : bool
            Also pairs inside one array (two decay times, two gains of a matrix). The paper leaves them out.
        """
        import pandas

        one, other = np.triu_indices(len(self.columns), 1)
        values = self.matrix[one, other]
        keep = np.isfinite(values)
        if not within_arrays:
            _, array = np.unique([_array(column, i) for i, column in enumerate(self.columns)], return_inverse=True)
            keep &= array[one] != array[other]
        one, other, values = one[keep], other[keep], values[keep]
        order = np.argsort(-np.abs(values), kind="stable")
        names = np.array(self.columns, dtype=object)
        return pandas.DataFrame(
            {"first": names[one[order]], "second": names[other[order]], "correlation": values[order]}
        )


def correlate(collection: Collection, *, space: SpaceName = "auto", method: Method = "spearman") -> Correlation:
    """Correlation of every two parameters.

    Parameters
    ----------
    collection : Collection
        At least three presets.
    space : {"auto", "raw", "perceptual", "logit"}
        Ranks do not depend on it, but for its choice of columns; Pearson's does.
    method : {"spearman", "pearson", "kendall"}
        Spearman's: Pearson's of the ranks, equal values having their mean rank. Kendall's tau-b takes seconds
        for 130 parameters of 365 presets, and more than in proportion to them.

    Raises
    ------
    InputError
        For fewer than three presets.
    """
    collection.need(3, "correlate")
    chosen = collection.space(space)
    return correlate_points(collection.points(chosen), chosen.columns, method, chosen.name)


def correlate_points(
    points: Array, columns: tuple[str, ...], method: Method = "spearman", space: str = ""
) -> Correlation:
    """The same of points (n, d), one name a column."""
    if method not in METHODS:
        raise UsageError(f"there is no method '{method}'; there are {', '.join(METHODS)}")
    varies = np.ptp(points, axis=0) > 0
    matrix = np.full((points.shape[1], points.shape[1]), np.nan)
    inner = _kendall(points[:, varies]) if method == "kendall" else _pearson(points[:, varies], method == "spearman")
    matrix[np.ix_(varies, varies)] = inner
    constant = tuple(column for column, moves in zip(columns, varies, strict=True) if not moves)
    return Correlation(method, space, columns, matrix, len(points), constant)


def _pearson(points: Array, ranked: bool) -> Array:
    from scipy.stats import rankdata

    table = np.empty_like(points)
    for column in range(points.shape[1]):
        table[:, column] = rankdata(points[:, column]) if ranked else points[:, column]
    table -= table.mean(axis=0)
    table /= np.sqrt(np.square(table).sum(axis=0))
    found = np.clip(table.T @ table, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return found


def _kendall(points: Array) -> Array:
    from scipy.stats import kendalltau

    size = points.shape[1]
    found = np.eye(size)
    for one in range(size):
        for other in range(one):
            result: Any = kendalltau(points[:, one], points[:, other])
            found[one, other] = found[other, one] = result.statistic
    return found


# ---- effects -------------------------------------------------------------------------------------
def effect_matrix(correlation: Correlation, collection: Collection, *, all_effects: bool = False) -> pandas.DataFrame:
    """Mean strength of the correlation between the parameters of two effects.

    The diagonal is the mean over distinct pairs inside the effect. A slot is an effect, and so is a send; bands of
    an equaliser count one by one. Constant coordinates are left out.

    Parameters
    ----------
    correlation : Correlation
        Of ``collection``.
    collection : Collection
        Says which device is in which slot.
    all_effects : bool
        Also those of one number: gains, pans, mixes, levels of buses. The paper has none but the send.

    Returns
    -------
    DataFrame
        Effects as rows and columns, in the order of the signal; NaN inside an effect of one number.
    """
    import pandas

    names = effects(collection, correlation.columns)
    keep = [i for i, name in enumerate(names) if correlation.columns[i] not in correlation.constant
            and (all_effects or _is_effect(name, names))]  # fmt: skip
    kinds = list(dict.fromkeys(names[i] for i in keep))
    strength = np.abs(correlation.matrix)
    out = pandas.DataFrame(np.nan, index=kinds, columns=kinds)
    places = {kind: [i for i in keep if names[i] == kind] for kind in kinds}
    for one, here in places.items():
        for other, there in places.items():
            block = strength[np.ix_(here, there)]
            if one == other:
                block = block[np.triu_indices(len(here), 1)]
            out.loc[one, other] = block.mean() if block.size else np.nan
    return out


def effects(collection: Collection, columns: tuple[str, ...]) -> list[str]:
    """The effect that each coordinate belongs to."""
    from voxrack.preset_schema import slot_part, slot_places

    devices = {prefix: slot.device for prefix, (slot, _) in slot_places(collection.template.document.rack).items()}
    out = []
    for column in columns:
        part = slot_part(column)
        words = column.split(".")
        if devices.get(part) == "fx.peq" and len(words) == 3:
            out.append(".".join(words[:2]))  # a band
        elif part in devices:
            out.append(part)
        else:
            out.append(column)
    return out


def _is_effect(name: str, names: list[str]) -> bool:
    return names.count(name) > 1 or (name.startswith("send.") and name.count(".") == 2)


def _array(column: str, number: int) -> str:
    """The array that a number belongs to; of a number on its own, itself."""
    name, bracket, _ = column.partition("[")
    return name if bracket else f"#{number}"
