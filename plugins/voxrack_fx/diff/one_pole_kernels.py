"""Compiled ``y[n] = c x[n] + (1 - c) y[n - 1]`` and its adjoint, with a constant or a moving coefficient.

Rows are independent; ``y[-1]`` is ``initial``. State and coefficient are float64.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..biquad import TINY

BLOCK = 256  # samples between looks for numbers that would become slow denormal ones


@njit(cache=True, nogil=True, fastmath={"contract"})
def steady_forward(x, c, out, initial):
    """``x`` and ``out`` are (rows, frames), ``c`` is (rows,)."""
    for row in range(x.shape[0]):
        share, keep, y = c[row], 1.0 - c[row], np.float64(initial)
        for n in range(x.shape[1]):
            y = share * np.float64(x[row, n]) + keep * y
            out[row, n] = y
            if n % BLOCK == 0 and abs(y) < TINY:
                y = 0.0


@njit(cache=True, nogil=True, fastmath={"contract"})
def steady_backward(grad, x, c, out, grad_x, grad_c, initial):
    """Gradients to ``x`` and ``c`` from that to the output ``out``."""
    for row in range(x.shape[0]):
        share, keep, w, total = c[row], 1.0 - c[row], 0.0, 0.0
        for n in range(x.shape[1] - 1, -1, -1):
            w = np.float64(grad[row, n]) + keep * w
            grad_x[row, n] = share * w
            before = np.float64(out[row, n - 1]) if n else initial
            total += w * (np.float64(x[row, n]) - before)
            if n % BLOCK == 0 and abs(w) < TINY:
                w = 0.0
        grad_c[row] = total


@njit(cache=True, nogil=True, fastmath={"contract"})
def moving_forward(x, c, out, initial):
    """All of ``x``, ``c`` and ``out`` are (rows, frames)."""
    for row in range(x.shape[0]):
        y = np.float64(initial)
        for n in range(x.shape[1]):
            share = c[row, n]
            y = share * np.float64(x[row, n]) + (1.0 - share) * y
            out[row, n] = y
            if n % BLOCK == 0 and abs(y) < TINY:
                y = 0.0


@njit(cache=True, nogil=True, fastmath={"contract"})
def moving_backward(grad, x, c, out, grad_x, grad_c, initial):
    """Gradients to ``x`` and ``c`` from that to the output ``out``."""
    for row in range(x.shape[0]):
        w, keep = 0.0, 0.0
        for n in range(x.shape[1] - 1, -1, -1):
            w = np.float64(grad[row, n]) + keep * w
            share = c[row, n]
            grad_x[row, n] = share * w
            before = np.float64(out[row, n - 1]) if n else initial
            grad_c[row, n] = w * (np.float64(x[row, n]) - before)
            keep = 1.0 - share
            if n % BLOCK == 0 and abs(w) < TINY:
                w = 0.0
