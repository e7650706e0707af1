"""Mel spectrograms as networks draw them: smoother than those of recordings, and a little off.

A vocoder that has heard true ones only takes what is missing for what was meant; so half of training is with these.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

BANDS, FRAMES, NOISE = 1.2, 2.5, 0.2
"""The most that is done: deviations of the smoothing, and of what is added, in nepers."""


def spoilt(mel: Tensor, seed: int) -> Tensor:
    """Log-mel (B, 80, frames), smoothed along bands and frames and with noise on it, each as much as ``seed`` says."""
    generator = torch.Generator().manual_seed(seed)
    bands, frames, noise = torch.rand(3, generator=generator).tolist()
    added = torch.randn(mel.shape, generator=generator).to(mel)
    return blurred(mel, BANDS * bands, FRAMES * frames) + NOISE * noise * added


def blurred(mel: Tensor, bands: float, frames: float) -> Tensor:
    """Log-mel (B, 80, frames) smoothed by Gaussians of these standard deviations, in bands and in frames."""
    for deviation, axis in ((bands, 2), (frames, 3)):
        reach = math.ceil(3 * deviation)
        if reach:
            at = torch.arange(-reach, reach + 1, dtype=mel.dtype, device=mel.device)
            weights = torch.exp(-0.5 * (at / deviation) ** 2)
            shape = (1, 1, -1, 1) if axis == 2 else (1, 1, 1, -1)
            around = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
            held = pad(mel[:, None], around, mode="replicate")
            mel = conv2d(held, (weights / weights.sum()).reshape(shape))[:, 0]
    return mel
