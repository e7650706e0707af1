"""The feedback delay network as a compiled kernel.

Six lines; s_j is the output of line j, F_j its absorption FIR, x the stereo input:

    v_j[n] = sum_k B[j,k] x_k[n] + sum_i U[j,i] (F_i * s_i)[n]
    s_j[n] = v_j[n - (m_j - half)]
    y_o[n] = sum_j C[o,j] s_j[n]                                           (DiffVox spec, section 10)

The shortest line lies hundreds of samples back, so a chunk of that length is computed line by line with
plain loops over time, which the compiler turns into vector instructions. The order of the operations
behind each output sample does not depend on where a chunk ends.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .fir import symmetric_fir

LINES = 6
CHUNK = 512  # longest chunk: scratch and lines stay in the first-level cache
_TINY = np.float32(1e-15)  # -300 dB: smaller numbers become zero before they become denormal
_ZERO = np.float32(0.0)
_FAST = {"contract", "reassoc", "nsz"}  # NaN and inf keep their meaning


class Network(NamedTuple):
    """One setting of the network, all that the kernel reads.

    Attributes
    ----------
    lengths : int64 (6,)
        Samples from a line's input to its output: m_j - half.
    taps : float32 (6, 2 * half + 1)
        Symmetric absorption FIRs.
    feed : float32 (6, 8)
        What enters each line: two columns B for the input channels, six columns U for the filtered lines.
    output : float32 (2, 6)
        C.
    """

    lengths: NDArray[np.int64]
    taps: NDArray[np.float32]
    feed: NDArray[np.float32]
    output: NDArray[np.float32]


class Lines(NamedTuple):
    """State and scratch of the network.

    Attributes
    ----------
    history : float32 (6, capacity)
        Line inputs, contiguous in time; moved back to the start when the end is reached.
    cursor : int64 (1,)
        Where the next line input goes.
    filtered : float32 (2, 6, CHUNK)
        Line outputs after the FIR, for both ends of a crossfade.
    tapped : float32 (6, CHUNK)
        Line outputs before the FIR, crossfaded.
    """

    history: NDArray[np.float32]
    cursor: NDArray[np.int64]
    filtered: NDArray[np.float32]
    tapped: NDArray[np.float32]


def make_lines(reach: int) -> Lines:
    """Silent lines that look back ``reach`` samples at most (longest line plus FIR)."""
    capacity = 2 * reach + 16 * CHUNK
    lines = Lines(
        np.zeros((LINES, capacity), np.float32),
        np.array([reach], np.int64),
        np.zeros((2, LINES, CHUNK), np.float32),
        np.zeros((LINES, CHUNK), np.float32),
    )
    return lines


@njit(cache=True, nogil=True, fastmath=_FAST)
def _filter_lines(lines, network, at, frames, into):
    size = network.taps.shape[1]
    for j in range(LINES):
        begin = at - network.lengths[j] - (size - 1)
        symmetric_fir(lines.history[j, begin : begin + size - 1 + frames], network.taps[j], into[j, :frames])


@njit(cache=True, nogil=True, fastmath=_FAST)
def _steady(lines, network, x, at, start, stop, out):
    """One chunk of one network; ``at`` is the cursor, ``start`` and ``stop`` count the block's samples."""
    frames = stop - start
    filtered = lines.filtered[0]
    _filter_lines(lines, network, at, frames, filtered)
    left, right = x[0, start:stop], x[1, start:stop]
    a0, a1, a2, a3, a4, a5 = filtered[0], filtered[1], filtered[2], filtered[3], filtered[4], filtered[5]
    for j in range(LINES):
        f = network.feed[j]
        f0, f1, f2, f3, f4, f5, f6, f7 = f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]
        row = lines.history[j, at : at + frames]
        for n in range(frames):
            v = f0 * left[n] + f1 * right[n]
            v += f2 * a0[n] + f3 * a1[n] + f4 * a2[n] + f5 * a3[n] + f6 * a4[n] + f7 * a5[n]
            row[n] = v if abs(v) > _TINY else _ZERO
    m, h = at - network.lengths, lines.history
    s0, s1, s2 = h[0, m[0] : m[0] + frames], h[1, m[1] : m[1] + frames], h[2, m[2] : m[2] + frames]
    s3, s4, s5 = h[3, m[3] : m[3] + frames], h[4, m[4] : m[4] + frames], h[5, m[5] : m[5] + frames]
    for o in range(2):
        c = network.output[o]
        c0, c1, c2, c3, c4, c5 = c[0], c[1], c[2], c[3], c[4], c[5]
        row = out[o, start:stop]
        for n in range(frames):
            row[n] = c0 * s0[n] + c1 * s1[n] + c2 * s2[n] + c3 * s3[n] + c4 * s4[n] + c5 * s5[n]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _fading(lines, now, target, x, at, start, stop, position, length, out):
    """One chunk on the way from one network to another, ``position`` samples after the way's beginning.

    Signals of both are crossfaded, matrices interpolated: between two orthogonal matrices lie
    contractions, so the loop stays stable on the way.
    """
    frames = stop - start
    _filter_lines(lines, now, at, frames, lines.filtered[0])
    _filter_lines(lines, target, at, frames, lines.filtered[1])
    for j in range(LINES):
        old = lines.history[j, at - now.lengths[j] : at - now.lengths[j] + frames]
        new = lines.history[j, at - target.lengths[j] : at - target.lengths[j] + frames]
        for n in range(frames):
            share = np.float32((position + n + 1) / length)
            lines.tapped[j, n] = old[n] + share * (new[n] - old[n])
            lines.filtered[0, j, n] += share * (lines.filtered[1, j, n] - lines.filtered[0, j, n])
    for n in range(frames):
        share = np.float32((position + n + 1) / length)
        for j in range(LINES):
            v = _ZERO
            for k in range(2 + LINES):
                gain = now.feed[j, k] + share * (target.feed[j, k] - now.feed[j, k])
                v += gain * (x[k, start + n] if k < 2 else lines.filtered[0, k - 2, n])
            lines.history[j, at + n] = v if abs(v) > _TINY else _ZERO
        for o in range(2):
            y = _ZERO
            for j in range(LINES):
                y += (now.output[o, j] + share * (target.output[o, j] - now.output[o, j])) * lines.tapped[j, n]
            out[o, start + n] = y


@njit(cache=True, nogil=True, fastmath=_FAST)
def run(lines, now, target, reach, x, start, stop, position, length, out):
    """Samples ``start`` … ``stop`` of ``x`` (2, frames) through the network into ``out`` (2, frames).

    ``position`` is the number of samples done of the ``length`` between ``now`` and ``target``, -1 where
    nothing moves. ``reach`` is how far the lines look back at most, in samples.
    """
    capacity = lines.history.shape[1]
    longest = min(CHUNK, now.lengths.min(), target.lengths.min())
    done = start
    while done < stop:
        at = lines.cursor[0]
        if at == capacity:
            for j in range(LINES):
                lines.history[j, :reach] = lines.history[j, capacity - reach :]
            at = reach
        end = min(stop, done + longest, done + capacity - at)
        if position < 0:
            _steady(lines, now, x, at, done, end, out)
        else:
            _fading(lines, now, target, x, at, done, end, position + done - start, length, out)
        lines.cursor[0] = at + end - done
        done = end


@njit(cache=True, nogil=True, fastmath=_FAST)
def run_steady(lines, network, reach, x, start, stop, out):
    """:func:`run` where nothing moves; half the arguments, which cost more than a short block."""
    run(lines, network, network, reach, x, start, stop, -1, 1, out)
