"""Dynamic time warping of many recordings onto one at once (Sakoe and Chiba 1978), with NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]
_AT_ONCE = 64  # recordings: 64 of 3 s take 50 MB
_SIDEWAYS = 0.4  # what standing still in one of the two costs more, in mean distances: paths stay near a diagonal


def align(recordings: Sequence[Frames], template: Frames) -> list[NDArray[np.int64]]:
    """For each frame of each recording the frame of the template that it falls on.

    Parameters
    ----------
    recordings : sequence of ndarray, each (frames, size)
    template : ndarray, shape (length, size)

    Returns
    -------
    list of ndarray, each (frames,), rising from 0 to length - 1
    """
    batches = (recordings[at : at + _AT_ONCE] for at in range(0, len(recordings), _AT_ONCE))
    return [path for batch in batches for path in _some(batch, template)]


def _some(recordings: Sequence[Frames], template: Frames) -> list[NDArray[np.int64]]:
    longest = max(len(recording) for recording in recordings)
    distances = np.full((len(recordings), longest, len(template)), np.float32(0.0))
    squares = np.square(template).sum(1)
    for row, recording in enumerate(recordings):
        apart = np.square(recording).sum(1)[:, None] + squares - 2.0 * recording @ template.T
        distances[row, : len(recording)] = np.sqrt(np.maximum(apart, 0.0))
        distances[row] /= max(float(distances[row, : len(recording)].mean()), 1e-9)
    moves = _moves(distances)
    return [_path(moves[row, : len(recording)]) for row, recording in enumerate(recordings)]


def _moves(distances: Frames) -> NDArray[np.int8]:
    """How each cell is best reached: 0 diagonally, 1 from the frame before, 2 from the template's frame before.

    Cells (i, j) with the same i + j depend on earlier ones only, so that a whole diagonal of every recording is
    computed at once.
    """
    count, frames, length = distances.shape
    total = np.full((count, frames + 1, length + 1), np.inf, np.float32)
    total[:, 0, 0] = 0.0
    moves = np.zeros((count, frames, length), np.int8)
    for diagonal in range(frames + length - 1):
        i = np.arange(max(0, diagonal - length + 1), min(frames, diagonal + 1))
        j = diagonal - i
        ways = np.stack((total[:, i, j], total[:, i, j + 1] + _SIDEWAYS, total[:, i + 1, j] + _SIDEWAYS))
        best = ways.argmin(0)
        moves[:, i, j] = best
        total[:, i + 1, j + 1] = np.take_along_axis(ways, best[None], 0)[0] + distances[:, i, j]
    return moves


def _path(moves: NDArray[np.int8]) -> NDArray[np.int64]:
    """The template's frame of each frame, read back from the last cell; of several the last one counts."""
    i, j = moves.shape[0] - 1, moves.shape[1] - 1
    found = np.zeros(moves.shape[0], np.int64)
    found[i] = j
    while i > 0 or j > 0:
        move = moves[i, j] if i > 0 and j > 0 else (1 if i > 0 else 2)
        if move != 2:
            i -= 1
        if move != 1:
            j -= 1
        if move != 2:
            found[i] = j
    return found
