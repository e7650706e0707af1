"""Multi-resolution spectral losses of a stereo item, fast on the CPU (DiffVox spec, section 8).

One complex transform of left + i right serves left, right, middle and side; frames are handled in blocks that
stay in the cache; the gradient is analytic. ``reference.spectral`` says the same in plain torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from . import stft_kernels as kernels
from .reference import SIZES

_BLOCK = 1 << 15  # complex numbers in a block of frames
Real = NDArray[np.floating]


@cache
def window(size: int, single: bool) -> Real:
    """Periodic Hann window."""
    return torch.hann_window(size, dtype=torch.float64).numpy().astype(np.float32 if single else np.float64)


def frame_count(frames: int, size: int) -> int:
    """How many frames a centred transform with a hop of a quarter has."""
    return 1 + frames // (size // 4)


def blocks(frames: int, size: int) -> Iterator[tuple[int, int]]:
    """First and last frame of each block."""
    count, step = frame_count(frames, size), max(1, _BLOCK // size)
    for first in range(0, count, step):
        yield first, min(first + step, count)


def transform(signal: Real, size: int, first: int, last: int) -> Real:
    """Parts (frames, 4, bins: left re, im, right re, im) of frames ``first`` to ``last`` of ``signal`` (2, T)."""
    framed = np.empty((last - first, size, 2), signal.dtype)
    kernels.take_frames(signal, window(size, signal.dtype == np.float32), size // 4, first, framed)
    spectrum = torch.view_as_real(torch.fft.fft(torch.view_as_complex(torch.from_numpy(framed)))).numpy()
    parts = np.empty((last - first, 4, size // 2 + 1), signal.dtype)
    kernels.unpack(spectrum, parts)
    return parts


class WantedSpectrum:
    """Magnitudes of left, right, middle and side of a weighted signal (2, T) at one window size.

    Parameters
    ----------
    signal : array, shape (2, T)
    size : int
    keep : bool
        Keep the magnitudes (16 bytes a bin in float32), or compute each block again when it is asked for.
    """

    def __init__(self, signal: Real, size: int, keep: bool) -> None:
        self._signal, self._size = signal, size
        self.energy = np.zeros(4)  # sum of squares by signal
        self._kept: dict[int, Real] = {}
        for first, last in blocks(signal.shape[1], size):
            block = self._compute(first, last)
            kernels.squares(block, self.energy)
            if keep:
                self._kept[first] = block

    def block(self, first: int, last: int) -> Real:
        """Magnitudes (frames, 4, bins)."""
        kept = self._kept.get(first)
        return self._compute(first, last) if kept is None else kept

    def _compute(self, first: int, last: int) -> Real:
        return magnitudes(transform(self._signal, self._size, first, last))


def magnitudes(parts: Real) -> Real:
    """Magnitudes (frames, 4, bins) of left, right, middle, side."""
    out = np.empty_like(parts)
    kernels.magnitudes(parts, out)
    return out


def measure(
    signal: Real, wanted: WantedSpectrum, size: int, keep: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Real]]:
    """Sums of (Y - X)^2 by signal (4,), of |ln X - ln Y| of left and right, and of middle and side (2,); and the
    parts of every block where ``keep``.
    """
    square, logs, kept, bins = np.zeros(4), np.zeros(2), [], size // 2 + 1
    ratio, mantissa = np.empty(bins, signal.dtype), np.empty(bins, np.float32)
    single = signal.dtype == np.float32
    for first, last in blocks(signal.shape[1], size):
        parts = transform(signal, size, first, last)
        found, hoped = magnitudes(parts), wanted.block(first, last)
        kernels.distances(found, hoped, ratio, mantissa, mantissa.view(np.int32), single, square, logs)
        if keep:
            kept.append(parts)
    return square, logs, kept


def slope(
    kept: list[Real], wanted: WantedSpectrum, size: int, frames: int, pull: NDArray[np.float64],
    push: NDArray[np.float64],
) -> Real:  # fmt: skip
    """Gradient (2, frames) by the weighted signal, see :func:`stft_kernels.gradients`."""
    dtype = kept[0].dtype
    out, scratch = np.zeros((2, frames), dtype), np.empty((4, size // 2 + 1), dtype)
    near, far = pull.astype(dtype), push.astype(dtype)
    for parts, (first, last) in zip(kept, blocks(frames, size), strict=True):
        packed = np.empty((last - first, size, 2), dtype)
        kernels.gradients(parts, wanted.block(first, last), near, far, scratch, packed)
        inverse = torch.fft.ifft(torch.view_as_complex(torch.from_numpy(packed)), norm="forward")
        framed = torch.view_as_real(inverse).numpy()
        kernels.add_frames(framed, window(size, dtype == np.float32), size // 4, first, out)
    return out


__all__ = ["SIZES", "WantedSpectrum", "measure", "slope"]
