"""Compiled parts of the spectral losses, for one item and one window size.

Left and right travel as real and imaginary part of one complex transform. Every kernel takes a block of frames
that stays in the second cache, and gives the interpreter lock free.
"""

from __future__ import annotations

import math

from numba import njit

from .logs import FAST, sum_of_logs

POWER_FLOOR = 1e-8  # of |X|^2


@njit(cache=True, nogil=True, fastmath=FAST)
def take_frames(signal, window, hop, first, out):
    """Frames ``first …`` of ``signal`` (2, T), centred and reflected at the ends, windowed, into ``out`` (f, n, 2)."""
    frames = signal.shape[1]
    size = window.size
    for f in range(out.shape[0]):
        start = (first + f) * hop - size // 2
        if start >= 0 and start + size <= frames:
            left, right = signal[0, start : start + size], signal[1, start : start + size]
            for n in range(size):
                out[f, n, 0] = window[n] * left[n]
                out[f, n, 1] = window[n] * right[n]
        else:
            for n in range(size):
                at = _reflected(start + n, frames)
                out[f, n, 0] = window[n] * signal[0, at]
                out[f, n, 1] = window[n] * signal[1, at]


@njit(cache=True, nogil=True, inline="always")
def _reflected(at, frames):
    if at < 0:
        return -at
    if at >= frames:
        return 2 * frames - 2 - at
    return at


@njit(cache=True, nogil=True, fastmath=FAST)
def add_frames(gradient, window, hop, first, out):
    """Adjoint of :func:`take_frames`: adds windowed ``gradient`` (f, n, 2) into ``out`` (2, T)."""
    frames = out.shape[1]
    size = window.size
    for f in range(gradient.shape[0]):
        start = (first + f) * hop - size // 2
        if start >= 0 and start + size <= frames:
            left, right = out[0, start : start + size], out[1, start : start + size]
            for n in range(size):
                left[n] += window[n] * gradient[f, n, 0]
                right[n] += window[n] * gradient[f, n, 1]
        else:
            for n in range(size):
                at = _reflected(start + n, frames)
                out[0, at] += window[n] * gradient[f, n, 0]
                out[1, at] += window[n] * gradient[f, n, 1]


@njit(cache=True, nogil=True, fastmath=FAST)
def unpack(spectrum, out):
    """Left and right (f, 4, bins: re, im, re, im) out of the transform (f, n, 2) of left + i right."""
    size = spectrum.shape[1]
    half = size // 2
    for f in range(spectrum.shape[0]):
        z = spectrum[f]
        o = out[f]
        for k in range(half + 1):
            m = (size - k) % size if k == 0 else size - k
            re, im, mirrored_re, mirrored_im = z[k, 0], z[k, 1], z[m, 0], z[m, 1]
            o[0, k] = 0.5 * (re + mirrored_re)
            o[1, k] = 0.5 * (im - mirrored_im)
            o[2, k] = 0.5 * (im + mirrored_im)
            o[3, k] = 0.5 * (mirrored_re - re)


@njit(cache=True, nogil=True, fastmath=FAST)
def magnitudes(parts, out):
    """Magnitude of left, right, middle, side (f, 4, bins) from ``parts`` (f, 4, bins)."""
    floor = parts.dtype.type(POWER_FLOOR)
    for f in range(parts.shape[0]):
        lr, li, rr, ri = parts[f, 0], parts[f, 1], parts[f, 2], parts[f, 3]
        left, right, middle, side = out[f, 0], out[f, 1], out[f, 2], out[f, 3]
        for k in range(lr.size):
            a, b, c, d = lr[k], li[k], rr[k], ri[k]
            left[k] = math.sqrt(max(a * a + b * b, floor))
            right[k] = math.sqrt(max(c * c + d * d, floor))
            middle[k] = math.sqrt(max((a + c) * (a + c) + (b + d) * (b + d), floor))
            side[k] = math.sqrt(max((a - c) * (a - c) + (b - d) * (b - d), floor))


@njit(cache=True, nogil=True, fastmath=FAST)
def squares(magnitude, sums):
    """Adds to ``sums`` (4,) the sum of squares by signal, of (f, 4, bins)."""
    for f in range(magnitude.shape[0]):
        for s in range(4):
            row = magnitude[f, s]
            total = magnitude.dtype.type(0.0)
            for k in range(row.size):
                total += row[k] * row[k]
            sums[s] += total


@njit(cache=True, nogil=True, fastmath=FAST)
def distances(magnitude, wanted, ratio, mantissa, bits, single, square, logs):
    """Adds to ``square`` (4,) by signal the sum of (Y - X)^2; to ``logs`` (2,) that of |ln X - ln Y| of left and
    right, and of middle and side.

    |ln X - ln Y| is the logarithm of the larger by the smaller, so four of them (two signals, two halves of the
    bins) share one logarithm. ``ratio`` (bins,), ``mantissa`` and ``bits`` are scratch, see ``logs``.
    """
    bins = magnitude.shape[2]
    half = bins // 2
    for f in range(magnitude.shape[0]):
        for s in range(4):
            x, y = magnitude[f, s], wanted[f, s]
            total = magnitude.dtype.type(0.0)
            for k in range(bins):
                difference = y[k] - x[k]
                total += difference * difference
            square[s] += total
        for term in range(2):
            x, y = magnitude[f, 2 * term], wanted[f, 2 * term]
            v, w = magnitude[f, 2 * term + 1], wanted[f, 2 * term + 1]
            for k in range(half):
                m = k + half
                high = max(x[k], y[k]) * max(v[k], w[k]) * max(x[m], y[m]) * max(v[m], w[m])
                low = min(x[k], y[k]) * min(v[k], w[k]) * min(x[m], y[m]) * min(v[m], w[m])
                ratio[k] = high / low
            k = bins - 1
            ratio[half] = max(x[k], y[k]) * max(v[k], w[k]) / (min(x[k], y[k]) * min(v[k], w[k]))
            logs[term] += sum_of_logs(ratio[: half + 1], mantissa, bits, single)


@njit(cache=True, nogil=True, fastmath=FAST)
def gradients(parts, wanted, pull, push, scratch, out):
    """Gradient by the transform of left + i right, packed so that one inverse transform gives both channels.

    With X the magnitude of signal s and Y the wanted one, the loss changes with X by
    ``pull[s] (X - Y) + push[s] sign(X - Y) / X``; below the floor it does not change.

    Parameters
    ----------
    parts : array, shape (f, 4, bins)
        Left re, im, right re, im.
    wanted : array, shape (f, 4, bins)
        Magnitudes of left, right, middle, side.
    pull, push : array, shape (4,)
    scratch : array, shape (4, bins)
    out : array, shape (f, n, 2)
    """
    floor = parts.dtype.type(POWER_FLOOR)
    zero = parts.dtype.type(0.0)
    half = parts.dtype.type(0.5)
    for f in range(parts.shape[0]):
        lr, li, rr, ri = parts[f, 0], parts[f, 1], parts[f, 2], parts[f, 3]
        y_left, y_right, y_middle, y_side = wanted[f, 0], wanted[f, 1], wanted[f, 2], wanted[f, 3]
        for k in range(lr.size):
            a, b, c, d = lr[k], li[k], rr[k], ri[k]
            q_left = _slope(a * a + b * b, y_left[k], pull[0], push[0], floor, zero)
            q_right = _slope(c * c + d * d, y_right[k], pull[1], push[1], floor, zero)
            e, g = a + c, b + d
            q = _slope(e * e + g * g, y_middle[k], pull[2], push[2], floor, zero)
            mr, mi = q * e, q * g
            e, g = a - c, b - d
            q = _slope(e * e + g * g, y_side[k], pull[3], push[3], floor, zero)
            sr, si = q * e, q * g
            scratch[0, k] = half * (q_left * a + mr + sr)
            scratch[1, k] = half * (q_left * b + mi + si)
            scratch[2, k] = half * (q_right * c + mr - sr)
            scratch[3, k] = half * (q_right * d + mi - si)
        o = out[f]
        last = lr.size - 1
        for k in range(1, last):
            hlr, hli, hrr, hri = scratch[0, k], scratch[1, k], scratch[2, k], scratch[3, k]
            o[k, 0] = hlr - hri
            o[k, 1] = hli + hrr
            o[2 * last - k, 0] = hlr + hri
            o[2 * last - k, 1] = hrr - hli
        for k in (0, last):  # these bins are real, and stand alone
            o[k, 0] = scratch[0, k] + scratch[0, k]
            o[k, 1] = scratch[2, k] + scratch[2, k]


@njit(cache=True, nogil=True, inline="always")
def _slope(power, y, pull, push, floor, zero):
    x = math.sqrt(max(power, floor))
    inverse = 1 / x
    sign = inverse if x > y else (-inverse if x < y else zero)
    slope = (pull * (x - y) + push * sign) * inverse
    return slope if power >= floor else zero
