"""Impulse responses of the reverb's network, sampled in frequency, and convolution with them."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from torch import Tensor
from torch.autograd.function import once_differentiable

from .absorption import mirrored, peak_gain
from .resolvent import compiled_response, plain_response

_SPIRAL = 1e-8  # what comes round after a whole period: -160 dB
_SILENT_DB = 140.0


def fast_length(frames: int) -> int:
    """The next even length that transforms fast."""
    return 2 * cast(int, next_fast_len(-(-frames // 2), real=True))


def turns(lengths: Tensor, bins: int, period: int) -> Tensor:
    """``exp(-2 pi i k m / period)`` (..., bins) for whole ``lengths`` (...), exact for any k."""
    k = torch.arange(bins, device=lengths.device)
    angle = ((lengths[..., None] * k) % period).double()
    return torch.polar(torch.ones((), dtype=torch.float64, device=k.device), angle * (-2.0 * math.pi / period))


def periodic_response(
    gains: Tensor,
    matrix: Tensor,
    enter: Tensor,
    leave: Tensor,
    lengths: NDArray[np.int64],
    period: int,
    dtype: torch.dtype,
) -> Tensor:
    """The spectrum ``C (diag(exp(i w m)) - U diag(g))^-1 B`` of DiffVox, section 7: (P, 2, 2, period // 2 + 1).

    ``gains`` (P, 6, period // 2 + 1) are real, ``lengths`` (6,) whole, ``dtype`` is that of the result. Compiled on
    the CPU, plain torch elsewhere.
    """
    if gains.device.type == "cpu":
        return compiled_response(gains, matrix, enter, leave, lengths.tolist(), period, dtype)
    exits = turns(torch.from_numpy(lengths).to(gains.device), gains.shape[-1], period)[None]
    return plain_response(gains * exits, exits, matrix, enter, leave).to(dtype)


def impulse_response(
    taps: Tensor, matrix: Tensor, enter: Tensor, leave: Tensor, lengths: NDArray[np.int64], frames: int
) -> Tensor:
    """Impulse responses (P, 2, 2, at most ``frames``) of the network that ``network.network`` runs, in float64.

    The transfer function is sampled on a circle outside of the unit circle, where the response has decayed by
    160 dB more at the period's end, so that nothing comes round and the number of bins may be small: a response
    that falls by 140 dB within ``frames`` is computed, and returned, only as far as that. Rounding rises to
    1e-8 of the loudest part at the end of the response, and so does what other roundings of the taps come to.

    Parameters
    ----------
    taps, matrix, enter, leave : Tensor, float64
        As in ``network.network``.
    lengths : int64, shape (1 or P, 6)
    frames : int
    """
    taps, matrix, enter, leave = (t.double() for t in (taps, matrix, enter, leave))
    half = taps.shape[-1] - 1
    frames = _audible(taps, lengths, frames)
    period = fast_length(max(frames, 2 * half + 1))
    bins = period // 2 + 1
    log_radius = -math.log(_SPIRAL) / period
    m = torch.tensor(lengths, device=taps.device)
    exits = turns(m, bins, period) * torch.exp(-log_radius * m.double())[..., None]
    steps = torch.arange(2 * half + 1, device=taps.device, dtype=torch.float64)
    absorb = torch.fft.rfft(mirrored(taps) * torch.exp(-log_radius * steps), period)
    spectrum = plain_response(exits * absorb, exits.expand(len(m), -1, -1), matrix, enter, leave)
    growth = torch.exp(log_radius * torch.arange(frames, device=taps.device, dtype=torch.float64))
    return torch.fft.irfft(spectrum, period)[..., :frames] * growth


def _audible(taps: Tensor, lengths: NDArray[np.int64], frames: int) -> int:
    """``frames``, or fewer where the slowest frequency of the slowest setting has fallen by 140 dB before."""
    trips = lengths + taps.shape[-1] - 1
    loss = -20.0 * np.log10(np.maximum(peak_gain(taps), 1e-300))
    if not np.all(loss > 0.0):
        return frames
    return min(frames, math.ceil((_SILENT_DB * trips / loss).max()) + int(trips.max()))


class _Convolution(torch.autograd.Function):
    """Circular convolution of real signals; torch's own way back takes complex transforms of the whole length."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, h: Tensor, size: int) -> Tensor:
        signal, response = torch.fft.rfft(x, size), torch.fft.rfft(h, size)
        out = response[:, :, 0] * signal[:, :1] + response[:, :, 1] * signal[:, 1:]
        ctx.size, ctx.frames = size, (x.shape[-1], h.shape[-1])
        ctx.save_for_backward(signal, response)
        return torch.fft.irfft(out, size)[..., : x.shape[-1]]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        signal, response = ctx.saved_tensors
        grad = torch.fft.rfft(grads[0], ctx.size)
        to_x = to_h = None
        if ctx.needs_input_grad[0]:
            spectrum = torch.einsum("boif,bof->bif", response.conj().expand(len(grad), -1, -1, -1), grad)
            spectrum = spectrum if len(signal) == len(grad) else spectrum.sum(0, keepdim=True)
            to_x = torch.fft.irfft(spectrum, ctx.size)[..., : ctx.frames[0]]
        if ctx.needs_input_grad[1]:
            spectrum = grad[:, :, None] * signal.conj()[:, None]
            spectrum = spectrum if len(response) == len(grad) else spectrum.sum(0, keepdim=True)
            to_h = torch.fft.irfft(spectrum, ctx.size)[..., : ctx.frames[1]]
        return to_x, to_h, None


def convolve(x: Tensor, h: Tensor) -> Tensor:
    """``out[o] = sum_i x[i] * h[o, i]``, as long as ``x``; differentiable once.

    ``x`` (B, 2, T) and ``h`` (B, 2, 2, R), either of batch 1 for all; computed in the dtype of ``x``.
    """
    frames = x.shape[-1]
    h = h[..., :frames].to(x.dtype)
    return _Convolution.apply(x, h, fast_length(frames + h.shape[-1] - 1))
