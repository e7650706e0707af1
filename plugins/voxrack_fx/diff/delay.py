"""``fx.delay`` as a torch module: the streaming device's loop, or the reference's response of four seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from voxrack.errors import InputError

from ..delay import GUARDED_GAIN, MODEST, MOST_GROWTH, STABLE_GAIN
from ..glide import GLIDE_SECONDS
from .coefficients import biquad_coefficients
from .delay_paper import convolved, response
from .echo import CompiledEcho, Loop, echo_by_spectra
from .effect import Effect
from .pan import factors


def low_pass_peak(q: Tensor) -> Tensor:
    """Largest magnitude of the low-pass, as :func:`voxrack_fx.delay.low_pass_peak`."""
    resonant = q.clamp(min=math.sqrt(0.5))
    return resonant / torch.sqrt(1.0 - 0.25 / resonant**2)


class Delay(Effect):
    """One channel to two: ``x`` (B, 1, T) to (B, 2, T). Parameters () or (B,) in ms, dB, Hz and pans.

    Mode "exact" delays by whole samples, guard included, as the streaming device does. Where a loop may grow the
    guard depends on the signal sample by sample; such rows are computed on the CPU wherever the signal lies.

    Besides the device's parameters there is ``log_damp`` (below 0, -0.01 to begin with) for fitting: given, the
    gradient to ``time`` is that of the damped surrogate, which sees further than one period, and ``log_damp`` has
    a gradient of its own. Values do not depend on it.

    Parameters
    ----------
    compiled : bool
        False: compute by spectra on the CPU too, where the loop decays.
    """

    log_damp = -0.01  # where the reference begins; that it is there tells a fit that this module takes it

    def __init__(
        self, values: Mapping[str, Any], sample_rate: int, mode: str = "exact", *, compiled: bool = True
    ) -> None:
        super().__init__(values, sample_rate, mode)
        self.compiled = compiled

    def forward(self, x: Tensor, params: Mapping[str, Tensor] | None = None) -> Tensor:
        params = params or {}
        self.check(x, {id: value for id, value in params.items() if id != "log_damp"})
        if x.shape[1] != 1:
            raise InputError(f"the delay takes one channel; it got {x.shape[1]}: fold them to mono first")
        loop, limits = self._loop(params, x)
        batch = max(x.shape[0], limits.shape[0])
        u, loop = x[:, 0].expand(batch, -1).contiguous(), loop.each(_expander(batch))
        if u.numel() == 0:
            return u[:, None].expand(-1, 2, -1)
        if self.mode == "paper":
            return convolved(u, response(loop, self.sample_rate))
        return self._exact(u, loop, limits.expand(batch))

    def _loop(self, params: Mapping[str, Tensor], x: Tensor) -> tuple[Loop, Tensor]:
        """The loop's numbers, one row per setting, and the limits of the guard (0 where none is needed)."""

        def number(id: str) -> Tensor:
            return self.number(params, id, x).reshape(-1)

        frequency, q, feedback = number("low_pass.frequency"), number("low_pass.q"), number("feedback")
        b, a = biquad_coefficients("low_pass", self.sample_rate, frequency, q, passes_off=False)
        level = 10.0 ** (number("level") / 20.0)
        odd, even = factors(number("odd_pan")), factors(number("even_pan"))
        gains = torch.stack(torch.broadcast_tensors(*(level * g for g in (odd[0], even[0], odd[1], even[1]))), dim=-1)
        samples = number("time") * (self.sample_rate / 1000.0)
        peak = low_pass_peak(q)
        grows = (feedback * peak > STABLE_GAIN).detach()
        limits = torch.where(grows, (MODEST / level.detach().clamp(min=1e-9)).clamp(1.0, MOST_GROWTH), 0.0)
        section = torch.cat([b, a[..., 1:]], dim=-1)
        damp = None
        if "log_damp" in params:
            damp = torch.as_tensor(params["log_damp"]).to(x.device, torch.float64).reshape(-1)
        loop = Loop(samples, section, feedback, GUARDED_GAIN / peak, gains, damp)
        rows = max(limits.shape[0], *(n.shape[0] for n in loop if n is not None))
        return loop.each(_expander(rows)), limits.expand(rows)

    def _exact(self, u: Tensor, loop: Loop, limits: Tensor) -> Tensor:
        if self.compiled and u.device.type == "cpu":
            return self._compiled(u, loop, limits)
        grows = (limits > 0.0).tolist()
        if not any(grows):
            return echo_by_spectra(u, loop, self.sample_rate)
        rows: list[Tensor] = []
        for row, watched in enumerate(grows):
            one, source, limit = loop.each(_row(row)), _row(row)(u), _row(row)(limits)
            if watched:
                rows.append(self._compiled(source.cpu(), one.each(Tensor.cpu), limit.cpu()).to(u.device))
            else:
                rows.append(echo_by_spectra(source, one, self.sample_rate))
        return torch.cat(rows)

    def _compiled(self, u: Tensor, loop: Loop, limits: Tensor) -> Tensor:
        length = max(1, round(GLIDE_SECONDS * self.sample_rate))
        numbers = loop.each(Tensor.contiguous)
        return CompiledEcho.apply(u, limits.contiguous(), length, self.sample_rate, *numbers)


def _expander(rows: int) -> Callable[[Tensor], Tensor]:
    return lambda number: number.expand(rows, *number.shape[1:])


def _row(row: int) -> Callable[[Tensor], Tensor]:
    return lambda number: number[row : row + 1]
