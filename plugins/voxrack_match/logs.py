"""Logarithms in bulk, for compiled kernels."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

FAST = {"reassoc", "contract", "nsz", "arcp"}
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_LN2 = np.float32(0.693147180559945)


@njit(cache=True, nogil=True, fastmath=FAST)
def sum_of_logs(x, mantissa, bits, single):
    """Sum of ln x over (n,), as float64; x is spent.

    Parameters
    ----------
    x : array, shape (n,)
        Positive and normal.
    mantissa, bits : array, shape (n or more,)
        Scratch: one piece of memory as float32 and as int32.
    single : bool
        x is float32: Cephes' logf, exponent and a polynomial, which the compiler turns into vector code.
    """
    if not single:
        exact = 0.0
        for k in range(x.size):
            exact += math.log(x[k])
        return exact
    for k in range(x.size):
        mantissa[k] = x[k]
    for k in range(x.size):
        exponent = (bits[k] - _SQRT_HALF_BITS) >> np.int32(23)
        bits[k] -= exponent << np.int32(23)
        x[k] = np.float32(exponent)
    total = np.float32(0.0)
    for k in range(x.size):
        m = mantissa[k] - np.float32(1.0)
        z = m * m
        p = np.float32(7.0376836292e-2) * m - np.float32(1.1514610310e-1)
        p = p * m + np.float32(1.1676998740e-1)
        p = p * m - np.float32(1.2420140846e-1)
        p = p * m + np.float32(1.4249322787e-1)
        p = p * m - np.float32(1.6668057665e-1)
        p = p * m + np.float32(2.0000714765e-1)
        p = p * m - np.float32(2.4999993993e-1)
        p = p * m + np.float32(3.3333331174e-1)
        total += m * z * p - np.float32(0.5) * z + m + np.float32(x[k]) * _LN2
    return np.float64(total)
