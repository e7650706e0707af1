"""From the energy of short pieces of a K-weighted signal to loudness: ITU-R BS.1770-4 and EBU Tech 3342.

The pieces ("hops") last 100 ms: four make a gating block (400 ms, 75 % overlap), thirty a short-term window.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

HOP_SECONDS = 0.1
BLOCK_HOPS = 4
SHORT_TERM_HOPS = 30
FLOOR_LUFS = -120.0  # silence on a curve; -inf would not survive JSON
CHANNEL_WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)  # left, right, centre, left and right surround
_ABSOLUTE_GATE = -70.0


def hop_start(hop: int, sample_rate: int) -> int:
    """First sample of a hop, rounded as in pyloudnorm."""
    return int(BLOCK_HOPS * HOP_SECONDS * (hop / BLOCK_HOPS) * sample_rate)


def loudness(power: ArrayLike) -> NDArray[np.float64]:
    """LUFS of a weighted mean square; silence is ``FLOOR_LUFS``."""
    return np.maximum(-0.691 + 10.0 * np.log10(np.maximum(power, 1e-30)), FLOOR_LUFS)


def block_powers(energies: NDArray[np.float64], frames: int, sample_rate: int) -> NDArray[np.float64]:
    """Mean square (blocks,) of each 400 ms block; the last may reach beyond the end, as in pyloudnorm.

    Parameters
    ----------
    energies : ndarray, shape (hops,)
        Sum of squares in each hop over all channels, weighted; the last hop may be cut short.
    frames : int
        Length of the signal in samples.
    sample_rate : int
        Hz.
    """
    seconds = BLOCK_HOPS * HOP_SECONDS
    count = int(np.round((frames / sample_rate - seconds) / (seconds / BLOCK_HOPS))) + 1
    return _windows(energies, BLOCK_HOPS, max(count, 0)) / (seconds * sample_rate)


def short_term_powers(energies: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """Mean square of every whole 3 s window, ten a second."""
    count = max(0, len(energies) - SHORT_TERM_HOPS + 1)
    return _windows(energies, SHORT_TERM_HOPS, count) / (SHORT_TERM_HOPS * HOP_SECONDS * sample_rate)


def centred_short_term(
    energies: NDArray[np.float64], blocks: int, frames: int, sample_rate: int
) -> NDArray[np.float64]:
    """Mean square (blocks,) of 3 s around the centre of each 400 ms block, or of what there is of them."""
    total = np.concatenate([[0.0], np.cumsum(energies)])
    centre = np.arange(blocks) + BLOCK_HOPS // 2
    first = np.maximum(centre - SHORT_TERM_HOPS // 2, 0)
    last = np.minimum(centre + SHORT_TERM_HOPS // 2, len(energies))
    samples = np.minimum(last * HOP_SECONDS * sample_rate, frames) - first * HOP_SECONDS * sample_rate
    return np.maximum(total[last] - total[first], 0.0) / np.maximum(samples, 1.0)


def integrated(powers: NDArray[np.float64]) -> float | None:
    """Integrated loudness in LUFS (BS.1770-4, eq. 5 to 7); None where every block lies below -70 LUFS."""
    heard = powers[loudness(powers) >= _ABSOLUTE_GATE]
    if not len(heard):
        return None
    gate = max(float(loudness(heard.mean())) - 10.0, _ABSOLUTE_GATE)
    loud = powers[loudness(powers) > gate]
    return float(loudness(loud.mean())) if len(loud) else None


def loudness_range(powers: NDArray[np.float64]) -> float | None:
    """Loudness range in LU of short-term powers (EBU Tech 3342); None where all lie below -70 LUFS."""
    heard = powers[loudness(powers) >= _ABSOLUTE_GATE]
    if not len(heard):
        return None
    curve = loudness(heard)
    low, high = np.percentile(curve[curve >= float(loudness(heard.mean())) - 20.0], (10, 95))
    return float(high - low)


def _windows(energies: NDArray[np.float64], width: int, count: int) -> NDArray[np.float64]:
    padded = np.concatenate([energies, np.zeros(max(0, count + width - 1 - len(energies)))])
    return np.sum([padded[k : k + count] for k in range(width)], axis=0)
