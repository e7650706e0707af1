"""Active speech level in the manner of ITU-T P.56: how loud somebody is while they speak.

A signal is active where its power lies above a threshold, and for 0.2 s after; the level sought is the one that lies
15.9 dB above the threshold that it gives. P.56 finds it on an envelope of two smoothers of 30 ms, which needs some time
to rise; here it is the fixed point over the powers of 10 ms, so a word of 40 ms has its own level too. Nothing is
absolute: twice the signal is 6.02 dB more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError

FRAME = 0.01  # s
MARGIN, HANGOVER = 15.9, 0.2  # dB, s: P.56


def active_level(samples: ArrayLike, sample_rate: float) -> float:
    """Level of the active parts.

    Parameters
    ----------
    samples : (frames,)
        Floating point, full scale ±1.
    sample_rate : float
        Hz.

    Returns
    -------
    float
        dBFS (power, a full-scale square wave is 0); -inf for silence.

    Raises
    ------
    InputError
        Empty, not finite, more than one dimension.
    """
    x = np.asarray(samples)
    if x.ndim != 1 or x.dtype.kind != "f" or not x.size:
        raise InputError(f"samples {x.shape} of {x.dtype}; (frames,) floating point, at least one, is needed")
    if not np.isfinite(x).all():
        raise InputError("samples that are not finite (NaN or infinity); mend them: numpy.nan_to_num")
    power = frame_power(x.astype(np.float64), sample_rate)
    level = float(power.mean())
    if level <= 0:
        return -np.inf
    while True:
        loud = power > level * 10 ** (-MARGIN / 10)
        active = float(power[widened(loud, 0, round(HANGOVER / FRAME))].mean())
        if active <= level * (1 + 1e-9):  # it only rises, for a higher threshold leaves fewer frames
            return float(10 * np.log10(level))
        level = active


def frame_size(sample_rate: float) -> int:
    """Samples of 10 ms."""
    return max(1, round(FRAME * sample_rate))


def frame_power(samples: NDArray[np.float64], sample_rate: float) -> NDArray[np.float64]:
    """Mean power of each 10 ms; the last frame may be shorter."""
    starts = np.arange(0, len(samples), frame_size(sample_rate))
    lengths = np.diff(np.append(starts, len(samples)))
    return np.add.reduceat(samples**2, starts) / lengths


def widened(mask: NDArray[np.bool_], before: int, after: int) -> NDArray[np.bool_]:
    """True also for ``before`` frames ahead of a true one and ``after`` frames behind it."""
    kernel = np.ones(before + after + 1)
    return np.convolve(mask, kernel)[before : before + len(mask)] > 0.5
