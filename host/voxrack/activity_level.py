"""Active speech level after ITU-T P.56, method B: how loud somebody is while they speak.

The envelope (two smoothers of 30 ms) is held against thresholds of 6 dB steps; each gives the time that the signal
counts as active, pauses shorter than 200 ms bridged, and so a level. The answer is where that level lies 15.9 dB
above the threshold itself. Nothing here is absolute: twice the signal is 6.02 dB more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .errors import InputError

SMOOTHING, HANGOVER, MARGIN = 0.03, 0.2, 15.9  # s, s, dB: P.56
_STEPS = 20  # thresholds of 6.02 dB below the loudest moment of the envelope
_GRID = 1000  # Hz at which the envelope, which moves at some 5 Hz, is compared


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
    from scipy.signal import lfilter

    x = np.asarray(samples)
    if x.ndim != 1 or x.dtype.kind != "f" or not x.size:
        raise InputError(f"samples {x.shape} of {x.dtype}; (frames,) floating point, at least one, is needed")
    x = x.astype(np.float64)
    if not np.isfinite(x).all():
        raise InputError("samples that are not finite (NaN or infinity); mend them: numpy.nan_to_num")
    power = float(np.sum(x * x))
    if power == 0.0:
        return -np.inf
    pole = np.exp(-1.0 / (SMOOTHING * sample_rate))
    smoother = ([1.0 - pole], [1.0, -pole])
    envelope = np.asarray(lfilter(*smoother, lfilter(*smoother, np.abs(x))))
    step = max(1, round(sample_rate / _GRID))
    grid = envelope[::step]
    loudest = float(grid.max())
    if loudest <= 0.0:
        return float(10 * np.log10(power / x.size))
    hang = round(HANGOVER * sample_rate / step)
    at = np.arange(grid.size)
    before = None
    for k in range(1, _STEPS + 1):  # from the highest threshold down
        threshold = loudest * 2.0**-k
        since = at - np.maximum.accumulate(np.where(grid >= threshold, at, -hang - 1))
        share = float(np.mean(since <= hang))
        level = 10 * np.log10(power / (x.size * share)) if share > 0 else np.inf
        floor = 20 * np.log10(threshold)
        if level - floor >= MARGIN:
            if before is None:
                return float(level)
            excess, above = level - floor - MARGIN, MARGIN - (before[0] - before[1])
            return float((level * above + before[0] * excess) / (above + excess))
        before = level, floor
    return float(10 * np.log10(power / x.size))  # nothing pauses by more than the thresholds reach
