"""Which prior explains presets that it has not seen: candidates compared by held-out log-likelihood."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError, UsageError

from .flow import Flow
from .gaussian import Gaussian, moments, shrunk
from .mixture import Mixture
from .prior import Prior

if TYPE_CHECKING:
    import pandas

    from .collection import Collection
    from .spaces import SpaceName

Array = NDArray[np.float64]
Kind = Literal["auto", "gaussian", "shrunk", "mixture", "flow"]
Made = partial[Prior]  # all numbers are in; columns, space, template and facts are not
Estimate = Callable[[Array, int], Made]
_SHRINK = 0.15  # share taken off correlations: between 0.1 and 0.2 the held-out likelihood of the paper's set is flat
_COMPONENTS = 10  # principal components that a mixture is made of
_FACTORS = 15  # of the flow; 10 to 25 differ by 1 nat of 150 on the paper's set
_PARTS = 4  # of a column of the flow
_LEAST = 5  # presets


@dataclass(frozen=True, eq=False)
class Choice:
    """A prior and how it was chosen.

    Parameters
    ----------
    prior : Prior
        The kind with the highest held-out log-likelihood, fitted to all presets.
    table : DataFrame
        A row a kind, the best first: ``kind``, ``log_likelihood`` (mean over held-out presets, in nats),
        ``standard_error``, ``median``, ``behind`` (mean difference to the best), ``behind_error`` (its standard
        error, over the same presets), ``note`` (why a kind could not be fitted).
    constant : tuple of str
        Columns that do not vary: they keep the template's value and count in no figure.
    """

    prior: Prior
    table: pandas.DataFrame
    constant: tuple[str, ...] = ()


def fit_prior(
    collection: Collection,
    kind: Kind = "auto",
    *,
    space: SpaceName = "auto",
    groups: str | Sequence[Any] | None = None,
    folds: int = 5,
    seed: int = 0,
    name: str = "",
) -> Choice:
    """Fit a prior to presets; ``"auto"`` takes the kind that explains held-out presets best.

    Parameters
    ----------
    collection : Collection
    kind : {"auto", "gaussian", "shrunk", "mixture", "flow"}
        Mean and sample covariance; with correlations 15 % smaller; a mixture of two or three Gaussians over ten
        principal components (the number by held-out likelihood as well); the flow of :mod:`voxrack_atlas.flow`.
    space : {"auto", "raw", "perceptual", "logit"}
    groups : str or sequence, optional
        Column of ``collection.meta``, or n labels: presets of one label (a song, a singer) are held out together.
    folds : int
        Parts that are held out in turn, 2 or more.
    seed : int
        Of the folds and of the estimates.
    name : str
        Of the prior, as the provenance of its draws will tell it.

    Raises
    ------
    InputError
        For fewer than five presets, or where no column varies.
    UsageError
        For an unknown kind, groups or folds that do not fit.
    """
    kinds = _kinds(kind)
    collection.need(_LEAST, "a prior")
    chosen = collection.space(space)
    points = collection.points(chosen)
    moving = points.std(axis=0) > 1e-9 * np.maximum(1.0, np.abs(points).max(axis=0))
    if not moving.any():
        raise InputError("no number differs between the presets; a prior needs presets that differ")
    points = points[:, moving]
    parts = _folds(_labels(collection, groups), folds, np.random.default_rng(seed))
    table = _compare(points, kinds, parts, seed)
    best = str(table["kind"].iloc[0])
    if not np.isfinite(table["log_likelihood"].iloc[0]):
        raise InputError(f"no prior could be fitted to {len(points)} presets: {table['note'].iloc[0]}")
    columns = tuple(column for column, moves in zip(chosen.columns, moving) if moves)
    still = tuple(column for column, moves in zip(chosen.columns, moving) if not moves)
    facts = {
        "name": name or best, "made": best, "rows": len(points), "folds": len(parts), "seed": seed,
        "held_out": float(table["log_likelihood"].iloc[0]),
    }  # fmt: skip
    made = kinds[best](points, seed)
    prior = made(
        columns=columns, space=chosen.name, template=collection.template.text(), facts=facts,
        assets=collection.template.assets(),
    )  # fmt: skip
    return Choice(prior, table, still)


# ---- candidates -----------------------------------------------------------------------------------
def _gaussian(points: Array, seed: int) -> Made:
    mean, covariance = moments(points)
    return partial(Gaussian, mean=mean, covariance=covariance)


def _shrunk(points: Array, seed: int) -> Made:
    mean, covariance = moments(points)
    return partial(Gaussian, mean=mean, covariance=shrunk(covariance, _SHRINK))


def _mixture(parts: int) -> Estimate:
    def estimate(points: Array, seed: int) -> Made:
        components = min(_COMPONENTS, points.shape[1], max(1, len(points) // 10))
        estimated = Mixture.estimate(points, parts=parts, components=components, shrink=_SHRINK, seed=seed)
        return partial(Mixture, **estimated)

    return estimate


def _flow(points: Array, seed: int) -> Made:
    factors = min(_FACTORS, max(1, points.shape[1] - 1), max(1, len(points) // 10))
    return partial(Flow, **Flow.estimate(points, factors=factors, parts=_PARTS, seed=seed))


_CANDIDATES: dict[str, Estimate] = {
    "gaussian": _gaussian, "shrunk": _shrunk, "mixture-2": _mixture(2), "mixture-3": _mixture(3), "flow": _flow,
}  # fmt: skip


def _kinds(kind: str) -> Mapping[str, Estimate]:
    if kind == "auto":
        return _CANDIDATES
    found = {name: estimate for name, estimate in _CANDIDATES.items() if name.partition("-")[0] == kind}
    if not found:
        raise UsageError(f"there is no prior of kind '{kind}'; there are auto, gaussian, shrunk, mixture, flow")
    return found


# ---- holding out ----------------------------------------------------------------------------------
def split(
    collection: Collection, kind: str, *, groups: str | Sequence[Any] | None, folds: int, seed: int
) -> list[tuple[NDArray[np.intp], Estimate]]:
    """Rows to hold out, and what estimates the kind, a pair a fold."""
    kinds = _kinds(kind)
    if len(kinds) > 1:
        kinds = {name: estimate for name, estimate in kinds.items() if name in (kind, f"{kind}-2")}
    parts = _folds(_labels(collection, groups), folds, np.random.default_rng(seed))
    return [(part, estimate) for part in parts for estimate in kinds.values()]


def _labels(collection: Collection, groups: str | Sequence[Any] | None) -> NDArray[Any]:
    """One label a preset; presets of one label stay together."""
    if groups is None:
        return np.arange(len(collection))
    labels = groups
    if isinstance(groups, str):
        if groups not in collection.meta:
            known = ", ".join(map(str, collection.meta.columns))
            raise UsageError(f"the set knows no '{groups}' of its presets, by which they could be grouped; it knows "
                             f"{known}")  # fmt: skip
        labels = collection.meta[groups]
    text = np.asarray(labels, dtype=str)
    if text.shape != (len(collection),):
        raise UsageError(f"{text.size} labels were given for {len(collection)} presets")
    return np.unique(text, return_inverse=True)[1]


def _folds(labels: NDArray[Any], count: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Rows that are held out together; every row once."""
    different = np.unique(labels)
    if count < 2:
        raise UsageError(f"{count} folds; it takes 2 or more")
    if len(different) < 2:
        raise UsageError("all presets bear one label; nothing can be held out")
    shares = np.array_split(rng.permutation(different), min(count, len(different)))
    return [np.flatnonzero(np.isin(labels, share)) for share in shares]


def _compare(
    points: Array, kinds: Mapping[str, Estimate], parts: Sequence[NDArray[np.intp]], seed: int
) -> pandas.DataFrame:
    """The table of :class:`Choice`."""
    import pandas

    held, notes = {}, {}
    for kind, estimate in kinds.items():
        held[kind], notes[kind] = np.full(len(points), -np.inf), ""
        try:
            for part in parts:
                held[kind][part] = held_out(points, part, estimate, seed)
        except (InputError, np.linalg.LinAlgError, ValueError) as error:
            held[kind][:], notes[kind] = -np.inf, str(error)
    best = max(held, key=lambda kind: float(held[kind].mean()))
    rows = []
    for kind, scores in sorted(held.items(), key=lambda item: -item[1].mean()):
        fits = bool(np.isfinite(scores).all())
        behind = held[best] - scores if fits else np.full(len(scores), np.inf)
        rows.append({
            "kind": kind, "log_likelihood": scores.mean(), "standard_error": _error(scores) if fits else np.nan,
            "median": np.median(scores), "behind": behind.mean(), "behind_error": _error(behind) if fits else np.nan,
            "note": notes[kind],
        })  # fmt: skip
    return pandas.DataFrame(rows)


def held_out(points: Array, part: NDArray[np.intp], estimate: Estimate, seed: int) -> Array:
    """Log-likelihood of the rows ``part``, of a prior fitted to all others."""
    train = np.delete(points, part, axis=0)
    moving = train.std(axis=0) > 0
    if not moving.all():
        raise InputError(f"column {int(np.argmin(moving))} varies in the held-out presets alone: give more presets")
    return estimate(train, seed)(columns=("",) * points.shape[1]).log_density(points[part])


def _error(scores: Array) -> float:
    return float(scores.std(ddof=1) / np.sqrt(len(scores)))
