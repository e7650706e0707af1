"""How features move: regression slopes over neighbouring frames, in the two published manners."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from .errors import InputError, UsageError
from .features_frames import Lengths


def deltas(features: Tensor, n: int = 2, dim: int = -2, lengths: Lengths = None) -> Tensor:
    """Slope a frame over ``2 n + 1`` frames, ends repeated: ``python_speech_features.delta``.

    ``d[t] = sum_k k (c[t+k] - c[t-k]) / (2 sum_k k^2)``, k = 1 … n

    Parameters
    ----------
    features : Tensor
        Frames along ``dim`` (the filter banks here: -2, the MFCC: -1), any number of dimensions before.
    lengths : (...) int
        Frames of each item of a padded batch; the rest comes out as zeros.

    Returns
    -------
    Tensor of the same shape
    """
    if n < 1:
        raise UsageError(f"deltas over n = {n} frames to each side: n must be at least 1")
    moved, sizes = _checked(features, 1, dim, lengths)
    total = sum(k * (_at(moved, k, sizes) - _at(moved, -k, sizes)) for k in range(1, n + 1))
    return _finished(torch.as_tensor(total) / (2 * sum(k * k for k in range(1, n + 1))), sizes, dim)


def librosa_deltas(features: Tensor, width: int = 9, order: int = 1, dim: int = -1, lengths: Lengths = None) -> Tensor:
    """Derivative of the least-squares polynomial over ``width`` frames: ``librosa.feature.delta``.

    Savitzky-Golay with polynomials of degree ``order``, whose ``order``-th derivative is a constant: half a window at
    either end has the value of the nearest whole window (SciPy's mode ``interp``).

    Raises
    ------
    InputError
        Fewer than ``width`` frames.
    """
    if width < 3 or width % 2 == 0 or order < 1 or order >= width:
        raise UsageError(f"width {width}, order {order}: an odd width of at least 3 and 1 <= order < width are needed")
    moved, sizes = _checked(features, width, dim, lengths)
    half = width // 2
    powers = np.arange(-half, half + 1)[:, None] ** np.arange(order + 1, dtype=np.float64)
    taps = torch.as_tensor(math.factorial(order) * np.linalg.pinv(powers)[order]).to(moved)
    inner = moved.unfold(-1, width, 1) @ taps
    place = torch.arange(moved.shape[-1], device=moved.device) - half
    if sizes is None:
        return _finished(inner[..., place.clamp(0, inner.shape[-1] - 1)], None, dim)
    place = torch.minimum(place.clamp_min(0), (sizes - width)[..., None])
    return _finished(_gathered(inner, place), sizes, dim)


def _checked(features: Tensor, needed: int, dim: int, lengths: Lengths) -> tuple[Tensor, Tensor | None]:
    """Features with the frames last and lengths as a tensor (...)."""
    if not isinstance(features, Tensor) or not features.dtype.is_floating_point:
        raise InputError("deltas need a floating-point tensor of features")
    if features.ndim < 2:
        raise InputError(f"features have shape {tuple(features.shape)}; frames and bands (two dimensions) are needed")
    if dim not in (-1, -2):
        raise UsageError(f"frames along dimension {dim}: -1 and -2 are possible")
    moved = features.transpose(-1, dim)
    sizes = None if lengths is None else torch.as_tensor(lengths, device=moved.device).long()
    if sizes is not None and sizes.shape != moved.shape[:-2]:
        raise InputError(f"lengths {tuple(sizes.shape)} do not fit features {tuple(features.shape)}")
    fewest = moved.shape[-1] if sizes is None else int(sizes.min())
    if fewest < needed:
        raise InputError(f"{fewest} frames are fewer than the {needed} that deltas look at; take a smaller width")
    if sizes is not None and int(sizes.max()) > moved.shape[-1]:
        raise InputError(f"a length of {int(sizes.max())} frames was given, but there are {moved.shape[-1]}")
    return moved, sizes


def _at(moved: Tensor, by: int, sizes: Tensor | None) -> Tensor:
    """Frames ``by`` later, the last (and first) repeated."""
    place = (torch.arange(moved.shape[-1], device=moved.device) + by).clamp_min(0)
    if sizes is None:
        return moved[..., place.clamp_max(moved.shape[-1] - 1)]
    return _gathered(moved, torch.minimum(place, sizes[..., None] - 1))


def _gathered(moved: Tensor, place: Tensor) -> Tensor:
    return torch.gather(moved, -1, place[..., None, :].expand(*moved.shape[:-1], -1))


def _finished(values: Tensor, sizes: Tensor | None, dim: int) -> Tensor:
    if sizes is not None:
        present = torch.arange(values.shape[-1], device=values.device) < sizes[..., None, None]
        values = torch.where(present, values, values.new_zeros(()))
    return values.transpose(-1, dim)
