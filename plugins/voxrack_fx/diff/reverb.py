"""``fx.reverb`` as a torch module: DiffVox spec, section 10 (mode "exact") and section 7 (mode "paper")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxrack.errors import InputError, UsageError

from ..absorption import FREQUENCIES, REFERENCE_LENGTHS, REFERENCE_RATE, half_length, line_lengths
from ..fdn import LINES
from . import absorption, response
from .effect import Effect
from .filters import biquad_coefficients, cascade
from .network import network

PATHS = ("auto", "recursion", "sampling")
_BANDS = (("peak1", "peak"), ("peak2", "peak"), ("low_shelf", "low_shelf"), ("high_shelf", "high_shelf"))
_PAPER_SECONDS = 12
_SMALLEST_GAIN = 1e-300  # has a logarithm


def rotation_matrix(generators: Tensor) -> Tensor:
    """``expm(T - T')`` (P, 6, 6) from the 15 numbers (P, 15) of the strict upper triangle T, row by row."""
    rows, columns = np.triu_indices(LINES, 1)
    skew = generators.new_zeros(generators.shape[0], LINES, LINES)
    skew[:, rows, columns] = generators
    return torch.linalg.matrix_exp(skew - skew.mT)


class ReverbModule(Effect):
    """The reverb with gradients to its input and to every parameter but ``size``, which moves in whole samples.

    Parameters
    ----------
    values, sample_rate, mode
        As in :class:`Effect`. "exact" is the streaming device: FIR absorption in the loop, no limit to the tail.
        "paper" samples the network at every bin of 12 s, so that what is left after 12 s comes round; its 49
        decay points lie on 0 … half the sample rate, its lines have the same number of samples at every rate.
    path : {"auto", "recursion", "sampling"}
        How "exact" is computed: in time (compiled, CPU), or by sampling the transfer function and convolving
        (any device; nothing comes round, see :func:`response.impulse_response`). "auto" is the recursion on the
        CPU, sampling elsewhere. The two agree to -140 dB in float64 for every decay.

    Notes
    -----
    ``forward(x (B, 2, T), params)``; a mono ``x`` goes to both inputs. With an ``x`` of batch 1 a batch of settings
    gives a batch of outputs. Coefficients are computed in float64, signals in the dtype of ``x``.
    """

    def __init__(self, values: Mapping[str, Any], sample_rate: int, mode: str = "exact", path: str = "auto") -> None:
        super().__init__(values, sample_rate, mode)
        if path not in PATHS:
            raise UsageError(f"path '{path}' is unknown; there are {', '.join(PATHS)}")
        self.path = path

    def forward(self, x: Tensor, params: Mapping[str, Tensor]) -> Tensor:
        self.check(x, params)
        if x.shape[1] not in (1, 2):
            raise InputError(f"the reverb takes one or two channels; it got {x.shape[1]}: {tuple(x.shape)}")
        x = x.expand(-1, 2, -1)
        enter, leave = self._batch(params, "input", x, 2), self._batch(params, "output", x, 2)
        matrix = rotation_matrix(self._batch(params, "rotation", x, 1))
        run = self._paper if self.mode == "paper" else self._exact
        return run(x, params, enter, matrix, leave) if x.shape[-1] else x

    def _batch(self, params: Mapping[str, Tensor], id: str, like: Tensor, dimensions: int = 0) -> Tensor:
        """Parameter ``id`` (P, …) or (1, …) in float64."""
        number = self.number(params, id, like, dimensions)
        return number if number.ndim > dimensions else number[None]

    def _exact(self, x: Tensor, params: Mapping[str, Tensor], enter: Tensor, matrix: Tensor, leave: Tensor) -> Tensor:
        rate = self.sample_rate
        lengths = self._lengths(params, x, rate)
        decay = self._decay(params, x, FREQUENCIES)
        taps = absorption.absorption_taps(decay, torch.from_numpy(lengths).to(x.device), rate)
        parts = (taps, enter, matrix, leave)
        rows = max(len(lengths), *(len(t) for t in parts))
        delays = lengths - half_length(rate)
        if self.path == "sampling" or (self.path == "auto" and x.device.type != "cpu"):
            taps, enter, matrix, leave = (_expanded(t, rows) for t in parts)
            delays = np.broadcast_to(delays, (rows, LINES))
            out = response.convolve(
                x, response.impulse_response(taps, matrix, enter, leave, delays, x.shape[-1])
            )  # fmt: skip
        else:
            rows = max(rows, len(x))
            delays = np.broadcast_to(delays, (rows, LINES))
            out = network(_expanded(x, rows), *(_expanded(t, rows) for t in parts), lengths=delays)
        return cascade(out, *self._sections(params, x))

    def _paper(self, x: Tensor, params: Mapping[str, Tensor], enter: Tensor, matrix: Tensor, leave: Tensor) -> Tensor:
        rate = self.sample_rate
        lengths = self._lengths(params, x, REFERENCE_RATE)
        if len(lengths) > 1:
            raise UsageError('in mode "paper" one `size` holds for the whole batch')
        period = _PAPER_SECONDS * rate
        decay = self._decay(params, x, np.linspace(0.0, rate / 2, absorption.POINTS))
        shortest = torch.full((1, 1), REFERENCE_LENGTHS[0], device=x.device)
        gains = absorption.line_gains(decay, shortest, rate)
        gains = torch.nn.functional.interpolate(gains, period // 2 + 1, mode="linear", align_corners=True)
        ratios = torch.from_numpy(lengths[0] / REFERENCE_LENGTHS[0]).to(gains)
        gains = torch.exp(ratios[:, None] * torch.log(gains.clamp_min(_SMALLEST_GAIN)))
        rows = max(len(t) for t in (gains, enter, matrix, leave))
        gains, enter, matrix, leave = (_expanded(t, rows) for t in (gains, enter, matrix, leave))
        dtype = torch.complex64 if x.dtype == torch.float32 else torch.complex128
        spectrum = response.periodic_response(gains, matrix, enter, leave, lengths[0], period, dtype)
        h = torch.fft.irfft(spectrum, period)[..., : x.shape[-1]]
        sections = self._sections(params, x)
        if x.shape[-1] <= period:  # where nothing of h is cut the equaliser may come after, on half as many rows
            return cascade(response.convolve(x, h), *sections)
        rows = max(len(h), *(len(s) for s in sections))
        h = cascade(_expanded(h, rows).flatten(1, 2), *sections).unflatten(1, (2, 2))
        return response.convolve(x, h)

    def _decay(self, params: Mapping[str, Tensor], x: Tensor, frequencies: NDArray[np.float64]) -> Tensor:
        """T60 (P, 49) at ``frequencies``, damping applied."""
        decay, damping = self._batch(params, "decay", x, 1), self._batch(params, "damping", x)
        return absorption.damped(decay, damping, torch.from_numpy(frequencies))

    def _lengths(self, params: Mapping[str, Tensor], x: Tensor, rate: int) -> NDArray[np.int64]:
        """Line lengths (1 or P, 6) at ``rate`` for the present size."""
        sizes = self._batch(params, "size", x).detach().cpu().tolist()
        return np.stack([line_lengths(rate, size) for size in sizes])

    def _sections(self, params: Mapping[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
        """Numerators and denominators (P, 4, 3) of the equaliser."""
        made = [
            biquad_coefficients(kind, self.sample_rate, *(self._batch(params, f"{band}.{id}", x) for id in _FIELDS))
            for band, kind in _BANDS
        ]
        rows = max(len(b) for b, _ in made)
        b, a = (torch.stack([_expanded(part, rows) for part in parts], dim=1) for parts in zip(*made))
        return b, a


_FIELDS = ("frequency", "q", "gain")


def _expanded(t: Tensor, rows: int) -> Tensor:
    return t.expand(rows, *t.shape[1:])
