"""The five things a plugin can offer. Entry-point group: ``voxrack.plugins``.

A plugin is a module (or any object) with functions of these names marked ``@hookimpl``; it imports
nothing heavy at its top, because ``voxrack plugins`` imports every plugin to list it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

import pluggy

from .device import DeviceSpec

if TYPE_CHECKING:
    import click

PROJECT = "voxrack"
GROUP = "voxrack.plugins"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def voxrack_devices() -> Iterable[DeviceSpec]:  # pyright: ignore[reportReturnType]
    """Specifications of the devices this plugin offers."""


@hookspec
def voxrack_presets() -> Iterable[Traversable]:  # pyright: ignore[reportReturnType]
    """Folders of preset JSON files."""


@hookspec
def voxrack_recipes() -> Iterable[Any]:  # pyright: ignore[reportReturnType]
    """Recipes: how this plugin's learned devices are prepared, trained and evaluated."""


@hookspec
def voxrack_services() -> Mapping[str, str]:  # pyright: ignore[reportReturnType]
    """Name to ``"module:function"`` that other plugins may ask the host for."""


@hookspec
def voxrack_commands(cli: click.Group) -> None:
    """Add verbs to the command line."""
