"""Metrics of one set of answers under many weightings at once: what bootstraps and permutations are made of.

Every function takes weights of shape (B, n), non-negative, a row a weighting of the n items, and gives (B,) or (B, k).
Whole numbers are multiplicities: weight 2 is the item twice. NumPy only, so that a training loop on a bare machine
may call the same code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]


def accuracy(truth: Whole, predicted: Whole, weights: Floats) -> Floats:
    """Share of items whose prediction is the label. (B,)"""
    with np.errstate(invalid="ignore"):
        return weights @ (truth == predicted) / weights.sum(axis=1)


def recalls(truth: Whole, predicted: Whole, classes: int, weights: Floats) -> Floats:
    """Share of each class's items that are predicted as it; NaN where the class has no weight. (B, classes)"""
    member = np.eye(classes)[truth]
    with np.errstate(invalid="ignore"):
        return (weights * (truth == predicted)) @ member / (weights @ member)


def mean_known(values: Floats) -> Floats:
    """Mean over the last axis of what is not NaN; NaN where nothing is known. (B, k) -> (B,)"""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0.0).sum(axis=-1) / known.sum(axis=-1)


def area_under_roc(positive: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Chance that a positive item scores above a negative one, ties counted half (Hanley and McNeil 1982). (B,)

    NaN where there is no positive or no negative weight.
    """
    order = np.argsort(scores, kind="stable")
    ordered, yes = scores[order], positive[order]
    weights = weights[:, order]
    negative = weights * ~yes
    below = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(negative, axis=1)], axis=1)
    first = np.searchsorted(ordered, ordered, side="left")  # ties: from the first to the last of equal score
    last = np.searchsorted(ordered, ordered, side="right")
    beaten = 0.5 * (below[:, first] + below[:, last])
    ups, downs = (weights * yes), below[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return (ups * beaten).sum(axis=1) / (ups.sum(axis=1) * downs)


def calibration_error(correct: NDArray[np.bool_], confidence: Floats, bins: int, weights: Floats) -> Floats:
    """Expected calibration error over equal-width bins of confidence, (lower, upper]. (B,)"""
    place = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
    gaps = (weights * (correct - confidence)) @ np.eye(bins)[place]  # weight of the bin times (accuracy - confidence)
    with np.errstate(invalid="ignore"):
        return np.abs(gaps).sum(axis=1) / weights.sum(axis=1)


def weighted_mean(values: Floats, weights: Floats) -> Floats:
    """Mean of the items' values. (B,)"""
    with np.errstate(invalid="ignore"):
        return weights @ values / weights.sum(axis=1)
