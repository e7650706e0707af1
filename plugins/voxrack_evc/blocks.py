"""What the networks are built of, each so that padding changes nothing of what is heard.

Shapes are (B, channels, bands, frames); a mask is (B, 1, 1, frames) of ones and zeros, or None where all is signal.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import mish

Mask = Tensor | None


def frame_mask(lengths: Tensor, frames: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """(B, frames): 1 for each item's own frames, 0 behind them."""
    return (torch.arange(frames, device=lengths.device) < lengths[:, None]).to(dtype)


def masked(x: Tensor, mask: Mask) -> Tensor:
    return x if mask is None else x * mask.to(x.dtype)


class GroupNorm(nn.GroupNorm):
    """Group normalisation with the statistics of the frames that count."""

    def forward(self, x: Tensor, mask: Mask = None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        if mask is None:
            return super().forward(x)
        batch, channels, bands, frames = x.shape
        grouped = x.float().reshape(batch, self.num_groups, -1, frames)
        where = mask.float()[:, :, 0][:, None].reshape(batch, 1, 1, frames)
        count = where.sum(-1, keepdim=True) * grouped.shape[2]
        mean = (grouped * where).sum((2, 3), keepdim=True) / count
        variance = ((grouped - mean).square() * where).sum((2, 3), keepdim=True) / count
        even = ((grouped - mean) * torch.rsqrt(variance + self.eps)).reshape(batch, channels, bands, frames)
        return (even * self.weight[:, None, None] + self.bias[:, None, None]).to(x.dtype)


class ConvBlock(nn.Module):
    """Convolution, group normalisation in 8 groups, Mish."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, groups: int = 8) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        self.normalise = GroupNorm(groups, outputs)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        return masked(mish(self.normalise(self.convolve(masked(x, mask)), mask)), mask)


class ResidualBlock(nn.Module):
    """Two convolution blocks with a vector added between them, and a way round them."""

    def __init__(self, inputs: int, outputs: int, vector: int) -> None:
        super().__init__()
        self.add = nn.Linear(vector, outputs)
        self.first, self.second = ConvBlock(inputs, outputs), ConvBlock(outputs, outputs)
        self.around = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, mask: Mask, vector: Tensor) -> Tensor:
        """``vector`` (B, size)."""
        h = self.first(x, mask) + self.add(mish(vector))[:, :, None, None]
        return self.second(h, mask) + self.around(masked(x, mask))


class LinearAttention(nn.Module):
    """Attention whose cost is linear in the cells (Shen et al. 2021), added with a weight that starts at 0."""

    def __init__(self, channels: int, heads: int = 4, size: int = 32) -> None:
        super().__init__()
        self.heads = heads
        self.ask = nn.Conv2d(channels, 3 * heads * size, 1, bias=False)
        self.answer = nn.Conv2d(heads * size, channels, 1)
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        batch, _, bands, frames = x.shape
        query, key, value = self.ask(x).reshape(batch, 3, self.heads, -1, bands * frames).unbind(1)
        if mask is not None:
            silent = (mask == 0).expand(batch, 1, bands, frames).reshape(batch, 1, 1, -1)
            key = key.masked_fill(silent, -math.inf)
        context = torch.einsum("bhdn,bhen->bhde", key.softmax(-1), value)
        found = torch.einsum("bhde,bhdn->bhen", context, query)
        return x + self.weight * self.answer(found.reshape(batch, -1, bands, frames))


def time_features(t: Tensor, size: int) -> Tensor:
    """Sines and cosines of 1000 t at ``size / 2`` rates from 1 down to 1e-4, (B, size)."""
    half = size // 2
    rates = torch.exp(torch.arange(half, device=t.device, dtype=t.dtype) * (-math.log(10_000.0) / (half - 1)))
    angles = 1000.0 * t[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], -1)
