"""A recording cut into chunks, each rendered from silence, with a warm-up that is not scored (spec section 9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LENGTH = 12.0  # s
HOP = 7.0  # s: what of each chunk is scored
PADDING = 0.1  # s of silence after a recording shorter than a chunk: more would be rendered and not be scored
SILENT = 1e-3  # -60 dBFS


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of the recording, in samples.

    Attributes
    ----------
    start, length : int
        What is rendered; it may reach beyond the end of the recording, where there is silence.
    warm_up : int
        Samples at the beginning that are not scored.
    scored : int
        Samples after the warm-up that are scored.
    """

    start: int
    length: int
    warm_up: int
    scored: int

    def take(self, signal: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., length): the chunk of ``signal`` (..., frames), with zeros after its end."""
        piece = signal[..., self.start : self.start + self.length]
        missing = self.length - piece.shape[-1]
        return np.pad(piece, [(0, 0)] * (signal.ndim - 1) + [(0, missing)]) if missing else piece

    def target(self, signal: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., scored): the scored part of ``signal``."""
        begin = self.start + self.warm_up
        return signal[..., begin : begin + self.scored]


def cut(frames: int, sample_rate: int) -> list[Chunk]:
    """The chunks of a recording of ``frames`` samples.

    12 s long, every 7 s, the first 5 s of each not scored, the remainder dropped. A rendering begins where the
    recording begins, so the first chunk needs no warm-up and is scored whole: an excerpt of 12 s is fitted to all of
    it. What is shorter than one chunk is one chunk, padded with zeros that are not scored.
    """
    length, hop = round(LENGTH * sample_rate), round(HOP * sample_rate)
    if frames < length:
        return [Chunk(0, min(length, frames + round(PADDING * sample_rate)), 0, frames)]
    first = Chunk(0, length, 0, length)
    return [first, *(Chunk(s, length, length - hop, hop) for s in range(hop, frames - length + 1, hop))]


def audible(chunks: list[Chunk], wet: NDArray[np.float32]) -> list[Chunk]:
    """Those whose scored target in ``wet`` (channels, frames) is not silent: its peak exceeds -60 dBFS."""
    return [chunk for chunk in chunks if float(np.max(np.abs(chunk.target(wet)), initial=0.0)) > SILENT]
