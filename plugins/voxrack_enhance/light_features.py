"""What the network of ``enhance.light`` hears of a spectrum: bins and bands, freed of the recording's level.

Frames are 32 ms at any sample rate, so bin k lies at about k times 31.25 Hz and the bins up to 8 kHz mean the same
everywhere. Levels are followed causally, from one frame to the next.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

SECONDS = 0.016  # hop; a frame is two of them
BINS = 256  # below 8 kHz
EDGES = (*range(0, 64, 4), *range(64, 128, 8), *range(128, 257, 16))  # bins where the 32 bands begin and end
POWER = 0.3  # of compression
LOWEST = 1e-11  # power of a frame that counts as silence: per bin, of samples within one
RISE, FALL = 0.3, 0.005  # share by which the level follows a louder and a softer frame: 50 ms and 3 s
MEMORY = 0.016  # share by which a band's mean follows: 1 s


class Features(NamedTuple):
    """Tensors of one batch.

    Parameters
    ----------
    bins : Tensor, shape (B, frames, 3, 256)
        Real part, imaginary part and magnitude of the spectrum with its magnitudes to the power of 0.3, relative to
        the level.
    bands : Tensor, shape (B, frames, 32, 2)
        Logarithm of each band's power relative to the level, and relative to the band's own mean so far.
    """

    bins: Tensor
    bands: Tensor


def features(spectrum: Tensor) -> Features:
    """From a complex spectrogram (B, frames, bins), of which the first 256 bins count; whole, from silence on.

    The frame's transform is divided by its length, so that values do not hang on the sample rate.
    """
    used = spectrum[..., :BINS]
    power = used.real.square() + used.imag.square()
    level = followed(power.mean(-1))
    relative = power / level[..., None] + LOWEST
    compressed = relative.pow(POWER / 2)
    turn = compressed / (relative * level[..., None]).sqrt()
    bins = torch.stack((used.real * turn, used.imag * turn, compressed), -2)
    sums = torch.cat((relative.new_zeros(*relative.shape[:-1], 1), relative.double().cumsum(-1)), -1)
    edges = torch.tensor(EDGES, device=spectrum.device)
    bands = (sums[..., edges].diff(dim=-1) / edges.diff()).clamp_min(LOWEST).log10().float()
    return Features(bins, 0.5 * torch.stack((bands, bands - averaged(bands)), -1))


def followed(power: Tensor) -> Tensor:
    """The level (B, frames) of frames' power: quick upwards, slow downwards, at once from the first sound on."""
    out, level = [], torch.full_like(power[:, 0], LOWEST)
    for frame in power.unbind(1):
        step = torch.where(frame > level, torch.where(level > LOWEST, RISE, 1.0), FALL)
        level = (level + step * (frame - level)).clamp_min(LOWEST)
        out.append(level)
    return torch.stack(out, 1)


def averaged(bands: Tensor) -> Tensor:
    """Running mean over frames of (B, frames, bands), the present one included; the first frame begins it."""
    mean, out = bands[:, 0], []
    for frame in bands.unbind(1):
        mean = mean + MEMORY * (frame - mean)
        out.append(mean)
    return torch.stack(out, 1)
