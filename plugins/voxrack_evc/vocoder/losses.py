"""How far two sounds are apart in short-time spectra of several lengths."""

from __future__ import annotations

import torch
from torch import Tensor

SIZES = ((2048, 512), (768, 192), (256, 64))
"""Samples of window and hop: 93, 35 and 12 ms."""

_COMPRESSED = 0.3  # power of a magnitude that loudness goes with
_FLOOR = 1e-3  # of magnitude over the root of the window's length: -60 dBFS of white noise
_LOGARITHM = 0.1  # share of the distance between logarithms, which hears what is soft


def distance(first: Tensor, second: Tensor) -> Tensor:
    """Mean over resolutions of ``| |X|^0.3 - |Y|^0.3 | + 0.1 | log |X| - log |Y| |`` of sounds (B, samples)."""
    return torch.stack([
        (loud - other_loud).abs().mean() + _LOGARITHM * (level - other_level).abs().mean()
        for (loud, level), (other_loud, other_level) in zip(_heard(first), _heard(second), strict=True)
    ]).mean()  # fmt: skip


def _heard(x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Loudness and logarithm of magnitudes, (B, bins, frames) each, by resolution."""
    out = []
    for size, hop in SIZES:
        window = torch.hann_window(size, device=x.device)
        part = torch.view_as_real(torch.stft(x, size, hop, window=window, center=False, return_complex=True))
        level = ((part.square().sum(-1) + 1e-12).sqrt() / size**0.5 + _FLOOR).log()
        out.append(((_COMPRESSED * level).exp(), level))
    return out

