"""Sound from a mel spectrogram without weights, pitch or voicing: the fallback, and what a vocoder must beat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..mel import filters
from .envelope import sound
from .frames import analyse, synthesise
from .synthesis import checked

_MOMENTUM = 0.99


@dataclass(frozen=True)
class GriffinLim:
    """Magnitudes by the filters' pseudo-inverse, phases by the fast Griffin-Lim algorithm (Perraudin et al. 2013).

    Parameters
    ----------
    iterations : int
    seed : int
        Of the phases that it begins with.
    """

    iterations: int = 64
    seed: int = 0

    @torch.no_grad()
    def synthesise(
        self, log_mel: ArrayLike, f0: ArrayLike, voicing: ArrayLike, spoken: ArrayLike | None = None
    ) -> NDArray[np.float32]:
        """Sound (256 frames,) of log-mel (80, frames); ``f0`` and ``voicing`` (frames,) are checked and not used: the
        melody is the one that the mel spectrogram has, whatever was ``spoken``."""
        mel, _, _ = checked(log_mel, f0, voicing)
        magnitude = (_inverse() @ sound(mel).exp()).clamp_min(0.0)
        generator = torch.Generator().manual_seed(self.seed)
        phase = 2 * math.pi * torch.rand(magnitude.shape, generator=generator)
        turned = torch.polar(torch.ones_like(phase), phase)
        before = torch.zeros_like(turned)
        for _ in range(self.iterations):
            consistent = analyse(synthesise(magnitude * turned))
            turned = _unit(consistent - _MOMENTUM / (1 + _MOMENTUM) * before)
            before = consistent
        return synthesise(magnitude * turned)[0].numpy()


def _unit(x: Tensor) -> Tensor:
    return x / x.abs().clamp_min(1e-12)


@lru_cache(maxsize=1)
def _inverse() -> Tensor:
    """(513, 80)."""
    return torch.linalg.pinv(filters().double()).float()
