"""The average-voice encoder: what was said, as the mean of many voices would have it.

DiffVC's ``MelEncoder`` and ``PostNet`` (Popov et al. 2022, section 2; DiffEVC, section 2.1.1), 8.46 million weights: a
transformer with windowed relative positions over mel frames and a convolutional post-net, trained to turn each frame
into the mean of its phoneme over all speakers (`average_voice`). Its output is Xbar, the end of the forward process.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, pad

from voxrack.errors import UsageError

from .blocks import ConvBlock, masked
from .mel import MELS

_WINDOW = 4  # frames to each side that have a position of their own


class ContentEncoder(nn.Module):
    """Mel frames to the average voice's.

    Parameters
    ----------
    width : int
        Channels; published: 192.
    filters : int
        Of the feed-forward layers; published: 768.
    layers, heads : int
        Published: 6 and 2; ``heads`` divides ``width``.
    post : int
        Channels of the post-net, a multiple of 8; published: 128.
    """

    def __init__(
        self, width: int = 192, filters: int = 768, layers: int = 6, heads: int = 2, post: int = 128,
    ) -> None:  # fmt: skip
        super().__init__()
        if width % heads:
            raise UsageError(f"{heads} heads do not divide a content encoder of width {width}")
        if post % 8:
            raise UsageError(f"a post-net of {post} channels: it takes a multiple of 8")
        self.options = {"width": width, "filters": filters, "layers": layers, "heads": heads, "post": post}
        self.begin = nn.Conv1d(MELS, width, 1)
        self.prenet = _Prenet(width)
        self.layers = nn.ModuleList(_Layer(width, filters, heads) for _ in range(layers))
        self.end = nn.Conv1d(width, MELS, 1)
        self.widen = nn.Conv2d(1, post, 1)
        self.first, self.second = ConvBlock(post, post, 7), ConvBlock(post, post, 7)
        self.around = nn.Conv2d(post, post, 1)
        self.narrow = nn.Conv2d(post, 1, 1)

    def forward(self, mel: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, 80, frames), with a mask (B, frames) of the frames that count, to the same shape; 0 behind the mask."""
        rows = None if mask is None else mask[:, None]
        x = self.prenet(self.begin(masked(mel, rows)), rows)
        for layer in self.layers:
            x = layer(x, rows)
        spectrum = masked(self.end(masked(x, rows)), rows)[:, None]
        cells = None if mask is None else mask[:, None, None]
        wide = masked(self.widen(spectrum), cells)
        wide = self.second(self.first(wide, cells), cells) + self.around(wide)
        return masked(self.narrow(masked(wide, cells)), cells)[:, 0]


class _ChannelNorm(nn.LayerNorm):
    """Layer normalisation of (B, channels, frames) over the channels."""

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class _Prenet(nn.Module):
    """Three times convolution over 5 frames, normalisation, ReLU, dropout of a half; the sum begins at the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolve = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(3))
        self.normalise = nn.ModuleList(_ChannelNorm(width, eps=1e-4) for _ in range(3))
        self.project = nn.Conv1d(width, width, 1)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = x
        for convolve, normalise in zip(self.convolve, self.normalise, strict=True):
            y = dropout(normalise(convolve(masked(y, mask))).relu(), 0.5, self.training)
        return masked(x + self.project(y), mask)


class _Layer(nn.Module):
    """Attention and a convolutional feed-forward layer, each with a way round and normalised after."""

    def __init__(self, width: int, filters: int, heads: int, rate: float = 0.1) -> None:
        super().__init__()
        self.attention = _RelativeAttention(width, heads, rate)
        self.before = nn.Conv1d(width, filters, 3, padding=1)
        self.after = nn.Conv1d(filters, width, 3, padding=1)
        self.normalise = nn.ModuleList(_ChannelNorm(width, eps=1e-4) for _ in range(2))
        self.rate = rate

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        heard = dropout(self.attention(x, mask), self.rate, self.training)
        x = self.normalise[0](x + heard)
        hidden = dropout(self.before(masked(x, mask)).relu(), self.rate, self.training)
        made = dropout(self.after(masked(hidden, mask)), self.rate, self.training)
        return masked(self.normalise[1](x + masked(made, mask)), mask)


class _RelativeAttention(nn.Module):
    """Self-attention whose keys and values know distances of up to 4 frames (Shaw et al. 2018), shared by the heads."""

    def __init__(self, width: int, heads: int, rate: float) -> None:
        super().__init__()
        self.heads, self.size, self.rate = heads, width // heads, rate
        self.ask, self.key, self.value, self.answer = (nn.Conv1d(width, width, 1) for _ in range(4))
        for layer in (self.ask, self.key, self.value):
            nn.init.xavier_uniform_(layer.weight)
        self.near_keys = nn.Parameter(torch.randn(2 * _WINDOW + 1, self.size) * self.size**-0.5)
        self.near_values = nn.Parameter(torch.randn(2 * _WINDOW + 1, self.size) * self.size**-0.5)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        batch, width, frames = x.shape
        query, key, value = (
            layer(x).view(batch, self.heads, self.size, frames).transpose(2, 3)
            for layer in (self.ask, self.key, self.value)
        )
        scores = query @ key.transpose(2, 3) + _to_absolute(query @ self.near_keys.T)
        scores = scores / self.size**0.5
        if mask is not None:
            scores = scores.masked_fill(mask[:, None] == 0, -1e4)
        weights = dropout(scores.softmax(-1), self.rate, self.training)
        found = weights @ value + _to_relative(weights) @ self.near_values
        return self.answer(found.transpose(2, 3).reshape(batch, width, frames))


def _to_absolute(near: Tensor) -> Tensor:
    """(…, frames, 9) by distance -4 … 4 to (…, frames, frames); 0 farther away."""
    *some, frames, reach = near.shape
    # row i of the result begins reach/2 cells left of its diagonal: pad, and let each row slip by one
    wide = pad(near, (0, frames))
    flat = wide.reshape(*some, frames * (frames + reach))[..., : frames * (frames + reach - 1)]
    return flat.reshape(*some, frames, frames + reach - 1)[..., _WINDOW : _WINDOW + frames]


def _to_relative(weights: Tensor) -> Tensor:
    """(…, frames, frames) to (…, frames, 9): what each frame gives to those at distance -4 … 4."""
    *some, frames, _ = weights.shape
    reach = 2 * _WINDOW + 1
    wide = pad(weights, (_WINDOW, _WINDOW))
    flat = pad(wide.reshape(*some, frames * (frames + reach - 1)), (0, frames))
    return flat.reshape(*some, frames, frames + reach)[..., :reach]
