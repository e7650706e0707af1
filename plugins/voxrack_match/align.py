"""Where the wet recording lies against the dry one (spec section 9)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST = 10.0  # s: what a rack's offset can make up for
CLEARER = 1.2  # how much higher a negative peak must be to be taken for reversed polarity


class Lag(NamedTuple):
    """What the cross-correlation says.

    Attributes
    ----------
    samples : int
        By how much the dry signal has to be delayed; negative: moved ahead.
    similarity : float
        Correlation coefficient at that lag, -1 … 1; negative where the wet has reversed polarity.
    """

    samples: int
    similarity: float


def find_lag(dry: NDArray[np.floating], wet: NDArray[np.floating], sample_rate: int) -> Lag:
    """The lag at which two mono signals (frames,) are most alike.

    The reference shifts in a circle by the arg max of the correlation. Here nothing wraps around, lags beyond 10 s
    are not looked at, and a negative peak counts where it is clearly the highest: reversed polarity is not heard
    and not seen by the losses, but it would misplace the peak by half a period of the voice.
    """
    size = dry.size + wet.size
    padded = 1 << (size - 1).bit_length()
    spectrum = np.conj(np.fft.rfft(dry, padded)) * np.fft.rfft(wet, padded)
    correlation = np.fft.irfft(spectrum, padded)
    reach = min(int(MOST * sample_rate), padded // 2 - 1)
    near = np.concatenate([correlation[padded - reach :], correlation[: reach + 1]])
    best, reversed_ = int(np.argmax(near)), int(np.argmin(near))
    if -near[reversed_] > CLEARER * near[best]:
        best = reversed_
    power = float(np.sqrt(np.sum(np.square(dry, dtype=np.float64)) * np.sum(np.square(wet, dtype=np.float64))))
    return Lag(best - reach, float(near[best]) / power if power > 0 else 0.0)


def delayed(signal: NDArray[np.floating], samples: int) -> NDArray[np.floating]:
    """``signal`` (..., frames) later by ``samples`` (earlier where negative), as long as before, zeros around it."""
    out = np.zeros_like(signal)
    frames = signal.shape[-1]
    if abs(samples) >= frames:
        return out
    if samples >= 0:
        out[..., samples:] = signal[..., : frames - samples]
    else:
        out[..., :samples] = signal[..., -samples:]
    return out
