"""CMGAN's discriminator: two magnitudes to the PESQ score between them, 0 … 1 (Fu et al., MetricGAN, ICML 2019)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

SHORTEST = 16  # frames: four halvings leave one


class LearnedSigmoid(nn.Module):
    """``1 / (1 + exp(-a x))`` with a learned slope."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.slope * x)


class Discriminator(nn.Module):
    """Clean and estimated magnitude, (B, 1, frames, bins) each, to (B,) scores.

    Parameters
    ----------
    width : int
        Channels of the first of four convolutions, each of which doubles them; 16 in the paper (181,650 parameters).
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        sizes = [2, width, 2 * width, 4 * width, 8 * width]
        for before, after in pairwise(sizes):
            conv = nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False)
            layers += [spectral_norm(conv), nn.InstanceNorm2d(after, affine=True), nn.PReLU(after)]
        self.layers = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.score = nn.Sequential(
            spectral_norm(nn.Linear(8 * width, 4 * width)), nn.Dropout(0.3), nn.PReLU(4 * width),
            spectral_norm(nn.Linear(4 * width, 1)), LearnedSigmoid(),
        )  # fmt: skip

    def forward(self, clean: Tensor, found: Tensor) -> Tensor:
        # frequency before time, as in the authors' code: the kernels are square, trained ones are not symmetric
        pair = torch.cat((clean, found), 1).transpose(2, 3)
        return self.score(self.layers(pair))[:, 0]
