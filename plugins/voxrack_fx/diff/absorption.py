"""Absorption of the reverb's lines in torch: the FIRs of :mod:`voxrack_fx.absorption` as functions of T60."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import absorption
from ..absorption import MAX_GAIN

POINTS = len(absorption.FREQUENCIES)


@cache
def _design(sample_rate: int) -> Tensor:
    """Matrix (half + 1, 49) from wanted gains to taps, from the centre outward: the design is linear."""
    half = absorption.half_length(sample_rate)
    return torch.from_numpy(absorption.linear_phase(np.eye(POINTS), sample_rate).T[half:].copy())


def line_gains(decay: Tensor, lengths: Tensor, sample_rate: int) -> Tensor:
    """Gain (P, 6, points) of one trip through ``lengths`` (1 or P, 6) samples for T60 ``decay`` (P, points)."""
    trip = lengths.to(decay)[..., None] / sample_rate
    return torch.exp(-3.0 * math.log(10.0) * trip / decay[:, None])


def damped(decay: Tensor, damping: Tensor, frequencies: Tensor) -> Tensor:
    """T60 (P, points) with the high frequencies shortened, as :func:`voxrack_fx.absorption.damped` does."""
    slope = absorption.damped(np.ones(POINTS), 1.0)  # 1 / (1 + f / 2 kHz): the one place that knows the corner
    corner = absorption.FREQUENCIES[-1] / (1.0 / slope[-1] - 1.0)
    return decay / (1.0 + damping[:, None] * frequencies.to(decay) / corner)


def mirrored(taps: Tensor) -> Tensor:
    """All 2 half + 1 taps of symmetric FIRs given from the centre outward."""
    return torch.cat([taps[..., 1:].flip(-1), taps], dim=-1)


def peak_gain(taps: Tensor) -> NDArray[np.float64]:
    """The bound of :func:`voxrack_fx.absorption.peak_gain` for taps (P, 6, half + 1) from the centre outward."""
    filters = mirrored(taps.detach()).cpu().numpy()
    return absorption.peak_gain(filters.reshape(-1, filters.shape[-1])).reshape(filters.shape[:-1])


def _differentiable_peak_gain(taps: Tensor) -> Tensor:
    half = taps.shape[-1] - 1
    points = 2 ** math.ceil(math.log2(160 * half))
    return torch.fft.rfft(mirrored(taps), points).abs().amax(-1) / math.cos(math.pi * half / points)


def absorption_taps(decay: Tensor, lengths: Tensor, sample_rate: int) -> Tensor:
    """Symmetric FIRs (P, 6, half + 1) from the centre outward, scaled down where they would reach ``MAX_GAIN``.

    Parameters
    ----------
    decay : Tensor, shape (P, 49)
        T60 in seconds at ``absorption.FREQUENCIES``.
    lengths : Tensor, shape (1 or P, 6)
        Samples.
    sample_rate : int
        Hz.
    """
    # No matrix product: it rounds by the number of its rows, and `response.impulse_response` makes 1e8 times as much of
    # a last place. So a batch of settings has, to the bit, the taps of each alone.
    taps = (line_gains(decay, lengths, sample_rate)[..., None, :] * _design(sample_rate).to(decay)).sum(-1)
    if not (peak_gain(taps) > MAX_GAIN).any():
        return taps
    peak = _differentiable_peak_gain(taps)  # the gradient goes through the frequency where the response is largest
    return taps * (MAX_GAIN / peak.clamp_min(MAX_GAIN))[..., None]
