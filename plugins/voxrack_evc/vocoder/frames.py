"""Short-time spectra on the frames of the mel spectrogram, and sound from them again."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import fold, pad

from ..mel import HOP, WINDOW

EDGE = (WINDOW - HOP) // 2
"""Samples that a frame hears before its own hop, and after it."""


def analyse(x: Tensor) -> Tensor:
    """Complex spectra (B, 513, samples // 256) of sound (B, samples) with zeros around it; Hann windows."""
    framed = pad(x, (EDGE, EDGE)).unfold(-1, WINDOW, HOP)
    return torch.fft.rfft(framed * window(x), dim=-1).transpose(-1, -2)


def synthesise(spectra: Tensor) -> Tensor:
    """Sound (B, 256 frames) whose spectra are nearest to ``spectra`` (B, 513, frames) (Griffin and Lim 1984)."""
    hann = window(spectra.real)
    framed = torch.fft.irfft(spectra.transpose(-1, -2), WINDOW, dim=-1) * hann
    sound = _overlapped(framed.transpose(-1, -2))
    return sound / _weights(spectra.shape[-1]).to(sound)


def window(like: Tensor) -> Tensor:
    return torch.hann_window(WINDOW, dtype=like.dtype, device=like.device)


def _overlapped(columns: Tensor) -> Tensor:
    """(B, 1024, frames) added up 256 apart, without the edges: (B, 256 frames)."""
    total = (columns.shape[-1] - 1) * HOP + WINDOW
    added = fold(columns, (1, total), (1, WINDOW), stride=(1, HOP))[:, 0, 0]
    return added[:, EDGE : total - EDGE]


@lru_cache(maxsize=64)
def _weights(frames: int) -> Tensor:
    squares = torch.hann_window(WINDOW).square()[None, :, None].expand(1, WINDOW, frames)
    return _overlapped(squares.contiguous())[0].clamp_min(1e-3)
