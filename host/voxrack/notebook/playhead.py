"""Where a page's playhead is: told when it starts, stops or jumps, and reckoned between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

BEFORE, AFTER = 0.25, 2.0  # s around the playhead that a replaced take is sent ahead of the rest
WORTH = 2.0 * (BEFORE + AFTER)  # s of a take from which sending a piece ahead pays


@dataclass
class Playhead:
    """The last that the page told of its playhead.

    Parameters
    ----------
    clock : callable
        Seconds that never run backwards.
    """

    clock: Callable[[], float] = time.monotonic
    playing: bool = field(default=False, init=False)
    _position: float = field(default=0.0, init=False)
    _told: float = field(default=0.0, init=False)

    def tell(self, position: float, playing: bool) -> None:
        """What the page reports: seconds into the takes, and whether it plays."""
        self._position, self.playing, self._told = position, playing, self.clock()

    def position(self, start: float, end: float) -> float:
        """Seconds, now, in a loop from ``start`` to ``end``; where it stopped, if it does not play."""
        passed = self.clock() - self._told if self.playing else 0.0
        linear = self._position + passed
        return linear if linear < end or end <= start else start + (linear - start) % (end - start)

    def around(self, start: float, end: float, sample_rate: int, frames: int) -> tuple[int, int]:
        """Of the piece of a take that is heard next: its first frame, and the one behind its last."""
        here = self.position(start, end)
        first = max(0, round((here - BEFORE) * sample_rate))
        return min(first, frames), min(round((here + AFTER) * sample_rate), frames)
