"""What candidates are compared by: the reference's vector, and how much each feature says about the effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Audio
from voxrack.errors import InputError

from .embedding import Embedding

Array = NDArray[np.float64]
PIECE = 2.0  # s
_SHARE = 0.01  # of a feature's spread over presets that is added to its spread over pieces
_LEAST = 0.05  # of the median scale of all features
_QUIET = 0.1  # of the whole's RMS: a quieter piece does not count


@dataclass(frozen=True)
class Target:
    """A reference in an embedding.

    Attributes
    ----------
    embedding : Embedding
    vector : ndarray, shape (d,)
        Of the reference.
    scale : ndarray, shape (d,)
        By which differences are divided: a feature's standard deviation over 2 s pieces of one vocal under one
        preset. What changes from word to word says little about the effects; what does not, much. Found on the dry
        vocal at hand; measured against the deviation over presets (``benchmarks/style.py``).
    """

    embedding: Embedding
    vector: Array
    scale: Array

    def distance(self, vectors: Array) -> Array:
        """Mean over features of the absolute difference in scales, (n,) of vectors (n, d)."""
        return np.abs((np.atleast_2d(vectors) - self.vector) / self.scale).mean(axis=1)


def target(embedding: Embedding, reference: Audio, rendered: Sequence[Audio], vectors: Array) -> Target:
    """The target of a reference.

    Parameters
    ----------
    embedding : Embedding
    reference : Audio
    rendered : sequence of Audio
        The dry vocal under a few presets.
    vectors : ndarray, shape (n, d)
        Of the dry vocal under many.
    """
    spread = np.asarray(vectors).std(axis=0)
    within = [within_pieces(embedding, audio) for audio in rendered]
    scale = np.sqrt(np.mean(np.square(within), axis=0)) + _SHARE * spread
    # what nothing moves here, but for rounding, must not drown the rest where the reference has another value
    least = _LEAST * float(np.median(scale)) or 1.0
    return Target(embedding, checked(embedding, embedding(reference)), np.maximum(scale, least))


def within_pieces(embedding: Embedding, audio: Audio) -> Array:
    """Standard deviation (d,) over pieces of 2 s that sound; of a recording under 6 s over its thirds. 0 where less
    than two of them sound."""
    size = min(round(PIECE * audio.sample_rate), audio.frames // 3)
    starts = range(0, audio.frames - size + 1, size)
    pieces = [Audio(audio.samples[:, start : start + size], audio.sample_rate) for start in starts]
    vectors = [checked(embedding, embedding(piece)) for piece in pieces if piece.rms > _QUIET * audio.rms]
    return np.std(vectors, axis=0, ddof=1) if len(vectors) > 1 else np.zeros(len(embedding.labels))


def two_channels(audio: Audio, what: str, sample_rate: int) -> Audio:
    """``audio`` at a sample rate, refused where it has more than two channels or less than 0.6 s."""
    if audio.channels > 2:
        raise InputError(f"{what} has {audio.channels} channels; it takes one or two")
    if audio.duration < 0.6:  # thirds of it are still heard by the embeddings
        raise InputError(f"{what} lasts {audio.duration:.3g} s; it takes 0.6 s or more")
    return audio.resample(sample_rate)


def checked(embedding: Any, vector: Any) -> Array:
    """The vector of an embedding as float64 (d,), refused where it is not what the labels say."""
    found = np.asarray(vector, dtype=np.float64)
    if found.shape != (len(embedding.labels),) or not np.isfinite(found).all():
        raise InputError(
            f"embedding '{embedding.name}' gave a vector of shape {found.shape}"
            f"{'' if np.isfinite(found).all() else ' with NaN or infinity'}; "
            f"its labels say ({len(embedding.labels)},) finite numbers"
        )
    return found
