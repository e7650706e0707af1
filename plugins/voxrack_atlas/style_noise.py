"""How far two songs lie apart in an embedding although they went through one preset: what a match must not fit.

A search that ignores it turns knobs until the rendering has the other singer's pitch range and phrasing. Measured on
songs (``benchmarks/style.py``): with it the optimisation gains, without it it loses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Audio

from .embedding import Embedding
from .style_target import checked

Array = NDArray[np.float64]
LEAST = 3  # vocals from which a covariance is made
SINGERS = 2.0  # by how much singers differ more than the readers behind what ships, in variance
PIECES = 4.0  # by how much songs differ more than 2 s pieces of one
_SHRINK = 0.3  # share by which correlations are made smaller: few vocals say little of them
_FLOOR = 0.05  # of a feature's deviation over presets
_SHIPPED = "content_noise.safetensors"


def of_vocals(
    embedding: Embedding, vocals: Iterable[Audio], rows: Sequence[Array], play: Callable[[Array, Audio], Audio]
) -> Array:
    """Covariance (d, d) of the difference between two vocals under one preset.

    Parameters
    ----------
    embedding : Embedding
    vocals : iterable of Audio
        Dry, at one level, three or more.
    rows : sequence of ndarray
        Settings under which each is rendered; the covariance is averaged over them.
    play : callable
        ``play(row, vocal)``.
    """
    table = np.array([[checked(embedding, embedding(play(row, vocal))) for row in rows] for vocal in vocals])
    return 2.0 * within(table)


def within(table: Array) -> Array:
    """Covariance (d, d) over vocals of vectors (vocals, presets, d), averaged over presets."""
    off = (table - table.mean(axis=0)).reshape(-1, table.shape[-1])
    return off.T @ off / ((table.shape[0] - 1) * table.shape[1])


def usual(embedding: Embedding, scale: Array) -> Array:
    """Where no vocals are given: for ``music`` from readers of LibriSpeech; for others from 2 s pieces of the vocal.

    Parameters
    ----------
    scale : ndarray, shape (d,)
        See :class:`voxrack_atlas.style_target.Target`.
    """
    from .embedding import Music

    if isinstance(embedding, Music):
        return 2.0 * SINGERS * shipped()["covariance"]
    return np.diag(PIECES * scale**2)


@cache
def shipped() -> dict[str, Any]:
    """``covariance`` (33, 33) of ``music`` over readers, that ships with voxrack; see data/NOTICE."""
    from safetensors.numpy import load_file

    with as_file(files("voxrack_atlas") / "data" / _SHIPPED) as path:
        return dict(load_file(path))


def whitener(covariance: Array, vectors: Array) -> Array:
    """A matrix (d, d) by which a difference of vectors, multiplied from the right, has uncorrelated parts of unit
    variance where only the song differs.

    Parameters
    ----------
    covariance : ndarray, shape (d, d)
    vectors : ndarray, shape (n, d)
        Of the dry vocal under many presets: what hardly differs between them is not trusted to a hair.
    """
    shrunk = (1.0 - _SHRINK) * covariance
    variance = np.diag(covariance) + (_FLOOR * np.asarray(vectors).std(axis=0)) ** 2 + 1e-4
    np.fill_diagonal(shrunk, variance)
    return np.asarray(np.linalg.cholesky(np.linalg.inv(shrunk)), dtype=np.float64)
