"""The "sampling" back end: filters as products of spectra, in plain torch, on any device.

A product of spectra is a circular convolution: what a response still holds after the transform's length comes
back at the beginning. So the transform is longer than the signal by the time in which the responses die down
to 1e-7 of full scale (sum of all that is cut off), known from the poles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
from scipy import fft
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from voxrack.errors import InputError

ACCURACY = 1e-7  # of full scale
_MARGIN = 1e-2  # the sections' gains multiply the error of the others
_AT_ONCE = 1 << 20  # bins times rows of a response that keep what their gradient needs; more are computed twice
Response = Callable[[Tensor], Tensor]


def decay(b: Tensor, a: Tensor, accuracy: float = ACCURACY) -> int:
    """Samples after which the rest of the response of ``b``, ``a`` (rows, sections, 3) sums to below ``accuracy``.

    Raises
    ------
    InputError
        For a pole on or outside the unit circle: the response has no end.
    """
    b, a = b.detach().double().cpu(), a.detach().double().cpu()
    a1, a2 = a[..., 1], a[..., 2]
    c1, c2 = b[..., 1] - b[..., 0] * a1, b[..., 2] - b[..., 0] * a2  # b0 + (c1 z + c2) / (z**2 + a1 z + a2)
    root = torch.sqrt((0.25 * a1 * a1 - a2).to(torch.complex128))
    poles = torch.stack([-0.5 * a1 + root, -0.5 * a1 - root])
    radius = poles.abs().amax(0)
    height = (c1 * poles + c2).abs().sum(0) / (2.0 * root.abs()).clamp(min=1e-9)
    height = torch.where((c1 == 0) & (c2 == 0), 0.0, height)
    if bool(((radius >= 1.0) & (height > 0.0)).any()):
        raise InputError(
            f"frequency sampling needs stable filters; a pole has the radius {float(radius.max()):.9g}; "
            'use backend="recursion" or "scan"'
        )
    reach = (height / (1.0 - radius).clamp(min=1e-12) / (accuracy * _MARGIN)).clamp(min=1.0)
    samples = torch.log(reach) / -torch.log(radius.clamp(1e-9, 1.0 - 1e-12)) + 2.0
    return math.ceil(float(torch.where(height > 0.0, samples, 2.0).sum(-1).max()))


def apply(x: Tensor, response: Response, tail: int) -> Tensor:
    """Filter ``x`` (rows, frames) by ``response``, a function of z**-1 on the unit circle that dies down in ``tail``.

    The response is computed in complex128, the transforms in the precision of ``x``.
    """
    rows, frames = x.shape
    length = int(fft.next_fast_len(frames + tail, real=True))  # type: ignore[arg-type]
    bins = torch.arange(length // 2 + 1, device=x.device, dtype=torch.float64)
    back = torch.polar(torch.ones_like(bins), bins * (-2.0 * math.pi / length))
    spectrum = torch.fft.rfft(x, length)

    def at(some: Tensor) -> Tensor:
        return response(some).to(spectrum.dtype)

    if rows * back.numel() > _AT_ONCE:
        parts = back.split(max(1, _AT_ONCE // rows))
        gains = torch.cat([cast(Tensor, checkpoint(at, part, use_reentrant=False)) for part in parts], dim=-1)
    else:
        gains = at(back)
    return torch.fft.irfft(spectrum * gains, length)[..., :frames]


def cascade(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Sections ``b``, ``a`` (rows, sections, 3) in series over each row of ``x`` (rows, frames)."""

    def response(back: Tensor) -> Tensor:
        product = torch.ones(1, 1, dtype=back.dtype, device=back.device)
        for section in range(b.shape[1]):
            product = product * (_polynomial(b[:, section], back) / _polynomial(a[:, section], back))
        return product

    return apply(x, response, decay(b, a))


def parallel(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Sum of the sections over each row."""

    def response(back: Tensor) -> Tensor:
        total = torch.zeros(1, 1, dtype=back.dtype, device=back.device)
        for section in range(b.shape[1]):
            total = total + _polynomial(b[:, section], back) / _polynomial(a[:, section], back)
        return total

    return apply(x, response, decay(b, a))


def one_pole(x: Tensor, c: Tensor, initial: float) -> Tensor:
    """``y[n] = c x[n] + (1 - c) y[n - 1]`` with a constant ``c`` (rows,)."""
    keep = 1.0 - c[:, None]
    slowest = float(keep.detach().abs().max())
    if slowest >= 1.0:
        raise InputError(
            f'frequency sampling needs a coefficient above 0 and below 2; 1 - c is {slowest}; use backend="recursion"'
        )
    tail = math.ceil(math.log(ACCURACY * _MARGIN) / math.log(max(slowest, 1e-9)))
    out = apply(x, lambda back: c[:, None] / (1.0 - keep * back), tail)
    if initial:
        steps = torch.arange(1, x.shape[-1] + 1, device=x.device, dtype=torch.float64)
        out = out + (initial * keep**steps).to(x.dtype)
    return out


def _polynomial(coefficients: Tensor, back: Tensor) -> Tensor:
    """``c0 + c1 z**-1 + c2 z**-2``, shape (rows, bins), from (rows, 3)."""
    c0, c1, c2 = (coefficients[:, i, None] for i in range(3))
    return c0 + back * (c1 + back * c2)
