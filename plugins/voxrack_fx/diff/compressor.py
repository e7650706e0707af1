"""``fx.compressor`` as a torch module; both modes are the same formula (spec section 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .ballistics import gain_by_scan
from .effect import Effect
from .look_ahead import look_ahead
from .threads import over_rows

_OCTAVES = math.log2(10.0) / 10.0  # of power, per dB


def smoothing_coefficient(ms: Tensor, sample_rate: float) -> Tensor:
    """One-pole coefficient of a 10 to 90 % rise in ``ms`` (spec section 2)."""
    return -torch.expm1(-2200.0 / (ms * sample_rate))


class CompiledGain(torch.autograd.Function):
    """The gain before look-ahead and make-up: (rows, frames) on the CPU, with an analytic adjoint."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, numbers: Tensor) -> Tensor:
        from . import gain_kernels as kernels

        power, gain, falls = torch.empty_like(x), torch.empty_like(x), torch.empty_like(x, dtype=torch.bool)
        arrays = [t.detach().numpy() for t in (x, numbers, power, gain, falls)]
        over_rows(lambda part: kernels.forward(*(a[part] for a in arrays)), x.shape[0])
        ctx.save_for_backward(x, numbers, power, gain, falls)
        return gain

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        from . import gain_kernels as kernels

        saved = [t.detach() for t in ctx.saved_tensors]
        grad_x, grad_numbers = torch.empty_like(saved[0]), torch.empty_like(saved[1])
        arrays = [t.numpy() for t in (grads[0].contiguous(), *saved, grad_x, grad_numbers)]
        over_rows(lambda part: kernels.backward(*(a[part] for a in arrays)), grad_x.shape[0])
        return grad_x, grad_numbers


class Compressor(Effect):
    """Each channel alone. ``x`` (B, C, T) and parameters () or (B,) in dB, ms and plain ratios.

    One item of audio with a batch of settings comes out as a batch. On the CPU the gain is compiled; elsewhere
    it is found by scans (:mod:`voxrack_fx.diff.ballistics`), which ``compiled=False`` asks for on the CPU too.
    """

    def __init__(
        self, values: Mapping[str, Any], sample_rate: int, mode: str = "exact", *, compiled: bool = True
    ) -> None:
        super().__init__(values, sample_rate, mode)
        self.compiled = compiled

    def forward(self, x: Tensor, params: Mapping[str, Tensor] | None = None) -> Tensor:
        params = params or {}
        self.check(x, params)
        rate = self.sample_rate

        def number(id: str) -> Tensor:
            return self.number(params, id, x).reshape(-1)

        numbers = torch.stack(torch.broadcast_tensors(
            smoothing_coefficient(number("averaging"), rate),
            number("threshold") * _OCTAVES,
            number("expander_threshold") * _OCTAVES,
            0.5 * (1.0 - 1.0 / number("ratio")),
            0.5 * (1.0 - 1.0 / number("expander_ratio")),
            smoothing_coefficient(number("attack"), rate),
            smoothing_coefficient(number("release"), rate),
        ), dim=-1)  # fmt: skip
        samples, make_up = number("look_ahead") * (rate / 1000.0), 10.0 ** (number("make_up") / 20.0)
        batch = max(x.shape[0], numbers.shape[0], samples.shape[0], make_up.shape[0])
        x = x.expand(batch, -1, -1)
        if x.numel() == 0:
            return x
        gain = self._gain(x, numbers.expand(batch, -1))
        gain = look_ahead(gain, samples, rate)
        return x * gain * make_up[:, None, None].to(x.dtype)

    def _gain(self, x: Tensor, numbers: Tensor) -> Tensor:
        batch, channels, frames = x.shape
        rows = x.reshape(batch * channels, frames)
        each = numbers.repeat_interleave(channels, dim=0)
        if self.compiled and x.device.type == "cpu":
            gain = CompiledGain.apply(rows.contiguous(), each.contiguous())
        else:
            gain = gain_by_scan(rows, each)
        return gain.reshape(x.shape)
