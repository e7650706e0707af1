"""Signals into frames and what is made of them: batched, aware of lengths, in bounded memory.

A batch is padded at its end. With ``lengths`` every item is treated as if it stood alone: what lies beyond its end is
ignored whatever it is, and frames that it does not have come out as zeros.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from .errors import InputError, UsageError

Lengths = Tensor | Sequence[int] | None
# Bytes of frames that are windowed at once: what a core's cache holds, on other devices what keeps them busy.
_AT_ONCE = {"cpu": 1 << 20}
_AT_ONCE_ELSEWHERE = 1 << 28


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
    """``x`` (clips, samples) with zeros beyond every clip's end (None: all are whole); refuses what is not finite."""
    if sizes is not None:
        x = torch.where(torch.arange(x.shape[-1], device=x.device) < sizes[:, None], x, x.new_zeros(()))
    # One pass that writes nothing; a sum that overflows is looked into.
    if not math.isfinite(float(x.detach().sum())) and not bool(torch.isfinite(x.detach()).all()):
        raise InputError("samples that are not finite (NaN or infinity); mend them: torch.nan_to_num(x, 0, 0, 0)")
    return x


def _short(have: int, needed: int, what: str) -> InputError:
    return InputError(f"{have} samples are shorter than one {what} of {needed}; pad with zeros or take a shorter one")


def frame_counts(length: Any, n_fft: int, hop_length: int, center: bool = True) -> Any:
    """Frames of a signal of ``length`` samples (an int or a tensor of ints), as librosa counts them."""
    return 1 + (length + (2 * (n_fft // 2) if center else 0) - n_fft) // hop_length


@lru_cache(maxsize=64)
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
    finish: Callable[[Tensor, Tensor, Tensor | None], Tensor] | None = None, at_once: int = 1,
) -> Tensor:  # fmt: skip
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
    finish : optional
        Gets what ``of`` made of whole clips, their frames (clips, frames, width), and which of these each clip has
        (clips, frames; None: all); returns (clips, frames, other values). So every clip is done with while it is warm.
    at_once : int
        How many times the frames that a cache holds ``of`` is given at once; more than 1 where it takes `pieces`.

    Returns
    -------
    (..., frames, values), zeros in frames that a clip does not have
    """
    count = int(counted(x.shape[-1]))
    many = max(1, _bytes_at_once(x.device) // (x.element_size() * width * count))
    flat = x.reshape(-1, x.shape[-1])
    each = [x.shape[-1]] * len(flat) if sizes is None else sizes.reshape(-1).tolist()
    rows = []
    for clip in range(0, len(flat), many):
        own_lengths, lengths, mask = each[clip : clip + many], None, None
        group = flat[clip : clip + many, : max(own_lengths)]
        if min(own_lengths) < max(own_lengths):
            lengths = torch.tensor(own_lengths, device=x.device)
            mask = torch.arange(int(counted(max(own_lengths))), device=x.device) < counted(lengths)[:, None]
        signal = prepare(own(group, lengths), lengths)
        present = int(counted(group.shape[-1]))
        view = signal.unfold(-1, width, hop_length)[:, :present]
        row = _joined([of(part) for part in pieces(view, at_once)], 1)
        row = row if finish is None else finish(row, view, mask)
        row = row if mask is None else torch.where(mask[..., None], row, row.new_zeros(()))
        rows.append(row if present == count else torch.nn.functional.pad(row, (0, 0, 0, count - present)))
    values = _joined(rows, 0)
    return values.reshape(*x.shape[:-1], *values.shape[-2:])


def pieces(frames: Tensor, times: int = 1) -> tuple[Tensor, ...]:
    """Frames (..., frames, width) in nearly equal parts, each at most ``times`` what a core's cache holds."""
    parts = -(-frames.numel() * frames.element_size() // _bytes_at_once(frames.device, times))
    return frames.split(max(1, -(-frames.shape[-2] // max(1, parts))), -2)


def _bytes_at_once(device: torch.device, times: int = 1) -> int:
    return _AT_ONCE["cpu"] * torch.get_num_threads() * times if device.type == "cpu" else _AT_ONCE_ELSEWHERE


def _joined(parts: list[Tensor], dim: int) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)
