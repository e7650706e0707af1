"""Is one model better than another? Tests that pair what both answered: by speaker, or over folds and seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError, UsageError
from .metrics_intervals import Measure, as_seeds, draws, evaluate, expanded_percentiles, units_of
from .metrics_predictions import Predictions


@dataclass(frozen=True)
class PairedTest:
    """First model minus second, over the same items.

    Parameters
    ----------
    difference : float
        Of the measure (mean over seeds); positive where the first has more.
    low, high : float
        Interval by paired bootstrap over speakers.
    p : float
        Two-sided, by exchanging both models' answers speaker by speaker (sign-flip permutation).
    n, speakers, seeds : int
    by : {"speaker", "clip"}
        What was exchanged and drawn.
    exact : bool
        All exchanges were tried, not a random part.
    """

    difference: float
    low: float
    high: float
    p: float
    n: int
    speakers: int
    seeds: int
    by: str
    exact: bool

    def __str__(self) -> str:
        return f"{self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}], p {self.p:.3f}"


def paired_test(
    first: Predictions | Sequence[Predictions], second: Predictions | Sequence[Predictions], measure: Measure = "uar",
    *, n: int = 10_000, seed: int = 0, level: float = 0.95, by: str = "",
) -> PairedTest:  # fmt: skip
    """Compare two models on the same items, with the speaker as the unit.

    Under the hypothesis that the models are equal, their answers on any one speaker could be exchanged. The p-value
    is the share of exchanges whose difference is at least as large as the one found; random ones count the found
    one as well, (1 + hits) / (1 + n) (Phipson and Smyth 2010). The interval draws speakers with replacement, the same
    for both models.

    Parameters
    ----------
    first, second : Predictions or sequence of Predictions
        One set for each seed. A single set (a model without a seed) is held against every seed of the other.
    measure : str or callable
        See :func:`voxrack.metrics.bootstrap`.
    n : int
        Draws; up to that many exchanges are all tried.
    by : {"", "speaker", "clip"}
        "" exchanges speakers where there are five or more, else clips: then it speaks of these speakers only.

    Raises
    ------
    InputError
        Where the two were not asked about the same items.
    UsageError
        Where they have different numbers of seeds.
    """
    left, right = _matched(as_seeds(first), as_seeds(second))
    by, units = units_of(left, by)
    if len(units) < 2:
        raise InputError(f"all items are of {by} '{units[0]}'; a test by {by} needs two or more")
    place = {name: index for index, name in enumerate(units)}
    flips, exact = _flips(len(units), n, seed)
    found, swapped, drawn = [], [], []
    resampled = draws(len(units), n, seed + 1)
    for a, b in zip(left, right):
        own = [place[name] for name in (a.speakers if by == "speaker" else a.ids)]
        both = _stacked(a, b)
        ones, zeros = np.ones((1, len(a))), np.zeros((1, len(a)))
        found.append(_difference(measure, both, np.hstack([ones, zeros]), np.hstack([zeros, ones])))
        taken = flips[:, own]
        swapped.append(_difference(measure, both, np.hstack([1 - taken, taken]), np.hstack([taken, 1 - taken])))
        weights = resampled[:, own]
        none = np.zeros_like(weights)
        drawn.append(_difference(measure, both, np.hstack([weights, none]), np.hstack([none, weights])))
    difference = float(np.mean(found))
    hits = int((np.abs(np.mean(swapped, axis=0)) >= abs(difference) - 1e-12).sum())
    p = hits / len(flips) if exact else (1 + hits) / (1 + len(flips))
    low, high = expanded_percentiles(np.mean(drawn, axis=0), level, len(units))
    speakers = len(set(left[0].speakers))
    return PairedTest(difference, low, high, p, len(left[0]), speakers, len(left), by, exact)


def _difference(
    measure: Measure, both: Predictions, first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    return evaluate(measure, both, first) - evaluate(measure, both, second)


def _stacked(a: Predictions, b: Predictions) -> Predictions:
    """Both models' answers to the same items, one after the other, in the first's order of classes."""
    scores = np.vstack([a.probabilities, b.probabilities[:, [b.classes.index(name) for name in a.classes]]])
    return Predictions(a.ids * 2, a.speakers * 2, a.labels * 2, scores, a.classes)


def _flips(units: int, n: int, seed: int) -> tuple[NDArray[np.float64], bool]:
    """Which speakers are exchanged, (draws, units) of 0 and 1; all of them where there are no more than ``n``."""
    if 2**units <= n:
        return ((np.arange(2**units)[:, None] >> np.arange(units)) & 1).astype(np.float64), True
    return np.random.default_rng(seed).integers(0, 2, (n, units)).astype(np.float64), False


def _matched(
    left: tuple[Predictions, ...], right: tuple[Predictions, ...]
) -> tuple[tuple[Predictions, ...], tuple[Predictions, ...]]:
    """As many runs on both sides, items in the same order."""
    if len(left) != len(right):
        if 1 not in (len(left), len(right)):
            raise UsageError(f"{len(left)} seeds against {len(right)}: compare over the same seeds")
        left, right = left * (len(right) if len(left) == 1 else 1), right * (len(left) if len(right) == 1 else 1)
    order = sorted(range(len(left[0])), key=left[0].ids.__getitem__)
    wanted = [(left[0].ids[i], left[0].labels[i]) for i in order]
    out: list[list[Predictions]] = [[], []]
    for side, runs in enumerate((left, right)):
        for run in runs:
            own = sorted(range(len(run)), key=run.ids.__getitem__)
            if [(run.ids[i], run.labels[i]) for i in own] != wanted or set(run.classes) != set(left[0].classes):
                odd = sorted({name for name, _ in wanted} ^ set(run.ids)) or ["the labels, the classes or their number"]
                raise InputError(f"the two were not asked about the same items; they differ in {odd[0]}")
            out[side].append(run.subset(own))
    return tuple(out[0]), tuple(out[1])


@dataclass(frozen=True)
class CorrectedTest:
    """Outcome of :func:`corrected_t_test`: mean difference, interval, t and two-sided p over ``runs``."""

    difference: float
    low: float
    high: float
    t: float
    p: float
    runs: int


def corrected_t_test(differences: ArrayLike, test_share: float, level: float = 0.95) -> CorrectedTest:
    """Corrected resampled t-test over folds and seeds (Nadeau and Bengio, Machine Learning 52, 2003).

    Training sets of different folds overlap, so the variance of J differences is taken as
    (1/J + n_test/n_train) s² instead of s²/J. Seeds of one fold are counted among the J runs, as is usual for
    repeated cross-validation (Bouckaert and Frank 2004); they share their data, so this test is the more lenient of
    the two, and :func:`paired_test` is not touched by it.

    Parameters
    ----------
    differences : array_like, shape (folds,) or (folds, seeds)
        First model minus second, run by run.
    test_share : float
        n_test / n_train of a fold; 0.25 for five folds.

    Returns
    -------
    CorrectedTest
        NaN for t and p where there is one run only; p is 1 where no run differs.
    """
    from scipy.special import stdtr, stdtrit

    found = np.asarray(differences, dtype=np.float64).ravel()
    found = found[np.isfinite(found)]
    if not len(found):
        raise InputError("there are no differences to test: give one for each fold and seed")
    if test_share <= 0:
        raise UsageError(f"test_share is {test_share}; it takes the test items over the training items, above 0")
    mean, runs = float(found.mean()), len(found)
    if runs < 2:
        return CorrectedTest(mean, math.nan, math.nan, math.nan, math.nan, runs)
    error = math.sqrt((1 / runs + test_share) * float(found.var(ddof=1)))
    if error == 0.0:
        t = math.copysign(math.inf, mean) if mean else 0.0
        return CorrectedTest(mean, mean, mean, t, 0.0 if mean else 1.0, runs)
    t = mean / error
    reach = float(stdtrit(runs - 1, 0.5 + level / 2)) * error
    return CorrectedTest(mean, mean - reach, mean + reach, t, float(2 * stdtr(runs - 1, -abs(t))), runs)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of several tests, adjusted so that one false finding among all stays as rare (Holm 1979)."""
    order = np.argsort(p_values)
    out, highest = [math.nan] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        out[index] = highest
    return out
