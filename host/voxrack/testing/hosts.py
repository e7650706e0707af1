"""A host that also knows a plugin, or a device, which nobody has installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..device import DeviceSpec
from ..hooks import hookimpl
from ..host import Host


def host_with(plugin: object, name: str = "test", discover: bool = True) -> Host:
    """A host with the installed plugins and one more.

    Parameters
    ----------
    plugin : object
        A module or object with ``@hookimpl`` functions, or a DeviceSpec, or several.
    name : str
        The plugin's name in listings.
    discover : bool
        False: without the installed plugins.
    """
    if isinstance(plugin, DeviceSpec):
        plugin = Bundle((plugin,))
    elif isinstance(plugin, Iterable):
        plugin = Bundle(plugin)
    return Host(plugins={name: plugin}, discover=discover)


class Bundle:
    """A plugin made of specifications."""

    def __init__(self, specs: Iterable[Any], services: Mapping[str, str] | None = None) -> None:
        self.specs = tuple(specs)
        self.services = dict(services or {})

    @hookimpl
    def voxrack_devices(self) -> tuple[Any, ...]:
        return self.specs

    @hookimpl
    def voxrack_services(self) -> dict[str, str]:
        return self.services
