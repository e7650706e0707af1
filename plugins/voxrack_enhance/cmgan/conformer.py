"""CMGAN's two-stage conformer: a conformer block along time, then one along frequency.

Gulati et al., "Conformer", Interspeech 2020, with the relative positions of Shaw et al., "Self-attention with relative
position representations", NAACL 2018: a learned vector for each distance, clipped, added to the keys.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

HEADS = 4
FARTHEST = 512  # distances beyond share one vector
KERNEL = 31  # of the depthwise convolution
EXPANSION = 2  # channels behind the gate of the convolution, in widths
WIDENING = 4  # of the feed-forward modules
_SCORES = 2**23  # attention scores held at once where no gradient is needed: 32 MB


class Attention(nn.Module):
    """Self-attention over (N, n, width): ``score(i, j) = q_i (k_j + r_(i - j)) / sqrt(size of a head)``."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.distance = nn.Embedding(2 * FARTHEST + 1, width // HEADS)
        self.leave = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        key, value = (self._heads(part) for part in self.key_value(x).chunk(2, -1))
        query = self._heads(self.query(x)) * key.shape[-1] ** -0.5
        frames = x.shape[1]
        # of all distances once, farthest ahead last: a matrix of n x n vectors would take a hundred times the room
        ahead = torch.arange(frames - 1, -frames, -1, device=x.device).clamp(-FARTHEST, FARTHEST)
        by_distance = query @ self.distance(ahead + FARTHEST).to(query.dtype).transpose(-1, -2)
        scores = query @ key.transpose(-1, -2) + aligned(by_distance)
        mixed = scores.softmax(-1) @ value
        return self.dropout(self.leave(mixed.transpose(1, 2).flatten(2)))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


def aligned(by_distance: Tensor) -> Tensor:
    """Scores by distance, n - 1 … 1 - n, (…, n, 2n - 1), to scores by place, (…, n, n): entry (i, j) is that of i - j.

    Row i wants the columns from n - 1 - i on: every row one to the left of the row above, which a flat view with rows
    shorter by one gives without copying more than once.
    """
    n = by_distance.shape[-2]
    flat = functional.pad(by_distance, (0, 1)).flatten(-2)
    return flat[..., n - 1 : n - 1 + n * (2 * n - 1)].unflatten(-1, (n, 2 * n - 1))[..., :n]


class FeedForward(nn.Module):
    """Layer norm, linear to four widths, Swish, linear back."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Linear(width, WIDENING * width)
        self.leave = nn.Linear(WIDENING * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.dropout(functional.silu(self.enter(self.norm(x))))
        return self.dropout(self.leave(inner))


class Convolution(nn.Module):
    """Layer norm, pointwise with a gate, depthwise, batch norm, Swish, pointwise."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = EXPANSION * width
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Conv1d(width, 2 * inner, 1)
        self.depthwise = nn.Conv1d(inner, inner, KERNEL, padding=KERNEL // 2, groups=inner)
        self.batch_norm = nn.BatchNorm1d(inner)
        self.leave = nn.Conv1d(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.glu(self.enter(self.norm(x).transpose(1, 2)), 1)
        return self.leave(functional.silu(self.batch_norm(self.depthwise(inner)))).transpose(1, 2)


class Conformer(nn.Module):
    """Half a feed-forward, attention, convolution, half a feed-forward, each a residual; (N, n, width) to the same."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.first = FeedForward(width, dropout)
        self.attention = Attention(width, dropout)
        self.convolution = Convolution(width)
        self.second = FeedForward(width, dropout)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        if self.training or torch.is_grad_enabled():
            return self._all(x)
        # sequences do not hear each other: a few at a time, and what is held at once does not grow with their number
        at_once = max(1, _SCORES // (HEADS * 2 * x.shape[1] ** 2))
        return torch.cat([self._all(part) for part in x.split(at_once)])

    def _all(self, x: Tensor) -> Tensor:
        x = x + 0.5 * self.first(x)
        x = x + self.attention(x)
        x = x + self.convolution(x)
        return self.norm(x + 0.5 * self.second(x))


class TwoStage(nn.Module):
    """(B, width, frames, bins) to the same: each bin's frames, then each frame's bins, each a residual."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.time = Conformer(width, dropout)
        self.frequency = Conformer(width, dropout)

    def forward(self, x: Tensor) -> Tensor:
        batch = len(x)
        along = x.permute(0, 3, 2, 1).flatten(0, 1)  # (B bins, frames, width)
        along = (self.time(along) + along).unflatten(0, (batch, -1))
        across = along.transpose(1, 2).flatten(0, 1)  # (B frames, bins, width)
        across = (self.frequency(across) + across).unflatten(0, (batch, -1))
        return across.permute(0, 3, 1, 2)
