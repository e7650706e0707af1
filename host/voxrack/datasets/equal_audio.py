"""Equal audio: the hash of decoded samples, and the items that share one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .utterance import Item

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def audio_sha256(samples: ArrayLike) -> str:
    """SHA-256 of decoded audio: the same for a file, its copy and its lossless conversion to another format.

    Parameters
    ----------
    samples : array_like, shape (channels, frames) or (frames,)
        As decoded: hash before resampling, mixing down or any change of level. Compared as float32.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    import numpy as np

    array = np.atleast_2d(np.asarray(samples, dtype="<f4")) + np.float32(0.0)  # a negative zero becomes a zero
    digest = hashlib.sha256(f"{array.shape[0]} channels\n".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def duplicates(items: Sequence[Item]) -> tuple[tuple[int, ...], ...]:
    """Groups of indices of items with equal audio, each group of two or more, in order of the first."""
    groups: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        if item.sha256:
            groups.setdefault(item.sha256, []).append(index)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
