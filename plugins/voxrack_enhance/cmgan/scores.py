"""PESQ of a training batch, as CMGAN's discriminator learns it."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxrack.errors import InputError, UsageError
from voxrack.metrics_quality import pesq_wb

from .spectrum import RATE


def scores(clean: Tensor, found: Tensor, workers: int) -> Tensor:
    """``(PESQ - 1) / 3.5`` of (B, samples) each, on the CPU, shape (B,); NaN where PESQ cannot compare a pair.

    Parameters
    ----------
    workers : int
        Processes at the most; 0: one per core. PESQ takes 50 ms for two seconds, and does not share a process.
    """
    pairs = [
        (one.astype(np.float32), other.astype(np.float32))
        for one, other in zip(clean.detach().cpu().numpy(), found.detach().cpu().numpy())
    ]
    from joblib import Parallel, cpu_count, delayed

    count = min(workers or cpu_count(), len(pairs))
    values = Parallel(n_jobs=count)(delayed(score)(*pair) for pair in pairs)
    return torch.tensor(list(values), dtype=torch.float32)


def score(clean: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Of one pair. Silence has no PESQ: NaN, which says that it failed and is not taken for a low score."""
    try:
        return (pesq_wb(clean, found, RATE) - 1.0) / 3.5
    except InputError:
        return math.nan


def need_pesq() -> None:
    """UsageError where PESQ is not installed; it says how to go on with it, and without."""
    tone = np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    try:
        score(tone, tone)
    except UsageError as error:
        raise UsageError(
            f"{error}; the discriminator of enhance.cmgan learns PESQ. Without it: --set adversarial=0"
        ) from None
