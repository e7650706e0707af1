"""Log-mel bands at mean 0 and deviation 1, so that noise of deviation 1 is as large as what it hides."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .mel import MELS


class Bands(nn.Module):
    """Mean and deviation of each band over the training set; log-mel spectra are (B, 80, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.zeros(MELS))
        self.register_buffer("deviation", torch.ones(MELS))

    def fit(self, mean: Tensor, deviation: Tensor) -> None:
        """Take (80,) and (80,)."""
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def even(self, mel: Tensor) -> Tensor:
        """Log-mel to mean 0 and deviation 1."""
        return (mel - self.mean[:, None]) / self.deviation[:, None]

    def back(self, even: Tensor) -> Tensor:
        """Inverse of :meth:`even`."""
        return even * self.deviation[:, None] + self.mean[:, None]
