"""The network of ``ser.best``: a few small convolutional recurrent networks over semitone bands that vote."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..speech_level import frame_power, speech_level, speech_span
from .network import Network, mirrored, valid

_UNIT = 15.0  # dB that are 1 in the picture


class Best(Network):
    """Recogniser over levels in semitone bands, dB (:class:`~voxrack_ser.frontend_best.BestFrontend`).

    The speech is cut out, its level is taken away (of the recording or the window itself, so that a stream needs no
    other statistics), and what lies more than ``floor`` dB below it is silence. The picture is stacked with copies
    shifted down by ``harmonics`` bands, so that a convolution sees the harmonics of a pitch at one place. Each member,
    trained from its own random weights, reads the stack; the mean of their logits is the answer.

    Parameters
    ----------
    bands, classes : int
    members : int
    harmonics : sequence of int
        Bands from the fundamental to the 2nd, 3rd … harmonic: 12 and 19 semitones.
    channels : sequence of int
        Of the stem and the two widths of residual blocks.
    width : int
        Recurrent units per direction.
    dropout : float
        In front of the last layer; half of it in front of the recurrent layer.
    floor : float
        dB.
    """

    def __init__(
        self, bands: int = 84, classes: int = 8, members: int = 3, harmonics: tuple[int, ...] = (12, 19),
        channels: tuple[int, ...] = (16, 32, 64), width: int = 64, dropout: float = 0.4, floor: float = 50.0,
    ) -> None:  # fmt: skip
        super().__init__(locals())
        self.harmonics, self.floor = tuple(harmonics), floor
        self.members = nn.ModuleList(
            [Member(bands, classes, 1 + len(self.harmonics), tuple(channels), width, dropout) for _ in range(members)]
        )
        for weight in self.parameters():
            if weight.ndim == 4:  # twice as fast on a CPU
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)

    def forward(self, x: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """See :meth:`Network.forward`. The embedding is what the members' last layers saw, side by side."""
        pictures, mask = self.pictures(*cut_speech(x, valid(lengths, x.shape[1], x.device)))
        found = [member(pictures, mask) for member in self.members]
        logits = torch.stack([logits.float() for logits, _ in found]).mean(0)
        return {"logits": logits, "embedding": torch.cat([vector for _, vector in found], -1)}

    def pictures(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Levels in dB (B, frames, bands) and mask (B, frames) to (B, 1 + harmonics, frames, bands), and the mask."""
        level = speech_level(frame_power(x), mask)[:, None, None]
        picture = ((x - level + self.floor).clamp_min(0.0) / _UNIT) * mask[..., None]
        shifted = [functional.pad(picture[..., step:], (0, step)) for step in self.harmonics]
        return torch.stack([picture, *shifted], 1), mask


def cut_speech(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The speech of each item, moved to the front: levels (B, frames, bands) and mask (B, frames), shorter or equal."""
    start, stop = speech_span(frame_power(x), mask)
    lengths = stop - start
    place = torch.arange(int(lengths.max()), device=x.device)
    source = (start[:, None] + place).clamp_max(x.shape[1] - 1)
    return x.gather(1, source[..., None].expand(-1, -1, x.shape[2])), (place < lengths[:, None]).to(x.dtype)


class Member(nn.Module):
    """Convolutions, recurrence in both directions, attentive statistics: 0.29 million weights."""

    def __init__(
        self, bands: int, classes: int, stack: int, channels: tuple[int, ...], width: int, dropout: float
    ) -> None:
        super().__init__()
        first, second, third = channels
        self.stem = nn.Conv2d(stack, first, 5, 2, 2, bias=False)
        self.normalise = nn.BatchNorm2d(first)
        self.blocks = nn.ModuleList(
            [Block(first, second, 1, 0.0), Block(second, third, 2, 0.1), Block(third, third, 1, 0.1)]
        )
        rows = bands
        for _ in range(4):
            rows = (rows + 1) // 2
        size = 2 * width
        self.project = nn.Sequential(
            nn.Linear(third * rows, size), nn.LayerNorm(size), nn.ReLU(), nn.Dropout(dropout / 2)
        )
        self.forwards = nn.GRU(size, width, batch_first=True)
        self.backwards = nn.GRU(size, width, batch_first=True)
        self.attention = nn.Sequential(nn.Linear(size, 64), nn.Tanh(), nn.Linear(64, 1))
        self.dropout = nn.Dropout(dropout)
        self.outer = nn.Linear(2 * size, classes)

    def forward(self, pictures: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, stack, frames, bands) and (B, frames) to logits (B, classes) and embedding (B, 4 width)."""
        mask = mask[:, ::2]
        x = pictures.contiguous(memory_format=torch.channels_last)
        x = functional.relu(self.normalise(self.stem(x)))
        x = x * mask[:, None, :, None].to(x.dtype)
        for block in self.blocks:
            x, mask = block(x, mask)
        # channels-last memory is (B, frames, rows, channels) already: no copy, and gradients keep that order
        x = self.project(x.permute(0, 2, 3, 1).flatten(2)).float()
        with torch.autocast(x.device.type, enabled=False):
            x = x + self._recur(x, mask)
            embedding = self.dropout(self._statistics(x, mask))
            return self.outer(embedding), embedding

    def _recur(self, x: Tensor, mask: Tensor) -> Tensor:
        """Both directions; the backward one begins at an item's own last frame."""
        turn = mirrored(mask.sum(1).long(), x.shape[1], x.device)
        ahead = self.forwards(x)[0]
        back = self.backwards(x.gather(1, turn.expand_as(x)))[0]
        return torch.cat([ahead, back.gather(1, turn.expand_as(back))], -1)

    def _statistics(self, x: Tensor, mask: Tensor) -> Tensor:
        """Mean and deviation over time, weighed by attention (Okabe et al. 2018)."""
        weight = self.attention(x).masked_fill(mask[..., None] < 0.5, -1e4).softmax(1)
        mean = (weight * x).sum(1)
        deviation = ((weight * x * x).sum(1) - mean.square()).clamp_min(1e-5).sqrt()
        return torch.cat([mean, deviation], 1)


class Block(nn.Module):
    """Two convolutions beside a linear path; halves the bands, and time where ``stride`` is 2. Padding stays zero."""

    def __init__(self, before: int, after: int, stride: int, dropout: float) -> None:
        super().__init__()
        steps = (stride, 2)
        self.stride = stride
        self.one = nn.Conv2d(before, after, 3, steps, 1, bias=False)
        self.two = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.past = nn.Conv2d(before, after, 1, steps, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(after) for _ in range(3)])
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        mask = mask[:, :: self.stride]
        own = mask[:, None, :, None].to(x.dtype)
        y = functional.relu(self.norms[0](self.one(x))) * own
        y = self.norms[1](self.two(self.dropout(y))) + self.norms[2](self.past(x))
        return functional.relu(y) * own, mask
