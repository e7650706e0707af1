"""CMGAN's spectrogram: 25 ms frames every 6.25 ms at 16 kHz, magnitudes to the power of 0.3, phases as they are."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

RATE = 16_000
FRAME, HOP = 400, 100  # samples; Hamming
BINS = FRAME // 2 + 1
POWER = 0.3
SILENT = 1e-7  # of full scale: a signal whose root mean square is below this is not amplified any further
_TINY = 1e-14  # added to powers, so that the derivative of a root stays finite


def level(signal: Tensor) -> Tensor:
    """Root mean square of (B, samples) as (B, 1), at least :data:`SILENT`: what a signal is divided by."""
    return signal.square().mean(-1, keepdim=True).sqrt().clamp_min(SILENT)


def compress(signal: Tensor) -> Tensor:
    """(B, samples) to the compressed spectrogram: real and imaginary part (B, 2, frames, 201).

    ``|X|^0.3 exp(i arg X)``. The signal is mirrored at both ends (at least 201 samples) and there are
    ``samples // 100 + 1`` frames.
    """
    spectrum = torch.stft(signal.float(), FRAME, HOP, window=_window(signal.device), return_complex=True)
    parts = torch.view_as_real(spectrum).permute(0, 3, 2, 1)
    power = parts.square().sum(1, keepdim=True)
    return parts * (power + _TINY).pow((POWER - 1.0) / 2.0)


def expand(compressed: Tensor, samples: int) -> Tensor:
    """Inverse of :func:`compress`, to (B, samples): ``|Y|^(1/0.3) exp(i arg Y)``, overlapped and added."""
    parts = compressed.float()
    power = parts.square().sum(1, keepdim=True)
    parts = parts * (power + _TINY).pow((1.0 / POWER - 1.0) / 2.0)
    spectrum = torch.view_as_complex(parts.permute(0, 3, 2, 1).contiguous())
    return torch.istft(spectrum, FRAME, HOP, window=_window(parts.device), length=samples)


def magnitude(compressed: Tensor) -> Tensor:
    """(B, 2, frames, bins) to (B, 1, frames, bins)."""
    return (compressed.square().sum(1, keepdim=True) + _TINY).sqrt()


def whole_hops(signal: Tensor) -> Tensor:
    """(B, samples) with zeros behind: a whole number of hops, enough of them to be mirrored."""
    samples = signal.shape[-1]
    wanted = max(-(-samples // HOP) * HOP, FRAME)
    return functional.pad(signal, (0, wanted - samples))


@cache
def _window(device: torch.device) -> Tensor:
    return torch.hamming_window(FRAME, device=device)
