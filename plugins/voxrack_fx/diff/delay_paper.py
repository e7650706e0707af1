"""The reference's ping-pong delay: an impulse response of four seconds, made of powers of one echo (spec section 6)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .echo import Loop, fast_length
from .filters import cascade


def response(loop: Loop, sample_rate: int) -> Tensor:
    """Impulse response (rows, 2, N), N = 4 s, float64: left and right.

    The first echo is a sinc at the delay, cut at both ends of the response, and low-passed; echo j is its j-th
    power on the circle of N samples. Instead of summing powers one after the other, odd and even ones are two
    geometric series, summed by doubling: exact wherever the ratio lies, and without a division.
    """
    size = int(sample_rate * max(4.0, 2.0))
    once = torch.fft.rfft(_filtered(_tap(loop, size), loop.section))
    trip = loop.feedback[:, None] * once
    echoes = [size // int(d + 1.0) for d in loop.samples.tolist()]
    pairs = trip * trip
    odd = once * geometric(pairs, torch.tensor([(count + 1) // 2 for count in echoes]))
    even = once * trip * geometric(pairs, torch.tensor([count // 2 for count in echoes]))
    g = loop.gains[:, :, None]
    return torch.fft.irfft(torch.stack([g[:, 0] * odd + g[:, 1] * even, g[:, 2] * odd + g[:, 3] * even], 1), size)


def convolved(u: Tensor, response: Tensor) -> Tensor:
    """``u`` (rows, frames) through ``response`` (rows, 2, N), cut to the length of ``u``; in the dtype of ``u``.

    Left is the real, right the imaginary part of one transform: complex ones are the faster for it.
    """
    frames = u.shape[-1]
    response = response[..., :frames].to(u.dtype)
    size = fast_length(frames + response.shape[-1] - 1)
    both = torch.complex(response[:, 0], response[:, 1])
    product = torch.fft.fft(u, size) * torch.fft.fft(both, size)
    out = torch.view_as_real(torch.fft.ifft(product)[..., :frames])
    return out.transpose(1, 2).contiguous()


def geometric(ratio: Tensor, terms: Tensor) -> Tensor:
    """``1 + ratio + … + ratio^(terms - 1)`` for complex ``ratio`` (rows, bins) and whole ``terms`` (rows,)."""
    total, power = torch.zeros_like(ratio), torch.ones_like(ratio)
    for bit in range(int(terms.max()).bit_length() - 1, -1, -1):
        total, power = total * (1.0 + power), power * power  # of n terms, 2 n
        odd = (terms >> bit) & 1 == 1
        if odd.all():
            total, power = 1.0 + ratio * total, power * ratio
        elif odd.any():
            more = odd.to(ratio.device)[:, None]
            total, power = torch.where(more, 1.0 + ratio * total, total), torch.where(more, power * ratio, power)
    return total


def _tap(loop: Loop, size: int) -> Tensor:
    """The undamped first echo (rows, size); with ``log_damp`` the gradient is that of the damped surrogate."""
    d = loop.samples[:, None]
    n = torch.arange(size, dtype=torch.float64, device=d.device)
    if loop.log_damp is None:
        return torch.sinc(n - d)
    k = torch.arange(size // 2 + 1, dtype=torch.float64, device=d.device)
    spectrum = torch.polar(torch.exp(k * loop.log_damp[:, None]), -k * d * (2.0 * math.pi / size))
    surrogate = torch.fft.irfft(spectrum, size)
    return surrogate + (torch.sinc(n - d) - surrogate).detach()


def _filtered(tap: Tensor, section: Tensor) -> Tensor:
    b = section[:, None, :3]
    a = torch.cat([torch.ones_like(section[:, :1]), section[:, 3:]], dim=-1)[:, None]
    return cascade(tap[:, None], b, a)[:, 0]
