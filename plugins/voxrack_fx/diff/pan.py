"""Pan with a gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from voxrack.errors import InputError

from .effect import Effect
from .gain import scale


def factors(pan: Tensor) -> tuple[Tensor, Tensor]:
    """Left and right factor for ``pan`` in -100 … 100: equal power, unity on both sides at the centre."""
    angle = (pan + 100.0) / 200.0 * (0.5 * math.pi)
    return math.sqrt(2.0) * torch.cos(angle), math.sqrt(2.0) * torch.sin(angle)


class Pan(Effect):
    """``fx.pan`` as a module (spec section 5). One channel comes out as two; of two, each is scaled."""

    def forward(self, x: Tensor, params: Mapping[str, Tensor] | None = None) -> Tensor:
        """``x`` (B, 1 or 2, T) to (B, 2, T)."""
        params = params or {}
        self.check(x, params)
        if x.shape[1] not in (1, 2):
            raise InputError(f"pan takes 1 or 2 channels; it got {x.shape[1]}: fold them first")
        return scale(x, *factors(self.number(params, "pan", x)))
