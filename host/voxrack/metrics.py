"""Measures of recognisers and enhancers, each by its definition, with what is undefined said and not guessed.

The functions here take arrays. :class:`Predictions` keeps the answers of a model with the speakers, so that
:func:`bootstrap` can give intervals over speakers and :func:`paired_test` can compare two models. Everything that
a training loop may call needs NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import metrics_weighted as weighted
from .errors import InputError
from .metrics_intervals import MEASURES, Interval, bootstrap, over_seeds
from .metrics_paired import CorrectedTest, PairedTest, corrected_t_test, holm, paired_test
from .metrics_predictions import Predictions

__all__ = [
    "MEASURES", "CorrectedTest", "Interval", "PairedTest", "Predictions", "RocAuc", "accuracy", "bootstrap", "brier",
    "ccc", "confusion", "corrected_t_test", "expected_calibration_error", "holm", "over_seeds", "paired_test",
    "per_class_recall", "reliability", "roc_auc", "roc_curve", "si_sdr", "uar", "war",
]  # fmt: skip


# ---- right or wrong -------------------------------------------------------------------------
def accuracy(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Share of items whose prediction equals the label; also called weighted average recall.

    Parameters
    ----------
    labels, predicted : array_like, shape (n,)
        Words or whole numbers.

    Returns
    -------
    float
        0 … 1.

    Raises
    ------
    InputError
        Where they differ in length or are empty.
    """
    truth, guess, _ = _numbered(labels, predicted)
    return float(weighted.accuracy(truth, guess, np.ones((1, len(truth))))[0])


war = accuracy  # the mean of the recalls weighted by the classes' sizes is the accuracy


def per_class_recall(labels: ArrayLike, predicted: ArrayLike, classes: Sequence[Any] | None = None) -> dict[Any, float]:
    """Share of each class's items that were predicted as that class.

    Parameters
    ----------
    labels, predicted : array_like, shape (n,)
    classes : sequence, optional
        Their order; by default the sorted labels. A class that no label names gets NaN.
    """
    truth, guess, known = _numbered(labels, predicted, classes)
    found = weighted.recalls(truth, guess, len(known), np.ones((1, len(truth))))[0]
    table = dict(zip(known, (float(value) for value in found)))
    if classes is not None:
        return {name: table[name] for name in classes}
    present = set(truth.tolist())
    return {name: value for index, (name, value) in enumerate(table.items()) if index in present}


def uar(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Unweighted average recall: the mean of the recalls of the classes that occur among the labels.

    A class that is predicted but never true has no recall and does not count; chance is one over the number of
    classes present (Schuller et al., Interspeech 2009 Emotion Challenge).
    """
    return float(np.mean(list(per_class_recall(labels, predicted).values())))


def confusion(
    labels: ArrayLike, predicted: ArrayLike, classes: Sequence[Any], *, share: bool = False
) -> NDArray[np.float64]:
    """Confusion matrix, shape (k, k): rows are the labels, columns the predictions.

    Parameters
    ----------
    share : bool
        Divide each row by its sum, so that the diagonal holds the recalls; a class without items gives a row of NaN.
    """
    truth, guess, known = _numbered(labels, predicted, classes)
    if len(known) > len(classes):
        raise InputError(f"{known[len(classes)]!r} is none of the classes {', '.join(map(str, classes))}")
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (truth, guess), 1.0)
    if not share:
        return counts
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(axis=1, keepdims=True)


# ---- ranking --------------------------------------------------------------------------------
@dataclass(frozen=True)
class RocAuc:
    """Area under the receiver operating characteristic, each class against the rest.

    Parameters
    ----------
    per_class : dict of str to float
        NaN for a class that no label, or every label, names.
    macro : float
        Mean over the classes that have one; NaN where none has.
    undefined : tuple of str
        The classes without an area.
    """

    per_class: dict[str, float]
    macro: float
    undefined: tuple[str, ...]


def roc_auc(labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]) -> RocAuc:
    """Area under the ROC curve of each class against all others, and their mean.

    Parameters
    ----------
    labels : array_like of str, shape (n,)
    probabilities : array_like, shape (n, k)
        Or any scores that rise with the class.
    classes : sequence of str
        What the columns mean.

    Returns
    -------
    RocAuc
    """
    truth, scores = _scored(labels, probabilities, classes)
    ones = np.ones((1, len(truth)))
    areas = {
        name: float(weighted.area_under_roc(truth == index, scores[:, index], ones)[0])
        for index, name in enumerate(classes)
    }
    undefined = tuple(name for name, area in areas.items() if not np.isfinite(area))
    return RocAuc(areas, float(weighted.mean_known(np.array([*areas.values()]))), undefined)


def roc_curve(
    labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """False and true positive rate over all thresholds, by class; classes without a curve are left out."""
    from sklearn.metrics import roc_curve as curve

    truth, scores = _scored(labels, probabilities, classes)
    out = {}
    for index, name in enumerate(classes):
        positive = truth == index
        if 0 < positive.sum() < len(positive):
            false, true, _ = curve(positive, scores[:, index], drop_intermediate=False)
            out[name] = (false, true)
    return out


# ---- how sure, and how rightly --------------------------------------------------------------
def expected_calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str], bins: int = 15
) -> float:
    """Mean distance of confidence and accuracy over equal-width bins (Guo et al., ICML 2017, eq. 3).

    The confidence is the largest probability, the prediction its class.
    """
    truth, scores = _scored(labels, probabilities, classes)
    ones = np.ones((1, len(truth)))
    return float(weighted.calibration_error(truth == scores.argmax(axis=1), scores.max(axis=1), bins, ones)[0])


def reliability(
    labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str], bins: int = 15
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Mean confidence, accuracy and items of each bin of confidence, (bins,) each; NaN where a bin is empty."""
    truth, scores = _scored(labels, probabilities, classes)
    confidence, correct = scores.max(axis=1), truth == scores.argmax(axis=1)
    place = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(place, confidence, bins) / count
        share = np.bincount(place, correct.astype(float), bins) / count
    return mean, share, count


def brier(labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]) -> float:
    """Mean over items of the summed squared distance to the one-hot label, 0 … 2 (Brier 1950)."""
    truth, scores = _scored(labels, probabilities, classes)
    return float(np.mean(np.square(scores - np.eye(len(classes))[truth]).sum(axis=1)))


# ---- numbers instead of classes -------------------------------------------------------------
def ccc(reference: ArrayLike, estimate: ArrayLike) -> float:
    """Concordance correlation coefficient, -1 … 1 (Lin 1989): 2 cov / (var + var + difference of means squared).

    Population variances. NaN where both are the same constant, for then nothing varies.
    """
    x, y = _pair(reference, estimate)
    below = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    return float(2 * np.mean((x - x.mean()) * (y - y.mean())) / below) if below > 0 else float("nan")


def si_sdr(reference: ArrayLike, estimate: ArrayLike) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al., ICASSP 2019, eq. 3), means removed.

    Parameters
    ----------
    reference, estimate : array_like, shape (frames,)

    Returns
    -------
    float
        ``inf`` for a scaled copy, ``-inf`` for an estimate without any of the reference.

    Raises
    ------
    InputError
        For a reference without sound: the measure is not defined there.
    """
    target, heard = _pair(reference, estimate)
    target, heard = target - target.mean(), heard - heard.mean()
    power = float(target @ target)
    if power == 0.0:
        raise InputError("SI-SDR is not defined for a reference that is constant; give one with sound in it")
    aligned = (float(heard @ target) / power) * target
    kept, lost = float(aligned @ aligned), float(np.square(heard - aligned).sum())
    if kept == 0.0:
        return float("-inf")
    return float("inf") if lost <= 1e-30 * kept else 10 * float(np.log10(kept / lost))


# ---- checks ---------------------------------------------------------------------------------
def _numbered(
    labels: ArrayLike, predicted: ArrayLike, classes: Sequence[Any] | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp], list[Any]]:
    """Both as positions in a list of all words: the classes given first, then what else occurs, sorted."""
    truth, guess = np.asarray(labels), np.asarray(predicted)
    if truth.ndim != 1 or truth.shape != guess.shape or not len(truth):
        raise InputError(f"labels {truth.shape} and predictions {guess.shape} must be (n,) of one length, n at least 1")
    words: Iterable[Any] = [*truth.tolist(), *guess.tolist()]
    known = list(classes or ())
    known += sorted(set(words) - set(known))
    place = {word: index for index, word in enumerate(known)}
    return (
        np.array([place[word] for word in truth.tolist()], dtype=np.intp),
        np.array([place[word] for word in guess.tolist()], dtype=np.intp),
        known,
    )


def _scored(
    labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    words = np.asarray(labels)
    made = Predictions.of(words, probabilities, classes)
    return made.truth, made.probabilities


def _pair(reference: ArrayLike, estimate: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.asarray(reference, dtype=np.float64), np.asarray(estimate, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise InputError(f"reference {x.shape} and estimate {y.shape} must be (n,) of one length, n at least 1")
    return x, y
