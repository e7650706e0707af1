"""The six-band equaliser with gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from voxrack.errors import UsageError

from . import filters
from .effect import Effect

_BANDS = {
    "peak1": "peak", "peak2": "peak", "low_shelf": "low_shelf", "high_shelf": "high_shelf",
    "low_pass": "low_pass", "high_pass": "high_pass",
}  # fmt: skip
FORMS = {"cascade": filters.cascade, "parallel": filters.parallel}


class Equaliser(Effect):
    """``fx.peq`` as a module: bell, bell, low shelf, high shelf, low-pass, high-pass (spec sections 1 and 3).

    In mode "paper" the passes never switch off at the end of their range; else both modes are one.

    Parameters
    ----------
    form : {"cascade", "parallel"}
        Sections in series, or the same filter as a sum of sections.
    backend : str
        One of :data:`filters.BACKENDS`.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        sample_rate: int,
        mode: str = "exact",
        *,
        form: str = "cascade",
        backend: str = "auto",
    ) -> None:
        super().__init__(values, sample_rate, mode)
        if form not in FORMS:
            raise UsageError(f"form '{form}' is unknown; the equaliser is a {' or a '.join(FORMS)}")
        self.form, self.backend = form, backend

    def sections(self, params: Mapping[str, Tensor], like: Tensor) -> tuple[Tensor, Tensor]:
        """``b`` and ``a`` of the six bands in their order, each (1 or B, 6, 3), in float64."""
        numerators, denominators = [], []
        for band, kind in _BANDS.items():
            frequency, q = self.number(params, f"{band}.frequency", like), self.number(params, f"{band}.q", like)
            gain = None if kind.endswith("pass") else self.number(params, f"{band}.gain", like)
            b, a = filters.biquad_coefficients(
                kind, self.sample_rate, frequency, q, gain, passes_off=self.mode == "exact"
            )
            numerators.append(b.reshape(-1, 3))
            denominators.append(a.reshape(-1, 3))
        stacked = torch.stack(torch.broadcast_tensors(*numerators, *denominators), 1)
        return stacked[:, : len(_BANDS)], stacked[:, len(_BANDS) :]

    def forward(self, x: Tensor, params: Mapping[str, Tensor] | None = None) -> Tensor:
        """``x`` (B, C, T) equalised, each channel alone, from silence."""
        params = params or {}
        self.check(x, params)
        return FORMS[self.form](x, *self.sections(params, x), self.backend)
