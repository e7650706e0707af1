"""Collections of presets: what they have in common, what lies between them, new ones. Adds the verb ``atlas``.

The public names are imported when they are first used, so that listing plugins stays quick.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from voxrack.hooks import hookimpl

if TYPE_CHECKING:
    import click

_PLACES = {
    "Collection": "collection",
    "Projection": "projection",
    "collect": "collecting",
    "correlate": "correlation",
    "dataset": "dataset",
    "default_prior": "prior",
    "describe": "descriptors",
    "directions": "directions",
    "effect_matrix": "correlation",
    "embedding_map": "embedding_map",
    "fit_prior": "choosing",
    "from_diffvox": "diffvox",
    "import_diffvox": "published",
    "nearest": "nearest",
    "normality": "normal",
    "pca": "projection",
    "sample": "sampling",
    "space_of": "spaces",
    "stats": "statistics",
    "style_match": "style",
    "to_diffvox": "diffvox",
}
__all__ = sorted(_PLACES)  # pyright: ignore[reportUnsupportedDunderAll]


@hookimpl
def voxrack_services() -> Mapping[str, str]:
    return {
        "atlas-axes": "voxrack_atlas.directions:of_gaussian",
        "atlas-collection": "voxrack_atlas.collection:Collection",
        "atlas-correlate": "voxrack_atlas.correlation:correlate",
        "atlas-directions": "voxrack_atlas.directions:directions",
        "atlas-effects": "voxrack_atlas.correlation:effect_matrix",
        "atlas-map": "voxrack_atlas.embedding_map:embedding_map",
        "atlas-map-picture": "voxrack_atlas.maps_pictures:map_figure",
        "atlas-nearest": "voxrack_atlas.nearest:nearest",
        "atlas-pca": "voxrack_atlas.projection:pca",
        "atlas-pca-picture": "voxrack_atlas.pictures:pca_figure",
        "atlas-prior": "voxrack_atlas.prior:default_prior",
        "atlas-sample": "voxrack_atlas.sampling:sample",
        "atlas-space": "voxrack_atlas.spaces:space_of",
        "atlas-stats": "voxrack_atlas.statistics:stats",
        "atlas-stats-picture": "voxrack_atlas.pictures:stats_figure",
    }


@hookimpl
def voxrack_commands(cli: click.Group) -> None:
    from .cli import atlas  # pyright: ignore[reportAssignmentType] - it takes the module for the parameter

    cli.add_command(atlas)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_PLACES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})  # pluggy looks here for hooks


class _Package(ModuleType):
    """A submodule of the same name, once imported, does not hide a public function."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
