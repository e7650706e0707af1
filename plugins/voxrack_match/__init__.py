"""Fitting a rack to a record: losses, differentiable racks, the evaluation protocol of DiffVox.

The public names are imported when they are first used, so that listing plugins stays quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from voxrack.hooks import hookimpl

if TYPE_CHECKING:
    import click

_PLACES = {
    "LOSS_WEIGHTS": "scoring",
    "Target": "target",
    "losses": "scoring",
    "total_loss": "scoring",
    "FitResult": "result",
    "FitView": "view",
    "RackModule": "rack_module",
    "compare": "comparison",
    "fit": "fitting",
    "render_module": "module_rendering",
    "vocal_rack": "vocal",
}
__all__ = sorted(_PLACES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_PLACES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})  # pluggy looks here for hooks


@hookimpl
def voxrack_services() -> Mapping[str, str]:
    return {
        "fit": "voxrack_match.fitting:fit",
        "fit-view": "voxrack_match.view:FitView",
        "fit-picture": "voxrack_match.report:figure",
        "compare": "voxrack_match.comparison:compare",
        "rack-module": "voxrack_match.rack_module:RackModule",
    }


@hookimpl
def voxrack_commands(cli: click.Group) -> None:
    from .ablate import ablate_command
    from .cli import fit_command  # pyright: ignore[reportAssignmentType] - it takes the module for the parameter

    cli.add_command(fit_command)
    cli.add_command(ablate_command)
