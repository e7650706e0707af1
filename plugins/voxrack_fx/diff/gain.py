"""Level with a gradient."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .effect import Effect


def scale(x: Tensor, *factors: Tensor) -> Tensor:
    """``x`` (B, C, T) times one factor () or (B,) per output channel, or one for all; a single channel widens."""
    columns = torch.stack([factor.reshape(-1) for factor in torch.broadcast_tensors(*factors)], 1)
    return x * columns[..., None].to(x.dtype)


class Gain(Effect):
    """``fx.gain`` as a module: ``level`` in dB, where -inf is off (and its gradient 0)."""

    def forward(self, x: Tensor, params: Mapping[str, Tensor] | None = None) -> Tensor:
        """``x`` (B, C, T) at its level."""
        params = params or {}
        self.check(x, params)
        return scale(x, 10.0 ** (self.number(params, "level", x) / 20.0))
