"""The frames of ``enhance.light`` in torch, for training: a whole signal to its spectrogram and back.

A frame is two hops of 16 ms under the square root of a Hann window, before and after, so that unchanged frames add up
to the signal. The device does the same frame by frame (:mod:`.light`).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

FRAME, HOP = 512, 256  # at 16 kHz


def analyse(signal: Tensor) -> Tensor:
    """(B, samples) to a complex spectrogram (B, frames, 257), over the frame's length; the first frame holds one hop.

    There are as many frames as it takes to hear every sample twice.
    """
    hops = -(-signal.shape[-1] // HOP)
    padded = functional.pad(signal, (HOP, (hops + 1) * HOP - signal.shape[-1]))
    return torch.fft.rfft(padded.unfold(-1, FRAME, HOP) * window(signal.device)) / FRAME


def synthesise(spectrogram: Tensor, samples: int) -> Tensor:
    """Back to (B, samples): windowed frames, overlapped and added."""
    frames = torch.fft.irfft(spectrogram * FRAME, n=FRAME) * window(spectrogram.device)
    early, late = frames.split(HOP, -1)
    return (early[:, 1:] + late[:, :-1]).flatten(1)[:, :samples]


def masked(spectrogram: Tensor, real: Tensor, imaginary: Tensor) -> Tensor:
    """The spectrogram under a mask of its first 256 bins; the last bin takes that of its neighbour."""
    mask = torch.complex(real, imaginary)
    return spectrogram * torch.cat((mask, mask[..., -1:]), -1)


def window(device: torch.device) -> Tensor:
    """Square root of the periodic Hann window, (512,)."""
    return torch.hann_window(FRAME, device=device).sqrt()
