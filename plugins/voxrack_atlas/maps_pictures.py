"""Pictures of maps, neighbours, priors and draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .pictures import COLOURS, sheet

if TYPE_CHECKING:
    import pandas

    from .choosing import Choice
    from .collection import Collection
    from .prior import Prior

_CATEGORIES = 10  # that are told apart by colour
_CLOUD = 1000  # draws that stand for a prior


def map_figure(found: pandas.DataFrame, collection: Collection, colour: str | None, method: str) -> Any:
    """The presets on the plane, coloured by a parameter or by what is known of them."""
    figure, grid = sheet(1, 1, 7.0, 6.0)
    axes = grid[0, 0]
    x, y = found["x"].to_numpy(), found["y"].to_numpy()
    if colour is None:
        axes.scatter(x, y, s=18, color=COLOURS["first"])
    else:
        _coloured(figure, axes, x, y, _values(collection, colour), colour)
    axes.set(xticks=[], yticks=[], title=f"{len(collection)} presets, {'t-SNE' if method == 'tsne' else 'UMAP'}")
    axes.set_aspect("equal", "datalim")
    return figure


def nearest_figure(found: pandas.DataFrame, title: str) -> Any:
    """Distances as bars."""
    figure, grid = sheet(1, 1, 7.0, 1.0 + 0.3 * len(found))
    axes = grid[0, 0]
    places = np.arange(len(found))[::-1]
    axes.barh(places, found["distance"], color=COLOURS["first"])
    axes.set_yticks(places, list(found["name"]))
    axes.set(xlabel="distance", title=f"nearest to {title}")
    return figure


def prior_figure(choice: Choice) -> Any:
    """How well each kind explains held-out presets, with two standard errors."""
    table = choice.table[np.isfinite(choice.table["log_likelihood"])]
    figure, grid = sheet(1, 1, 6.5, 1.2 + 0.35 * len(table))
    axes = grid[0, 0]
    places = np.arange(len(table))[::-1]
    axes.errorbar(table["log_likelihood"], places, xerr=2.0 * table["standard_error"], fmt="o",
                  color=COLOURS["first"], ecolor=COLOURS["quiet"])  # fmt: skip
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_yticks(places, list(table["kind"]))
    axes.set(xlabel="log-likelihood of held-out presets, nats (± 2 standard errors)")
    return figure


def draws_figure(prior: Prior, drawn: NDArray[np.float64], real: NDArray[np.float64] | None) -> Any:
    """Draws on the two main directions of the real presets (of the prior, where there are none), and how probable."""
    basis = prior.sample(_CLOUD, np.random.default_rng(0)) if real is None else real
    centre, scale = basis.mean(axis=0), np.where(basis.std(axis=0) > 0.0, basis.std(axis=0), 1.0)
    directions = np.linalg.svd((basis - centre) / scale, full_matrices=False)[2][:2]
    figure, grid = sheet(1, 2, 5.0, 4.2)
    label = "the prior" if real is None else "held-out presets"
    for points, name, colour, size in ((basis, label, "quiet", 10), (drawn, "draws", "second", 14)):
        plane = ((points - centre) / scale) @ directions.T
        grid[0, 0].scatter(*plane.T[:2], s=size, alpha=0.6, color=COLOURS[colour], label=name)
        surprise = -prior.log_density(points)
        grid[0, 1].hist(surprise, 30, density=True, alpha=0.6, color=COLOURS[colour], label=name)
    grid[0, 0].set(xlabel="first direction", ylabel="second direction")
    grid[0, 0].legend()
    grid[0, 1].set(xlabel="−log density, nats", yticks=[], title=f"prior {prior.name}")
    return figure


def _values(collection: Collection, name: str) -> NDArray[Any]:
    if name in collection.columns:
        return collection.values[:, collection.columns.index(name)]
    return collection.meta[name].to_numpy()


def _coloured(figure: Any, axes: Any, x: Any, y: Any, values: NDArray[Any], name: str) -> None:
    if values.dtype.kind in "fiu":
        shown = np.where(np.isfinite(values.astype(float)), values.astype(float), np.nan)
        low, high = np.nanquantile(shown, (0.02, 0.98))
        figure.colorbar(axes.scatter(x, y, c=shown, s=18, vmin=low, vmax=high), ax=axes, label=name)
        return
    text = values.astype(str)
    kinds, counts = np.unique(text, return_counts=True)
    for number, kind in enumerate(kinds[np.argsort(-counts)][:_CATEGORIES]):
        axes.scatter(x[text == kind], y[text == kind], s=18, color=f"C{number}", label=kind)
    others = ~np.isin(text, kinds[np.argsort(-counts)][:_CATEGORIES])
    axes.scatter(x[others], y[others], s=8, color=COLOURS["quiet"], label="others" if others.any() else None)
    axes.legend(fontsize="small")
