"""From probabilities to a word: the verdict on a recording, pooled where it is long, and why it is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack.timeline import NO_SPEECH, UNSURE, verdict


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a recording.

    Parameters
    ----------
    emotion : str
        A label, "unsure" or "no speech".
    confidence : float
        Calibrated probability of the likeliest label; 0 without speech.
    probabilities : ndarray, shape (k,)
        Zeros without speech.
    reason : str
        Why it is no emotion; empty where it is one.
    """

    emotion: str
    confidence: float
    probabilities: NDArray[np.float64]
    reason: str


def pooled(probabilities: NDArray[np.float64], speech: NDArray[np.float64]) -> NDArray[np.float64]:
    """One distribution for many windows: their mean, each weighed by the speech in it.

    The arithmetic mean, not the product: windows overlap and one speaker's windows err alike, so a product would be
    surer than the evidence is.

    Parameters
    ----------
    probabilities : ndarray, shape (n, k)
        Rows of zeros are windows without speech and count for nothing.
    speech : ndarray, shape (n,)
        Share of each window that is speech.

    Returns
    -------
    ndarray, shape (k,)
        Sums to 1, or zeros where no window holds speech.
    """
    weights = np.where(probabilities.sum(axis=1) > 0, speech, 0.0)
    total = weights.sum()
    return weights @ probabilities / total if total > 0 else np.zeros(probabilities.shape[1])


def decide(
    probabilities: NDArray[np.float64], labels: Sequence[str], threshold: float, speech: float, least: float
) -> Verdict:
    """The verdict on a recording with ``speech`` seconds of speech in it, of which it takes ``least``."""
    if not probabilities.any():
        why = f"{speech:.2f} s of speech were found; a verdict takes {least:g} s within one window"
        return Verdict(NO_SPEECH, 0.0, probabilities, why)
    best = int(probabilities.argmax())
    sure = float(probabilities[best])
    word = verdict(probabilities, labels, threshold)
    why = f"the likeliest, {labels[best]}, has {sure:.2f}; the threshold is {threshold:g}" if word == UNSURE else ""
    return Verdict(word, sure, probabilities, why)


def described(found: Verdict, labels: Sequence[str]) -> dict[str, Any]:
    """The head of a recogniser's summary, as JSON."""
    return {
        "emotion": found.emotion,
        "confidence": round(found.confidence, 6),
        "probabilities": {label: round(float(p), 6) for label, p in zip(labels, found.probabilities, strict=True)},
        "reason": found.reason,
    }
