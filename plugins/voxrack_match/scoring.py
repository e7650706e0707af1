"""The four losses of DiffVox between two signals, as numbers (spec, section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from voxrack.errors import InputError, UsageError

from .reference import NAMES, dynamics
from .target import Target

LOSS_WEIGHTS = {"mss_lr": 1.0, "mss_ms": 0.5, "mldr_lr": 0.5, "mldr_ms": 0.25}


def losses(
    pred: ArrayLike, target: ArrayLike, sample_rate: int, mode: Literal["paper", "exact"] = "paper"
) -> dict[str, float]:
    """The four terms between two signals.

    Parameters
    ----------
    pred, target : array_like, shape (channels, frames) or (frames,)
        One or two channels (mono is taken as two equal ones), as long as each other, at least 1025 frames.
        ``target`` is the reference: its norm scales the spectral convergence.
    sample_rate : int
        Hz.
    mode : {"paper", "exact"}
        ``paper``: the reference's numbers, whose loudness dynamic range reads on from the end of one row at the
        beginning of the next. ``exact`` holds the last value of the row instead; fitting uses that.

    Returns
    -------
    dict
        ``mss_lr``, ``mss_ms`` (multi-resolution spectral, left/right and middle/side), ``mldr_lr``, ``mldr_ms``
        (loudness dynamic range). Computed in double precision.

    Raises
    ------
    InputError
        For signals of different length, more than two channels, NaN.
    """
    if mode not in ("paper", "exact"):
        raise UsageError(f"mode is {mode!r}; it takes 'paper' or 'exact'")
    x, y = _stereo(pred, "pred"), _stereo(target, "target")
    if x.shape != y.shape:
        raise InputError(f"pred has {x.shape[1]} frames, target {y.shape[1]}; cut both to the shorter")
    with torch.no_grad():
        wanted = torch.from_numpy(y)[None]
        found = torch.from_numpy(x)[None]
        terms = Target(wanted, sample_rate, keep=False).losses(found)
        if mode == "paper":
            terms[2:] = dynamics(found, wanted, sample_rate, "paper")
    return dict(zip(NAMES, terms.tolist()))


def total_loss(terms: Mapping[str, Any]) -> Any:
    """Weighted sum ``mss_lr + mss_ms / 2 + mldr_lr / 2 + mldr_ms / 4``, of numbers or of tensors."""
    return sum(weight * terms[name] for name, weight in LOSS_WEIGHTS.items())


def _stereo(signal: ArrayLike, name: str) -> NDArray[np.float64]:
    x = np.array(signal, dtype=np.float64, ndmin=2)
    if x.ndim != 2 or x.shape[0] not in (1, 2):
        raise InputError(f"{name} has shape {x.shape}; it takes (channels, frames) with one or two channels")
    if not np.isfinite(x).all():
        raise InputError(f"{name} holds NaN or infinity")
    return np.repeat(x, 2, axis=0) if x.shape[0] == 1 else x
