"""The feedback delay network as an autograd function: compiled time-domain recursion, analytic adjoint. CPU only."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..fdn import CHUNK
from .threads import over_rows

# Line inputs below `_LEAST` become zero: in float32 as in the streaming kernel; gradients may be that small.
_LEAST = {torch.float32: np.float32(1e-15), torch.float64: np.float64(1e-150)}
_LEAST_GRADIENT = {torch.float32: np.float32(1e-30), torch.float64: np.float64(1e-150)}


class _Network(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, keep: bool, lengths: NDArray[np.int64], x: Tensor, *settings: Tensor) -> Tensor:
        from . import network_kernels as kernels

        rows, half = x.shape[0], settings[0].shape[-1] - 1
        reach = int(lengths.max()) + 2 * half
        frames = min(x.shape[-1], reach + 16 * CHUNK) if not keep else x.shape[-1]
        history = torch.empty(rows if keep else 0, 6, reach + frames, dtype=x.dtype)
        out = torch.empty_like(x)
        signal, result, kept = x.detach().numpy(), out.numpy(), history.numpy()
        numbers = [setting.detach().numpy() for setting in settings]
        run: Any = kernels.forward

        def work(part: slice) -> None:
            for row in range(part.start, part.stop):
                past = kept[row] if keep else np.empty((6, reach + frames), signal.dtype)
                setting = [number[row] for number in numbers]
                run(signal[row], *setting, lengths[row], _LEAST[x.dtype], past, result[row])

        over_rows(work, rows)
        ctx.lengths = lengths
        ctx.save_for_backward(x, history, *settings)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        from . import network_kernels as kernels

        x, history, *settings = (t.detach() for t in ctx.saved_tensors)
        to_x = torch.empty_like(x)
        to_settings = [torch.zeros_like(setting, dtype=torch.float64) for setting in settings]
        grad, signal, kept = grads[0].contiguous().numpy(), x.numpy(), history.numpy()
        numbers, sums = [s.numpy() for s in settings], [s.numpy() for s in to_settings]
        result, lengths, least = to_x.numpy(), ctx.lengths, _LEAST_GRADIENT[x.dtype]
        run: Any = kernels.adjoint

        def work(part: slice) -> None:
            for row in range(part.start, part.stop):
                setting, totals = [number[row] for number in numbers], [number[row] for number in sums]
                run(grad[row], signal[row], kept[row], *setting, lengths[row], least, result[row], *totals)

        over_rows(work, x.shape[0])
        to_settings[2] = to_settings[2] @ torch.linalg.inv_ex(settings[2].double()).inverse.mT
        return None, None, to_x, *(total.to(x.dtype) for total in to_settings)


def network(
    x: Tensor, taps: Tensor, enter: Tensor, matrix: Tensor, leave: Tensor, lengths: NDArray[np.int64]
) -> Tensor:
    """The network of :mod:`voxrack_fx.fdn` from silence, differentiable once in every tensor.

    For a later backward pass the six line inputs are kept: 24 bytes a sample in float32.

    Parameters
    ----------
    x : Tensor, shape (B, 2, T)
        float32 or float64, on the CPU.
    taps : Tensor, shape (B, 6, half + 1)
        Symmetric absorption FIRs from the centre outward.
    enter, matrix, leave : Tensor, shape (B, 6, 2), (B, 6, 6), (B, 2, 6)
        B, U (not singular), C.
    lengths : int64, shape (B, 6)
        Samples of each line before its FIR, at least 1.

    Returns
    -------
    Tensor, shape (B, 2, T)
    """
    tensors = [t.to(x.dtype).contiguous() for t in (x, taps, enter, matrix, leave)]
    keep = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    return _Network.apply(keep, np.ascontiguousarray(lengths, dtype=np.int64), *tensors)
