"""The five things a plugin can offer. Entry-point group: ``voxrack.plugins``.

A plugin is a module (or any object) with functions of these names marked ``@hookimpl``; it imports
nothing heavy at its top, because ``voxrack plugins`` imports every plugin to list it.

On a machine that only trains there may be no pluggy: marks then do nothing, a plugin's package can be imported
all the same, and :mod:`voxrack.bare` calls its functions by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from .device import DeviceSpec
from .recipe import RecipeSpec

try:
    import pluggy
except ModuleNotFoundError:
    pluggy = None

if TYPE_CHECKING:
    import click

PROJECT = "voxrack"
GROUP = "voxrack.plugins"
hookspec: Any = pluggy.HookspecMarker(PROJECT) if pluggy else lambda function: function
hookimpl: Any = pluggy.HookimplMarker(PROJECT) if pluggy else lambda function: function


@hookspec
def voxrack_devices() -> Iterable[DeviceSpec]:  # pyright: ignore[reportReturnType]
    """Specifications of the devices this plugin offers."""


@hookspec
def voxrack_presets() -> Iterable[Traversable]:  # pyright: ignore[reportReturnType]
    """Folders of preset JSON files."""


@hookspec
def voxrack_recipes() -> Iterable[RecipeSpec]:  # pyright: ignore[reportReturnType]
    """Recipes: how this plugin's learned devices are prepared, trained and evaluated."""


@hookspec
def voxrack_services() -> Mapping[str, str]:  # pyright: ignore[reportReturnType]
    """Name to ``"module:function"`` that other plugins may ask the host for."""


@hookspec
def voxrack_commands(cli: click.Group) -> None:
    """Add verbs to the command line."""
