"""How far two sounds are apart in short-time spectra of several lengths, and the distance to learn noise from."""

from __future__ import annotations

import torch
from torch import Tensor

SIZES = ((2048, 512), (1024, 256), (512, 128), (256, 64))
"""Samples of window and hop: 93, 46, 23 and 12 ms."""

_COMPRESSED = 0.3  # power of a magnitude that loudness goes with
_FLOOR = 1e-3  # of magnitude over the root of the window's length: -60 dBFS of white noise


def distance(first: Tensor, second: Tensor) -> Tensor:
    """Mean over resolutions of ``| |X|^0.3 - |Y|^0.3 | + 0.1 | log |X| - log |Y| |`` of sounds (B, samples)."""
    return torch.stack([_apart(a, b) for a, b in zip(magnitudes(first), magnitudes(second), strict=True)]).mean()


def energy_distance(target: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Generalised energy distance (Gritsenko et al. 2020, eq. 2) of two drawings of a sound from the target.

    ``d(x, y) + d(x', y) - d(x, x')``: without the last term the least expected distance is that of a sound with too
    little noise in it, as noise is never the target's noise.
    """
    wanted, first, second = magnitudes(target), magnitudes(one), magnitudes(other)
    terms = [_apart(a, y) + _apart(b, y) - _apart(a, b) for y, a, b in zip(wanted, first, second, strict=True)]
    return torch.stack(terms).mean()


def magnitudes(x: Tensor) -> list[Tensor]:
    """Magnitudes (B, bins, frames) by resolution, over the root of the window's length."""
    out = []
    for size, hop in SIZES:
        window = torch.hann_window(size, device=x.device)
        part = torch.view_as_real(torch.stft(x, size, hop, window=window, center=False, return_complex=True))
        out.append((part.square().sum(-1) + 1e-12).sqrt() / size**0.5)
    return out


def _apart(first: Tensor, second: Tensor) -> Tensor:
    first, second = (first + _FLOOR).log(), (second + _FLOOR).log()
    loudness = ((_COMPRESSED * first).exp() - (_COMPRESSED * second).exp()).abs().mean()
    return loudness + 0.1 * (first - second).abs().mean()
