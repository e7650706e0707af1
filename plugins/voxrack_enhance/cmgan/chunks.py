"""A long signal through something that wants it whole: in overlapping chunks whose answers are faded into each other.

Chunks begin every ``length - overlap`` samples. The first and last quarter of an overlap is heard by both chunks and
used of one only, since an answer is worst where the context ends; over the half between, one answer is faded out while
the other is faded in, with gains that add up to one. What is kept does not grow with the signal.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


class Chunks:
    """Streams (channels, frames) through ``answer``.

    Parameters
    ----------
    answer : callable
        (channels, n) to (rows, n), for n from 1 to ``length``: a chunk of the signal from its start on.
    channels, rows : int
    length, overlap : int
        Samples; the overlap is a multiple of 4 and at most half the length.

    Attributes
    ----------
    latency : int
        How far, in samples, the answer may lag behind the input: the length, until the first chunk is full.

    Notes
    -----
    Chunks lie at fixed places of the signal, so that the answer does not depend on how it was cut into blocks. The
    last chunk is what is left, never shorter than an overlap and a sample; a signal up to ``length`` is one chunk.
    """

    def __init__(
        self, answer: Callable[[Samples], Samples], channels: int, rows: int, length: int, overlap: int
    ) -> None:
        self.answer, self.channels, self.rows = answer, channels, rows
        self.length, self.hop, self.margin = length, length - overlap, overlap // 4
        self.latency = length
        fade = overlap - 2 * self.margin
        self._rise = (np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / fade) ** 2).astype(np.float32)
        self._room = np.empty((channels, length), np.float32)
        self.reset()

    def reset(self) -> None:
        """Back to the start of a signal."""
        self._filled = 0
        self._first = True  # no chunk was answered yet
        self._fading = np.zeros((self.rows, 0), np.float32)  # the last answer, from where its successor fades in

    def push(self, block: Samples) -> Samples:
        """The next samples in; all of the answer that is final by now, (rows, any)."""
        out = []
        start = 0
        while start < block.shape[1]:
            if self._filled == self.length:  # and more follows: this was not the last chunk
                out.append(self._answered(last=False))
            taken = min(self.length - self._filled, block.shape[1] - start)
            self._room[:, self._filled : self._filled + taken] = block[:, start : start + taken]
            self._filled += taken
            start += taken
        return np.concatenate(out, 1) if out else np.zeros((self.rows, 0), np.float32)

    def finish(self) -> Samples:
        """The signal has ended: the rest of the answer."""
        return self._answered(last=True) if self._filled else np.zeros((self.rows, 0), np.float32)

    def _answered(self, last: bool) -> Samples:
        """The next part of the answer: from where this chunk fades in to where the next one does."""
        found = self.answer(self._room[:, : self._filled].copy())
        begin = 0 if self._first else self.margin
        part = found[:, begin:].copy()
        if not self._first:
            fade = len(self._rise)
            part[:, :fade] = self._fading + (part[:, :fade] - self._fading) * self._rise
        self._first = False
        if last:
            self._filled = 0
            return part
        final = self.hop + self.margin - begin
        self._fading = part[:, final : final + len(self._rise)].copy()
        kept = self.length - self.hop
        self._room[:, :kept] = self._room[:, self.hop :].copy()
        self._filled = kept
        return part[:, :final]
