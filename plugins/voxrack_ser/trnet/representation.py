"""Representations at several ratios: how far noise shifts them, and how well emotions part in them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .answers import Answers
from .conditions import MATCHED, TESTED, Condition

SHOWN = tuple(Condition(MATCHED, snr) for snr in (20.0, 10.0, 0.0))
MOST = 500  # clips

Points = NDArray[np.float64]


def shift(groups: Sequence[Points]) -> float:
    """Mean distance between the groups' centroids over the mean spread within them, 0 where noise shifts nothing.

    Parameters
    ----------
    groups : sequence of ndarray, each (n, size)
        The representations at one ratio. Their spread is the root mean square distance from their centroid.
    """
    centres = [group.mean(axis=0) for group in groups]
    spread = np.mean([np.sqrt(np.square(g - c).sum(axis=1).mean()) for g, c in zip(groups, centres, strict=True)])
    apart = np.mean([np.linalg.norm(a - b) for a, b in combinations(centres, 2)])
    return float(apart / spread) if spread > 0 else float("nan")


def silhouette(points: Points, labels: Sequence[str]) -> float:
    """Mean silhouette by emotion, -1 … 1 (Rousseeuw 1987); NaN with fewer than two emotions."""
    from sklearn.metrics import silhouette_score

    known = len(set(labels))
    return float(silhouette_score(points, list(labels))) if 1 < known < len(points) else float("nan")


def chosen(answers: Answers, seed: int = 0) -> tuple[list[Points], tuple[str, ...]]:
    """Up to 500 clips of one network's answers: their representations at 20, 10 and 0 dB, and their emotions."""
    rows = np.arange(len(answers.ids))
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST, replace=False))
    groups = [answers.embeddings[TESTED.index(condition)][rows].astype(np.float64) for condition in SHOWN]
    return groups, tuple(answers.labels[row] for row in rows)


def representation(runs: Sequence[Answers]) -> dict[str, Any]:
    """``shift`` between 20, 10 and 0 dB and ``silhouette`` by emotion: means over networks, and each one's own.

    Both are measured where the representations live, not in a picture of them.
    """
    shifts, silhouettes = [], []
    for run in runs:
        groups, labels = chosen(run)
        shifts.append(shift(groups))
        silhouettes.append(silhouette(np.concatenate(groups), labels * len(groups)))
    return {
        "shift": float(np.mean(shifts)), "silhouette": float(np.mean(silhouettes)),
        "shifts": shifts, "silhouettes": silhouettes,
    }  # fmt: skip
