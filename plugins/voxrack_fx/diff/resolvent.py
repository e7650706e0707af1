"""Frequency response of a delay network: compiled for real line gains on the CPU, or in plain torch anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from .threads import over_rows

_BINS_AT_ONCE = 1 << 16  # bins times settings that plain torch solves in one go: 38 MB a matrix


class _Resolvent(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, period: int, lengths: tuple[int, ...], dtype: torch.dtype, *inputs: Tensor) -> Tensor:
        from . import resolvent_kernels as kernels

        gains = torch.nn.functional.pad(inputs[0].detach(), (0, -inputs[0].shape[-1] % 8))
        rows, _, bins = gains.shape
        parts = torch.empty(2, rows, 4, bins, dtype=torch.float64)
        arrays = [t.detach().contiguous().numpy() for t in (gains, *inputs[1:])]
        m, (real, imaginary), run = np.array(lengths), parts.numpy(), cast(Any, kernels.forward)

        def work(start: int, stop: int) -> None:
            for row in range(rows):
                run(*(t[row] for t in arrays), m, period, start, stop, real[row], imaginary[row])

        _over_groups(work, bins // 8, kernels.GROUP // 8)
        ctx.period, ctx.lengths = period, lengths
        ctx.save_for_backward(*inputs)
        out = torch.empty(rows, 4, inputs[0].shape[-1], dtype=dtype)
        for into, part in zip((out.real, out.imag), parts):
            into.copy_(part[..., : out.shape[-1]])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        from . import resolvent_kernels as kernels

        gains, *settings = (t.detach() for t in ctx.saved_tensors)
        padding = (0, -gains.shape[-1] % 8)
        real, imaginary, padded = (
            torch.nn.functional.pad(t.double(), padding) for t in (grads[0].real, grads[0].imag, gains)
        )
        rows, _, bins = padded.shape
        arrays = [t.contiguous().numpy() for t in (real, imaginary, padded, *settings)]
        to_gains = torch.empty_like(padded)
        into, m, run = to_gains.numpy(), np.array(ctx.lengths), cast(Any, kernels.backward)
        found: list[list[np.ndarray]] = []

        def work(start: int, stop: int) -> None:
            sums = [np.zeros((rows, size * 8)) for size in (36, 12, 12)]
            for row in range(rows):
                run(*(t[row] for t in arrays), m, ctx.period, start, stop, into[row], *(s[row] for s in sums))
            found.append(sums)

        _over_groups(work, bins // 8, kernels.GROUP // 8)
        totals = [
            torch.from_numpy(np.sum(sums, axis=0)).reshape(*setting.shape, 8).sum(-1)
            for sums, setting in zip(zip(*found), settings)
        ]
        return None, None, None, to_gains[..., : gains.shape[-1]], *totals


def _over_groups(work: Callable[[int, int], None], groups: int, block: int) -> None:
    """Call ``work(start, stop)`` over all groups of bins on several cores; every ``start`` a multiple of ``block``."""
    over_rows(lambda part: work(part.start * block, min(part.stop * block, groups)), -(-groups // block))


def compiled_response(
    gains: Tensor,
    matrix: Tensor,
    enter: Tensor,
    leave: Tensor,
    lengths: Sequence[int],
    period: int,
    dtype: torch.dtype = torch.complex128,
) -> Tensor:
    """``C (diag(exp(i w m)) - U diag(g))^-1 B`` at the bins 0 … period / 2, on the CPU.

    Parameters
    ----------
    gains : Tensor, shape (P, 6, bins)
        Real, each below 1 (and U a rotation): otherwise the solution without pivoting may lose digits.
    matrix, enter, leave : Tensor, shape (P, 6, 6), (P, 6, 2), (P, 2, 6)
        U, B, C.
    lengths : sequence of int, (6,)
    period : int
        Length of the transform.
    dtype : torch.dtype
        Of the result; computed in float64 always.

    Returns
    -------
    Tensor, shape (P, 2, 2, bins)
        Outputs, inputs.
    """
    rows, _, bins = gains.shape
    settings = [t.double().expand(rows, -1, -1) for t in (matrix, enter, leave)]
    out = _Resolvent.apply(period, tuple(map(int, lengths)), dtype, gains.double(), *settings)
    return out.reshape(rows, 2, 2, bins)


def plain_response(loop: Tensor, exits: Tensor, matrix: Tensor, enter: Tensor, leave: Tensor) -> Tensor:
    """``C diag(exits) (I - U diag(loop))^-1 B`` at every bin, in plain torch on any device.

    Parameters
    ----------
    loop : Tensor, shape (P, 6, bins)
        Complex: what a line and its absorption do.
    exits : Tensor, shape (1 or P, 6, bins)
        Complex: what a line does before its absorption.
    matrix, enter, leave : Tensor, shape (P, 6, 6), (P, 6, 2), (P, 2, 6)

    Returns
    -------
    Tensor, shape (P, 2, 2, bins)
    """
    matrix, enter, leave = (t.to(loop.dtype) for t in (matrix, enter, leave))
    step = max(1, _BINS_AT_ONCE // loop.shape[0])
    pieces = [
        checkpoint(_solve, loop[..., n : n + step], exits[..., n : n + step], matrix, enter, leave, use_reentrant=False)
        for n in range(0, loop.shape[-1], step)
    ]
    return torch.cat(cast(list[Tensor], pieces), dim=-1)


def _solve(loop: Tensor, exits: Tensor, matrix: Tensor, enter: Tensor, leave: Tensor) -> Tensor:
    identity = torch.eye(loop.shape[1], dtype=loop.dtype, device=loop.device)
    system = identity - matrix[:, None] * loop.transpose(1, 2)[:, :, None, :]
    states = torch.linalg.solve(system, enter[:, None].expand(*system.shape[:2], -1, -1))
    return (leave[:, None] @ (exits.transpose(1, 2)[..., None] * states)).permute(0, 2, 3, 1)
