"""The sections of :mod:`voxrack_fx.coefficients` as functions of tensors (RBJ Audio EQ Cookbook, spec section 3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from voxrack.errors import UsageError

from ..coefficients import HIGHEST, LOWEST

KINDS = ("peak", "low_shelf", "high_shelf", "low_pass", "high_pass")
_NYQUIST_SHARE = 0.49


def biquad_coefficients(
    kind: str, sample_rate: float, frequency: Tensor, q: Tensor, gain: Tensor | None = None, *, passes_off: bool = True
) -> tuple[Tensor, Tensor]:
    """Numerator and denominator of one second-order section, normalised by a0.

    Parameters
    ----------
    kind : {"peak", "low_shelf", "high_shelf", "low_pass", "high_pass"}
    sample_rate : float
        In Hz.
    frequency : Tensor, shape (...)
        In Hz; above 0.49 of the sample rate it is taken as 0.49 of it (and has no gradient).
    q : Tensor, shape (...)
        Above 0.
    gain : Tensor, shape (...), optional
        In dB, for bells and shelves.
    passes_off : bool
        A low-pass at 22 kHz or above and a high-pass at 10 Hz or below do nothing, as in the streaming devices.

    Returns
    -------
    b, a : Tensor, shape (..., 3)
        In float64 whatever came in: in float32 a section at 30 Hz would be several percent off.
    """
    if kind not in KINDS:
        raise UsageError(f"filter kind '{kind}' is unknown; there are {', '.join(KINDS)}")
    frequency, q = torch.as_tensor(frequency).double(), torch.as_tensor(q).double()
    w0 = 2.0 * math.pi * frequency.clamp(max=_NYQUIST_SHARE * sample_rate) / sample_rate
    cos, alpha = torch.cos(w0), torch.sin(w0) / (2.0 * q)
    if kind in ("low_pass", "high_pass"):
        edge = 2.0 * torch.sin(0.5 * w0) ** 2 if kind == "low_pass" else 1.0 + cos
        middle = edge if kind == "low_pass" else -edge
        b = _stack(0.5 * edge, middle, 0.5 * edge)
        a = _stack(1.0 + alpha, -2.0 * cos, 1.0 - alpha)
        b, a = b / a[..., :1], a / a[..., :1]
        if not passes_off:
            return b, a
        off = (frequency >= HIGHEST) if kind == "low_pass" else (frequency <= LOWEST)
        identity = b.new_tensor([1.0, 0.0, 0.0])
        return torch.where(off[..., None], identity, b), torch.where(off[..., None], identity, a)
    if gain is None:
        raise UsageError(f"a filter of kind '{kind}' needs a gain in dB")
    amplitude = 10.0 ** (torch.as_tensor(gain).double() / 40.0)
    if kind == "peak":
        b = _stack(1.0 + alpha * amplitude, -2.0 * cos, 1.0 - alpha * amplitude)
        a = _stack(1.0 + alpha / amplitude, -2.0 * cos, 1.0 - alpha / amplitude)
        return b / a[..., :1], a / a[..., :1]
    sign = 1.0 if kind == "low_shelf" else -1.0  # a high shelf is a low shelf mirrored at a quarter of the rate
    up, down, slope = amplitude + 1.0, (amplitude - 1.0) * sign, 2.0 * alpha * torch.sqrt(amplitude)
    b = amplitude[..., None] * _stack(
        up - down * cos + slope, 2.0 * (down - up * cos), up - down * cos - slope
    )  # fmt: skip
    a = _stack(up + down * cos + slope, -2.0 * (down + up * cos), up + down * cos - slope)
    return b / a[..., :1], a / a[..., :1]


def _stack(*parts: Tensor) -> Tensor:
    return torch.stack(torch.broadcast_tensors(*parts), dim=-1)
