"""What ``enhance.light`` does above 8 kHz, where its network does not hear: a gain per band, led by the band below.

The share p of the power between 4 and 8 kHz that the mask leaves says how much of a frame is speech. In bands of 1 kHz:

1. The noise N follows what such a mask would take of a frame's power P, (1 - p) P, with weight 1 - p, as in
   minima-controlled recursive averaging (Cohen and Berdugo 2002, "Noise estimation by minima controlled recursive
   averaging") with the network in the place of their speech presence probability; the first second is a plain mean.
2. N stays below twice the minimum of the smoothed power over 1 to 2 s (minimum statistics, Martin 2001), so that what
   is always interrupted is not taken for noise.
3. The gain is that of power subtraction with over-subtraction, sqrt(1 - 1.5 N / P) (Berouti, Schwartz and Makhoul
   1979), at most sqrt(p), and falls to no less than half from frame to frame.

So where the network takes nothing away, nothing is taken away here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

FIRST = 257  # bin
WIDTH = 32  # bins of a band; the last one holds the rest
_LOWER = 128, 256  # bins whose gain leads
_FRAMES = 62  # of 16 ms: what the noise is averaged over, and half of what minima are taken over
_SMOOTH, _ABOVE, _OVER, _FALL = 0.4, 2.0, 1.5, 0.5


class Upper(NamedTuple):
    """What one channel carries from frame to frame, and the gains.

    Attributes
    ----------
    noise, smooth, lowest, before, gain : float64 (bands,)
        Noise power, smoothed power, its minimum in this second and in the one before, and the gain.
    counts : float64 (3,)
        Frames so far, frames that were noise (parts of frames add up), the share p as it was let fall.
    """

    noise: NDArray[np.float64]
    smooth: NDArray[np.float64]
    lowest: NDArray[np.float64]
    before: NDArray[np.float64]
    gain: NDArray[np.float64]
    counts: NDArray[np.float64]


def silence(bins: int) -> Upper:
    """A state before any sound, for spectra of ``bins``; without bands where they end below 8 kHz."""
    above = max(0, bins - FIRST)
    bands = max(1, above // WIDTH) if above else 0
    noise, smooth, gain = np.zeros((3, bands))
    lowest, before = np.full((2, bands), np.inf)
    return Upper(noise, smooth, lowest, before, gain, np.zeros(3))


@njit(cache=True, nogil=True, error_model="numpy")
def left(spectrum, mask):
    """Share of the power between 4 and 8 kHz that ``mask`` (2, 256) leaves of ``spectrum``, at most 1."""
    heard, kept = 0.0, 0.0
    for k in range(_LOWER[0], _LOWER[1]):
        power = spectrum[k].real ** 2 + spectrum[k].imag ** 2
        heard += power
        kept += power * (mask[0, k] ** 2 + mask[1, k] ** 2)
    return min(1.0, kept / heard) if heard > 0.0 else 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def follow(state, spectrum, scale, mask):
    """Hear the next frame, a spectrum (bins,) to be multiplied by ``scale``, and set ``state.gain``."""
    bands = state.gain.size
    if bands == 0:
        return
    share, counts = left(spectrum, mask), state.counts
    taken = 1.0 - share
    counts[1] = min(counts[1] + taken, float(_FRAMES))
    step = taken / max(counts[1], 1.0)
    counts[2] = max(share, _FALL * _FALL * counts[2])
    for band in range(bands):
        start = FIRST + WIDTH * band
        stop = start + WIDTH if band < bands - 1 else spectrum.size
        power = 0.0
        for k in range(start, stop):
            power += spectrum[k].real ** 2 + spectrum[k].imag ** 2
        power *= scale * scale / (stop - start)
        smooth = state.smooth[band]
        smooth = smooth + _SMOOTH * (power - smooth) if counts[0] > 0.0 else power
        if counts[0] % _FRAMES == 0.0:
            state.before[band], state.lowest[band] = state.lowest[band], smooth
        state.smooth[band], state.lowest[band] = smooth, min(state.lowest[band], smooth)
        least = min(state.lowest[band], state.before[band])
        noise = state.noise[band] + step * (taken * power - state.noise[band])
        state.noise[band] = noise = min(noise, _ABOVE * least)
        rest = max(0.0, 1.0 - _OVER * noise / power) if power > 0.0 else 1.0
        state.gain[band] = np.sqrt(min(max(rest, (_FALL * state.gain[band]) ** 2), counts[2]))
    counts[0] += 1.0
