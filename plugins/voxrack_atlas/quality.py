"""How good draws are: beside real presets that the prior has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError

from .prior import Prior

if TYPE_CHECKING:
    import pandas

    from .collection import Collection
    from .spaces import SpaceName

Array = NDArray[np.float64]
LEAST = 5
_USUAL = 0.95
_TREES = 100


@dataclass(frozen=True)
class Quality:
    """Draws against held-out real presets, in coordinates standardised by the presets of the fit.

    Attributes
    ----------
    log_likelihood : float
        Mean log-density of the held-out presets, in nats.
    plausibility : float
        Share of draws that are no more surprising to the prior than 95 % of the held-out presets are: 0.95 is even;
        more says that draws are more ordinary than real ones.
    density : float
        How many neighbourhoods of held-out presets a draw lies in, against a preset of the fit: 1 is even. Where
        those are not at hand, against as many as there are neighbours.
    coverage : float
        Share of the held-out presets that have a draw in their neighbourhood (five nearest real ones). Both after
        Naeem et al., "Reliable fidelity and diversity metrics for generative models", ICML 2020.
    expected : float
        The coverage that as many presets of the fit reach; NaN where they are not at hand.
    diversity : float
        Mean distance between two draws, divided by that between two held-out presets: 1 is even.
    novelty : float
        Median distance of a draw to the nearest preset of the fit, divided by the same of held-out presets: 1 is
        even, 0 copies; NaN where the presets of the fit are not at hand.
    told_apart : float
        How well a random forest, cross-validated, tells draws from held-out presets (area under the curve): 0.5 not
        at all, 1 always.
    """

    log_likelihood: float
    plausibility: float
    density: float
    coverage: float
    expected: float
    diversity: float
    novelty: float
    told_apart: float


def judge(prior: Prior, drawn: Array, real: Array, known: Array | None = None, seed: int = 0) -> Quality:
    """Compare.

    Parameters
    ----------
    prior : Prior
    drawn : ndarray, shape (n, d)
        Points of draws.
    real : ndarray, shape (m, d)
        Points of presets that were held out.
    known : ndarray, shape (t, d), optional
        Points of the presets of the fit; without them columns are standardised by ``real``.
    seed : int
        Of the classifier, and of the choice where one of the tables is longer.
    """
    if min(len(drawn), len(real)) <= LEAST or (known is not None and len(known) <= LEAST):
        raise InputError(f"a comparison takes more than {LEAST} presets of each kind; got {len(drawn)} draws and "
                         f"{len(real)} held out")  # fmt: skip
    rng = np.random.default_rng(seed)
    surprise, usual = -prior.log_density(drawn), np.quantile(-prior.log_density(real), _USUAL)
    basis = real if known is None else known
    scale = np.where(basis.std(axis=0) > 0.0, basis.std(axis=0), 1.0)
    standard = [(points - basis.mean(axis=0)) / scale for points in (drawn, real)]
    a, b = _as_many(standard[0], len(real), rng), standard[1]  # density and coverage depend on the numbers
    density, coverage = _neighbourhoods(a, b)
    expected = novelty = np.nan
    if known is not None:
        c = (known - basis.mean(axis=0)) / scale
        even, expected = _neighbourhoods(_as_many(c, len(real), rng), b)
        density = density / even if even > 0.0 else np.nan
        novelty = float(np.median(_nearest(a, c)) / np.median(_nearest(b, c)))
    return Quality(
        log_likelihood=float(prior.log_density(real).mean()), plausibility=float((surprise <= usual).mean()),
        density=density, coverage=coverage, expected=expected, diversity=_apart(a) / _apart(b), novelty=novelty,
        told_apart=_told_apart(a, b, seed),
    )  # fmt: skip


def cross_judged(
    collection: Collection, kinds: Iterable[str] = ("gaussian", "flow"), *, space: SpaceName = "auto",
    groups: str | Sequence[Any] | None = None, folds: int = 5, seed: int = 0,
) -> pandas.DataFrame:  # fmt: skip
    """Each kind of prior fitted without a fold and judged by it; means over the folds.

    Draws are taken from the density as they are, as many as presets are held out. Parameters of
    :func:`~voxrack_atlas.choosing.fit_prior`.

    Returns
    -------
    DataFrame
        A row a kind, the columns of :class:`Quality`.
    """
    from pandas import DataFrame

    from .choosing import split

    chosen = collection.space(space)
    points = collection.points(chosen)
    points = points[:, points.std(axis=0) > 0.0]
    out = {}
    for kind in kinds:
        figures = []
        for number, (part, estimate) in enumerate(split(collection, kind, groups=groups, folds=folds, seed=seed)):
            train = np.delete(points, part, axis=0)
            prior = estimate(train, seed)(columns=("",) * points.shape[1])
            drawn = prior.sample(len(part), np.random.default_rng([seed, number]))
            figures.append(asdict(judge(prior, drawn, points[part], train, seed)))
        out[kind] = DataFrame(figures).mean()
    return DataFrame(out).T.rename_axis("kind")


def _as_many(points: Array, count: int, rng: np.random.Generator) -> Array:
    return points if len(points) <= count else points[rng.choice(len(points), count, replace=False)]


def _neighbourhoods(points: Array, real: Array) -> tuple[float, float]:
    """Density and coverage."""
    from scipy.spatial.distance import cdist

    own = np.sort(cdist(real, real), axis=1)[:, LEAST]  # the first is the preset itself
    inside = cdist(real, points) <= own[:, None]
    return float(inside.sum() / (LEAST * len(points))), float(inside.any(axis=1).mean())


def _apart(points: Array) -> float:
    from scipy.spatial.distance import pdist

    return float(pdist(points).mean())


def _nearest(points: Array, others: Array) -> Array:
    from scipy.spatial.distance import cdist

    return cdist(points, others).min(axis=1)


def _told_apart(a: Array, b: Array, seed: int) -> float:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    both, label = np.concatenate([a, b]), np.repeat([1, 0], [len(a), len(b)])
    forest = RandomForestClassifier(_TREES, random_state=seed)
    folds = StratifiedKFold(LEAST, shuffle=True, random_state=seed)
    scores = np.asarray(cross_val_predict(forest, both, label, cv=folds, method="predict_proba"))[:, 1]
    ranks = np.argsort(np.argsort(scores)) + 1.0
    return float((ranks[label == 1].sum() - len(a) * (len(a) + 1) / 2) / (len(a) * len(b)))
