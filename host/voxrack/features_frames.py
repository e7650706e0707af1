"""Signals into frames, frames into spectra, spectra into bands: batched, aware of lengths, in bounded memory.

A batch is padded at its end. With ``lengths`` every item is treated as if it stood alone: what lies beyond its end is
ignored whatever it is, and frames that it does not have come out as zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .errors import InputError, UsageError
from .features_filters import Weights

Lengths = Tensor | Sequence[int] | None
# Bytes of frames that are windowed at once: what a core's cache holds, on other devices what keeps them busy.
_AT_ONCE = {"cpu": 1 << 19}
_AT_ONCE_ELSEWHERE = 1 << 28
_GROUP = 24  # bands multiplied at once: a band spans few bins, so most of a dense product would be zeros


def checked(x: Tensor, needed: int, lengths: Lengths = None, what: str = "window") -> tuple[Tensor, Tensor | None]:
    """``x`` (..., samples) and lengths (...) as an integer tensor on its device.

    Raises
    ------
    InputError
        No floating-point tensor, no samples, fewer than ``needed`` samples, lengths that do not fit.
    """
    if not isinstance(x, Tensor):
        raise InputError(f"a tensor (..., samples) is needed, not {type(x).__name__}; torch.as_tensor(array) makes one")
    if x.dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"samples are {str(x.dtype).removeprefix('torch.')}; float32 or float64 in -1 … 1 is needed "
            "(16-bit integers: x.float() / 32768)"
        )
    if x.ndim == 0 or x.numel() == 0:
        raise InputError(f"no samples: the tensor has shape {tuple(x.shape)}; (..., samples) is needed")
    if lengths is None:
        if x.shape[-1] < needed:
            raise _short(x.shape[-1], needed, what)
        sizes = None
    else:
        sizes = torch.as_tensor(lengths, device=x.device)
        if sizes.shape != x.shape[:-1] or sizes.dtype.is_floating_point:
            raise InputError(
                f"lengths {tuple(sizes.shape)} of {str(sizes.dtype).removeprefix('torch.')} do not fit signals "
                f"{tuple(x.shape)}; one whole number for each of {tuple(x.shape[:-1])} is needed"
            )
        shortest, longest = int(sizes.min()), int(sizes.max())
        if longest > x.shape[-1]:
            raise InputError(f"a length of {longest} samples was given, but the tensor holds {x.shape[-1]}")
        if shortest < needed:
            raise _short(shortest, needed, what)
    return x, sizes


def own(x: Tensor, sizes: Tensor | None) -> Tensor:
    """``x`` (clips, samples) with zeros beyond every clip's end; refuses what is not finite before it."""
    if sizes is not None and int(sizes.min()) < x.shape[-1]:
        x = torch.where(torch.arange(x.shape[-1], device=x.device) < sizes[:, None], x, x.new_zeros(()))
    # One pass that writes nothing; a sum that overflows is looked into.
    if not bool(torch.isfinite(x.detach().sum())) and not bool(torch.isfinite(x.detach()).all()):
        raise InputError("samples that are not finite (NaN or infinity); mend them: torch.nan_to_num(x, 0, 0, 0)")
    return x


def _short(have: int, needed: int, what: str) -> InputError:
    return InputError(f"{have} samples are shorter than one {what} of {needed}; pad with zeros or take a shorter one")


def frame_counts(length: Any, n_fft: int, hop_length: int, center: bool = True) -> Any:
    """Frames of a signal of ``length`` samples (an int or a tensor of ints), as librosa counts them."""
    return 1 + (length + (2 * (n_fft // 2) if center else 0) - n_fft) // hop_length


def working_dtype(x: Tensor, exact: bool) -> torch.dtype:
    """Of windowed frames and spectra: float64 where ``exact``, as librosa has it, whatever the signal is.

    Spectra in float32 are off by up to 1e-3 dB in bands that lie 70 dB below the loudest of the frame. Apple's GPUs
    have no float64 and keep float32.
    """
    return torch.float64 if exact and x.device.type != "mps" else x.dtype


def hann(win_length: int, n_fft: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Periodic Hann of ``win_length`` in the middle of ``n_fft`` samples."""
    window = torch.hann_window(win_length, periodic=True, dtype=torch.float64)
    left = (n_fft - win_length) // 2
    return torch.nn.functional.pad(window, (left, n_fft - win_length - left)).to(device, dtype)


def centred(x: Tensor, n_fft: int, pad_mode: str, lengths: Tensor | None) -> Tensor:
    """``x`` with half a window before and after: zeros (``constant``) or its mirror image (``reflect``)."""
    half = n_fft // 2
    if pad_mode == "constant":
        return torch.nn.functional.pad(x, (half, half))
    if pad_mode != "reflect":
        raise UsageError(f"pad_mode {pad_mode!r} is unknown; 'constant' or 'reflect'")
    size = x.new_full((1,), x.shape[-1], dtype=torch.long) if lengths is None else lengths[..., None].long()
    place = torch.arange(-half, x.shape[-1] + half, device=x.device)
    turn = 2 * (size - 1)
    place = torch.remainder(place, turn)
    place = torch.minimum(place, turn - place)
    return torch.gather(x, -1, place.expand(*x.shape[:-1], -1))


def collect(
    x: Tensor, sizes: Tensor | None, prepare: Callable[[Tensor, Tensor | None], Tensor],
    of: Callable[[Tensor], Tensor], width: int, hop_length: int, counted: Callable[[Any], Any],
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """What ``of`` makes of all frames, a few clips and frames at a time, so that memory and caches are spared.

    Parameters
    ----------
    x : (..., samples)
    sizes : (...) or None
        Samples of each clip.
    prepare : (clips, samples), (clips,) or None to (clips, more samples)
        Padding and filters.
    of : (clips, frames, width) to (clips, frames, values)
    counted
        Samples to frames.

    Returns
    -------
    (..., frames, values) and a mask (..., frames) of the frames that every clip has (None without sizes)
    """
    count = int(counted(x.shape[-1]))
    at_once = _AT_ONCE["cpu"] * torch.get_num_threads() if x.device.type == "cpu" else _AT_ONCE_ELSEWHERE
    many = max(1, at_once // (x.element_size() * width * count))
    flat = x.reshape(-1, x.shape[-1])
    each = None if sizes is None else sizes.reshape(-1)
    rows = []
    for clip in range(0, len(flat), many):
        group, lengths = flat[clip : clip + many], None if each is None else each[clip : clip + many]
        if lengths is not None:
            group = group[:, : int(lengths.max())]
        signal = prepare(own(group, lengths), lengths)
        view = signal.unfold(-1, width, hop_length)
        few = max(1, at_once // (signal.element_size() * width * len(group)))
        present = int(counted(group.shape[-1]))
        row = [of(view[:, frame : min(frame + few, present)]) for frame in range(0, present, few)]
        if present < count:
            row.append(row[0].new_zeros(len(group), count - present, row[0].shape[-1]))
        rows.append(_joined(row, 1))
    values = _joined(rows, 0)
    values = values.reshape(*x.shape[:-1], *values.shape[-2:])
    return values, None if sizes is None else torch.arange(count, device=x.device) < counted(sizes)[..., None]


def _joined(parts: list[Tensor], dim: int) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)


class Bands:
    """Bands of the power spectrum: ``weights (bands, bins) @ |FFT|^2``, for frames of any number.

    The FFT's real and imaginary parts lie side by side in memory; every weight is there twice, so that the product
    sums the two squares as well. Bands are taken in groups, each over the bins that it touches.
    """

    def __init__(self, weights: Weights, n_fft: int) -> None:
        self.n_fft = n_fft
        self.bands = len(weights)
        self._groups: list[tuple[int, int, Tensor]] = []
        for start in range(0, len(weights), _GROUP):
            group = weights[start : start + _GROUP]
            touched = np.flatnonzero(np.any(group != 0, axis=0))
            first, last = (int(touched[0]), int(touched[-1]) + 1) if touched.size else (0, 1)
            twice = torch.as_tensor(group[:, first:last].copy()).T.repeat_interleave(2, dim=0)
            self._groups.append((2 * first, 2 * last, twice.contiguous()))
        self._made: dict[tuple[torch.dtype, torch.device], list[tuple[int, int, Tensor]]] = {}

    def __call__(self, windowed: Tensor, dtype: torch.dtype) -> Tensor:
        """(..., frames, samples) to (..., frames, bands) in ``dtype``."""
        key = (dtype, windowed.device)
        if key not in self._made:
            self._made[key] = [(first, last, group.to(key[1], dtype)) for first, last, group in self._groups]
        parts = torch.view_as_real(torch.fft.rfft(windowed, self.n_fft)).flatten(-2).to(dtype)
        squares = (parts * parts if parts.requires_grad else parts.square_()).reshape(-1, parts.shape[-1])
        bands = [squares[:, first:last] @ group for first, last, group in self._made[key]]
        return _joined(bands, 1).reshape(*windowed.shape[:-1], self.bands)


@lru_cache(maxsize=64)
def bands_of(make: Callable[..., Weights], n_fft: int, sample_rate: float, *arguments: Any, **named: Any) -> Bands:
    """`Bands` of a maker from `features_filters`, kept for the next call."""
    return Bands(make(sample_rate, n_fft, *arguments, **named), n_fft)


def band_powers(
    x: Tensor, bands: Bands, *, hop_length: int, win_length: int | None = None, center: bool = True,
    pad_mode: str = "constant", exact: bool = True, lengths: Lengths = None,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Power in bands of every Hann-windowed frame.

    Returns
    -------
    (..., frames, bands) and a mask (..., frames) of the frames that every item has (None without lengths)
    """
    n_fft = bands.n_fft
    width = n_fft if win_length is None else win_length
    if not 0 < width <= n_fft or hop_length < 1:
        raise UsageError(
            f"win_length {width}, n_fft {n_fft}, hop_length {hop_length}: 0 < win_length <= n_fft and hop_length >= 1"
        )
    x, sizes = checked(x, width if center else n_fft, lengths)
    working = working_dtype(x, exact)
    window = hann(width, n_fft, working, x.device)
    return collect(
        x, sizes, lambda part, own: centred(part.to(working), n_fft, pad_mode, own) if center else part.to(working),
        lambda part: bands(part * window, x.dtype), n_fft, hop_length,
        lambda samples: frame_counts(samples, n_fft, hop_length, center),
    )  # fmt: skip
