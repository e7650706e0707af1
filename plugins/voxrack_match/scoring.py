"""The four losses of DiffVox between two signals, as numbers (spec, section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from voxrack.errors import InputError, UsageError

from .reference import NAMES, PAIRS, POWER_FLOOR, coefficient, shift_of
from .target import SHORTEST, Target, spectral_terms

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
    if mode == "paper":
        if x.shape[1] < SHORTEST:
            raise InputError(f"the signals have {x.shape[1]} frames; the losses need {SHORTEST} or more")
        return dict(zip(NAMES, (*spectral_terms(x, y, sample_rate), *rolled_dynamics(x, y, sample_rate))))
    with torch.no_grad():
        terms = Target(torch.from_numpy(y)[None], sample_rate, keep=False).losses(torch.from_numpy(x)[None])
    return dict(zip(NAMES, terms.tolist()))


def rolled_dynamics(pred: NDArray[np.float64], target: NDArray[np.float64], sample_rate: int) -> tuple[float, float]:
    """``mldr_lr`` and ``mldr_ms`` of two signals (2, frames) as the reference has them (spec, section 8).

    The same numbers as ``reference.dynamics``; one signal, one pair of times after the other, so that a song of five
    minutes takes little memory.
    """
    terms = []
    for turned in (False, True):
        views = [_middle_side(x) if turned else x for x in (pred, target)]
        term = 0.0
        for pair in PAIRS:
            difference = _rolled_range(views[0], sample_rate, pair)
            difference -= _rolled_range(views[1], sample_rate, pair)
            term += float(np.mean(np.abs(difference, out=difference)))
        terms.append(term)
    return terms[0], terms[1]


def _middle_side(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack((x[0] + x[1], x[0] - x[1])) / np.sqrt(2.0)


def _rolled_range(x: NDArray[np.float64], sample_rate: int, pair: tuple[float, float]) -> NDArray[np.float64]:
    """Log ratio of short- to long-term power of the flattened rows, the long-term curve rolled over them."""
    from scipy.signal import lfilter

    short, long = (coefficient(time, sample_rate, "paper") for time in pair)
    out = np.empty(x.shape)
    later = np.empty(x.shape)
    for row, to, past in zip(x, out, later):
        power = np.maximum(np.square(row), POWER_FLOOR)
        to[:] = np.log(lfilter([short], [1.0, short - 1.0], power))
        past[:] = np.log(lfilter([long], [1.0, long - 1.0], power))
    flat, curve, shift = out.reshape(-1), later.reshape(-1), shift_of(pair, sample_rate) % out.size
    flat[: flat.size - shift] -= curve[shift:]
    flat[flat.size - shift :] -= curve[:shift]
    return flat


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
