"""Look-ahead as a function of tensors: the gain correlated with a sinc (spec section 4, step 4), by FFT in blocks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..look_ahead import reach


def sinc_kernel(samples: Tensor, before: int, after: int) -> Tensor:
    """Taps ``sinc(k - samples)``, ``k = -before … after``: float64 (rows, before + after + 1) from (rows,)."""
    places = torch.arange(-before, after + 1, dtype=torch.float64, device=samples.device)
    return torch.sinc(places - samples.double()[:, None])


def look_ahead(gain: Tensor, samples: Tensor, sample_rate: int) -> Tensor:
    """``gain`` moved forward by ``samples``.

    Parameters
    ----------
    gain : Tensor, shape (rows, channels, frames)
        Beyond its ends it stays as it stands there.
    samples : Tensor, shape (rows,) or (1,)
        From 0 to the latency of the streaming device (``reach``).

    Returns
    -------
    Tensor, shape (rows, channels, frames)
    """
    before, after = reach(sample_rate)
    kernel = sinc_kernel(samples, before, after).expand(gain.shape[0], -1)
    return _Correlation.apply(gain, kernel, before)


class _Correlation(torch.autograd.Function):
    """``out[n]`` = sum over j of ``kernel[j] gain[n + j - before]``, kernels (rows, taps).

    The way back needs no more than the same transforms: the gradient to the kernel is the cross-spectrum of gain
    and output gradient, summed over the blocks.
    """

    @staticmethod
    def forward(ctx: Any, gain: Tensor, kernel: Tensor, before: int) -> Tensor:
        frames, taps = gain.shape[-1], kernel.shape[-1]
        size = min(max(1024, 1 << (5 * taps).bit_length()), 1 << (frames + 2 * taps).bit_length())
        hop = size - taps + 1
        blocks = -(-frames // hop)
        padded = gain.new_empty(*gain.shape[:-1], blocks * hop + taps - 1)
        padded[..., :before] = gain[..., :1]
        padded[..., before : before + frames] = gain
        padded[..., before + frames :] = gain[..., -1:]
        spectra = torch.fft.rfft(padded.unfold(-1, size, hop))
        response = torch.fft.rfft(kernel, size).to(spectra.dtype)[:, None, None]
        out = torch.fft.irfft(spectra * response.conj(), size)[..., :hop]
        ctx.save_for_backward(spectra, response)
        ctx.sizes = frames, taps, before, size
        return out.reshape(*gain.shape[:-1], blocks * hop)[..., :frames].contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        spectra, response = ctx.saved_tensors
        frames, taps, before, size = ctx.sizes
        rows, channels, blocks = spectra.shape[:3]
        hop = size - taps + 1
        given = torch.nn.functional.pad(grads[0], (0, blocks * hop - frames))
        given = torch.fft.rfft(given.reshape(rows, channels, blocks, hop), size)
        cross = torch.einsum("rcbk,rcbk->rk", spectra, given.conj())
        to_kernel = torch.fft.irfft(cross.to(torch.complex128), size)[:, :taps]
        parts = torch.fft.irfft(given * response, size)
        whole = parts.new_zeros(rows, channels, blocks + 1, hop)
        whole[..., :-1, :] = parts[..., :hop]
        whole[..., 1:, : taps - 1] += parts[..., hop:]
        whole = whole.reshape(rows, channels, (blocks + 1) * hop)
        to_gain = whole[..., before : before + frames].contiguous()
        to_gain[..., 0] += whole[..., :before].sum(-1)
        to_gain[..., -1] += whole[..., before + frames :].sum(-1)
        return to_gain, to_kernel, None
