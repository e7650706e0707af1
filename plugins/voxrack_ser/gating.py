"""Where there is speech to judge: a gate that silence, noise and music do not open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voxrack.activity import SpeechActivity
from voxrack.activity_frames import FRAMES


class SpeechGate:
    """Tells of a mono signal how much speech its windows hold. The answers do not depend on how it was cut.

    Parameters
    ----------
    sample_rate : int

    Attributes
    ----------
    latency : int
        Samples that a decision waits for what follows.
    total : float
        Seconds of speech in all that is decided.
    """

    def __init__(self, sample_rate: int) -> None:
        self._activity = SpeechActivity(sample_rate)
        self._rate = sample_rate
        self._mask = np.zeros(0, bool)  # of the frames from `_first` on
        self._first = 0
        self._count = 0
        self.latency = round(self._activity.latency * sample_rate)

    @property
    def decided(self) -> int:
        """Samples of the signal that are decided."""
        return (self._first + len(self._mask)) * self._rate // FRAMES

    @property
    def total(self) -> float:
        return self._count / FRAMES

    def push(self, samples: NDArray[np.float32]) -> None:
        """The next samples, shape (n,)."""
        self._take(self._activity.push(samples))

    def finish(self) -> None:
        """The signal has ended; all of it is decided."""
        self._take(self._activity.finish())

    def seconds(self, start: int, stop: int) -> float:
        """Seconds of speech in a window, samples ``start`` to ``stop``, which is decided.

        Windows are asked for in order of their starts; what lies before one is forgotten.
        """
        low, high = (-(-sample * FRAMES // self._rate) for sample in (start, stop))
        drop = min(low - self._first, len(self._mask))
        self._mask, self._first = self._mask[drop:], self._first + drop
        return float(self._mask[: high - self._first].sum()) / FRAMES

    def _take(self, mask: NDArray[np.bool_]) -> None:
        self._mask = np.concatenate((self._mask, mask))
        self._count += int(mask.sum())
