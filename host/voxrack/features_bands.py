"""Frames into spectra, spectra into bands: in float32 where that is enough, in float64 where it is not.

librosa computes its spectra in float64. A float32 FFT spreads its rounding evenly over the bins, and so a band that
lies far below the loudest of its frame is off: by 1e-3 dB where it lies 70 dB lower. How far is known (`Bands.noise`),
and so only the frames in which it matters need be computed again in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .errors import UsageError
from .features_filters import Weights
from .features_frames import Lengths, centred, checked, collect, frame_counts, hann

_GROUP = 16  # bands multiplied at once: a band spans few bins, so most of a dense product would be zeros
# Rounding of a float32 FFT, rms, relative to the rms of the bins: measured with MKL at 1024 to 4096 samples.
_ROUNDING = 9e-8


@dataclass(frozen=True)
class Powers:
    """What the spectra of some clips came to.

    Attributes
    ----------
    bands : (clips, frames, bands)
    present : (clips, frames) or None
        Frames that each clip has; None: all.
    squares : (clips, frames, 1) or None
        Sums over all bins' squares; None where there is nothing to mend.
    mended : callable or None
        Gets frames (clips, frames) and returns all bands, those of these frames from float64 spectra; None likewise.
    """

    bands: Tensor
    present: Tensor | None
    squares: Tensor | None = None
    mended: Callable[[Tensor], Tensor] | None = None


class Bands:
    """Bands of the power spectrum: ``weights (bands, bins) @ |FFT|^2``, for frames of any number.

    The FFT's real and imaginary parts lie side by side in memory; every weight is there twice, so that the product
    sums the two squares as well. Bands are taken in groups, each over the bins that it touches.
    """

    def __init__(self, weights: Weights, n_fft: int) -> None:
        self.n_fft = n_fft
        self.bands = len(weights)
        total = weights.sum(axis=1)
        self.peaks = np.square(weights).sum(axis=1) / np.where(total > 0, total, 1.0)
        self._groups: list[tuple[int, int, Tensor]] = []
        for start in range(0, len(weights), _GROUP):
            group = weights[start : start + _GROUP]
            touched = np.flatnonzero(np.any(group != 0, axis=0))
            first, last = (int(touched[0]), int(touched[-1]) + 1) if touched.size else (0, 1)
            twice = torch.as_tensor(group[:, first:last].copy()).T.repeat_interleave(2, dim=0)
            self._groups.append((2 * first, 2 * last, twice.contiguous()))
        self._made: dict[tuple[torch.dtype, torch.device], list[tuple[int, int, Tensor]]] = {}

    def __call__(self, windowed: Tensor, dtype: torch.dtype, total: bool = False) -> Tensor:
        """(..., frames, samples) to (..., frames, bands) in ``dtype``; ``total``: one more, the sum of all squares."""
        key = (dtype, windowed.device)
        if key not in self._made:
            self._made[key] = [(first, last, group.to(key[1], dtype)) for first, last, group in self._groups]
        parts = torch.view_as_real(torch.fft.rfft(windowed, self.n_fft)).flatten(-2).to(dtype)
        squares = (parts * parts if parts.requires_grad else parts.square_()).reshape(-1, parts.shape[-1])
        bands = [squares[:, first:last] @ group for first, last, group in self._made[key]]
        if total:
            bands.append(squares.sum(-1, keepdim=True))
        return torch.cat(bands, 1).reshape(*windowed.shape[:-1], -1)

    def noise(self, squares: Tensor) -> Tensor:
        """Variance that the rounding of a float32 FFT adds to a band's level, in dB², times the band's power.

        With noise of variance ``v`` in every bin, that of a band's power is ``2 v sum w^2 p``; where the spectrum is
        flat within the band, relative to the power's square ``2 v (sum w^2 / sum w) / power``.

        Parameters
        ----------
        squares : (..., 1)
            Sum of all bins' squares.

        Returns
        -------
        (..., bands)
        """
        scale = 4.0 / self.n_fft * (10.0 / math.log(10.0) * _ROUNDING) ** 2
        return squares * torch.as_tensor(scale * self.peaks).to(squares)


@lru_cache(maxsize=64)
def bands_of(make: Callable[..., Weights], n_fft: int, sample_rate: float, *arguments: Any, **named: Any) -> Bands:
    """`Bands` of a maker from `features_filters`, kept for the next call."""
    return Bands(make(sample_rate, n_fft, *arguments, **named), n_fft)


def of_bands(
    x: Tensor, bands: Bands, finish: Callable[[Powers], Tensor], *, hop_length: int, win_length: int | None = None,
    center: bool = True, pad_mode: str = "constant", exact: bool = True, mend: bool = False, lengths: Lengths = None,
) -> Tensor:  # fmt: skip
    """What is made of the power in bands of every Hann-windowed frame.

    Parameters
    ----------
    finish : callable
        `Powers` of some clips to (clips, frames, values).
    exact : bool
        Spectra in float64, as librosa has them; False: in the signal's own type. Apple's GPUs have no float64.
    mend : bool
        Exact or not, take float32 signals' spectra in float32 first, and let ``finish`` ask for float64 where that is
        needed; not where gradients are asked for.

    Returns
    -------
    (..., frames, values)
    """
    n_fft = bands.n_fft
    width = n_fft if win_length is None else win_length
    if not 0 < width <= n_fft or hop_length < 1:
        raise UsageError(
            f"win_length {width}, n_fft {n_fft}, hop_length {hop_length}: 0 < win_length <= n_fft and hop_length >= 1"
        )
    x, sizes = checked(x, width if center else n_fft, lengths)
    exact = exact and x.device.type != "mps"
    mend = mend and exact and x.dtype == torch.float32 and not x.requires_grad
    working = torch.float64 if exact and not mend else x.dtype
    window = hann(width, n_fft, working, x.device)

    def done(made: Tensor, frames: Tensor, present: Tensor | None) -> Tensor:
        if not mend:
            return finish(Powers(made, present))

        def mended(where: Tensor) -> Tensor:
            made[where] = bands(frames[where].double() * hann(width, n_fft, torch.float64, x.device), x.dtype, True)
            return made[..., :-1]

        return finish(Powers(made[..., :-1], present, made[..., -1:], mended))

    return collect(
        x, sizes, lambda part, own: centred(part.to(working), n_fft, pad_mode, own) if center else part.to(working),
        lambda part: bands(part * window, x.dtype, mend), n_fft, hop_length,
        lambda samples: frame_counts(samples, n_fft, hop_length, center), done,
    )  # fmt: skip
