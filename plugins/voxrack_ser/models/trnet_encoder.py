"""The acoustic encoder of TRNet: residual convolutions, a mean over frequency, attention over time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .network import valid

KERNEL = 5


class Residual(nn.Module):
    """A 5 x 5 convolution that halves time and frequency, with batch normalisation, beside a 1 x 1 projection.

    What lies behind an utterance's end is set to zero, as the padding of its own last frames would be, so that an
    utterance is the same in a batch of longer ones.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, KERNEL, stride=2, padding=KERNEL // 2, bias=False)
        self.normalise = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, inputs, T, F) and the mask (B, ceil(T / 2)) of the result, (B, outputs, ceil(T / 2), ceil(F / 2))."""
        out = torch.relu(self.normalise(self.convolution(x)) + self.shortcut(x))
        return out * mask[:, None, :, None].to(out.dtype)


class AttentionPooling(nn.Module):
    """Weighted mean over time: ``a_t = softmax_t(w . h_t)``, ``h = sum_t a_t h_t`` (Mirsamadi et al., ICASSP 2017)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.score = nn.Linear(size, 1, bias=False)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """(B, T, size) and the mask (B, T) of valid frames to (B, size)."""
        scores = self.score(frames).squeeze(-1).masked_fill(~mask, float("-inf"))
        return (torch.softmax(scores, -1)[..., None] * frames).sum(1)


class Encoder(nn.Module):
    """A spectrogram to one vector: 500 x 80 to 250 x 40, 125 x 20, 63 x 10, 32 x 5, then 32 x 256, then 256.

    Parameters
    ----------
    channels : sequence of int
        Of the blocks; the last is the size of the vector.
    """

    def __init__(self, channels: Sequence[int] = (32, 64, 128, 256)) -> None:
        super().__init__()
        inputs = (1, *channels[:-1])
        self.blocks = nn.ModuleList(Residual(a, b) for a, b in zip(inputs, channels, strict=True))
        self.pool = AttentionPooling(channels[-1])
        self.size = channels[-1]

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Normalised features (B, T, F), ``lengths`` (B,) of them valid, to (B, size)."""
        x = (x * valid(lengths, x.shape[1], x.device)[..., None].to(x.dtype)).unsqueeze(1)
        if x.device.type == "cpu":
            x = x.contiguous(memory_format=torch.channels_last)  # half the time of the usual order
        mask = valid(lengths, x.shape[2], x.device)
        for block in self.blocks:
            lengths = (lengths + 1) // 2
            mask = valid(lengths, (mask.shape[1] + 1) // 2, x.device)
            x = block(x, mask)
        return self.pool(x.mean(-1).transpose(1, 2).float(), mask)
