"""Conformer block: half a feed-forward, self-attention with relative position, convolution, half a feed-forward.

Gulati et al., "Conformer: Convolution-augmented Transformer for Speech Recognition", Interspeech 2020. Relative
position after Dai et al., "Transformer-XL", ACL 2019, section 3.3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxrack.errors import UsageError


def sinusoids(frames: int, size: int, device: torch.device) -> Tensor:
    """Encodings of the distances frames - 1 … 0 … -(frames - 1), shape (2 frames - 1, size)."""
    distance = torch.arange(frames - 1, -frames, -1.0, device=device)
    rate = torch.exp(torch.arange(0, size, 2, device=device) * (-math.log(10000.0) / size))
    angle = distance[:, None] * rate
    return torch.stack((angle.sin(), angle.cos()), -1).flatten(1)


class RelativeAttention(nn.Module):
    """Multi-head self-attention that knows how far apart two frames are, not where they stand.

    ``score(i, j) = ((q_i + u) k_j + (q_i + v) W r_(i - j)) / sqrt(size of a head)``, softmax over the valid j.

    Parameters
    ----------
    size, heads : int
    dropout : float
        On the attention weights.
    """

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        if size % heads:
            raise UsageError(f"a dimension of {size} does not divide into {heads} heads")
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(size, size) for _ in range(4))
        self.position = nn.Linear(size, size, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(heads, 1, size // heads))
        self.position_bias = nn.Parameter(torch.zeros(heads, 1, size // heads))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, frames, size) to the same; ``mask`` (B, frames) is True for the frames that may be attended to."""
        batch, frames, size = x.shape
        query, key, value = (self._split(layer(x)) for layer in (self.query, self.key, self.value))
        position = self._split(self.position(sinusoids(frames, size, x.device).to(x.dtype)).unsqueeze(0))
        content = (query + self.content_bias) @ key.transpose(-1, -2)
        distance = shift((query + self.position_bias) @ position.transpose(-1, -2))
        scores = (content + distance) / math.sqrt(size // self.heads)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], torch.finfo(scores.dtype).min)
        mixed = self.dropout(scores.softmax(-1)) @ value
        return self.out(mixed.transpose(1, 2).reshape(batch, frames, size))

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)


def shift(scores: Tensor) -> Tensor:
    """Scores by distance (…, frames, 2 frames - 1), farthest back first, to scores by position (…, frames, frames).

    Entry (i, j) of the result is the one for the distance i - j (Transformer-XL, appendix B).
    """
    frames = scores.shape[-2]
    padded = functional.pad(scores, (1, 0)).flatten(-2)
    return padded[..., frames:].unflatten(-1, (frames, 2 * frames - 1))[..., :frames]


class FeedForward(nn.Sequential):
    """LayerNorm, linear to ``expansion`` x size, Swish, linear back."""

    def __init__(self, size: int, expansion: int, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(size), nn.Linear(size, expansion * size), nn.SiLU(), nn.Dropout(dropout),
            nn.Linear(expansion * size, size), nn.Dropout(dropout),
        )  # fmt: skip


class Convolution(nn.Module):
    """LayerNorm, pointwise with gate, depthwise over time, BatchNorm over the valid frames, Swish, pointwise.

    Parameters
    ----------
    size : int
    kernel : int
        Odd length of the depthwise convolution.
    expansion : int
        Channels behind the gate as a multiple of ``size``.
    dropout : float
    """

    def __init__(self, size: int, kernel: int, expansion: int, dropout: float) -> None:
        super().__init__()
        inner = expansion * size
        self.before = nn.LayerNorm(size)
        self.enter = nn.Linear(size, 2 * inner)
        self.depthwise = nn.Conv1d(inner, inner, kernel, padding=kernel // 2, groups=inner)
        self.norm = nn.BatchNorm1d(inner)
        self.leave = nn.Linear(inner, size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, frames, size) to the same; frames outside ``mask`` count as silence and leave the statistics alone."""
        gated = functional.glu(self.enter(self.before(x)), dim=-1)
        if mask is not None:
            gated = gated * mask.unsqueeze(-1)
        filtered = self.depthwise(gated.transpose(1, 2))
        if mask is None or not self.training:
            normed = self.norm(filtered).transpose(1, 2)
        else:
            filtered = filtered.transpose(1, 2)
            inside = self.norm(filtered[mask])
            normed = filtered.new_zeros(filtered.shape, dtype=inside.dtype).masked_scatter(mask.unsqueeze(-1), inside)
        return self.dropout(self.leave(functional.silu(normed)))


class ConformerBlock(nn.Module):
    """One block, equations (1) to (4) of the CoRNN paper:

    ``a = x + FFN(x) / 2``, ``b = a + MHSA(a)``, ``c = b + Conv(b)``, ``y = LayerNorm(c + FFN(c) / 2)``.

    Each module begins with a LayerNorm of its own, as in Gulati et al.

    Parameters
    ----------
    size, heads, kernel : int
        Dimension, attention heads, length of the depthwise convolution.
    widening : int
        Of the feed-forward modules; 4 in Gulati et al.
    expansion : int
        Of the convolution module, counted behind its gate. "Expansion factor of 2" in Gulati et al. is read
        both as 2 (lucidrains/conformer) and, counted before the gate, as 1 (ESPnet, torchaudio).
    dropout : float
    """

    def __init__(self, size: int, heads: int, kernel: int, widening: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.first = FeedForward(size, widening, dropout)
        self.attention_norm = nn.LayerNorm(size)
        self.attention = RelativeAttention(size, heads, dropout)
        self.attention_dropout = nn.Dropout(dropout)
        self.convolution = Convolution(size, kernel, expansion, dropout)
        self.second = FeedForward(size, widening, dropout)
        self.norm = nn.LayerNorm(size)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, frames, size) to the same; ``mask`` (B, frames) is True for valid frames, None: all are."""
        x = x + 0.5 * self.first(x)
        x = x + self.attention_dropout(self.attention(self.attention_norm(x), mask))
        x = x + self.convolution(x, mask)
        return self.norm(x + 0.5 * self.second(x))
