"""What a voice begins with: band-limited pulses at the fundamental frequency, and noise.

A train of pulses is the sum of the cosines of all harmonics below 8 kHz (above, the mel spectrogram says nothing).
The sum has a closed form, Dirichlet's kernel, so that it costs no more than one sine for any number of harmonics.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..mel import F_MAX, HOP, RATE

_LOWEST = 20.0  # Hz, so that no frequency is divided by zero


def pulses(f0: Tensor, start: Tensor | float = 0.0) -> Tensor:
    """A pulse at every period, of unit power where the voice is on, 0 where it is off.

    Between the frames' centres the frequency goes along a straight line, within a stretch of voice; the phase is its
    sum. With ``H = 8000 Hz / f0 - 1`` harmonics,
    ``sum_{h=1}^{H} cos(h p) = sin((H + 1/2) p) / (2 sin(p / 2)) - 1/2``; one more stands above them by the fraction
    that is left of ``H``, so that a gliding voice does not click.

    Parameters
    ----------
    f0 : Tensor (B, frames)
        Hz; 0: no voice.
    start : Tensor (B, 1) or float
        Phase before the first sample, in periods.

    Returns
    -------
    Tensor (B, 256 frames)
    """
    voiced = f0 > 0
    frequency = upsampled(held(f0))
    gate = voiced.to(f0.dtype).repeat_interleave(HOP, -1)
    turns = torch.cumsum(frequency.double() / RATE, -1) + start
    phase = (2 * math.pi * (turns - turns.round())).to(f0.dtype)  # -pi … pi, 0 at the pulse
    count = F_MAX / frequency - 1.0
    whole = count.floor()
    half = 0.5 * phase
    near = half.abs() < 1e-4
    below = torch.where(near, torch.ones_like(half), 2 * half.sin())
    kernel = torch.where(near, whole, ((whole + 0.5) * phase).sin() / below - 0.5)
    sound = kernel + (count - whole) * ((whole + 1) * phase).cos()
    return gate * sound * (2.0 / count).sqrt()


def noise(like: Tensor, seed: int) -> Tensor:
    """White noise of unit power in the shape of ``like``, the same for the same seed on every machine."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(like.shape, generator=generator).to(like)


def held(f0: Tensor) -> Tensor:
    """Frequencies with the gaps filled: each holds on until the next voice, the first reaches back to the start."""
    frames = torch.arange(f0.shape[-1], device=f0.device).expand_as(f0)
    last = torch.where(f0 > 0, frames, -1).cummax(-1).values
    first = (f0 > 0).to(torch.int8).argmax(-1, keepdim=True)
    filled = f0.gather(-1, torch.where(last < 0, first, last))
    return filled.clamp_min(_LOWEST)


def upsampled(values: Tensor) -> Tensor:
    """(B, frames) to (B, 256 frames), linear between the centres of the frames (sample 127.5 of each)."""
    return interpolate(values[:, None], scale_factor=HOP, mode="linear", align_corners=False)[:, 0]
