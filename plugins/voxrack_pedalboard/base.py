"""What every streaming device of this package shares: format, flush, values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxrack.device import Block

from .native import check_format
from .specs import BY_ID

MOST_TAIL_S = 30.0  # as far as a renderer ever listens
_PIECE = 4096
_DECAY = math.log(1e5)  # time constants until -100 dB


class Streaming:
    """Base of the processors. A subclass names its device and says how it starts and works.

    Parameters
    ----------
    values : mapping
        Plain value of every parameter.
    needs : mapping
        Empty.
    assets : mapping of str to Path
    """

    device: str  # id

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Path]) -> None:
        self.spec = BY_ID[self.device]
        self.values = dict(values)
        self.assets = dict(assets)
        self.latency = 0
        self.rate = 0
        self._left: int | float | None = None  # frames still to be flushed; None: the input has not ended

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        """Make ready; returns the number of output channels."""
        check_format(self.spec, sample_rate, channels)
        self.rate, self.channels = sample_rate, channels
        out = self._prepared()
        self.reset()
        return out

    @property
    def tail(self) -> int | float:
        """Frames until it is 100 dB down after its input, at its present settings."""
        seconds = self._tail_s() if self.rate else 0.0
        return math.inf if math.isinf(seconds) else math.ceil(min(seconds, MOST_TAIL_S) * self.rate)

    def process(self, block: Block) -> Block:
        """(channels, frames) to as many frames."""
        raise NotImplementedError

    def flush(self, frames: int) -> Block:
        """Silence is fed until ``latency + tail`` frames have come out."""
        left = self.latency + self.tail if self._left is None else self._left
        frames = int(min(frames, left))
        self._left = left - frames
        pieces = [np.zeros((self._out_channels(), 0), np.float32)]
        for start in range(0, frames, _PIECE):
            pieces.append(self.process(np.zeros((self.channels, min(_PIECE, frames - start)), np.float32)))
        return np.concatenate(pieces, axis=1)

    def reset(self) -> None:
        """Back to silence; what was set last holds at once."""
        self._left = None
        self._restarted()

    def set(self, id: str, value: Any) -> None:
        """Change a parameter between blocks."""
        self.values[id] = value

    # ---- for subclasses -----------------------------------------------------------------------
    def _prepared(self) -> int:
        """Set ``latency``; return the output channels."""
        return self.channels

    def _restarted(self) -> None:
        """Forget all signal."""

    def _tail_s(self) -> float:
        """How long it sounds after its input, in seconds."""
        return 0.0

    def _out_channels(self) -> int:
        return self.channels


def ringing(time_constant: float) -> float:
    """Seconds until an exponential decay is 100 dB down."""
    return time_constant * _DECAY


def echoing(period: float, feedback: float) -> float:
    """Seconds until what takes ``period`` seconds and is sent round with ``feedback`` is 100 dB down."""
    rounds = _DECAY / -math.log(abs(feedback)) if abs(feedback) > 1e-5 else 0.0
    return period * (1.0 + rounds)
