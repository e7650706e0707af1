"""A recogniser's tracks made by hand, for tests of what is shown of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from voxrack.device import Track

LABELS = ("neutral", "happy", "angry")
ROWS = ((0, 0, 0), (0.2, 0.2, 0.6), (0.1, 0.1, 0.8), (0.3, 0.35, 0.35), (0.0, 0.9, 0.1), (0, 0, 0))


def tracks(
    rows: Sequence[Sequence[float]] = ROWS, hop: float = 0.5, window: float = 1.5, threshold: float = 0.4
) -> tuple[Track, ...]:
    """Windows one ``hop`` apart with the probabilities ``rows``; zeros are no speech."""
    values = np.array(rows, dtype=np.float64).reshape(-1, len(LABELS))
    times = window / 2 + hop * np.arange(len(values))
    duration = window + hop * (len(values) - 1) if len(values) else 0.0
    summary = {
        "emotion": "angry", "confidence": 0.6, "probabilities": dict(zip(LABELS, (0.1, 0.3, 0.6), strict=True)),
        "reason": "", "threshold": threshold, "window_s": window, "duration_s": duration,
    }  # fmt: skip
    voiced = np.where(values.sum(axis=1) > 0, 0.8, 0.1)[:, None]
    return (
        Track("emotion", times, values, LABELS, "probability", summary),
        Track("voiced", times, voiced, ("speech",), "share"),
    )
