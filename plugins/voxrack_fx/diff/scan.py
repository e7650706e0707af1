"""The "scan" back end: recursions in a number of steps that grows with the logarithm of the length, for GPUs.

A one-pole recursion is an associative scan, and with a constant pole p the scan's steps are
``s[n] += p**k s[n - k]`` for k = 1, 2, 4, …: 1 / (1 - p/z) is the product of all ``1 + (p/z)**k``. A section
has two poles. Diagonalised it is two such scans, whose steps, multiplied for the pair, have real coefficients
again: ``s[n] += -a1 s[n - k] + a2 s[n - 2k]``, where a1 and a2 belong to the polynomial whose roots are the
poles to the power k (Graeffe's root squaring). In this form complex pairs, real poles and double poles are one
case, and nothing has to be divided by the distance of two poles. Everything is computed in float64.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_NOTHING = 1e-30  # a step whose coefficients are below this adds nothing that float64 holds


def _shifted(x: Tensor, steps: int) -> Tensor:
    """``x`` later by ``steps``, with zeros in front."""
    return torch.nn.functional.pad(x[..., : x.shape[-1] - steps], (steps, 0)) if steps else x


def _solve(x: Tensor, a1: Tensor, a2: Tensor) -> Tensor:
    """``v[n] = x[n] - a1 v[n-1] - a2 v[n-2]`` over each row of float64 ``x``; ``a1``, ``a2`` are (rows,)."""
    factors, reach = [], 1
    one, two = a1.detach().cpu(), a2.detach().cpu()
    while reach < x.shape[-1] and max(float(one.abs().max()), float(two.abs().max())) > _NOTHING:
        factors.append(torch.stack([-one, two]))
        one, two = 2.0 * two - one * one, two * two
        reach *= 2
    v, reach = x.clone(), 1
    for near, far in torch.stack(factors).to(x.device)[..., None] if factors else ():
        previous, v = v, v.clone()
        v[:, reach:] += near * previous[:, :-reach]
        if 2 * reach < x.shape[-1]:
            v[:, 2 * reach :] += far * previous[:, : -2 * reach]
        reach *= 2
    return v


class _AllPole(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, a1: Tensor, a2: Tensor) -> Tensor:
        out = _solve(x, a1, a2)
        ctx.save_for_backward(a1, a2, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a1, a2, out = ctx.saved_tensors
        w = _solve(grads[0].flip(-1), a1, a2).flip(-1)
        return w, -(w[:, 1:] * out[:, :-1]).sum(-1), -(w[:, 2:] * out[:, :-2]).sum(-1)


def _section(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """One section over each row of float64 ``x``; ``b``, ``a`` are (rows, 3)."""
    v = _AllPole.apply(x, a[:, 1], a[:, 2])
    return b[:, :1] * v + b[:, 1:2] * _shifted(v, 1) + b[:, 2:] * _shifted(v, min(2, x.shape[-1]))


def cascade(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Sections ``b``, ``a`` (rows, sections, 3) in series over each row of ``x`` (rows, frames)."""
    out = x.double()
    for section in range(b.shape[1]):
        out = _section(out, b[:, section], a[:, section])
    return out.to(x.dtype)


def parallel(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Sum of the sections over each row; all sections run at once."""
    rows, sections, _ = b.shape
    each = x.double().repeat_interleave(sections, 0)
    out = _section(each, b.reshape(-1, 3), a.reshape(-1, 3))
    return out.reshape(rows, sections, -1).sum(1).to(x.dtype)


def _scan(keep: Tensor, x: Tensor) -> Tensor:
    """``y[n] = keep[n] y[n-1] + x[n]`` over each row, by doubling; all float64 (rows, frames)."""
    reach = 1
    while reach < x.shape[-1]:
        later_x, later_keep = x.clone(), keep.clone()
        later_x[:, reach:] += keep[:, reach:] * x[:, :-reach]
        later_keep[:, reach:] *= keep[:, :-reach]
        later_keep[:, :reach] = 0.0  # nothing lies further back
        x, keep, reach = later_x, later_keep, 2 * reach
    return x


class _Moving(torch.autograd.Function):
    """``y[n] = keep[n] y[n-1] + x[n]`` with ``y[-1] = 0``."""

    @staticmethod
    def forward(ctx: Any, keep: Tensor, x: Tensor) -> Tensor:
        out = _scan(keep, x)
        ctx.save_for_backward(keep, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        keep, out = ctx.saved_tensors
        ahead = torch.nn.functional.pad(keep[:, 1:], (0, 1))
        w = _scan(ahead.flip(-1), grads[0].flip(-1)).flip(-1)
        return w * _shifted(out, 1), w


def one_pole(x: Tensor, c: Tensor, initial: float) -> Tensor:
    """``y[n] = c x[n] + (1 - c) y[n - 1]``; ``c`` is (rows,) or, moving, (rows, frames)."""
    source, keep = c.reshape(x.shape[0], -1) * x.double(), 1.0 - c
    if initial:
        source = source + initial * torch.nn.functional.pad(
            keep.reshape(x.shape[0], -1)[:, :1], (0, x.shape[-1] - 1)
        )  # fmt: skip
    if c.ndim == 2:
        return _Moving.apply(keep, source).to(x.dtype)
    return _AllPole.apply(source, -keep, torch.zeros_like(keep)).to(x.dtype)
