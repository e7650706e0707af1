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


class _Cascade(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, sections: Tensor) -> Tensor:
        from . import cascade_kernels as kernels

        rows, frames = x.shape
        blocks = -(-(frames + kernels.WIDTH - 1) // kernels.BLOCK)
        states = torch.empty(rows, blocks, 3 * kernels.WIDTH, dtype=torch.float64)
        out = torch.empty_like(x)
        arrays = [t.numpy() for t in (x.detach(), sections.detach(), out, states)]
        over_rows(lambda part: kernels.cascade_forward(*(a[part] for a in arrays)), rows)
        ctx.save_for_backward(x, sections, states)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        from . import cascade_kernels as kernels

        x, sections, states = (t.detach() for t in ctx.saved_tensors)
        grad_x, grad_sections = torch.empty_like(x), torch.empty_like(sections)
        arrays = [t.numpy() for t in (grads[0].contiguous(), x, sections, states, grad_x, grad_sections)]
        over_rows(lambda part: kernels.cascade_backward(*(a[part] for a in arrays)), x.shape[0])
        return grad_x, grad_sections


def cascade(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Sections in series over each row.

    Parameters
    ----------
    x : Tensor, shape (rows, frames)
    b, a : Tensor, shape (rows, sections, 3)
        Normalised by a0, float64.
    """
    width = 8
    for first in range(0, b.shape[1], width):
        part = torch.cat([b[:, first : first + width], -a[:, first : first + width, 1:]], dim=-1)
        idle = torch.zeros(part.shape[0], width - part.shape[1], 5, dtype=part.dtype)
        idle[..., 0] = 1.0
        sections = torch.cat([part, idle], dim=1).transpose(1, 2).reshape(part.shape[0], 5 * width)
        x = _Cascade.apply(x.contiguous(), sections.contiguous())
    return x


def parallel(x: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Sum of the sections over each row."""
    rows, sections, _ = b.shape
    each = cascade(x.repeat_interleave(sections, 0), b.reshape(-1, 1, 3), a.reshape(-1, 1, 3))
    return each.reshape(rows, sections, -1).sum(1)


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
