"""The symmetric FIR kernel: equal to a convolution, and to itself however the signal is cut."""

from __future__ import annotations

import numpy as np
import pytest

from voxrack_fx.fir import symmetric_fir


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("half", [0, 3, 48])
@pytest.mark.parametrize("frames", [1, 7, 8, 63, 64, 523])
def test_it_is_a_convolution_and_cuts_do_not_show(dtype, tolerance, half, frames):
    rng = np.random.default_rng(frames)
    side = rng.standard_normal(half)
    taps = np.concatenate([side, [1.0], side[::-1]]).astype(dtype)
    signal = rng.standard_normal(frames + 2 * half).astype(dtype)
    out = np.zeros(frames, dtype)
    symmetric_fir(signal, taps, out)
    np.testing.assert_allclose(out, np.convolve(signal.astype(float), taps, "valid"), atol=tolerance * (1 + half))
    for cut in (1, 5, 70):
        again = np.zeros_like(out)
        for at in range(0, frames, cut):
            symmetric_fir(signal[at : at + cut + 2 * half], taps, again[at : at + cut])
        np.testing.assert_array_equal(again, out)
