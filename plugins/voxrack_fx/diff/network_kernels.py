"""The feedback delay network and its adjoint, compiled: the gradient of :mod:`voxrack_fx.fdn`.

s_j is the output of line j of length L_j, f_j that of its symmetric absorption FIR F_j of 2 h + 1 taps:

    v_j[n] = sum_k B[j,k] x_k[n] + sum_i U[j,i] f_i[n],   s_j[n] = v_j[n - L_j],   f_j = F_j * s_j,   y = C s

and with g the gradient to y, all of it backwards in time:

    q_j[n] = r_j[n + L_j],   p = U' q,   r_j[n] = sum_o C[o,j] g_o[n] + sum_k F_j[k] p_j[n + k],   dx = B' q
    dB = sum q x',   dC = sum g s',   dF_j[k] = sum p_j[n] s_j[n - k],   dU = sum q f'

The shortest line holds a whole chunk, so a chunk is computed line by line with plain loops over time. Only v is
kept for the way back: f comes from v = B x + U f, U being a rotation and so never singular.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..fdn import CHUNK, LINES, symmetric_fir

_FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, nogil=True, fastmath=_FAST)
def _mixed(a, m, into):
    """into = m[0] a[0] + … + m[5] a[5] for six signals ``a`` (6, frames)."""
    a0, a1, a2, a3, a4, a5 = a[0], a[1], a[2], a[3], a[4], a[5]
    m0, m1, m2, m3, m4, m5 = m[0], m[1], m[2], m[3], m[4], m[5]
    for n in range(into.size):
        into[n] = m0 * a0[n] + m1 * a1[n] + m2 * a2[n] + m3 * a3[n] + m4 * a4[n] + m5 * a5[n]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _add_two(m0, a0, m1, a1, least, into):
    """into += m0 a0 + m1 a1; what is at most ``least`` becomes zero before it becomes denormal; NaN stays."""
    zero = into.dtype.type(0.0)
    for n in range(into.size):
        value = into[n] + m0 * a0[n] + m1 * a1[n]
        into[n] = zero if abs(value) <= least else value


@njit(cache=True, nogil=True, fastmath=_FAST)
def _dot(a, b):
    out = a.dtype.type(0.0)
    for n in range(a.size):
        out += a[n] * b[n]
    return out


@njit(cache=True, nogil=True, fastmath=_FAST)
def _add_outer(a, rows, frames, out):
    """out[i] += sum_n a[n] rows[i, n] for six rows."""
    r0, r1, r2 = rows[0, :frames], rows[1, :frames], rows[2, :frames]
    r3, r4, r5 = rows[3, :frames], rows[4, :frames], rows[5, :frames]
    zero = a.dtype.type(0.0)
    t0, t1, t2, t3, t4, t5 = zero, zero, zero, zero, zero, zero
    for n in range(frames):
        value = a[n]
        t0 += value * r0[n]
        t1 += value * r1[n]
        t2 += value * r2[n]
        t3 += value * r3[n]
        t4 += value * r4[n]
        t5 += value * r5[n]
    out[0] += t0
    out[1] += t1
    out[2] += t2
    out[3] += t3
    out[4] += t4
    out[5] += t5


@njit(cache=True, nogil=True, fastmath=_FAST)
def _add_correlation(p, signal, out):
    """out[d] += sum_n p[n] (signal[n + h - d] + signal[n + h + d]), once for d = 0; eight d a pass."""
    frames, half = p.size, out.size - 1
    out[0] += _dot(p, signal[half : half + frames])
    zero = p.dtype.type(0.0)
    d = 1
    while d + 8 <= half + 1:
        low = signal[half - d - 7 : half - d + frames]
        high = signal[half + d : half + d + 7 + frames]
        t0, t1, t2, t3, t4, t5, t6, t7 = zero, zero, zero, zero, zero, zero, zero, zero
        for n in range(frames):
            value = p[n]
            t0 += value * (low[n + 7] + high[n])
            t1 += value * (low[n + 6] + high[n + 1])
            t2 += value * (low[n + 5] + high[n + 2])
            t3 += value * (low[n + 4] + high[n + 3])
            t4 += value * (low[n + 3] + high[n + 4])
            t5 += value * (low[n + 2] + high[n + 5])
            t6 += value * (low[n + 1] + high[n + 6])
            t7 += value * (low[n] + high[n + 7])
        out[d] += t0
        out[d + 1] += t1
        out[d + 2] += t2
        out[d + 3] += t3
        out[d + 4] += t4
        out[d + 5] += t5
        out[d + 6] += t6
        out[d + 7] += t7
        d += 8
    while d <= half:
        low, high = signal[half - d : half - d + frames], signal[half + d : half + d + frames]
        out[d] += _dot(p, low) + _dot(p, high)
        d += 1


@njit(cache=True, nogil=True)
def _whole(taps):
    """All 2 h + 1 taps of each FIR from its h + 1 taps from the centre outward."""
    half = taps.shape[1] - 1
    out = np.empty((taps.shape[0], 2 * half + 1), taps.dtype)
    for d in range(half + 1):
        out[:, half + d] = taps[:, d]
        out[:, half - d] = taps[:, d]
    return out


@njit(cache=True, nogil=True)
def reach_of(lengths, half):
    """How many samples of line inputs the network looks back at most."""
    return lengths.max() + 2 * half


@njit(cache=True, nogil=True, fastmath=_FAST)
def forward(x, taps, enter, matrix, leave, lengths, least, history, out):
    """Output of one network.

    Parameters
    ----------
    x, out : float (2, T)
    taps : float (6, h + 1)
        Absorption FIRs from the centre outward.
    enter, matrix, leave : float (6, 2), (6, 6), (2, 6)
        B, U, C.
    lengths : int64 (6,)
        Samples of each line, FIR not included.
    least : float
        Line inputs smaller than this become zero.
    history : float (6, reach + T) or (6, more than reach)
        Overwritten. Of the first size it holds the line inputs v of all samples afterwards, after ``reach`` zeros;
        a shorter one moves on.
    """
    frames, half, capacity = x.shape[1], taps.shape[1] - 1, history.shape[1]
    reach, longest = reach_of(lengths, half), min(CHUNK, lengths.min())
    whole, filtered = _whole(taps), np.empty((LINES, CHUNK), x.dtype)
    tapped = np.empty((LINES, CHUNK), x.dtype)
    history[:, :reach] = 0.0
    done, at = 0, reach
    while done < frames:
        if at == capacity:
            for j in range(LINES):
                history[j, :reach] = history[j, capacity - reach :].copy()
            at = reach
        count = min(frames - done, longest, capacity - at)
        x0, x1 = x[0, done : done + count], x[1, done : done + count]
        for j in range(LINES):
            begin = at - lengths[j]
            symmetric_fir(history[j, begin - 2 * half : begin + count], whole[j], filtered[j, :count])
            tapped[j, :count] = history[j, begin : begin + count]
        for j in range(LINES):
            row = history[j, at : at + count]
            _mixed(filtered, matrix[j], row)
            _add_two(enter[j, 0], x0, enter[j, 1], x1, least, row)
        for o in range(2):
            _mixed(tapped, leave[o], out[o, done : done + count])
        done += count
        at += count


@njit(cache=True, nogil=True, fastmath=_FAST)
def adjoint(grad, x, history, taps, enter, matrix, leave, lengths, least, to_x, to_taps, to_enter, to_mixed, to_leave):
    """Gradients of one network from ``grad`` (2, T), the gradient to its output.

    ``history`` (6, reach + T) is what :func:`forward` left. ``to_x`` (2, T) has the dtype of ``x``; ``to_taps``,
    ``to_enter``, ``to_mixed`` and ``to_leave`` are float64 of the shapes of ``taps``, ``enter``, ``matrix`` and
    ``leave``, to be given as zeros. ``to_mixed`` becomes the sum of q (U f)': times U^-T it is the gradient to U.
    """
    frames, half = x.shape[1], taps.shape[1] - 1
    reach, longest = reach_of(lengths, half), min(CHUNK, lengths.min())
    whole = _whole(taps)
    capacity = 2 * reach + 16 * CHUNK
    entering = np.zeros((LINES, capacity), x.dtype)  # r: gradient to what leaves a line, later ones to the right
    mixed = np.zeros((LINES, capacity), x.dtype)  # p: gradient to what leaves an FIR
    q = np.empty((LINES, CHUNK), x.dtype)
    w = np.empty((LINES, CHUNK), x.dtype)  # U f = v - B x
    tapped = np.empty((LINES, CHUNK), x.dtype)
    back, forth = np.ascontiguousarray(matrix.T), np.ascontiguousarray(enter.T)
    end, at = frames, capacity - reach  # samples from `end` on are done; position `at` belongs to `end`
    while end > 0:
        if at == 0:
            for j in range(LINES):
                entering[j, capacity - reach :] = entering[j, :reach].copy()
                mixed[j, capacity - reach :] = mixed[j, :reach].copy()
            at = capacity - reach
        count = min(end, longest, at)
        end -= count
        at -= count
        x0, x1 = x[0, end : end + count], x[1, end : end + count]
        g0, g1 = grad[0, end : end + count], grad[1, end : end + count]
        for j in range(LINES):
            q[j, :count] = entering[j, at + lengths[j] : at + lengths[j] + count]
            w[j, :count] = history[j, reach + end : reach + end + count]
            _add_two(-enter[j, 0], x0, -enter[j, 1], x1, least, w[j, :count])
            begin = reach + end - lengths[j]
            tapped[j, :count] = history[j, begin : begin + count]
        for k in range(2):
            _mixed(q, forth[k], to_x[k, end : end + count])
        _add_outer(g0, tapped, count, to_leave[0])
        _add_outer(g1, tapped, count, to_leave[1])
        for j in range(LINES):
            to_enter[j, 0] += _dot(q[j, :count], x0)
            to_enter[j, 1] += _dot(q[j, :count], x1)
            _add_outer(q[j, :count], w, count, to_mixed[j])
        for j in range(LINES):
            p = mixed[j, at : at + count]
            _mixed(q, back[j], p)
            row = entering[j, at : at + count]
            symmetric_fir(mixed[j, at : at + count + 2 * half], whole[j], row)
            _add_two(leave[0, j], g0, leave[1, j], g1, least, row)
            begin = reach + end - lengths[j] - 2 * half
            _add_correlation(p, history[j, begin : begin + 2 * half + count], to_taps[j])
