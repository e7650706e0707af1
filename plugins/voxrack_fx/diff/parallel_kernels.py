"""Compiled recursion of up to eight second-order sections added up, and its adjoint.

Each lane of a vector is one section, and all hear the same sample. Storage as in :mod:`.cascade_kernels`: the
adjoint computes a block's signals anew from the states that the forward pass left at its beginning.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..lanes import fma, load8, mul, splat, store, total
from .cascade_kernels import BLOCK, WIDTH, flush


@njit(cache=True, nogil=True, fastmath={"contract"})
def parallel_forward(x, sections, out, states):
    """``x`` and ``out`` are (rows, frames); ``sections`` (rows, 40) holds b0, b1, b2, -a1, -a2 of eight sections.

    ``states`` (rows, blocks, 16) is filled with the states at every block's beginning.
    """
    rows, frames = x.shape
    for row in range(rows):
        b0, b1, b2 = load8(sections[row], 0), load8(sections[row], 8), load8(sections[row], 16)
        a1, a2 = load8(sections[row], 24), load8(sections[row], 32)
        s1 = splat(b0, 0.0)
        s2 = s1
        for block in range(states.shape[1]):
            state = states[row, block]
            store(s1, state, 0)
            store(s2, state, 8)
            flush(state)
            s1, s2 = load8(state, 0), load8(state, 8)
            for n in range(block * BLOCK, min((block + 1) * BLOCK, frames)):
                v = splat(b0, np.float64(x[row, n]))
                y = fma(b0, v, s1)
                s1 = fma(a1, y, fma(b1, v, s2))
                s2 = fma(a2, y, mul(b2, v))
                out[row, n] = total(y)


@njit(cache=True, nogil=True, fastmath={"contract"})
def parallel_backward(grad, x, sections, states, grad_x, grad_sections):
    """Gradient to ``x`` (rows, frames) and to ``sections`` (rows, 40) from that to the output."""
    rows, frames = x.shape
    outputs, carry = np.empty(BLOCK * WIDTH), np.empty(2 * WIDTH)
    for row in range(rows):
        b0, b1, b2 = load8(sections[row], 0), load8(sections[row], 8), load8(sections[row], 16)
        a1, a2 = load8(sections[row], 24), load8(sections[row], 32)
        zero = splat(b0, 0.0)
        w1, w2 = zero, zero
        to_b0, to_b1, to_b2, to_a1, to_a2 = zero, zero, zero, zero, zero
        for block in range(states.shape[1] - 1, -1, -1):
            begin = block * BLOCK
            count = min(BLOCK, frames - begin)
            state = states[row, block]
            s1, s2 = load8(state, 0), load8(state, 8)
            for i in range(count):
                v = splat(b0, np.float64(x[row, begin + i]))
                y = fma(b0, v, s1)
                s1 = fma(a1, y, fma(b1, v, s2))
                s2 = fma(a2, y, mul(b2, v))
                store(y, outputs, i * WIDTH)
            for i in range(count - 1, -1, -1):
                n = begin + i
                w = fma(a1, w1, fma(a2, w2, splat(b0, np.float64(grad[row, n]))))
                grad_x[row, n] = total(fma(b0, w, fma(b1, w1, mul(b2, w2))))
                v, y = splat(b0, np.float64(x[row, n])), load8(outputs, i * WIDTH)
                to_b0, to_b1, to_b2 = fma(w, v, to_b0), fma(w1, v, to_b1), fma(w2, v, to_b2)
                to_a1, to_a2 = fma(w1, y, to_a1), fma(w2, y, to_a2)
                w2 = w1
                w1 = w
            store(w1, carry, 0)
            store(w2, carry, 8)
            flush(carry)
            w1, w2 = load8(carry, 0), load8(carry, 8)
        store(to_b0, grad_sections[row], 0)
        store(to_b1, grad_sections[row], 8)
        store(to_b2, grad_sections[row], 16)
        store(to_a1, grad_sections[row], 24)
        store(to_a2, grad_sections[row], 32)
