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
from .features_frames import Lengths, centred, checked, collect, frame_counts, hann, pieces

_GROUP = 16  # bands multiplied at once: a band spans few bins, so most of a dense product would be zeros
_TOGETHER = 4  # times the frames of a cache: how many share the products, which are quick only for many
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

    Spectra are taken of as many frames as a cache holds, the bands of all of them together. Bands are taken in
    groups, each over the bins that it touches.
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
            self._groups.append((first, last, torch.as_tensor(group[:, first:last].T.copy())))
        self._made: dict[tuple[torch.dtype, torch.device], list[tuple[int, int, Tensor]]] = {}

    def __call__(self, frames: Tensor, window: Tensor | None, dtype: torch.dtype, total: bool = False) -> Tensor:
        """(..., frames, samples) to (..., frames, bands) in ``dtype``; ``total``: one more, the sum of all squares.

        Spectra are computed in the wider of the types of frames and window.
        """
        key = (dtype, frames.device)
        if key not in self._made:
            self._made[key] = [(first, last, group.to(key[1], dtype)) for first, last, group in self._groups]
        if frames.requires_grad:
            power = torch.cat([self._power(part, window, dtype) for part in pieces(frames)], -2)
            return torch.cat([power[..., first:last] @ group for first, last, group in self._made[key]], -1)
        power = frames.new_empty(*frames.shape[:-1], self.n_fft // 2 + 1, dtype=dtype)
        at = 0
        for part in pieces(frames):
            self._power(part, window, dtype, power[..., at : at + part.shape[-2], :])
            at += part.shape[-2]
        flat = power.flatten(0, -2)
        bands, at = flat.new_empty(len(flat), self.bands + total), 0
        for first, last, group in self._made[key]:
            torch.mm(flat[:, first:last], group, out=bands[:, at : at + group.shape[1]])
            at += group.shape[1]
        if total:
            torch.sum(flat, -1, out=bands[:, -1])
        return bands.reshape(*frames.shape[:-1], -1)

    def _power(
        self, frames: Tensor, window: Tensor | None, dtype: torch.dtype, out: Tensor | None = None
    ) -> Tensor:  # fmt: skip
        """Squares of all bins, (..., frames, bins)."""
        windowed = frames if window is None else frames * window
        parts = torch.view_as_real(torch.fft.rfft(windowed, self.n_fft)).to(dtype)
        squares = parts * parts if parts.requires_grad else parts.square_()
        return torch.add(squares[..., 0], squares[..., 1], out=out)

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
            made[where] = bands(frames[where], hann(width, n_fft, torch.float64, x.device), x.dtype, True)
            return made[..., :-1]

        return finish(Powers(made[..., :-1], present, made[..., -1:], mended))

    return collect(
        x, sizes, lambda part, own: centred(part.to(working), n_fft, pad_mode, own) if center else part.to(working),
        lambda part: bands(part, window, x.dtype, mend), n_fft, hop_length,
        lambda samples: frame_counts(samples, n_fft, hop_length, center), done, at_once=_TOGETHER,
    )  # fmt: skip
