"""The network of the vocoder: from log-mel and pitch to the filters of harmonics and noise.

ConvNeXt blocks along time (Liu et al. 2022, as Siuzdak 2023 uses them for spectra), and one linear layer that says for
every bin how harmonics and noise differ from what the envelope and the voicing suggest, and for every band how the
harmonics' phase is turned. Its last layer's weights begin at zero, so that an untrained network is that suggestion
itself.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate

from ..mel import F_MAX, MELS, RATE, WINDOW

BINS = int(F_MAX * WINDOW / RATE) + 1
"""Bins up to 8 kHz, 372."""
PHASES = 64
"""Points between 0 and 8 kHz at which the phase is said; between them it goes along straight lines."""

LEVEL = -2.86
"""Nepers from a sound of unit power to a mean magnitude of 1: white noise's is sqrt(pi / 4) of the root of the window's
energy, 384."""

_MEAN, _SCALE = -5.0, 2.0  # about those of log-mel at -20 dBFS
_PITCH, _OCTAVES = 7.5, 1.0  # log2 of 181 Hz
_MOST = 4.0  # nepers by which a filter differs from the suggestion at most


class Filters(nn.Module):
    """Filters of a harmonic-plus-noise vocoder.

    Parameters
    ----------
    width : int
        Channels.
    blocks : int
    """

    def __init__(self, width: int = 256, blocks: int = 4) -> None:
        super().__init__()
        self.options = {"width": width, "blocks": blocks}
        self.enter = nn.Conv1d(MELS + 3, width, 7, padding=3)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        last = nn.Linear(width, 2 * BINS + PHASES)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        nn.init.constant_(last.bias[: 2 * BINS], _MOST * math.atanh(LEVEL / _MOST))
        self.leave = nn.Sequential(nn.LayerNorm(width), last)

    def forward(self, mel: Tensor, f0: Tensor, voicing: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is added to the suggested filters, which are for sounds of mean magnitude 1.

        Parameters
        ----------
        mel : Tensor (B, 80, frames)
        f0, voicing : Tensor (B, frames)

        Returns
        -------
        harmonics, noise : Tensor (B, 372, frames), nepers, at most ±4
        phase : Tensor (B, 372, frames), radians
        """
        voiced = (f0 > 0).to(mel.dtype)
        octave = (f0.clamp_min(20.0).log2() - _PITCH) / _OCTAVES * voiced
        known = torch.cat([(mel - _MEAN) / _SCALE, torch.stack([octave, voiced, voicing], 1)], 1)
        x = self.norm(self.enter(known).transpose(1, 2))
        for block in self.blocks:
            x = block(x)
        out = self.leave(x).float().transpose(1, 2)
        harmonics, noise, phase = out.split((BINS, BINS, PHASES), 1)
        phase = interpolate(phase.transpose(1, 2), BINS, mode="linear", align_corners=True).transpose(1, 2)
        return _MOST * (harmonics / _MOST).tanh(), _MOST * (noise / _MOST).tanh(), phase


class Block(nn.Module):
    """A step in time for each channel, then a small network for each frame; (B, frames, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.time = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(self.time(x.transpose(1, 2)).transpose(1, 2))
        return x + self.scale * self.narrow(gelu(self.widen(inner)))
