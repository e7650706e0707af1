"""Compiled recursion of up to eight second-order sections in series, and its adjoint.

The sections run as a pipeline in the eight lanes of one vector: in step ``t`` lane ``k`` works on sample
``t - k``, so the recursions do not wait for each other. Before its first and after its last sample a lane sees
zeros, so nothing has to be masked. The adjoint walks the same steps backwards: there lane ``k`` meets sample
``t - k`` again, and gets from lane ``k + 1`` what that found one step earlier.

Going backwards the signals between the sections are needed. They are not stored but computed anew, block by
block, from the states that the forward pass left at every block's beginning: 0.75 bytes a sample.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..biquad import TINY
from ..lanes import fma, lane, load8, mul, splat, store
from .shift import pull1, push1

WIDTH = 8  # lanes; unused ones hold sections that do nothing
BLOCK = 256  # steps between stored states
_STATE = 3 * WIDTH


@njit(cache=True, nogil=True, fastmath={"contract"})
def flush(numbers):
    """Zero what no float hears, long before it becomes a slow denormal number."""
    for i in range(numbers.size):
        if abs(numbers[i]) < TINY:
            numbers[i] = 0.0


@njit(cache=True, nogil=True, fastmath={"contract"})
def cascade_forward(x, sections, out, states):
    """Transposed direct form II.

    ``x`` and ``out`` are (rows, frames), ``sections`` (rows, 40) holds b0, b1, b2, -a1, -a2 of eight sections
    each, ``states`` (rows, blocks, 24) is filled with the states at every block's beginning.
    """
    rows, frames = x.shape
    for row in range(rows):
        b0, b1, b2 = load8(sections[row], 0), load8(sections[row], 8), load8(sections[row], 16)
        a1, a2 = load8(sections[row], 24), load8(sections[row], 32)
        s1 = splat(b0, 0.0)
        s2, y = s1, s1
        for block in range(states.shape[1]):
            state = states[row, block]
            store(s1, state, 0)
            store(s2, state, 8)
            store(y, state, 16)
            flush(state)
            s1, s2, y = load8(state, 0), load8(state, 8), load8(state, 16)
            begin = block * BLOCK
            for t in range(begin, min(begin + BLOCK, frames + WIDTH - 1)):
                v = push1(y, np.float64(x[row, t]) if t < frames else 0.0)
                y = fma(b0, v, s1)
                s1 = fma(a1, y, fma(b1, v, s2))
                s2 = fma(a2, y, mul(b2, v))
                if t >= WIDTH - 1:
                    out[row, t - (WIDTH - 1)] = lane(y, 7)


@njit(cache=True, nogil=True, fastmath={"contract"})
def cascade_backward(grad, x, sections, states, grad_x, grad_sections):
    """Gradient to ``x`` (rows, frames) and to ``sections`` (rows, 40) from that to the output.

    With w the time-reversed all-pole filter of a section's output gradient: the gradient to its input is the
    time-reversed numerator of w, that to b_i is the sum of w[n + i] x[n], to -a_i the sum of w[n + i] y[n].
    """
    rows, frames = x.shape
    inputs, outputs = np.empty(BLOCK * WIDTH), np.empty(BLOCK * WIDTH)
    carry = np.empty(_STATE)
    for row in range(rows):
        b0, b1, b2 = load8(sections[row], 0), load8(sections[row], 8), load8(sections[row], 16)
        a1, a2 = load8(sections[row], 24), load8(sections[row], 32)
        zero = splat(b0, 0.0)
        w1, w2, back = zero, zero, zero
        to_b0, to_b1, to_b2, to_a1, to_a2 = zero, zero, zero, zero, zero
        for block in range(states.shape[1] - 1, -1, -1):
            begin = block * BLOCK
            count = min(BLOCK, frames + WIDTH - 1 - begin)
            state = states[row, block]
            s1, s2, y = load8(state, 0), load8(state, 8), load8(state, 16)
            for i in range(count):
                v = push1(y, np.float64(x[row, begin + i]) if begin + i < frames else 0.0)
                y = fma(b0, v, s1)
                s1 = fma(a1, y, fma(b1, v, s2))
                s2 = fma(a2, y, mul(b2, v))
                store(v, inputs, i * WIDTH)
                store(y, outputs, i * WIDTH)
            for i in range(count - 1, -1, -1):
                t = begin + i
                g = pull1(back, np.float64(grad[row, t - (WIDTH - 1)]) if t >= WIDTH - 1 else 0.0)
                w = fma(a1, w1, fma(a2, w2, g))
                back = fma(b0, w, fma(b1, w1, mul(b2, w2)))
                if t < frames:
                    grad_x[row, t] = lane(back, 0)
                v, y = load8(inputs, i * WIDTH), load8(outputs, i * WIDTH)
                to_b0, to_b1, to_b2 = fma(w, v, to_b0), fma(w1, v, to_b1), fma(w2, v, to_b2)
                to_a1, to_a2 = fma(w1, y, to_a1), fma(w2, y, to_a2)
                w2 = w1
                w1 = w
            store(w1, carry, 0)
            store(w2, carry, 8)
            store(back, carry, 16)
            flush(carry)
            w1, w2, back = load8(carry, 0), load8(carry, 8), load8(carry, 16)
        store(to_b0, grad_sections[row], 0)
        store(to_b1, grad_sections[row], 8)
        store(to_b2, grad_sections[row], 16)
        store(to_a1, grad_sections[row], 24)
        store(to_a2, grad_sections[row], 32)
