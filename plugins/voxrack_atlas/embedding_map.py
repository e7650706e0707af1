"""A map of a collection: neighbours stay neighbours, on a plane (t-SNE, or UMAP where it is installed)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from voxrack.errors import UsageError

from .collection import Collection

if TYPE_CHECKING:
    import pandas

    from .spaces import SpaceName

Method = Literal["tsne", "umap"]
_MOST_COLUMNS = 50  # principal components that t-SNE and UMAP are given, as their authors advise
_LEAST = 5


def embedding_map(
    collection: Collection,
    method: Method = "tsne",
    *,
    space: SpaceName = "auto",
    neighbours: int = 15,
    standardise: bool = True,
    seed: int = 0,
) -> pandas.DataFrame:
    """Place each preset on a plane.

    Parameters
    ----------
    collection : Collection
        Of five presets or more.
    method : {"tsne", "umap"}
        t-SNE (van der Maaten and Hinton, 2008; scikit-learn's) or UMAP (McInnes et al., 2018; umap-learn's, extra
        ``atlas``).
    space : {"auto", "raw", "perceptual", "logit"}
    neighbours : int
        How many count as near: the perplexity of t-SNE, ``n_neighbors`` of UMAP. Lowered to a third of the presets.
    standardise : bool
        Divide each column by its standard deviation first.
    seed : int

    Returns
    -------
    DataFrame
        ``name``, ``x``, ``y``, and ``kept``: the share of a preset's nearest ``neighbours`` in the space that are
        among its nearest on the map.
    """
    from pandas import DataFrame
    from sklearn.decomposition import PCA

    collection.need(_LEAST, "a map")
    if method not in ("tsne", "umap") or neighbours < 2:
        raise UsageError(f"a map is made by tsne or umap, with 2 neighbours or more; got {method}, {neighbours}")
    points = collection.points(space)
    points = points - points.mean(axis=0)
    if standardise:
        scale = points.std(axis=0)
        points = points / np.where(scale > 1e-12, scale, 1.0)
    near = max(2, min(neighbours, (len(points) - 1) // 3))
    most = min(_MOST_COLUMNS, *points.shape)
    reduced = PCA(most, svd_solver="full").fit_transform(points)
    plane = _tsne(reduced, near, seed) if method == "tsne" else _umap(reduced, near, seed)
    return DataFrame({
        "name": list(collection.names), "x": plane[:, 0], "y": plane[:, 1], "kept": kept(points, plane, near)
    })  # fmt: skip


def kept(points: np.ndarray, plane: np.ndarray, near: int) -> np.ndarray:
    """Share (n,) of the ``near`` nearest points (n, d) that are among as many nearest on the plane (n, 2)."""
    from sklearn.neighbors import NearestNeighbors

    own, found = (
        NearestNeighbors(n_neighbors=near).fit(table).kneighbors(return_distance=False) for table in (points, plane)
    )
    return np.array([len(np.intersect1d(a, b)) / near for a, b in zip(own, found)])


def _tsne(points: np.ndarray, near: int, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    start = "pca" if points.shape[1] >= 2 else "random"
    return TSNE(perplexity=near, init=start, learning_rate="auto", random_state=seed).fit_transform(points)


def _umap(points: np.ndarray, near: int, seed: int) -> np.ndarray:
    from voxrack.commands.common import need

    need("umap", "a map by UMAP", "atlas")
    from umap import UMAP  # pyright: ignore[reportMissingImports] - of an extra

    return np.asarray(UMAP(n_neighbors=near, random_state=seed, n_jobs=1).fit_transform(points))
