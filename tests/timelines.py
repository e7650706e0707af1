"""A recogniser's tracks made by hand, for tests of what is shown of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from voxrack.device import Track

LABELS = ("neutral", "happy", "angry")
ROWS = ((0, 0, 0), (0.2, 0.2, 0.6), (0.1, 0.1, 0.8), (0.3, 0.35, 0.35), (0.0, 0.9, 0.1), (0, 0, 0))
TRUST = (math.nan, 0.9, 0.6, 0.2, 0.3, math.nan)  # of the windows of ROWS


def tracks(
    rows: Sequence[Sequence[float]] = ROWS, hop: float = 0.5, window: float = 1.5, threshold: float = 0.4,
    trust: Sequence[float] | None = None,
) -> tuple[Track, ...]:  # fmt: skip
    """Windows one ``hop`` apart with the probabilities ``rows``; zeros are no speech. ``trust`` is a further track."""
    values = np.array(rows, dtype=np.float64).reshape(-1, len(LABELS))
    times = window / 2 + hop * np.arange(len(values))
    duration = window + hop * (len(values) - 1) if len(values) else 0.0
    summary = {
        "emotion": "angry", "confidence": 0.6, "probabilities": dict(zip(LABELS, (0.1, 0.3, 0.6), strict=True)),
        "reason": "", "threshold": threshold, "window_s": window, "duration_s": duration,
    }  # fmt: skip
    voiced = np.where(values.sum(axis=1) > 0, 0.8, 0.1)[:, None]
    emotion = Track("emotion", times, values, LABELS, "probability", summary)
    found = (emotion, Track("voiced", times, voiced, ("speech",), "share"))
    if trust is None:
        return found
    summary["trust"] = float(np.nanmean(trust))
    return (*found, Track("trust", times, np.array(trust, dtype=np.float64)[:, None], ("trust",), "share"))
