"""A mel spectrogram without its harmonics, for a voice that is given another pitch.

Below 1 kHz the bands are narrower than most voices' harmonics are apart: the mel spectrogram has ridges at the pitch
that was spoken, and new harmonics between them would be as soft as the valleys there. So magnitudes are averaged over
one distance between harmonics on both sides, weighted by a triangle, which is blind to what repeats with them
(Kawahara et al. 1999, STRAIGHT's smoothing along frequency), both where the sound is planned and where it is fitted.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, pad

from ..mel import MELS, RATE, WINDOW, filters
from .envelope import bands, raised, sound

_MOST = 1.5  # nepers (13 dB) that a frame is made louder or softer at most
_AROUND = 2  # frames on both sides over which that is averaged


def flattened(mel: Tensor, f0: Tensor) -> Tensor:
    """Log-mel (B, 80, frames), spoken at pitch ``f0`` (B, frames; Hz, 0: no voice), without its harmonics.

    Bands that are farther apart than harmonics are, and frames without a voice, stay as they are.
    """
    centres, widths = (x.to(mel) for x in _bands())
    distance = (centres[:, None] - centres[None]).abs()
    reach = f0.clamp_min(1.0)[..., None, None]
    weights = (1.0 - distance / reach).clamp_min(0.0) * widths
    weights = weights / weights.sum(-1, keepdim=True)
    flat = (weights @ mel.exp().transpose(1, 2)[..., None])[..., 0].transpose(1, 2)
    return torch.where(f0[:, None] > 0, flat.clamp_min(1e-12).log(), mel)


def fitted_flat(spectra: Tensor, mel: Tensor, spoken: Tensor, f0: Tensor) -> Tensor:
    """Spectra (B, 513, frames) of a voice at pitch ``f0``, fitted to a mel spectrogram that was spoken at ``spoken``:
    what is compared has no harmonics, and those of the spectra stay."""
    return raised(spectra, flattened(mel, spoken) - flattened(bands(spectra), f0))


def as_loud(spectra: Tensor, mel: Tensor) -> Tensor:
    """Spectra (B, 513, frames), each frame with the power that log-mel (B, 80, frames) has in all bands together.

    Harmonics have peaks where the flattened mel has their mean: what is made of it is 3 to 5 dB too soft.
    """
    wanted, there = (torch.logsumexp(2.0 * each, 1) / 2.0 for each in (sound(mel), bands(spectra)))
    lacking = (wanted - there).clamp(-_MOST, _MOST)[:, None]
    smooth = avg_pool1d(pad(lacking, (_AROUND, _AROUND), mode="replicate"), 2 * _AROUND + 1, 1)
    return spectra * smooth.exp()


@lru_cache(maxsize=1)
def _bands() -> tuple[Tensor, Tensor]:
    """Centre of each band and its distance to the next, Hz."""
    weights = filters().double()
    frequency = torch.arange(WINDOW // 2 + 1, dtype=torch.float64) * (RATE / WINDOW)
    centres = weights @ frequency / weights.sum(1)
    assert len(centres) == MELS
    return centres, torch.gradient(centres)[0]
