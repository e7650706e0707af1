"""One second-order section with gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from . import filters
from .effect import Effect


class Biquad(Effect):
    """``fx.peak``, ``fx.low_shelf``, ``fx.high_shelf``, ``fx.low_pass`` and ``fx.high_pass`` as a module.

    In mode "paper" a pass never switches off at the end of its range; else both modes are one.

    Parameters
    ----------
    kind : str
        One of :data:`filters.KINDS`.
    backend : str
        One of :data:`filters.BACKENDS`.
    """

    def __init__(
        self, values: Mapping[str, Any], sample_rate: int, mode: str = "exact", *, kind: str, backend: str = "auto"
    ) -> None:
        super().__init__(values, sample_rate, mode)
        self.kind, self.backend = kind, backend

    def sections(self, params: Mapping[str, Tensor], like: Tensor) -> tuple[Tensor, Tensor]:
        """``b`` and ``a``, each (1 or B, 1, 3), in float64."""
        frequency, q = self.number(params, "frequency", like), self.number(params, "q", like)
        gain = self.number(params, "gain", like) if "gain" in self.values else None
        b, a = filters.biquad_coefficients(
            self.kind, self.sample_rate, frequency, q, gain, passes_off=self.mode == "exact"
        )
        return b.reshape(-1, 1, 3), a.reshape(-1, 1, 3)

    def forward(self, x: Tensor, params: Mapping[str, Tensor] | None = None) -> Tensor:
        """``x`` (B, C, T) filtered, each channel alone, from silence."""
        params = params or {}
        self.check(x, params)
        return filters.cascade(x, *self.sections(params, x), self.backend)
