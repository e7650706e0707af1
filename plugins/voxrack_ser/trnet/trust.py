"""The coefficient c over the ratio: how it is spread, and whether it rises with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrack.metrics_intervals import draws, expanded_percentiles

from .answers import Answers
from .conditions import CLEAN, MATCHED, TESTED, UNMATCHED, noisy

DRAWS = 1000


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Rank correlation of two sequences, -1 … 1, ties at their mean rank; NaN where one of them is constant."""
    from scipy.stats import rankdata

    a, b = (rankdata(np.asarray(one, dtype=np.float64)) for one in (x, y))
    a, b = a - a.mean(), b - b.mean()
    below = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / below if below > 0 else float("nan")


def trust(runs: Sequence[Answers]) -> dict[str, Any]:
    """c in every condition, and its rank correlation with the ratio in matched and in unmatched noise.

    ``rho`` is over all clips and conditions at once (clean speech has the highest ratio), with an interval that draws
    speakers; ``within`` is the mean over clips of each clip's own, which no difference between clips can blur.
    ``clamped`` is the share of all c that eq. 3 cut off.

    Parameters
    ----------
    runs : sequence of Answers
        One for each seed.
    """
    values = np.stack([run.trust for run in runs]).astype(np.float64)  # (seeds, conditions, clips)
    out: dict[str, Any] = {
        condition.name: {"mean": float(values[:, place].mean()), "deviation": float(values[:, place].std())}
        for place, condition in enumerate(TESTED)
    }
    for origin in (MATCHED, UNMATCHED):
        places = [TESTED.index(condition) for condition in (CLEAN, *noisy(origin))]
        snrs = np.array([TESTED[place].snr for place in places])
        out[f"{origin}_rho"] = _over_clips(values[:, places], snrs, runs[0].speakers)
    out["clamped"] = float(((values <= 0) | (values >= 1)).mean())
    return out


def _over_clips(values: NDArray[np.float64], snrs: NDArray[np.float64], speakers: Sequence[str]) -> dict[str, Any]:
    """Rank correlation of (seeds, conditions, clips) with the ratios (conditions,)."""

    def pooled(clips: NDArray[np.intp]) -> float:
        ratios = np.repeat(snrs, len(clips))
        return float(np.mean([spearman(ratios, one[:, clips].ravel()) for one in values]))

    clips = np.arange(values.shape[2])
    names = sorted(set(speakers))
    own = [np.flatnonzero(np.array(speakers) == name) for name in names]
    low = high = float("nan")
    if len(names) > 1:
        drawn = draws(len(names), DRAWS, 0).astype(int)
        found = [pooled(np.concatenate([own[at] for at in np.repeat(np.arange(len(names)), row)])) for row in drawn]
        low, high = expanded_percentiles(np.array(found), 0.95, len(names))
    each = np.array([[spearman(snrs, one[:, clip]) for clip in clips] for one in values])
    known = each[np.isfinite(each)]
    return {
        "rho": pooled(clips), "low": low, "high": high, "clips": len(clips),
        "within": float(known.mean()) if known.size else float("nan"), "constant": float(np.isnan(each).mean()),
    }  # fmt: skip
