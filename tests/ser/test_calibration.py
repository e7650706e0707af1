"""Temperature scaling: it finds a temperature that is known, and never from the speakers it is judged on."""

from __future__ import annotations

import numpy as np
import pytest

from voxrack.metrics import Predictions, bootstrap
from voxrack_ser.calibration import cross_fitted, fit_temperature, likelihood_loss, scaled, with_temperature

CLASSES = ("angry", "calm", "happy", "sad")


def answers(temperature: float, n: int = 3000, seed: int = 0, speaker: str = "a") -> Predictions:
    """Labels drawn from softmax(logits); what is answered is softmax(logits / temperature)."""
    random = np.random.default_rng(seed)
    logits = random.normal(0.0, 2.0, (n, len(CLASSES)))
    right = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = [CLASSES[random.choice(len(CLASSES), p=row)] for row in right]
    given = np.exp(logits / temperature) / np.exp(logits / temperature).sum(axis=1, keepdims=True)
    return Predictions(tuple(f"{speaker}{i}" for i in range(n)), (speaker,) * n, tuple(labels), given, CLASSES)


@pytest.mark.parametrize("known", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_found(known):
    # answers divided by `known` are mended by dividing by its inverse
    assert fit_temperature(answers(known)) == pytest.approx(1.0 / known, rel=0.08)


def test_calibration_lowers_the_error_and_keeps_the_order():
    wrong = answers(0.35)
    mended = with_temperature(wrong, fit_temperature(wrong))
    assert bootstrap("ece", mended, n=10).value < 0.4 * bootstrap("ece", wrong, n=10).value
    assert np.array_equal(mended.guess, wrong.guess)
    assert likelihood_loss(mended) < likelihood_loss(wrong)


def test_scaling_by_one_changes_nothing_and_zeros_are_allowed():
    chances = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    assert np.allclose(scaled(chances, 1.0), chances, atol=1e-9)
    assert np.isfinite(scaled(chances, 0.05)).all()
    assert np.allclose(scaled(chances, 3.0).sum(axis=1), 1.0)


def test_each_fold_is_judged_at_the_others_temperature():
    parts = [answers(0.5, seed=1, speaker="a"), answers(2.0, seed=2, speaker="b"), answers(2.0, seed=3, speaker="c")]
    joined, temperatures = cross_fitted(parts)
    assert temperatures[0] == pytest.approx(0.5, rel=0.1)  # of folds b and c, whatever a is
    other = [answers(5.0, seed=9, speaker="a"), *parts[1:]]
    assert cross_fitted(other)[1][0] == temperatures[0]
    assert joined.speakers == tuple("a" * 3000 + "b" * 3000 + "c" * 3000)
    assert np.allclose(joined.probabilities[:3000], scaled(parts[0].probabilities, temperatures[0]))
