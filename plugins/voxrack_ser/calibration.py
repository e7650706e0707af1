"""Temperature scaling: one number that makes confidence mean what it says (Guo et al., ICML 2017).

Only speakers that a model never heard may decide the number: the answers of an evaluation over folds are such, each by
the model of its fold. What is reported for it must come from other speakers again: :func:`cross_fitted`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from voxrack.metrics import Predictions

_LOWEST, _HIGHEST = 0.05, 20.0
_GOLDEN = (5**0.5 - 1) / 2
_TINY = 1e-12


def scaled(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities (n, k) as if their logits had been divided by ``temperature``: above 1 less sure, below 1 surer."""
    logits = np.log(np.maximum(probabilities, _TINY)) / temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def likelihood_loss(predictions: Predictions, temperature: float = 1.0) -> float:
    """Mean negative logarithm of the probability that the right class was given."""
    chances = scaled(predictions.probabilities, temperature)[np.arange(len(predictions)), predictions.truth]
    return float(-np.log(np.maximum(chances, _TINY)).mean())


def fit_temperature(predictions: Predictions) -> float:
    """The temperature, 0.05 … 20, of the lowest :func:`likelihood_loss`, by golden-section search over its logarithm.

    The loss has one minimum: it is convex in the inverse of the temperature.
    """
    low, high = np.log(_LOWEST), np.log(_HIGHEST)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = (likelihood_loss(predictions, float(np.exp(at))) for at in (left, right))
    while high - low > 1e-4:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = likelihood_loss(predictions, float(np.exp(left)))
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = likelihood_loss(predictions, float(np.exp(right)))
    return float(np.exp((low + high) / 2))


def with_temperature(predictions: Predictions, temperature: float) -> Predictions:
    """The same answers, :func:`scaled`."""
    return Predictions(
        predictions.ids, predictions.speakers, predictions.labels, scaled(predictions.probabilities, temperature),
        predictions.classes,
    )  # fmt: skip


def cross_fitted(parts: Sequence[Predictions]) -> tuple[Predictions, tuple[float, ...]]:
    """Calibrated answers of all folds as one set, each fold at the temperature that all the others give.

    So no speaker takes part in the choice of the temperature that he or she is judged with.

    Parameters
    ----------
    parts : sequence of Predictions
        One per fold, two at least; different speakers in each.

    Returns
    -------
    Predictions
    tuple of float
        The temperature of each fold.
    """
    found, temperatures = [], []
    for index, part in enumerate(parts):
        others = Predictions.joined([other for place, other in enumerate(parts) if place != index])
        temperatures.append(fit_temperature(others))
        found.append(with_temperature(part, temperatures[-1]))
    return Predictions.joined(found), tuple(temperatures)
