"""What TRNet listens to: log-mel of a recording and of its enhanced version, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from voxrack.features import log_mel

from ..frontends import Frontend

FLOOR = -100.0  # dB: what counts as silence, librosa's; no enhancer can be further away from a quiet room than that


@dataclass(frozen=True)
class PairFrontend(Frontend):
    """80 log-mel bands of 25 ms every 10 ms at 16 kHz, in dB re full scale.

    Parameters
    ----------
    bands : int
    """

    name: ClassVar[str] = "trnet"
    shortest: ClassVar[int] = 400
    rows: ClassVar[tuple[int, ...]] = (2,)
    sample_rate: int = 16000
    bands: int = 80

    def stored(self, samples: Tensor) -> Tensor:
        """(…, samples) to (…, frames, bands)."""
        levels = log_mel(
            samples, self.sample_rate, n_fft=512, win_length=400, hop_length=160, n_mels=self.bands, top_db=None
        )
        return levels.transpose(-1, -2)

    def finish(self, stored: Tensor) -> Tensor:
        """(…, 2, frames, bands), a recording and its enhanced version, to (…, frames, 2 bands)."""
        return torch.cat(stored.unbind(-3), -1)


def louder(levels: Tensor, gain: float) -> Tensor:
    """Band levels in dB as if the samples had been ``gain`` dB louder: exact above and at the floor of silence."""
    return (levels + gain).clamp_min(FLOOR) if gain else levels
