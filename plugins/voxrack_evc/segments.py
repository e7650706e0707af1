"""Long recordings through a converter that wants the whole signal: in pieces cut where it is quiet, joined by fades.

A whole-signal device takes memory with the length of what it gets. Here a file is read in blocks; a piece ends at the
quietest moment of its second half, so that words stay whole, and neighbours share 20 ms that are faded into each other.
What a device leaves alone comes back bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack.device import Block

LONGEST = 20.0
"""Seconds of a piece at the most."""
FADE = 0.020
"""Seconds that neighbouring pieces share."""
_WINDOW = 0.05  # s over which quiet is measured

Convert = Callable[[Block], Block]


def pieces(blocks: Iterable[Block], sample_rate: int, longest: float = LONGEST) -> Iterator[Block]:
    """Pieces of at most ``longest`` seconds; each begins with the last 20 ms of the one before.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (channels, any)
    sample_rate : int
        Hz.
    longest : float
        Seconds.
    """
    most, fade = round(longest * sample_rate), _fade(sample_rate)
    held: list[Block] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += block.shape[1]
        while count > most:
            whole = np.concatenate(held, axis=1)
            cut = quietest(whole[:, :most], sample_rate, most // 2, most - fade)
            yield np.ascontiguousarray(whole[:, : cut + fade])
            held, count = [whole[:, cut:]], count - cut
    if count:
        yield np.ascontiguousarray(np.concatenate(held, axis=1))


def quietest(signal: Block, sample_rate: int, first: int, end: int) -> int:
    """The frame between ``first`` and ``end`` around which 50 ms hold the least energy; the middle of equals."""
    half = max(1, round(_WINDOW * sample_rate / 2))
    energy = np.concatenate([[0.0], np.cumsum(np.square(signal, dtype=np.float64).sum(axis=0))])
    places = np.arange(first, max(first + 1, end))
    around = energy[np.minimum(places + half, len(energy) - 1)] - energy[np.maximum(places - half, 0)]
    least = np.flatnonzero(around <= around.min() + 1e-12)
    return int(places[least[len(least) // 2]])


def joined(converted: Iterable[Block], sample_rate: int) -> Iterator[Block]:
    """Pieces one after the other, the end of each faded into the beginning of the next.

    Parameters
    ----------
    converted : iterable of ndarray, shape (channels, any)
        What became of :func:`pieces`; lengths may be others.
    sample_rate : int
        Hz.
    """
    fade = _fade(sample_rate)
    before: Block | None = None
    for piece in converted:
        if before is not None:
            shared = min(fade, before.shape[1], piece.shape[1])
            yield before[:, : before.shape[1] - shared]
            piece = piece.copy()
            end, begin = before[:, before.shape[1] - shared :], piece[:, :shared]
            piece[:, :shared] = begin + _falling(shared) * (end - begin)
        before = piece
    if before is not None:
        yield before


def converted(
    blocks: Iterable[Block], sample_rate: int, convert: Convert, *, longest: float = LONGEST,
    progress: Callable[[float], Any] = lambda seconds: None,
) -> Iterator[Block]:  # fmt: skip
    """Blocks of any length through ``convert``, which takes pieces (channels, n) and returns (channels, m).

    Parameters
    ----------
    blocks, sample_rate, longest
        As for :func:`pieces`.
    convert : callable
    progress : callable
        Told the seconds that are done.
    """

    def each() -> Iterator[Block]:
        done = 0
        for piece in pieces(blocks, sample_rate, longest):
            yield convert(piece)
            done += piece.shape[1]
            progress(done / sample_rate)

    yield from joined(each(), sample_rate)


def _fade(sample_rate: int) -> int:
    return max(1, round(FADE * sample_rate))


def _falling(count: int) -> NDArray[np.float32]:
    return (1.0 - (np.arange(count) + 0.5) / count).astype(np.float32)
