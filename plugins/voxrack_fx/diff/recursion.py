"""The "recursion" back end: compiled time-domain filters as autograd functions with an analytic adjoint.

Signals of float32 or float64, states and coefficients in float64, on the CPU. Gradients of gradients are not
offered: torch says so when they are asked for.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .threads import over_rows

_WIDTH = 8  # sections that one kernel call runs


class _Sections(torch.autograd.Function):
    """Up to eight sections over each row, in series or added up."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, sections: Tensor, form: str) -> Tensor:
        run, _, block, delay, state = _kernels(form)
        rows, frames = x.shape
        states = torch.empty(rows, -(-(frames + delay) // block), state, dtype=torch.float64)
        out = torch.empty_like(x)
        arrays = [t.detach().numpy() for t in (x, sections, out, states)]
        over_rows(lambda part: run(*(t[part] for t in arrays)), rows)
        ctx.save_for_backward(x, sections, states)
        ctx.form = form
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        x, sections, states = (t.detach() for t in ctx.saved_tensors)
        grad_x, grad_sections = torch.empty_like(x), torch.empty_like(sections)
        arrays = [t.numpy() for t in (grads[0].contiguous(), x, sections, states, grad_x, grad_sections)]
        run = _kernels(ctx.form)[1]
        over_rows(lambda part: run(*(t[part] for t in arrays)), x.shape[0])
        return grad_x, grad_sections, None


def _kernels(form: str) -> tuple[Any, Any, int, int, int]:
    """Forward and backward kernel, samples per stored state, samples that the pipeline lags, numbers per state."""
    from . import cascade_kernels, parallel_kernels

    if form == "cascade":
        kernels = cascade_kernels
        return kernels.cascade_forward, kernels.cascade_backward, kernels.BLOCK, _WIDTH - 1, 3 * _WIDTH
    kernels = parallel_kernels
    return kernels.parallel_forward, kernels.parallel_backward, kernels.BLOCK, 0, 2 * _WIDTH


def _packed(b: Tensor, a: Tensor, idle: float) -> list[Tensor]:
    """Eight sections (rows, 40) at a time as the kernels take them; unused ones multiply by ``idle``."""
    rows, sections, _ = b.shape
    missing = -sections % _WIDTH
    filler = b.new_zeros(rows, missing, 5)
    filler[..., 0] = idle
    whole = torch.cat([torch.cat([b, -a[..., 1:]], dim=-1), filler], dim=1)
    return [part.transpose(1, 2).reshape(rows, 5 * _WIDTH).contiguous() for part in whole.split(_WIDTH, dim=1)]


def cascade(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Sections in series over each row.

    Parameters
    ----------
    x : Tensor, shape (rows, frames)
    b, a : Tensor, shape (rows, sections, 3)
        Normalised by a0, float64.
    """
    for sections in _packed(b, a, 1.0):
        x = _Sections.apply(x.contiguous(), sections, "cascade")
    return x


def parallel(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Sum of the sections over each row; arguments as for :func:`cascade`."""
    x = x.contiguous()
    parts = [_Sections.apply(x, sections, "parallel") for sections in _packed(b, a, 0.0)]
    return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]


class _OnePole(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, c: Tensor, initial: float) -> Tensor:
        from . import one_pole_kernels as kernels

        out = torch.empty_like(x)
        run: Any = kernels.moving_forward if c.ndim == 2 else kernels.steady_forward
        arrays = [t.detach().numpy() for t in (x, c, out)]
        over_rows(lambda part: run(*(t[part] for t in arrays), initial), x.shape[0])
        ctx.save_for_backward(x, c, out)
        ctx.initial = initial
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        from . import one_pole_kernels as kernels

        x, c, out = (t.detach() for t in ctx.saved_tensors)
        grad_x, grad_c = torch.empty_like(x), torch.empty_like(c)
        run: Any = kernels.moving_backward if c.ndim == 2 else kernels.steady_backward
        arrays = [t.numpy() for t in (grads[0].contiguous(), x, c, out, grad_x, grad_c)]
        over_rows(lambda part: run(*(t[part] for t in arrays), ctx.initial), x.shape[0])
        return grad_x, grad_c, None


def one_pole(x: Tensor, c: Tensor, initial: float) -> Tensor:
    """``y[n] = c x[n] + (1 - c) y[n - 1]`` over each row; ``c`` (rows,) or (rows, frames), float64."""
    return _OnePole.apply(x.contiguous(), c.contiguous(), initial)
