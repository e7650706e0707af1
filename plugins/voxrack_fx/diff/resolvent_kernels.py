"""Frequency response of a delay network with real line gains, and its adjoint, eight bins at a time.

At every bin, with e_j = exp(-i w m_j), K = U diag(g_j e_j) and A = I - K:

    H = C diag(e_j) A^-1 B                      = C (diag(1 / e_j) - U diag(g_j))^-1 B     (DiffVox spec, section 7)

U is a rotation and g_j < 1, so the Hermitian part of A is positive definite and its factors need no pivoting.
Backwards, with S = diag(e_j) A^-1 B, G the gradient to H and Z = A^-H diag(1 / e_j) C' G:

    dC = Re G S^H,   dB = Re Z,   dU = Re Z S^H diag(g_j),   dg = diag(Re U' Z S^H)

Everything lies in flat float64 arrays; a complex number of eight bins is eight real parts, then eight imaginary.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..fdn import LINES
from ..lanes import fma, load8, mul, splat, store

GROUP = 64  # bins between two phases computed from scratch
_STEP = 16  # numbers of one complex vector


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_product(into, at, a, at_a, b, at_b, sign, conjugate):
    """into[at] += sign * a[at_a] * b[at_b]; with ``conjugate`` -1 the conjugate of ``a`` is taken, with 1 ``a``."""
    a_re, b_re, b_im = load8(a, at_a), load8(b, at_b), load8(b, at_b + 8)
    a_im = mul(load8(a, at_a + 8), splat(a_re, sign * conjugate))
    a_re = mul(a_re, splat(a_re, sign))
    real = fma(a_re, b_re, load8(into, at))
    imaginary = fma(a_re, b_im, load8(into, at + 8))
    store(fma(mul(a_im, splat(a_re, -1.0)), b_im, real), into, at)
    store(fma(a_im, b_re, imaginary), into, at + 8)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _multiply(into, at, a, at_a, conjugate):
    """into[at] *= a[at_a], or its conjugate."""
    a_re, a_im = load8(a, at_a), load8(a, at_a + 8)
    a_im = mul(a_im, splat(a_re, conjugate))
    re, im = load8(into, at), load8(into, at + 8)
    store(fma(a_re, re, mul(mul(a_im, splat(a_re, -1.0)), im)), into, at)
    store(fma(a_re, im, mul(a_im, re)), into, at + 8)


@njit(cache=True, nogil=True)
def _turns(lengths, period):
    """exp(-2 pi i k m_j / period) for k = 0 … 63, as eight groups of vectors: (8, 6 * 16)."""
    out = np.empty((GROUP // 8, LINES * _STEP))
    for k in range(GROUP):
        for j in range(LINES):
            angle = -2.0 * math.pi * ((k * lengths[j]) % period) / period
            out[k // 8, j * _STEP + k % 8] = math.cos(angle)
            out[k // 8, j * _STEP + 8 + k % 8] = math.sin(angle)
    return out


@njit(cache=True, nogil=True)
def _phases(group, lengths, period, turns, start, phases):
    """Phases of the eight bins of ``group``; ``start`` is renewed at every 64th bin."""
    if group % (GROUP // 8) == 0:
        for j in range(LINES):
            angle = -2.0 * math.pi * ((8 * group * lengths[j]) % period) / period
            start[j * _STEP : j * _STEP + 8] = math.cos(angle)
            start[j * _STEP + 8 : j * _STEP + 16] = math.sin(angle)
    phases[:] = turns[group % (GROUP // 8)]
    for j in range(LINES):
        _multiply(phases, j * _STEP, start, j * _STEP, 1.0)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _factor(gains, matrix, phases, first, a):
    """A = I - U diag(g e) into ``a``, as unit lower and upper factor, pivots inverted."""
    one = splat(load8(phases, 0), 1.0)
    for j in range(LINES):
        gain = load8(gains[j], first)
        re, im = mul(gain, load8(phases, j * _STEP)), mul(gain, load8(phases, j * _STEP + 8))
        for i in range(LINES):
            minus = splat(one, -matrix[i, j])
            at = (i * LINES + j) * _STEP
            store(fma(minus, re, splat(one, 1.0 if i == j else 0.0)), a, at)
            store(mul(minus, im), a, at + 8)
    for p in range(LINES):
        pivot = (p * LINES + p) * _STEP
        for n in range(pivot, pivot + 8):
            scale = 1.0 / (a[n] * a[n] + a[n + 8] * a[n + 8])
            a[n] *= scale
            a[n + 8] *= -scale
        for i in range(p + 1, LINES):
            lower = (i * LINES + p) * _STEP
            _multiply(a, lower, a, pivot, 1.0)
            for q in range(p + 1, LINES):
                _add_product(a, (i * LINES + q) * _STEP, a, lower, a, (p * LINES + q) * _STEP, -1.0, 1.0)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _states(a, enter, phases, s):
    """S = diag(e) A^-1 B, (6, 2) complex vectors, from the factors."""
    zero = splat(load8(a, 0), 0.0)
    for i in range(LINES):
        for k in range(2):
            at = (i * 2 + k) * _STEP
            store(splat(zero, enter[i, k]), s, at)
            store(zero, s, at + 8)
            for p in range(i):
                _add_product(s, at, a, (i * LINES + p) * _STEP, s, (p * 2 + k) * _STEP, -1.0, 1.0)
    for i in range(LINES - 1, -1, -1):
        for k in range(2):
            at = (i * 2 + k) * _STEP
            for q in range(i + 1, LINES):
                _add_product(s, at, a, (i * LINES + q) * _STEP, s, (q * 2 + k) * _STEP, -1.0, 1.0)
            _multiply(s, at, a, (i * LINES + i) * _STEP, 1.0)
    for i in range(LINES):
        for k in range(2):
            _multiply(s, (i * 2 + k) * _STEP, phases, i * _STEP, 1.0)


@njit(cache=True, nogil=True, fastmath={"contract"})
def forward(gains, matrix, enter, leave, lengths, period, start, stop, real, imaginary):
    """H at bins ``8 * start`` … ``8 * stop`` of ``period``.

    Parameters
    ----------
    gains : float64 (6, bins), bins a multiple of 8
    matrix, enter, leave : float64 (6, 6), (6, 2), (2, 6)
    lengths : int64 (6,)
    period : int
        Length of the transform: bin k lies at 2 pi k / period.
    start, stop : int
        Groups of eight bins; ``start`` a multiple of 8.
    real, imaginary : float64 (4, bins)
        Filled; row ``2 * output + input``.
    """
    turns, base = _turns(lengths, period), np.empty(LINES * _STEP)
    phases, a, s = np.empty(LINES * _STEP), np.empty(LINES * LINES * _STEP), np.empty(2 * LINES * _STEP)
    for group in range(start, stop):
        _phases(group, lengths, period, turns, base, phases)
        _factor(gains, matrix, phases, 8 * group, a)
        _states(a, enter, phases, s)
        for o in range(2):
            for k in range(2):
                re = splat(load8(s, 0), 0.0)
                im = re
                for j in range(LINES):
                    gain = splat(re, leave[o, j])
                    re = fma(gain, load8(s, (j * 2 + k) * _STEP), re)
                    im = fma(gain, load8(s, (j * 2 + k) * _STEP + 8), im)
                store(re, real[o * 2 + k], 8 * group)
                store(im, imaginary[o * 2 + k], 8 * group)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _back_states(a, leave, phases, grad_re, grad_im, first, z):
    """Z = A^-H diag(1 / e) C' G, (6, 2) complex vectors."""
    for i in range(LINES):
        for k in range(2):
            at = (i * 2 + k) * _STEP
            low, high = splat(load8(a, 0), leave[0, i]), splat(load8(a, 0), leave[1, i])
            store(fma(low, load8(grad_re[k], first), mul(high, load8(grad_re[2 + k], first))), z, at)
            store(fma(low, load8(grad_im[k], first), mul(high, load8(grad_im[2 + k], first))), z, at + 8)
            _multiply(z, at, phases, i * _STEP, -1.0)
            for p in range(i):
                _add_product(z, at, a, (p * LINES + i) * _STEP, z, (p * 2 + k) * _STEP, -1.0, -1.0)
            _multiply(z, at, a, (i * LINES + i) * _STEP, -1.0)
    for i in range(LINES - 1, -1, -1):
        for k in range(2):
            for q in range(i + 1, LINES):
                _add_product(
                    z, (i * 2 + k) * _STEP, a, (q * LINES + i) * _STEP, z, (q * 2 + k) * _STEP, -1.0, -1.0
                )  # fmt: skip


@njit(cache=True, nogil=True, fastmath={"contract"})
def backward(
    grad_re, grad_im, gains, matrix, enter, leave, lengths, period, start, stop, to_gains, to_matrix, to_enter, to_leave
):
    """Gradients from those to the real and imaginary part of H, each (4, bins).

    ``to_gains`` (6, bins) is filled at the bins in question. ``to_matrix`` (36 * 8,), ``to_enter`` (12 * 8,) and
    ``to_leave`` (12 * 8,) are added to, in eight parts that belong together.
    """
    turns, base = _turns(lengths, period), np.empty(LINES * _STEP)
    phases, a = np.empty(LINES * _STEP), np.empty(LINES * LINES * _STEP)
    s, z = np.empty(2 * LINES * _STEP), np.empty(2 * LINES * _STEP)
    for group in range(start, stop):
        first = 8 * group
        _phases(group, lengths, period, turns, base, phases)
        _factor(gains, matrix, phases, first, a)
        _states(a, enter, phases, s)
        _back_states(a, leave, phases, grad_re, grad_im, first, z)
        for i in range(LINES):
            for k in range(2):
                at = (i * 2 + k) * 8
                store(fma(load8(z, 2 * at), splat(load8(z, 0), 1.0), load8(to_enter, at)), to_enter, at)
        for o in range(2):
            for j in range(LINES):
                total = load8(to_leave, (o * LINES + j) * 8)
                for k in range(2):
                    total = fma(load8(grad_re[2 * o + k], first), load8(s, (j * 2 + k) * _STEP), total)
                    total = fma(load8(grad_im[2 * o + k], first), load8(s, (j * 2 + k) * _STEP + 8), total)
                store(total, to_leave, (o * LINES + j) * 8)
        for j in range(LINES):
            at, gain = j * 2 * _STEP, load8(gains[j], first)
            to_gain = splat(gain, 0.0)
            for i in range(LINES):
                to = i * 2 * _STEP
                part = mul(load8(z, to), load8(s, at))
                part = fma(load8(z, to + 8), load8(s, at + 8), part)
                part = fma(load8(z, to + _STEP), load8(s, at + _STEP), part)
                part = fma(load8(z, to + _STEP + 8), load8(s, at + _STEP + 8), part)
                to_gain = fma(splat(gain, matrix[i, j]), part, to_gain)
                here = (i * LINES + j) * 8
                store(fma(part, gain, load8(to_matrix, here)), to_matrix, here)
            store(to_gain, to_gains[j], first)
