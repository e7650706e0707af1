"""How much a listener is disturbed, after ITU-T P.862 (PESQ), as something that a network can be trained against.

Both signals are brought to one level, their spectra to loudness in bands of half a Bark, and the differences of
loudness are summed: as they are, and once more with what was added weighing more than what is missing. What P.862 does
besides, aligning in time, inverting the telephone's filter, looking for bad intervals, is left out, and the threshold
of hearing is a formula in the place of its table: this is no PESQ, but rises and falls with it. The idea to train
against it is Martín-Doñas et al., "A deep learning loss function based on the perceptual evaluation of the speech
quality", IEEE Signal Processing Letters 25(11), 2018.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

RATE = 16_000
FRAME, HOP = 512, 256
LEVEL = 1e7  # mean power of speech that is at the level of listening
TO_SOUND_PRESSURE = 1.33e-3  # from such a power's spectrum to one of 65 dB of sound pressure in all
BAND = 0.5  # Bark
EXPONENT, TO_SONE = 0.23, 0.1866  # Zwicker's law of loudness, as P.862 has it
DEAD = 0.25  # share of the softer loudness below which a difference is not heard
ASYMMETRY, SLIGHT, MOST = 1.2, 3.0, 12.0  # exponent of added power; below and above these it is 0 and no more
STRETCH = 20  # frames, half of them new, of which the worst rule
SYMMETRIC, ASYMMETRIC = 0.1, 0.0309  # points of opinion score that each sum costs


class Bands(NamedTuple):
    """Constants of one device: which bins make which band, band widths in Bark, thresholds of hearing (power)."""

    sums: Tensor
    widths: Tensor
    thresholds: Tensor


def disturbance(found: Tensor, target: Tensor) -> Tensor:
    """Points of opinion score by which ``found`` falls short of ``target``: 0 for equal ones, about 3.5 for noise.

    Parameters
    ----------
    found, target : Tensor, shape (B, samples)
        At 16 kHz, of any level; a target that is silent throughout has no defined score.

    Returns
    -------
    Tensor, shape (B,)
    """
    bands = _bands(found.device)
    reference, other = _power(target, bands), _power(found, bands)
    wanted, heard = _loudness(reference, bands), _loudness(other, bands)
    difference = heard - wanted
    unheard = DEAD * torch.minimum(heard, wanted)
    difference = (difference - unheard).clamp_min(0) - (-difference - unheard).clamp_min(0)
    added = ((other + 50.0) / (reference + 50.0)).pow(ASYMMETRY).clamp_max(MOST)
    added = torch.where(added < SLIGHT, torch.zeros_like(added), added)
    total = bands.widths.sum()
    plain = ((difference * bands.widths).square().sum(-1) * total + 1e-6).sqrt()
    uneven = (difference.abs() * added * bands.widths).sum(-1) + 1e-6
    weight = ((reference.sum(-1) * 10 + 1e5) / LEVEL).pow(-0.04)
    return SYMMETRIC * _over_time(plain * weight) + ASYMMETRIC * _over_time(uneven * weight)


def _power(signal: Tensor, bands: Bands) -> Tensor:
    """(B, frames, bands) at the level of listening."""
    scale = (LEVEL / signal.square().mean(-1, keepdim=True).clamp_min(1e-12)).sqrt()
    window = torch.hann_window(FRAME, device=signal.device)
    spectrum = torch.stft(signal * scale, FRAME, HOP, window=window, return_complex=True)
    power = (spectrum.real.square() + spectrum.imag.square()) * (TO_SOUND_PRESSURE / window.square().sum())
    return power.transpose(1, 2) @ bands.sums


def _loudness(power: Tensor, bands: Bands) -> Tensor:
    """Sone per Bark."""
    quiet = bands.thresholds
    louder = (0.5 + 0.5 * power / quiet).pow(EXPONENT) - 1.0
    return TO_SONE * (quiet / 0.5).pow(EXPONENT) * louder.clamp_min(0)


def _over_time(frames: Tensor) -> Tensor:
    """(B, frames) to (B,): the sixth norm of each stretch, then the second of all."""
    length = min(STRETCH, frames.shape[-1])
    stretches = frames.clamp_max(45.0).unfold(-1, length, max(1, length // 2))
    return stretches.pow(6).mean(-1).pow(1 / 3).mean(-1).sqrt()


@cache
def _bands(device: torch.device) -> Bands:
    hertz = torch.arange(FRAME // 2 + 1) * (RATE / FRAME)
    bark = 26.81 * hertz / (1960.0 + hertz) - 0.53  # Traunmüller 1990
    edges = torch.arange(float(bark[2]), float(bark[-1]) + BAND, BAND)
    inside = torch.stack([(bark >= low) & (bark < high) for low, high in pairwise(edges.tolist())], -1)
    inside = inside[:, inside.any(0)].float()
    kilohertz = (inside * hertz[:, None]).sum(0) / inside.sum(0) / 1000.0
    quiet = 3.64 * kilohertz**-0.8 - 6.5 * (-0.6 * (kilohertz - 3.3) ** 2).exp() + 1e-3 * kilohertz**4  # Terhardt 1979
    widths = torch.full_like(kilohertz, BAND)
    return Bands(inside.to(device), widths.to(device), (10.0 ** (quiet / 10.0)).to(device))
