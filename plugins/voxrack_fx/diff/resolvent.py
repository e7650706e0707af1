"""Frequency response of a delay network: compiled for real line gains on the CPU, or in plain torch anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from .threads import over_rows

_BINS_AT_ONCE = 1 << 16  # bins times settings that plain torch solves in one go: 38 MB a matrix


class _Resolvent(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, period: int, lengths: tuple[int, ...], gains: Tensor, *settings: Tensor) -> Any:
        from . import resolvent_kernels as kernels

        rows, _, bins = gains.shape
        out = torch.empty(2, rows, 4, bins, dtype=torch.float64)
        arrays = [t.detach().numpy() for t in (gains, *settings)]
        groups, per_block = bins // 8, kernels.GROUP // 8
        m, (real, imaginary) = np.array(lengths), out.numpy()

        def work(part: slice) -> None:
            start, stop = part.start * per_block, min(part.stop * per_block, groups)
            for row in range(rows):
                kernels.forward(*(t[row] for t in arrays), m, period, start, stop, real[row], imaginary[row])

        over_rows(work, -(-groups // per_block))
        ctx.period, ctx.lengths = period, lengths
        ctx.save_for_backward(gains, *settings)
        return out[0], out[1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        from . import resolvent_kernels as kernels

        gains, *settings = (t.detach() for t in ctx.saved_tensors)
        rows, _, bins = gains.shape
        arrays = [t.contiguous().numpy() for t in (*grads, gains, *settings)]
        to_gains = torch.empty_like(gains)
        into, m = to_gains.numpy(), np.array(ctx.lengths)
        groups, per_block = bins // 8, kernels.GROUP // 8
        parts: list[list[np.ndarray]] = []

        def work(part: slice) -> None:
            start, stop = part.start * per_block, min(part.stop * per_block, groups)
            sums = [np.zeros((rows, size * 8)) for size in (36, 12, 12)]
            for row in range(rows):
                kernels.backward(
                    *(t[row] for t in arrays), m, ctx.period, start, stop, into[row], *(s[row] for s in sums)
                )  # fmt: skip
            parts.append(sums)

        over_rows(work, -(-groups // per_block))
        totals = [
            torch.from_numpy(sum(sums)).reshape(*setting.shape, 8).sum(-1)
            for sums, setting in zip(zip(*parts), settings)
        ]
        return None, None, to_gains, *totals


def compiled_response(
    gains: Tensor, matrix: Tensor, enter: Tensor, leave: Tensor, lengths: Sequence[int], period: int
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

    Returns
    -------
    Tensor, shape (P, 2, 2, bins)
        complex128; outputs, inputs.
    """
    rows, _, bins = gains.shape
    padded = torch.nn.functional.pad(gains.double(), (0, -bins % 8))
    settings = [t.double().expand(rows, -1, -1).contiguous() for t in (matrix, enter, leave)]
    real, imaginary = _Resolvent.apply(period, tuple(map(int, lengths)), padded.contiguous(), *settings)
    return torch.complex(real[..., :bins], imaginary[..., :bins]).reshape(rows, 2, 2, bins)


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
    return torch.cat(pieces, dim=-1)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _solve(loop: Tensor, exits: Tensor, matrix: Tensor, enter: Tensor, leave: Tensor) -> Tensor:
    identity = torch.eye(loop.shape[1], dtype=loop.dtype, device=loop.device)
    system = identity - matrix[:, None] * loop.transpose(1, 2)[:, :, None, :]
    states = torch.linalg.solve(system, enter[:, None].expand(*system.shape[:2], -1, -1))
    return (leave[:, None] @ (exits.transpose(1, 2)[..., None] * states)).permute(0, 2, 3, 1)
