"""What a network has to beat: logistic regression and a support vector machine on statistics of MFCC.

They stand in every table, on the same splits, and see nothing of the test speakers. On RAVDESS they are better than
most networks of the literature when speakers are kept apart: about 0.48 and 0.46 unweighted recall over five folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrack.errors import InputError, UsageError

if TYPE_CHECKING:
    from voxrack.feature_file import FeatureFile

ARRAY = "statistics"  # its name in a feature file
RATE = 22_050  # Hz
COEFFICIENTS = 40
WINDOW, HOP = 4096, 728  # samples at RATE
PARTS = ("mean", "deviation", "lowest", "highest", "mean step", "deviation of the steps")
SIZE = COEFFICIENTS * len(PARTS)
NAMES = {"logistic": "logistic regression", "svm": "SVM (rbf)"}  # folder name -> what a table calls it


def statistics(samples: ArrayLike, sample_rate: int) -> NDArray[np.float32]:
    """Six statistics over time of 40 MFCC: what a recording sounds like without its course.

    Mean, standard deviation, minimum and maximum of every coefficient, then mean and standard deviation of its
    steps from frame to frame.

    Parameters
    ----------
    samples : array_like, shape (frames,) or (channels, frames)
        Channels are averaged. Shorter than a window of 186 ms: zeros are added.
    sample_rate : int
        Hz; resampled to 22,050.

    Returns
    -------
    ndarray, shape (240,), float32
        Statistic by statistic, each over the 40 coefficients.

    Raises
    ------
    InputError
        Where there are no samples.
    """
    import soxr
    import torch

    from voxrack.features import mfcc

    signal = np.asarray(samples, dtype=np.float32)
    signal = signal.mean(axis=0) if signal.ndim == 2 else signal
    if signal.ndim != 1 or not len(signal):
        raise InputError(f"statistics need samples of shape (frames,), at least one; got {np.shape(samples)}")
    if sample_rate != RATE:
        signal = soxr.resample(signal, sample_rate, RATE)
    signal = np.pad(signal, (0, max(0, WINDOW - len(signal))))
    return statistics_of(
        mfcc(torch.from_numpy(signal), RATE, n_mfcc=COEFFICIENTS, n_fft=WINDOW, hop_length=HOP).numpy()
    )


def statistics_of(found: NDArray[np.float32]) -> NDArray[np.float32]:
    """The statistics (240,) of MFCC that were computed before, (coefficients, frames)."""
    steps = np.diff(found, axis=1)
    parts = (found.mean(1), found.std(1), found.min(1), found.max(1), steps.mean(1), steps.std(1))
    return np.concatenate(parts).astype(np.float32)


def table(features: FeatureFile, indices: Sequence[int]) -> NDArray[np.float64]:
    """The statistics of some utterances, (n, 240).

    Raises
    ------
    InputError
        Where the feature file holds none.
    """
    if ARRAY not in features.names:
        raise InputError(f"{features.path} holds no '{ARRAY}', which the baselines need; prepare it again")
    return np.stack([features.get(ARRAY, index).numpy().reshape(-1) for index in indices]).astype(np.float64)


def classifier(name: str) -> Any:
    """A scikit-learn pipeline of ``NAMES``: standardisation by the training set, then the classifier.

    Logistic regression has C = 0.01, the SVM a Gaussian kernel with C = 1 and scikit-learn's ``scale`` for gamma.
    These were picked once, among five settings on RAVDESS, so they flatter the baselines if anything.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if name == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    if name == "svm":
        return make_pipeline(StandardScaler(), SVC(C=1.0, break_ties=True))
    raise UsageError(f"'{name}' is no baseline; there are {', '.join(NAMES)}")


def fit_predict(
    name: str, features: FeatureFile, train: Sequence[int], asked: Sequence[Sequence[int]]
) -> tuple[list[NDArray[np.float64]], tuple[str, ...]]:
    """Fit on ``train`` and answer each list of ``asked``.

    An SVM has no probabilities; its one-against-rest scores go through a softmax whose temperature was fitted on
    training speakers held out in turn, so that its calibration error means something.

    Returns
    -------
    probabilities : list of ndarray, shape (len(asked[i]), k)
    classes : tuple of str

    Raises
    ------
    InputError
        Where the training set has one class only.
    """
    items = [features.items[index] for index in train]
    labels = np.array([item.label for item in items])
    if len(set(labels)) < 2:
        raise InputError(f"all {len(labels)} training items are '{items[0].label}'; two classes are needed")
    inputs = table(features, train)
    model = classifier(name).fit(inputs, labels)
    classes = tuple(map(str, model.classes_))
    if name == "logistic":
        return [model.predict_proba(table(features, rows)) for rows in asked], classes
    sharpness = _sharpness(name, inputs, labels, [item.speaker for item in items])
    return [_softmax(sharpness * _scores(model, table(features, rows))) for rows in asked], classes


def _scores(model: Any, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """One score a class, (n, k), also for two classes."""
    found = model.decision_function(inputs)
    return np.stack([-found, found], axis=1) if found.ndim == 1 else found


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _sharpness(name: str, inputs: NDArray[np.float64], labels: NDArray[Any], speakers: Sequence[str]) -> float:
    """The factor on the scores that makes held-out training speakers' labels most likely; 1 where none can be."""
    from scipy.optimize import minimize_scalar
    from sklearn.model_selection import GroupKFold

    classes = np.unique(labels)
    scores, truth = [], []
    if len(set(speakers)) > 1:
        for fit, held in GroupKFold(min(5, len(set(speakers)))).split(inputs, labels, speakers):
            if len(set(labels[fit])) == len(classes):
                scores.append(_scores(classifier(name).fit(inputs[fit], labels[fit]), inputs[held]))
                truth.append(np.searchsorted(classes, labels[held]))
    if not scores:
        return 1.0
    joined, rows = np.concatenate(scores), np.concatenate(truth)

    def loss(log_factor: float) -> float:
        chances = _softmax(np.exp(log_factor) * joined)[np.arange(len(rows)), rows]
        return float(-np.log(np.maximum(chances, 1e-12)).mean())

    found: Any = minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded")
    return float(np.exp(found.x))
