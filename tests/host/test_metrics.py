"""Measures against their definitions, numbers worked by hand, and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as peer

from voxrack import metrics
from voxrack.errors import InputError

CLASSES = ("angry", "happy", "sad")


def answers(n: int = 200, seed: int = 0, classes: tuple[str, ...] = CLASSES, decimals: int = 8):
    """Random labels and probabilities that know a little of them."""
    generator = np.random.default_rng(seed)
    shares = np.array([0.6, 0.3, 0.1][: len(classes)])
    truth = generator.choice(len(classes), n, p=shares / shares.sum())
    scores = generator.normal(size=(n, len(classes))) + 1.2 * np.eye(len(classes))[truth]
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    return np.array(classes)[truth], np.round(chances, decimals)


def test_recalls_worked_by_hand():
    labels = ["a", "a", "a", "a", "b", "b", "c"]
    found = ["a", "a", "a", "b", "b", "a", "a"]
    assert metrics.accuracy(labels, found) == pytest.approx(4 / 7)
    assert metrics.per_class_recall(labels, found) == pytest.approx({"a": 3 / 4, "b": 1 / 2, "c": 0.0})
    assert metrics.uar(labels, found) == pytest.approx((0.75 + 0.5 + 0) / 3)
    matrix = metrics.confusion(labels, found, ["a", "b", "c"])
    np.testing.assert_array_equal(matrix, [[3, 1, 0], [1, 1, 0], [1, 0, 0]])
    np.testing.assert_allclose(np.diag(metrics.confusion(labels, found, ["a", "b", "c"], share=True)), [0.75, 0.5, 0])


def test_a_class_that_no_label_names_does_not_count_in_the_mean_recall():
    labels, found = ["a", "a", "b"], ["a", "c", "b"]
    assert metrics.uar(labels, found) == pytest.approx((0.5 + 1) / 2)  # scikit-learn would warn and count c as 0
    recalls = metrics.per_class_recall(labels, found, ["a", "b", "c"])
    assert math.isnan(recalls["c"]) and list(recalls) == ["a", "b", "c"]
    assert np.isnan(metrics.confusion(labels, found, ["a", "b", "c"], share=True)[2]).all()


@pytest.mark.parametrize("seed", range(3))
def test_equal_to_scikit_learn(seed):
    labels, chances = answers(seed=seed)
    found = np.array(CLASSES)[chances.argmax(1)]
    assert metrics.uar(labels, found) == pytest.approx(peer.recall_score(labels, found, average="macro"), abs=1e-12)
    assert metrics.war(labels, found) == pytest.approx(peer.recall_score(labels, found, average="weighted"))
    np.testing.assert_array_equal(
        metrics.confusion(labels, found, CLASSES), peer.confusion_matrix(labels, found, labels=CLASSES)
    )
    areas = metrics.roc_auc(labels, chances, CLASSES)
    normed = chances / chances.sum(1, keepdims=True)
    assert areas.macro == pytest.approx(peer.roc_auc_score(labels, normed, multi_class="ovr", average="macro"))
    assert areas.undefined == ()


def test_ties_count_half_in_the_area():
    labels, chances = answers(decimals=1)  # many equal scores
    area = metrics.roc_auc(labels, chances, CLASSES).per_class["happy"]
    assert area == pytest.approx(peer.roc_auc_score(labels == "happy", chances[:, 1]), abs=1e-12)
    assert metrics.roc_auc(["a", "b"], [[0.5, 0.5], [0.5, 0.5]], ["a", "b"]).macro == 0.5


def test_an_area_that_is_not_defined_is_nan_and_named():
    labels, chances = answers(classes=("angry", "happy"))
    wide = np.c_[chances, np.zeros(len(chances))]
    found = metrics.roc_auc(labels, wide, ("angry", "happy", "bored"))
    assert found.undefined == ("bored",) and math.isnan(found.per_class["bored"])
    assert found.macro == pytest.approx((found.per_class["angry"] + found.per_class["happy"]) / 2)
    assert set(metrics.roc_curve(labels, wide, ("angry", "happy", "bored"))) == {"angry", "happy"}
    alone = metrics.roc_auc(["a", "a"], [[1.0, 0.0], [0.4, 0.6]], ["a", "b"])
    assert math.isnan(alone.macro) and alone.undefined == ("a", "b")


def test_area_under_the_drawn_curve_is_the_area():
    labels, chances = answers()
    curves, areas = metrics.roc_curve(labels, chances, CLASSES), metrics.roc_auc(labels, chances, CLASSES)
    for name, (false, true) in curves.items():
        assert np.trapezoid(true, false) == pytest.approx(areas.per_class[name])


def test_calibration_error_worked_by_hand():
    # two bins of five: confidence .9 (three items, two right) and .7 (one item, wrong)
    labels = ["a", "a", "b", "b"]
    chances = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.7, 0.3]]
    expected = 3 / 4 * abs(2 / 3 - 0.9) + 1 / 4 * abs(0 - 0.7)
    assert metrics.expected_calibration_error(labels, chances, ["a", "b"], bins=5) == pytest.approx(expected)
    confidence, accuracy, count = metrics.reliability(labels, chances, ["a", "b"], bins=5)
    np.testing.assert_array_equal(count, [0, 0, 0, 1, 3])
    np.testing.assert_allclose(confidence[3:], [0.7, 0.9])
    np.testing.assert_allclose(accuracy[3:], [0, 2 / 3])
    assert np.isnan(accuracy[:3]).all()


def test_calibrated_probabilities_have_a_small_error():
    generator = np.random.default_rng(1)
    chances = generator.dirichlet((0.7, 0.7, 0.7), 40_000)
    truth = (generator.random(len(chances))[:, None] > chances.cumsum(1)).sum(1)
    assert metrics.expected_calibration_error(np.array(CLASSES)[truth], chances, CLASSES) < 0.01
    sharper = chances**3 / (chances**3).sum(1, keepdims=True)
    assert metrics.expected_calibration_error(np.array(CLASSES)[truth], sharper, CLASSES) > 0.1


def test_brier_score():
    assert metrics.brier(["a", "b"], [[1, 0], [1, 0]], ["a", "b"]) == pytest.approx((0 + 2) / 2)
    labels, chances = answers(classes=("angry", "happy"))
    half = peer.brier_score_loss(labels == "happy", chances[:, 1])
    assert metrics.brier(labels, chances, ("angry", "happy")) == pytest.approx(2 * half, abs=1e-6)


def test_concordance():
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert metrics.ccc(x, x) == pytest.approx(1)
    assert metrics.ccc(x, -x + 5) == pytest.approx(-1)
    assert metrics.ccc(x, x + 1) == pytest.approx(2 * 1.25 / (1.25 + 1.25 + 1))  # correlation alone would be 1
    assert math.isnan(metrics.ccc([1, 1], [1, 1]))


def test_si_sdr():
    generator = np.random.default_rng(2)
    clean = generator.normal(size=40_000)
    noise = generator.normal(size=40_000)
    noise -= noise.mean() + ((noise - noise.mean()) @ (clean - clean.mean())) / clean.var() / len(clean) * (
        clean - clean.mean()
    )
    noisy = clean + 0.1 * noise * clean.std() / noise.std()
    assert metrics.si_sdr(clean, noisy) == pytest.approx(20.0, abs=1e-6)
    assert metrics.si_sdr(clean, -0.3 * noisy + 4) == pytest.approx(20.0, abs=1e-6)  # level, sign, offset do not matter
    assert metrics.si_sdr(clean, 2 * clean) == math.inf
    assert metrics.si_sdr(clean, np.zeros_like(clean)) == -math.inf
    with pytest.raises(InputError, match="constant"):
        metrics.si_sdr(np.zeros(5), np.ones(5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.accuracy([], []), "at least 1"),
        (lambda: metrics.accuracy(["a"], ["a", "b"]), "one length"),
        (lambda: metrics.roc_auc(["a", "z"], np.ones((2, 2)), ["a", "b"]), "'z' is none of the classes"),
        (lambda: metrics.roc_auc(["a", "b"], [[0, 1], [math.nan, 0]], ["a", "b"]), "not finite"),
        (lambda: metrics.roc_auc(["a", "b"], np.ones((2, 3)), ["a", "b"]), "2 classes"),
        (lambda: metrics.confusion(["a"], ["q"], ["a"]), "'q' is none"),
        (lambda: metrics.ccc([1, 2], [1]), "one length"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_whole_numbers_are_labels_too():
    assert metrics.uar(np.array([0, 0, 1]), np.array([0, 1, 1])) == pytest.approx(0.75)
