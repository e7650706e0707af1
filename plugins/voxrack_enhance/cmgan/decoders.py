"""CMGAN's two decoders: one masks the magnitude, the other adds a complex correction. Tensors as in the encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .encoder import DenseBlock
from .spectrum import BINS


class Doubling(nn.Module):
    """A convolution that gives two channels for one, and interleaves them as bins (Shi et al. 2016): 101 to 202."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 2 * channels, (1, 3), padding=(0, 1))

    def forward(self, x: Tensor) -> Tensor:
        even, odd = self.conv(x).chunk(2, 1)
        return torch.stack((even, odd), -1).flatten(-2)


class MaskDecoder(nn.Module):
    """(B, channels, frames, 101) to a mask (B, 1, frames, 201); its last PReLU has a slope for each bin."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dense = DenseBlock(channels)
        self.doubling = Doubling(channels)
        self.narrow = nn.Conv2d(channels, 1, (1, 2))
        self.norm = nn.InstanceNorm2d(1, affine=True)
        self.slope = nn.PReLU(1)
        self.last = nn.Conv2d(1, 1, 1)
        self.bin_slope = nn.PReLU(BINS, init=-0.25)

    def forward(self, x: Tensor) -> Tensor:
        x = self.narrow(self.doubling(self.dense(x)))
        x = self.last(self.slope(self.norm(x)))
        return self.bin_slope(x.transpose(1, 3)).transpose(1, 3)


class ComplexDecoder(nn.Module):
    """(B, channels, frames, 101) to real and imaginary part (B, 2, frames, 201)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dense = DenseBlock(channels)
        self.doubling = Doubling(channels)
        self.norm = nn.InstanceNorm2d(channels, affine=True)
        self.slope = nn.PReLU(channels)
        self.last = nn.Conv2d(channels, 2, (1, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.slope(self.norm(self.doubling(self.dense(x)))))
