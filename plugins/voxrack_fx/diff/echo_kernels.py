"""Compiled ping-pong delay and its adjoint (the equations stand in :mod:`voxrack_fx.echo`).

Rows are independent. Both line inputs ``a`` and ``b`` are kept for the way back; the lines' outputs are the same
``delay`` samples later. ``section`` holds b0, b1, b2, a1, a2 of the low-pass, ``gains`` odd to left, even to left, odd
to right, even to right. States and sums are float64.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..biquad import TINY

_STRIP = 512  # samples per pass
_SILENCE = 1e-30  # smaller numbers become zero before they become denormal


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def _steady(u, delay, section, feedback, a, b):
    """A loop that decays: nothing moves. The recursions are in the form whose loop holds one multiplication."""
    frames = u.shape[0]
    b0, b1, b2 = section[0] * feedback, section[1] * feedback, section[2] * feedback
    a1, a2 = section[3], section[4]
    c1, c2 = b1 - a1 * b0, b2 - a2 * b0
    start = min(delay, frames)
    a[:start] = u[:start]
    b[:start] = 0.0
    p1, p2, q1, q2 = 0.0, 0.0, 0.0, 0.0
    for first in range(start, frames, min(_STRIP, delay)):
        count = min(_STRIP, delay, frames - first)
        odd, even = a[first - delay : first - delay + count], b[first - delay : first - delay + count]
        source, to_a, to_b = u[first : first + count], a[first : first + count], b[first : first + count]
        for i in range(count):
            x, y = np.float64(even[i]), np.float64(odd[i])
            v = source[i] + (b0 * x + p1)
            w = b0 * y + q1
            p1, p2 = p2 + c1 * x - a1 * p1, c2 * x - a2 * p1
            q1, q2 = q2 + c1 * y - a1 * q1, c2 * y - a2 * q1
            to_a[i] = v if abs(v) > _SILENCE else 0.0
            to_b[i] = w if abs(w) > _SILENCE else 0.0
        p1, p2 = p1 if abs(p1) > TINY else 0.0, p2 if abs(p2) > TINY else 0.0
        q1, q2 = q1 if abs(q1) > TINY else 0.0, q2 if abs(q2) > TINY else 0.0


@njit(cache=True, nogil=True)
def _share(n, reached, length):
    """How far the guard has gone from the feedback as set to the lowered one, at sample ``n``."""
    return min(max(n - reached, 0), length) / length


@njit(cache=True, nogil=True)
def _watched(u, delay, section, feedback, lowered, limit, length, a, b, returns, clipped):
    """A loop that may grow, with the streaming device's guard. Returns the sample at which it closed.

    ``returns`` (2, frames) gets what came through the low-pass, before it was clipped; ``clipped`` where it was.
    """
    frames = u.shape[0]
    b0, b1, b2, a1, a2 = section[0], section[1], section[2], section[3], section[4]
    memory = np.zeros((2, 2))
    reached, peak = frames + length, 0.0
    for n in range(frames):
        peak = max(peak, abs(np.float64(u[n])))
        ceiling = limit * peak
        now = feedback + (lowered - feedback) * _share(n, reached, length)
        for line in range(2):
            source = b if line == 0 else a
            x = now * source[n - delay] if n >= delay else 0.0
            z = b0 * x + memory[line, 0]
            memory[line, 0] = b1 * x - a1 * z + memory[line, 1]
            memory[line, 1] = b2 * x - a2 * z
            returns[line, n] = z
            clipped[line, n] = n <= reached + length and abs(z) > ceiling
            if clipped[line, n]:
                z = min(max(z, -ceiling), ceiling)
                reached = min(reached, n)
            if line == 0:
                a[n] = u[n] + z
            else:
                b[n] = z
    return reached


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def forward(u, delays, sections, feedbacks, lowered, limits, length, gains, a, b, returns, clipped, reached, out):
    """``u`` (rows, frames) into ``out`` (rows, 2, frames).

    ``limits`` is 0 for a row whose loop decays; for the others ``returns`` and ``clipped`` (rows, 2, frames) are
    filled (with no such row they may be empty), and ``reached`` says when the guard closed.
    """
    rows, frames = u.shape
    for row in range(rows):
        delay, g = delays[row], gains[row]
        if limits[row] > 0.0:
            reached[row] = _watched(
                u[row], delay, sections[row], feedbacks[row], lowered[row], limits[row], length, a[row], b[row],
                returns[row], clipped[row],
            )  # fmt: skip
        else:
            _steady(u[row], delay, sections[row], feedbacks[row], a[row], b[row])
        for side in range(2):
            to = out[row, side]
            to[:delay] = 0.0
            from_odd, from_even = g[2 * side], g[2 * side + 1]
            odd, even, to = a[row, : max(frames - delay, 0)], b[row, : max(frames - delay, 0)], to[delay:]
            for n in range(odd.size):
                to[n] = from_odd * odd[n] + from_even * even[n]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def backward(
    grad, u, delays, sections, feedbacks, lowered, limits, length, gains, a, b, returns, clipped, reached,
    to_odd, to_even, grad_sections, grad_feedbacks, grad_lowered, grad_gains,
):  # fmt: skip
    """Adjoint, time-reversed: two lines that feed each other through the reversed low-pass.

    ``to_odd`` and ``to_even`` (rows, frames) get the gradients to the lines' outputs; those to the lines' inputs
    are the same ``delay`` samples earlier, and that to ``u`` is that to the odd line's input. The guard's ceiling
    and the sample at which it closed are not differentiated.
    """
    rows, frames = u.shape
    nodes = np.zeros((2, _STRIP + 2))  # of the reversed all-pole filters, for samples first … first + count + 1
    arriving, scale, line_in, line_out = np.empty((2, _STRIP)), np.empty(_STRIP), np.empty(_STRIP + 2), np.empty(_STRIP)
    after = np.empty(_STRIP + 2)
    for row in range(rows):
        delay, section, g = delays[row], sections[row], gains[row]
        b0, b1, b2, a1, a2 = section[0], section[1], section[2], section[3], section[4]
        watched = limits[row] > 0.0
        sums, to_feedback, to_lowered = np.zeros(5), 0.0, 0.0
        nodes[:] = 0.0
        strip = min(_STRIP, delay)
        for first in range((frames - 1) // strip * strip, -1, -strip):
            count = min(strip, frames - first)
            for line in range(2):  # gradient to what the low-pass returns into each line
                later = to_odd[row] if line == 0 else to_even[row]
                arrive = arriving[line]
                ready = min(max(frames - delay - first, 0), count)
                for i in range(ready):
                    arrive[i] = later[first + i + delay]
                arrive[ready:count] = 0.0
                if watched:
                    for i in range(count):
                        arrive[i] = 0.0 if clipped[row, line, first + i] else arrive[i]
            for i in range(count):
                scale[i] = feedbacks[row]
            if watched:
                for i in range(count):
                    moved = _share(first + i, reached[row], length)
                    scale[i] = feedbacks[row] + (lowered[row] - feedbacks[row]) * moved
            v1, v2, w1, w2 = nodes[0, 0], nodes[0, 1], nodes[1, 0], nodes[1, 1]
            nodes[0, count], nodes[0, count + 1], nodes[1, count], nodes[1, count + 1] = v1, v2, w1, w2
            for i in range(count - 1, -1, -1):
                v = arriving[0, i] - a1 * v1 - a2 * v2
                w = arriving[1, i] - a1 * w1 - a2 * w2
                v2, w2 = v1, w1
                v1, w1 = v, w
                nodes[0, i], nodes[1, i] = v, w
            for line in range(2):  # line 0: from the even line's output into a; line 1: from the odd one's into b
                node = nodes[line]
                source, to_source = (b[row], to_even[row]) if line == 0 else (a[row], to_odd[row])
                from_left, from_right = (g[1], g[3]) if line == 0 else (g[0], g[2])
                silent = min(max(delay - first, 0), count)
                line_in[:silent] = 0.0
                for i in range(silent, count):
                    line_in[i] = source[first + i - delay]
                left, right, to = grad[row, 0, first:], grad[row, 1, first:], to_source[first : first + count]
                by_feedback, by_left, by_right = 0.0, 0.0, 0.0
                s0, s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0, 0.0
                for i in range(count):
                    passed = b0 * node[i] + b1 * node[i + 1] + b2 * node[i + 2]
                    to[i] = from_left * left[i] + from_right * right[i] + scale[i] * passed
                    line_out[i] = passed * line_in[i]
                    by_feedback += line_out[i]
                    by_left += left[i] * line_in[i]
                    by_right += right[i] * line_in[i]
                    x = scale[i] * line_in[i]
                    s0 += node[i] * x
                    s1 += node[i + 1] * x
                    s2 += node[i + 2] * x
                grad_gains[row, 1 if line == 0 else 0] += by_left
                grad_gains[row, 3 if line == 0 else 2] += by_right
                moved_feedback = 0.0
                if watched:
                    for i in range(count):
                        after[i] = returns[row, line, first + i]
                        moved_feedback += line_out[i] * _share(first + i, reached[row], length)
                elif line == 0:
                    for i in range(count):
                        after[i] = a[row, first + i] - u[row, first + i]
                else:
                    for i in range(count):
                        after[i] = b[row, first + i]
                for i in range(count):
                    s3 += node[i + 1] * after[i]
                    s4 += node[i + 2] * after[i]
                to_feedback += by_feedback - moved_feedback
                to_lowered += moved_feedback
                sums[0] += s0
                sums[1] += s1
                sums[2] += s2
                sums[3] -= s3
                sums[4] -= s4
            for line in range(2):
                for k in range(2):
                    if abs(nodes[line, k]) < TINY:
                        nodes[line, k] = 0.0
        grad_sections[row] = sums
        grad_feedbacks[row] = to_feedback
        grad_lowered[row] = to_lowered
