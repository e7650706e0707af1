"""Where a rendering begins and ends: the latency off the front, the tail's end to the sample."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from .device import Block
from .errors import RoutingError
from .rack import Rack

TAIL_DB = -90.0  # dBFS: below this the tail counts as silent
TAIL_HOLD_S = 1.0  # how long it must stay there
TAIL_MOST_S = 30.0
_STEP = 4096  # frames asked for at a time


class Trim:
    """Takes the latency off the front and decides where the tail ends, to the sample."""

    def __init__(self, latency: int, sample_rate: int) -> None:
        self._skip = self._latency = latency
        self._hold = int(TAIL_HOLD_S * sample_rate)
        self._most = int(TAIL_MOST_S * sample_rate)
        self._threshold = 10.0 ** (TAIL_DB / 20.0)
        self._given = 0
        self._recent: deque[tuple[int, Block]] = deque()  # the last second of output: where it was last loud

    def after(self, block: Block) -> Block:
        skipped = min(self._skip, block.shape[1])
        self._skip -= skipped
        out = block[:, skipped:]
        if out.shape[1]:
            self._recent.append((self._given, out))
            self._given += out.shape[1]
            while self._recent[0][0] + self._recent[0][1].shape[1] <= self._given - self._hold:
                self._recent.popleft()
        return out

    def _last_loud(self) -> int:
        """Position after the last sample at or above the threshold, as far as it is remembered."""
        for start, block in reversed(self._recent):
            loud = np.flatnonzero(np.abs(block).max(axis=0) >= self._threshold)
            if loud.size:
                return start + int(loud[-1]) + 1
        return 0

    def ending(self, rack: Rack, length: int, tail: bool) -> Iterator[Block]:
        """Output after the input's end: up to ``length`` frames in any case, then the tail."""
        most = length + self._most if tail else length
        end = most
        while self._given < end:
            want = _STEP if self._skip else min(_STEP, end - self._given)
            block = rack.flush(want)
            if block.shape[1] == 0:
                break
            start = self._given
            out = self.after(block)
            if tail and self._given > length:
                end = min(most, max(length, self._last_loud() + self._hold))
                out = out[:, : max(0, min(self._given, end) - start)]
            elif not tail:
                out = out[:, : max(0, length - start)]
            yield out
        missing = length - self._given
        if missing > 0:
            raise RoutingError(f"the rack gave {missing} frames fewer than its latency of {self._latency} promises")
