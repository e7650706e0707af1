"""Level and extent of the speech in a batch of band levels: relative to the loudest part, never to full scale."""

from __future__ import annotations

import torch
from torch import Tensor

DEPTH = 30.0  # dB below the speech's level at which a frame still counts as speech
BEFORE, AFTER = 8, 9  # frames kept around the speech: 0.13 s


def frame_power(levels: Tensor) -> Tensor:
    """Power of each frame, (B, frames), of band levels (B, frames, bands) in dB."""
    return torch.pow(10.0, levels / 10.0).sum(-1)


def speech_level(power: Tensor, mask: Tensor) -> Tensor:
    """Level of the speech in dB, (B,): the power of each frame weighed by itself, ``sum p^2 / sum p``.

    Loud frames decide, so pauses of any length and a floor of noise hardly change it, and no threshold is needed.

    Parameters
    ----------
    power : Tensor (B, frames)
    mask : Tensor (B, frames)
        True (or 1) where a frame belongs to the recording.
    """
    own = power.double() * mask
    return 10.0 * torch.log10(own.square().sum(1).clamp_min(1e-38) / own.sum(1).clamp_min(1e-30)).float()


def speech_span(power: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """First frame of the speech with its margin, and the frame behind its last: two tensors (B,) of int64.

    Where noise is less than 30 dB below the speech, that is the whole recording.
    """
    frames = power.shape[1]
    floor = torch.pow(10.0, (speech_level(power, mask) - DEPTH) / 10.0)
    loud = ((power > floor[:, None]) & mask.bool()).to(torch.int64)
    place = torch.arange(frames, device=power.device)
    first = torch.where(loud.bool(), place, frames).amin(1)
    last = torch.where(loud.bool(), place, -1).amax(1)
    lengths = mask.to(torch.int64).sum(1)
    start = (first - BEFORE).clamp_min(0)
    stop = torch.minimum(last + 1 + AFTER, lengths)
    nothing = last < 0  # digital silence
    return torch.where(nothing, 0, start), torch.where(nothing, lengths, stop)
