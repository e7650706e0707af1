"""CMGAN's encoder: a dilated dense block between two convolutions, the second of which halves the frequencies.

Tensors are (B, channels, frames, bins) throughout.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DEPTH = 4  # convolutions of a dense block, whose dilations over time are 1, 2, 4, 8


class ConvNorm(nn.Module):
    """A convolution, instance normalisation with a gain and an offset a channel, PReLU with a slope a channel."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.InstanceNorm2d(conv.out_channels, affine=True)
        self.slope = nn.PReLU(conv.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.slope(self.norm(self.conv(x)))


class DenseBlock(nn.Module):
    """Each layer hears all before it, two frames and three bins at a time; of time it hears the past only.

    Parameters
    ----------
    channels : int
        Of the input, and of every layer's output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                ConvNorm(nn.Conv2d(channels * (layer + 1), channels, (2, 3), dilation=(2**layer, 1)))
                for layer in range(DEPTH)
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        out = heard = x
        for number, layer in enumerate(self.layers):
            out = layer(functional.pad(heard, (1, 1, 2**number, 0)))
            if number + 1 < DEPTH:
                heard = torch.cat((out, heard), 1)
        return out


class Encoder(nn.Module):
    """Magnitude, real and imaginary part (B, 3, frames, 201) to (B, channels, frames, 101)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.enter = ConvNorm(nn.Conv2d(3, channels, 1))
        self.dense = DenseBlock(channels)
        self.leave = ConvNorm(nn.Conv2d(channels, channels, (1, 3), stride=(1, 2), padding=(0, 1)))

    def forward(self, x: Tensor) -> Tensor:
        return self.leave(self.dense(self.enter(x)))
