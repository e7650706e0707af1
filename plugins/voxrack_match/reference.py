"""The losses written as the paper writes them: plain torch, any device and precision.

Slow and easy to check. ``stft_loss`` and ``dynamics`` compute the same numbers and gradients faster on the CPU.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from .weighting import TAPS, a_weighting_taps

SIZES = (128, 512, 2048)  # of the windows, in samples; a hop is a quarter
POWER_FLOOR = 1e-8  # of |X|^2 and of x^2
PAIRS = ((50.0, 1000.0), (100.0, 2000.0))  # ms: short and long averaging
NAMES = ("mss_lr", "mss_ms", "mldr_lr", "mldr_ms")


def reference_losses(pred: torch.Tensor, target: torch.Tensor, sample_rate: int, mode: str = "exact") -> torch.Tensor:
    """The four terms ``NAMES`` of two stereo batches.

    Parameters
    ----------
    pred, target : Tensor, shape (batch, 2, frames)
        float32 or float64, at least 1025 frames.
    sample_rate : int
        Hz.
    mode : {"exact", "paper"}
        How the loudness dynamic range treats the end of a row, see :func:`dynamic_range`.

    Returns
    -------
    Tensor, shape (4,)
        DiffVox spec, section 8. Spectral norms run over the whole batch.
    """
    heard, wanted = a_weigh(pred, sample_rate), a_weigh(target, sample_rate)
    middle, side = heard.sum(1), heard[:, 0] - heard[:, 1]
    wanted_middle, wanted_side = wanted.sum(1), wanted[:, 0] - wanted[:, 1]
    frames = pred.shape[-1]
    left_right = spectral(heard.reshape(-1, frames), wanted.reshape(-1, frames))
    middle_side = 0.5 * (spectral(middle, wanted_middle) + spectral(side, wanted_side))
    return torch.stack((left_right, middle_side, *dynamics(pred, target, sample_rate, mode)))


def a_weigh(x: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """A-weighting FIR along the last axis, 50 zeros on each side."""
    taps = torch.as_tensor(a_weighting_taps(sample_rate).copy(), dtype=x.dtype, device=x.device)
    flat = x.reshape(-1, 1, x.shape[-1])
    return torch.nn.functional.conv1d(flat, taps[None, None], padding=TAPS // 2).reshape(x.shape)


def spectral(pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean over three resolutions of spectral convergence plus log-magnitude distance; inputs (rows, frames)."""
    terms = []
    for size in SIZES:
        x, y = magnitude(pred, size), magnitude(target, size)
        terms.append((y - x).norm() / y.norm() + (x.log() - y.log()).abs().mean())
    return torch.stack(terms).mean()


def magnitude(x: torch.Tensor, size: int) -> torch.Tensor:
    """``sqrt(max(|STFT|^2, 1e-8))``: periodic Hann, hop of a quarter, centred, reflected at the ends."""
    window = torch.hann_window(size, dtype=x.dtype, device=x.device)
    spectrum = torch.stft(x, size, size // 4, window=window, center=True, pad_mode="reflect", return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square()).clamp(min=POWER_FLOOR).sqrt()


# ---- loudness dynamic range ----------------------------------------------------------------------
def dynamics(pred: torch.Tensor, target: torch.Tensor, sample_rate: int, mode: str) -> torch.Tensor:
    """``mldr_lr`` and ``mldr_ms``, shape (2,), of two batches (batch, 2, frames)."""
    terms = []
    for view in (lambda x: x, middle_side_rows):
        distances = [
            (dynamic_range(view(pred), sample_rate, pair, mode) - dynamic_range(view(target), sample_rate, pair, mode))
            .abs()
            .mean()
            for pair in PAIRS
        ]
        terms.append(distances[0] + distances[1])
    return torch.stack(terms)


def middle_side_rows(x: torch.Tensor) -> torch.Tensor:
    """(batch, 2, frames) to middle and side of unit gain, same shape."""
    return torch.stack((x[:, 0] + x[:, 1], x[:, 0] - x[:, 1]), 1) / math.sqrt(2.0)


def dynamic_range(x: torch.Tensor, sample_rate: int, pair: tuple[float, float], mode: str) -> torch.Tensor:
    """Log ratio of short- to long-term power at every sample, same shape as ``x`` (batch, channels, frames).

    The long-term curve is read ``shift`` samples later, half the difference of the two times. Past the end
    of a row, mode ``exact`` holds the row's last value; mode ``paper`` reads on at the beginning of the next
    row (the reference rolls the flattened array), the last row at that of the first.
    """
    power = x.square().clamp(min=POWER_FLOOR)
    short, long = (OnePole.apply(power, coefficient(time, sample_rate, mode)) for time in pair)
    shift = shift_of(pair, sample_rate)
    if mode == "paper":
        later = torch.roll(long, -shift)
    else:
        frames = x.shape[-1]
        at = (torch.arange(frames, device=x.device) + shift).clamp(max=frames - 1)
        later = long[..., at]
    return short.log() - later.log()


def shift_of(pair: tuple[float, float], sample_rate: int) -> int:
    """Samples by which the long-term curve is read later."""
    return int(0.0005 * sample_rate * (pair[1] - pair[0]))


def coefficient(milliseconds: float, sample_rate: int, mode: str) -> float:
    """Of a one-pole average that rises from 10 to 90 % in a time; the reference evaluates it in float32."""
    exponent = -2200.0 / (milliseconds * sample_rate)
    if mode == "paper":
        return 1.0 - float(torch.tensor(exponent, dtype=torch.float32).exp())
    return -math.expm1(exponent)


class OnePole(torch.autograd.Function):
    """``A[n] = c x[n] + (1 - c) A[n-1]`` along the last axis, from rest."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, c: float) -> torch.Tensor:
        ctx.c = c
        return _one_pole(x, c)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:  # pyright: ignore
        return _one_pole(grad.flip(-1), ctx.c).flip(-1), None


def _one_pole(x: torch.Tensor, c: float) -> torch.Tensor:
    from scipy.signal import lfilter

    # the state of a 2 s average needs float64: its increments are 1e-5 of it
    filtered = lfilter([c], [1.0, c - 1.0], x.detach().cpu().numpy().astype(np.float64))
    return torch.as_tensor(filtered, dtype=x.dtype, device=x.device)
