"""What every differentiable module here shares: reading plain parameters, in batches, with defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from voxrack.errors import InputError, UsageError
from voxrack.params import suggest

MODES = ("exact", "paper")


class Effect(torch.nn.Module):
    """A device without state: ``forward(x (B, C, T), params)`` to (B, C', T).

    Parameters
    ----------
    values : mapping
        Plain values of the device by parameter id; they stand for ids that ``params`` leaves out, and are looked
        up at every call.
    sample_rate : int
        In Hz.
    mode : {"exact", "paper"}
        The transfer function of the streaming device, or that of the reference.
    """

    def __init__(self, values: Mapping[str, Any], sample_rate: int, mode: str = "exact") -> None:
        super().__init__()
        if mode not in MODES:
            raise UsageError(f"mode '{mode}' is unknown; a module works in mode {' or '.join(MODES)}")
        self.values, self.sample_rate, self.mode = values, int(sample_rate), mode

    def number(self, params: Mapping[str, Tensor], id: str, like: Tensor, dimensions: int = 0) -> Tensor:
        """Parameter ``id`` in float64 on the device of ``like``; gradients flow through.

        Its shape is the parameter's own, with a leading batch dimension where ``params`` brought one (a scalar
        comes as () or (B,)). ``dimensions`` is how many dimensions the parameter itself has.
        """
        given = params[id] if id in params else self.values[id]
        given = given if isinstance(given, Tensor) else torch.tensor(given, dtype=torch.float64)
        out = given.to(device=like.device, dtype=torch.float64)
        if out.ndim not in (dimensions, dimensions + 1):
            raise UsageError(
                f"parameter '{id}' came with shape {tuple(out.shape)}; it has {dimensions} dimensions, "
                "and one more in front where it is a batch of settings"
            )
        return out

    def check(self, x: Tensor, params: Mapping[str, Tensor]) -> None:
        """Refuse what is not (B, C, T) of floats, and ids that the device does not have."""
        if x.ndim != 3 or x.dtype not in (torch.float32, torch.float64):
            raise InputError(
                f"a module takes float32 or float64 (batch, channels, frames); it got {x.dtype} {tuple(x.shape)}"
            )
        for id in params:
            if id not in self.values:
                raise UsageError(f"a module has no parameter '{id}'{suggest(id, self.values)}")
