"""ACRNN: convolutions over three-channel log-mel, a bidirectional LSTM, attention over time (Chen et al. 2018)."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from .network import Network, recur, valid


class Acrnn(Network):
    """"3-D Convolutional Recurrent Neural Networks with Attention Model for Speech Emotion Recognition"
    (IEEE Signal Processing Letters 25(10)), built as its authors' code has it (xuanjihe/speech-emotion-recognition).

    From that code: six convolutions 5 x 3 of 128, 256, 256, 256, 256, 256 kernels with leaky ReLU 0.01, one
    2 x 4 max pooling behind the first, a linear layer to 768 with batch normalisation, an LSTM of 128 units per
    direction, attention ``a_t = softmax_t(u sigmoid(w h_t + b))``, a layer of 64, softmax. 7.33 million parameters.
    That code always sees 300 frames, those of padding included (``mask=False``). Its softmax before a loss
    that takes logits is not repeated. Ours: He initialisation of the convolutions instead of a fixed deviation of
    0.1, torch's initial weights elsewhere (theirs begin with a forget gate's bias of 1), and torch's momentum for the
    running mean.

    Parameters
    ----------
    bands : int
        Channels x mel bands of a frame; three channels (static, delta, delta-delta) side by side.
    classes : int
    frames : int
        Length of a piece; shorter ones are filled up with zeros behind normalisation.
    dropout : float
        Behind each convolution and the layer of 64; the authors' code has it and leaves it at 0.
    mask : bool
        Attention and recurrence leave out the padding.
    """

    combine: ClassVar[Literal["mean", "max"]] = "max"

    def __init__(
        self, bands: int = 120, classes: int = 8, frames: int = 300, dropout: float = 0.0, mask: bool = False,
        kernels: tuple[int, ...] | list[int] = (128, 256, 256, 256, 256, 256), linear: int = 768, width: int = 128,
        hidden: int = 64,
    ) -> None:  # fmt: skip
        super().__init__(locals())
        self.mask = mask
        layers: list[nn.Module] = []
        for before, after in zip((3, *kernels), kernels):
            convolution = nn.Conv2d(before, after, (5, 3), padding=(2, 1))
            nn.init.kaiming_normal_(convolution.weight, 0.01)
            layers += [convolution, nn.LeakyReLU(0.01, inplace=True)]
            if before == 3:
                layers.append(nn.MaxPool2d((2, 4)))
            if dropout:
                layers.append(nn.Dropout(dropout))
        self.convolutions = nn.Sequential(*layers)
        self.linear = nn.Linear(kernels[-1] * (bands // 3 // 4), linear)
        self.norm = nn.BatchNorm1d(linear, eps=1e-3)
        self.lstm = nn.LSTM(linear, width, batch_first=True, bidirectional=True)
        self.score = nn.Linear(2 * width, 1)
        self.scale = nn.Parameter(torch.full((1,), 0.1))
        self.inner = nn.Linear(2 * width, hidden)
        self.dropout = nn.Dropout(dropout)
        self.outer = nn.Linear(hidden, classes)

    def cuts(self, frames: int) -> list[tuple[int, int]]:
        """The first and the last 300 frames of a longer utterance."""
        whole = frames <= self.frames
        return [(0, frames)] if whole else [(0, self.frames), (frames - self.frames, frames)]

    def forward(self, x: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """See :meth:`Network.forward`; at most :attr:`frames` frames. The embedding is the layer of 64."""
        batch, given, _ = x.shape
        mask = valid(lengths, given, x.device).unsqueeze(-1)
        picture = nn.functional.pad(self.normalise(x) * mask, (0, 0, 0, self.frames - given))
        picture = picture.view(batch, self.frames, 3, -1).transpose(1, 2)
        maps = self.convolutions(picture.contiguous(memory_format=torch.channels_last))  # (B, C, frames / 2, bands / 4)
        steps = maps.permute(0, 2, 3, 1).flatten(2)
        linear = self.norm(self.linear(steps).flatten(0, 1)).view(batch, steps.shape[1], -1)
        linear = nn.functional.leaky_relu(linear, 0.01)
        halves = (lengths + 1) // 2 if self.mask else torch.full_like(lengths, linear.shape[1])
        halves = halves.clamp(max=linear.shape[1])
        hidden = recur(self.lstm, linear, halves)
        scores = torch.sigmoid(self.score(hidden).squeeze(-1).float()) * self.scale
        scores = scores.masked_fill(~valid(halves, hidden.shape[1], x.device), -torch.inf)
        pooled = (scores.softmax(1).unsqueeze(-1) * hidden).sum(1)
        embedding = nn.functional.leaky_relu(self.inner(pooled), 0.01)
        return {"logits": self.outer(self.dropout(embedding)), "embedding": embedding}
