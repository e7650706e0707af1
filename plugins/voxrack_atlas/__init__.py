"""Collections of presets: import of the published ones of DiffVox. Adds the verb ``atlas``.

The public names are imported when they are first used, so that listing plugins stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from voxrack.hooks import hookimpl

if TYPE_CHECKING:
    import click

_PLACES = {"from_diffvox": "diffvox", "to_diffvox": "diffvox", "import_diffvox": "published"}
__all__ = sorted(_PLACES)  # pyright: ignore[reportUnsupportedDunderAll]


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
