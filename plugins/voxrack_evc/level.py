"""How loud the voice in a recording is, whatever the pauses are, and the recording at the level that networks expect.

RAVDESS lies between -64 and -20 dBFS: a fixed floor of the log-mel spectrum would swallow most of a quiet take. What is
converted is therefore brought to one level first; whoever needs the old one back takes the gain off again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError

Samples = NDArray[np.float32]

TARGET = -20.0
"""dBFS of the voice that the networks hear."""
MOST = 80.0
"""dB of gain at most: below -100 dBFS there is rounding, and no voice."""

_FRAME = 0.02  # s


class NoVoice(InputError):
    """A recording, or a piece of one, in which there is nothing to convert."""


def level(samples: Samples, sample_rate: int) -> float:
    """Level of the voice in dBFS: the mean power of frames of 20 ms, each weighed by its power, so that pauses
    count for nothing and no threshold is needed. -inf for silence.

    Parameters
    ----------
    samples : ndarray, shape (frames,)
    sample_rate : int
    """
    size = max(1, round(_FRAME * sample_rate))
    count = max(1, len(samples) // size)
    frames = np.array_split(samples.astype(np.float64), count)
    powers = np.array([np.mean(np.square(frame)) if len(frame) else 0.0 for frame in frames])
    total = powers.sum()
    return float(10.0 * np.log10(np.square(powers).sum() / total)) if total > 0 else -np.inf


def levelled(samples: Samples, sample_rate: int) -> tuple[Samples, float]:
    """The recording with its voice at -20 dBFS, float32, and the gain in dB that brought it there.

    Raises
    ------
    NoVoice
        Silence, or so little that it would need more than 80 dB.
    """
    found = level(samples, sample_rate)
    gain = TARGET - found
    if not gain <= MOST:
        what = "is silent throughout" if found == -np.inf else f"holds no more than {found:.0f} dBFS"
        raise NoVoice(f"the recording {what}: there is no voice to convert")
    return (samples * np.float32(10.0 ** (gain / 20.0))).astype(np.float32), gain
