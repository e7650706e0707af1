"""The ping-pong delay as a compiled kernel.

Two lines feed each other through a low-pass, u is the mono input, D the delay in samples:

    odd[n]  = a[n - D]        a[n] = u[n] + q{even}[n]
    even[n] = b[n - D]        b[n] = q{odd}[n]             q = feedback * low-pass   (DiffVox spec, section 10)

so the first echo is not filtered and echo j has passed the low-pass j - 1 times.

Where the loop's gain may exceed 1 the setting carries a limit: what comes back through the low-pass is
clipped at ``limit`` times the loudest input so far, and the caller is told at the sample where it would
have gone beyond.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

_TINY = np.float32(1e-15)  # -300 dB: smaller numbers become zero before they become denormal
_ZERO = np.float32(0.0)
_FAST = {"contract", "reassoc", "nsz"}  # NaN and inf keep their meaning


class Loop(NamedTuple):
    """One setting, all that the kernel reads.

    Attributes
    ----------
    delay : int
        D, in samples, at least 1.
    low_pass : float64 (5,)
        b0, b1, b2 (feedback included), a1, a2.
    gains : float32 (4,)
        Odd to left, even to left, odd to right, even to right.
    limit : float
        Largest echo relative to the input's peak; 0 for a stable loop, which needs none.
    """

    delay: int
    low_pass: NDArray[np.float64]
    gains: NDArray[np.float32]
    limit: float


class Tape(NamedTuple):
    """State: two rings (2, capacity), where the next sample goes, the filters' memory (2, 2), the input's peak."""

    rings: NDArray[np.float32]
    cursor: NDArray[np.int64]
    memory: NDArray[np.float64]
    peak: NDArray[np.float32]


def make_tape(longest: int) -> Tape:
    """Silence, for delays of at most ``longest`` samples."""
    rings = np.zeros((2, longest + 1), np.float32)
    return Tape(rings, np.zeros(1, np.int64), np.zeros((2, 2)), np.zeros(1, np.float32))


@njit(cache=True, nogil=True, fastmath=True)
def _peak(u):
    """Largest magnitude; the input is finite, so the order of the comparisons is free."""
    loudest = np.float32(0.0)
    for n in range(u.shape[0]):
        loudest = max(loudest, abs(u[n]))
    return loudest


@njit(cache=True, nogil=True, fastmath=_FAST)
def _steady(tape, loop, u, write, read, begin, out):
    """A stretch in which neither ring wraps and nothing is read that is written here.

    The recursions are in the form s1' = s2 - a1 s1 + (b1 - a1 b0) x, whose loop holds one multiplication.
    """
    frames = u.shape[0]
    odd, even = tape.rings[0, read : read + frames], tape.rings[1, read : read + frames]
    a, b = tape.rings[0, write : write + frames], tape.rings[1, write : write + frames]
    b0, b1, b2, a1, a2 = loop.low_pass[0], loop.low_pass[1], loop.low_pass[2], loop.low_pass[3], loop.low_pass[4]
    c1, c2 = b1 - a1 * b0, b2 - a2 * b0
    p1, p2, q1, q2 = tape.memory[0, 0], tape.memory[0, 1], tape.memory[1, 0], tape.memory[1, 1]
    for n in range(frames):
        x, y = np.float64(even[n]), np.float64(odd[n])
        v = np.float32(u[n] + (b0 * x + p1))
        w = np.float32(b0 * y + q1)
        p1, p2 = p2 + c1 * x - a1 * p1, c2 * x - a2 * p1
        q1, q2 = q2 + c1 * y - a1 * q1, c2 * y - a2 * q1
        a[n] = v if abs(v) > _TINY else _ZERO
        b[n] = w if abs(w) > _TINY else _ZERO
    tape.memory[0, 0], tape.memory[0, 1], tape.memory[1, 0], tape.memory[1, 1] = p1, p2, q1, q2
    tape.peak[0] = max(tape.peak[0], _peak(u))
    for side in range(2):
        g0, g1 = loop.gains[2 * side], loop.gains[2 * side + 1]
        row = out[side, begin : begin + frames]
        for n in range(frames):
            row[n] = g0 * odd[n] + g1 * even[n]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _general(tape, now, target, u, write, read_now, read_target, begin, position, length, out):
    """The same on the way from one setting to another, or with a limit: one sample after the other.

    Taps are crossfaded, coefficients interpolated. Returns the samples done, and whether it stopped because
    the limit was reached where nothing moves.
    """
    limit = max(now.limit, target.limit)
    for n in range(u.shape[0]):
        share = (position + n + 1) / length if position >= 0 else 0.0
        y = tape.rings[0, read_now + n] * (1.0 - share) + tape.rings[0, read_target + n] * share
        x = tape.rings[1, read_now + n] * (1.0 - share) + tape.rings[1, read_target + n] * share
        tape.peak[0] = max(tape.peak[0], abs(u[n]))
        ceiling = limit * tape.peak[0]
        reached = False
        for ring, line in ((0, x), (1, y)):
            m = tape.memory[ring]
            b0 = now.low_pass[0] + share * (target.low_pass[0] - now.low_pass[0])
            b1 = now.low_pass[1] + share * (target.low_pass[1] - now.low_pass[1])
            b2 = now.low_pass[2] + share * (target.low_pass[2] - now.low_pass[2])
            a1 = now.low_pass[3] + share * (target.low_pass[3] - now.low_pass[3])
            a2 = now.low_pass[4] + share * (target.low_pass[4] - now.low_pass[4])
            z = b0 * line + m[0]
            m[0] = b1 * line - a1 * z + m[1]
            m[1] = b2 * line - a2 * z
            if limit > 0.0 and abs(z) > ceiling:
                z = min(max(z, -ceiling), ceiling)
                reached = True
            v = np.float32(u[n] + z if ring == 0 else z)
            tape.rings[ring, write + n] = v if abs(v) > _TINY else _ZERO
        for side in range(2):
            g0 = now.gains[2 * side] + share * (target.gains[2 * side] - now.gains[2 * side])
            g1 = now.gains[2 * side + 1] + share * (target.gains[2 * side + 1] - now.gains[2 * side + 1])
            out[side, begin + n] = g0 * y + g1 * x
        if reached and position < 0:
            return n + 1, True
    return u.shape[0], False


@njit(cache=True, nogil=True, fastmath=_FAST)
def run(tape, now, target, u, start, stop, position, length, out):
    """Samples ``start`` … ``stop`` of ``u`` (frames,) through the loop into ``out`` (2, frames).

    ``position`` is the number of samples done of the ``length`` between ``now`` and ``target``, -1 where
    nothing moves. Returns where it came to, and whether it stopped there because the limit was reached.
    """
    capacity = tape.rings.shape[1]
    shortest = min(now.delay, target.delay)
    done = start
    reached = False
    while done < stop and not reached:
        write = tape.cursor[0]
        read_now = (write - now.delay) % capacity
        read_target = (write - target.delay) % capacity
        frames = min(stop - done, shortest, capacity - max(write, read_now, read_target))
        piece = u[done : done + frames]
        if position < 0 and now.limit == 0.0:
            _steady(tape, now, piece, write, read_now, done, out)
        else:
            at = position + done - start if position >= 0 else -1
            frames, reached = _general(tape, now, target, piece, write, read_now, read_target, done, at, length, out)
        tape.cursor[0] = (write + frames) % capacity
        done += frames
    for ring in range(2):
        for k in range(2):
            if abs(tape.memory[ring, k]) < 1e-30:
                tape.memory[ring, k] = 0.0
    return done, reached


@njit(cache=True, nogil=True, fastmath=_FAST)
def run_steady(tape, now, u, start, stop, out):
    """:func:`run` where nothing moves; half the arguments, which cost more than a short block."""
    return run(tape, now, now, u, start, stop, -1, 1, out)
