"""The network of ``enhance.light``: a small causal band-split recurrent network that answers with a complex mask.

The spectrum of a frame is split into bands, each band becomes one token (Luo and Yu 2023, "Music source separation
with band-split RNN"); blocks then look along time, with one LSTM that all bands share, and across bands, with one that
all frames share. Sharing makes it small, and makes it learn from little speech what holds for other voices.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .light_features import EDGES, Features

Widths = tuple[int, int, int]


class States(NamedTuple):
    """What the time LSTMs of all blocks carry from frame to frame: (blocks, bands, width) each."""

    hidden: Tensor
    cell: Tensor


class LightNetwork(nn.Module):
    """Band features of a spectrogram to the mask of its bins.

    Parameters
    ----------
    channels : int
        Length of a band's token.
    time_width, band_width : int
        Units of the LSTM along time, and of each direction of the LSTM across bands.
    blocks : int
    mask_width : int
        Hidden units of each band's mask perceptron.
    """

    def __init__(
        self, channels: int = 32, time_width: int = 48, band_width: int = 24, blocks: int = 3, mask_width: int = 48
    ) -> None:
        super().__init__()
        self.options = {
            "channels": channels, "time_width": time_width, "band_width": band_width, "blocks": blocks,
            "mask_width": mask_width,
        }  # fmt: skip
        sizes = [stop - start for start, stop in pairwise(EDGES)]
        self.enter = nn.ModuleList([nn.Linear(3 * size + 2, channels) for size in sizes])
        self.blocks = nn.ModuleList([Block(channels, time_width, band_width) for _ in range(blocks)])
        self.leave = nn.LayerNorm(channels)
        self.inner = nn.ModuleList([nn.Linear(channels, mask_width) for _ in sizes])
        self.outer = nn.ModuleList([nn.Linear(mask_width, 2 * size) for size in sizes])
        for layer in self.outer:  # begins as a device that does next to nothing
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
            layer.bias.data[: layer.out_features // 2] = UNITY

    def forward(self, features: Features) -> tuple[Tensor, Tensor]:
        """Real and imaginary part of the mask, each (B, frames, bins), within -1.5 and 1.5."""
        x = torch.stack(
            [
                layer(torch.cat((features.bins[..., start:stop].flatten(-2), features.bands[..., band, :]), -1))
                for band, (layer, (start, stop)) in enumerate(zip(self.enter, pairwise(EDGES)))
            ],
            2,
        )  # (B, frames, bands, channels)
        for block in self.blocks:
            x = block(x)
        x = self.leave(x)
        parts = [
            outer(torch.tanh(inner(x[:, :, band]))) for band, (inner, outer) in enumerate(zip(self.inner, self.outer))
        ]
        real, imaginary = (torch.cat([part.chunk(2, -1)[k] for part in parts], -1) for k in (0, 1))
        return RANGE * torch.tanh(real.float()), RANGE * torch.tanh(imaginary.float())


class Block(nn.Module):
    """Along time, then across bands, each a residual of an LSTM behind a layer norm."""

    def __init__(self, channels: int, time_width: int, band_width: int) -> None:
        super().__init__()
        self.time_norm = nn.LayerNorm(channels)
        self.time = nn.LSTM(channels, time_width, batch_first=True)
        self.time_out = nn.Linear(time_width, channels)
        self.band_norm = nn.LayerNorm(channels)
        self.band = nn.LSTM(channels, band_width, batch_first=True, bidirectional=True)
        self.band_out = nn.Linear(2 * band_width, channels)

    def forward(self, x: Tensor) -> Tensor:
        batch, frames, bands, channels = x.shape
        along = self.time_norm(x).transpose(1, 2).reshape(batch * bands, frames, channels)
        along = self.time_out(self.time(along)[0]).view(batch, bands, frames, channels)
        x = x + along.transpose(1, 2)
        across = self.band_norm(x).reshape(batch * frames, bands, channels)
        return x + self.band_out(self.band(across)[0]).view(batch, frames, bands, channels)


RANGE = 1.5  # largest part of the mask: a little above one, so that one is not at the flat end of the tangent
UNITY = 0.8047  # RANGE tanh(UNITY) = 1
