"""Intervals: by resampling speakers, since clips of one speaker are alike; and the spread over seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import metrics_weighted as weighted
from .errors import UsageError
from .metrics_predictions import Predictions

FEW_SPEAKERS = 5  # below, resampling speakers says nothing: with two there are only three different draws
_CHUNK = 200  # weightings at once
Floats = NDArray[np.float64]


def _auc(p: Predictions, weights: Floats) -> Floats:
    areas = [weighted.area_under_roc(p.truth == k, p.probabilities[:, k], weights) for k in range(len(p.classes))]
    return weighted.mean_known(np.stack(areas, axis=1))


def _ece(p: Predictions, weights: Floats) -> Floats:
    return weighted.calibration_error(p.truth == p.guess, p.probabilities.max(axis=1), 15, weights)


def _brier(p: Predictions, weights: Floats) -> Floats:
    squares = np.square(p.probabilities - np.eye(len(p.classes))[p.truth]).sum(axis=1)
    return weighted.weighted_mean(squares, weights)


def _uar(p: Predictions, weights: Floats) -> Floats:
    return weighted.mean_known(weighted.recalls(p.truth, p.guess, len(p.classes), weights))


def _accuracy(p: Predictions, weights: Floats) -> Floats:
    return weighted.accuracy(p.truth, p.guess, weights)


MEASURES: dict[str, Callable[[Predictions, Floats], Floats]] = {
    "accuracy": _accuracy, "uar": _uar, "macro_auc": _auc, "ece": _ece, "brier": _brier,
}  # fmt: skip
Measure = str | Callable[[Predictions], float]


@dataclass(frozen=True)
class Interval:
    """A figure with its uncertainty.

    Parameters
    ----------
    value : float
        On the data as they are (mean over seeds).
    low, high : float
        Ends of the interval; NaN where there is nothing to resample.
    n : int
        Items of one seed.
    speakers : int
    by : {"speaker", "clip"}
        What was resampled. By clip the interval speaks of these speakers only, not of others.
    level : float
    """

    value: float
    low: float
    high: float
    n: int
    speakers: int
    by: str
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def evaluate(measure: Measure, predictions: Predictions, weights: Floats) -> Floats:
    """A measure under weightings (B, n): (B,). A function of one's own gets items repeated by their whole weights."""
    if not isinstance(measure, str):
        counts = weights.astype(np.intp)
        return np.array([measure(predictions.subset(np.repeat(np.arange(len(row)), row))) for row in counts])
    if measure not in MEASURES:
        raise UsageError(f"'{measure}' is no measure; there are {', '.join(MEASURES)}, or a function of Predictions")
    parts = [MEASURES[measure](predictions, weights[i : i + _CHUNK]) for i in range(0, len(weights), _CHUNK)]
    return np.concatenate(parts)


def as_seeds(predictions: Predictions | Sequence[Predictions]) -> tuple[Predictions, ...]:
    """One model's runs as a tuple; UsageError where there is none."""
    runs = (predictions,) if isinstance(predictions, Predictions) else tuple(predictions)
    if not runs:
        raise UsageError("no predictions were given: one set, or a sequence with one set for each seed")
    return runs


def bootstrap(
    measure: Measure, predictions: Predictions | Sequence[Predictions], *, n: int = 2000, seed: int = 0,
    level: float = 0.95, by: str = "",
) -> Interval:  # fmt: skip
    """A figure and its interval, by drawing speakers with replacement (cluster bootstrap).

    Speakers, not clips, are what another test would change, so whole speakers are drawn. Percentiles of few clusters
    come out too narrow; they are widened to what a t interval of as many clusters would have (Hesterberg 2015, "What
    teachers should know about the bootstrap": expanded percentile interval).

    A calibration error is biased upwards on few clips, and more so on a draw of them: its interval may lie above
    the figure.

    Parameters
    ----------
    measure : str or callable
        ``"accuracy"``, ``"uar"``, ``"macro_auc"``, ``"ece"``, ``"brier"``, or a function of :class:`Predictions`.
    predictions : Predictions or sequence of Predictions
        One set, or one for each seed: the figure is the mean over seeds, and a draw takes the same speakers in all.
    n : int
        Draws.
    seed : int
        Of the draws; equal seeds give equal intervals.
    level : float
    by : {"", "speaker", "clip"}
        "" draws speakers where there are five or more, else clips; :attr:`Interval.by` says which it was.

    Returns
    -------
    Interval
    """
    runs = as_seeds(predictions)
    by, units = units_of(runs, by)
    if not 0 < level < 1:
        raise UsageError(f"level is {level}; it takes a share between 0 and 1, such as 0.95")
    value = float(np.mean([evaluate(measure, run, np.ones((1, len(run))))[0] for run in runs]))
    names = [run.speakers if by == "speaker" else run.ids for run in runs]
    low = high = math.nan
    if len(units) > 1:
        drawn = draws(len(units), n, seed)
        place = {name: index for index, name in enumerate(units)}
        found = np.mean(
            [evaluate(measure, run, drawn[:, [place[name] for name in own]]) for run, own in zip(runs, names)], axis=0
        )
        low, high = expanded_percentiles(found, level, len(units))
    return Interval(value, low, high, len(runs[0]), len(set(runs[0].speakers)), by, level)


def units_of(runs: Sequence[Predictions], by: str = "") -> tuple[str, list[str]]:
    """What is resampled, speakers or clips, and their names; "" chooses by the number of speakers."""
    by = by or ("speaker" if len(set(runs[0].speakers)) >= FEW_SPEAKERS else "clip")
    if by not in ("speaker", "clip"):
        raise UsageError(f"by is '{by}'; it takes 'speaker' or 'clip'")
    return by, sorted(set().union(*(run.speakers if by == "speaker" else run.ids for run in runs)))


def draws(units: int, n: int, seed: int) -> Floats:
    """How often each unit is drawn, (n, units), when as many are drawn with replacement as there are."""
    return np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=n).astype(np.float64)


def expanded_percentiles(found: Floats, level: float, units: int) -> tuple[float, float]:
    """Percentiles at the tails that a t interval over ``units`` would leave, of the draws that are defined."""
    from scipy.special import ndtr, stdtrit

    known = found[np.isfinite(found)]
    if not len(known):
        return math.nan, math.nan
    tail = float(ndtr(math.sqrt(units / (units - 1)) * stdtrit(units - 1, (1 - level) / 2)))
    low, high = np.quantile(known, (tail, 1 - tail))
    return float(low), float(high)


def over_seeds(measure: Measure, predictions: Sequence[Predictions]) -> tuple[float, float]:
    """Mean and standard deviation (n - 1) of a measure over seeds; the deviation of one seed is NaN."""
    runs = as_seeds(predictions)
    found = np.array([evaluate(measure, run, np.ones((1, len(run))))[0] for run in runs])
    return float(found.mean()), float(found.std(ddof=1)) if len(found) > 1 else math.nan
