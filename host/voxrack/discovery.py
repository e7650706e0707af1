"""Finding and loading plugins, each on its own: what one does wrong is written down and hurts no other."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from importlib.resources.abc import Traversable
from typing import Any, Literal

import pluggy

from . import hooks
from .device import DeviceSpec
from .errors import Stopped
from .params import suggest
from .recipe import RecipeSpec, check_recipe

BUILT_IN = "voxrack"  # the distribution whose plugins are loaded first
Status = Literal["loaded", "disabled", "failed", "unavailable", "shadowed"]


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """How one plugin fares.

    Parameters
    ----------
    name : str
        Its entry point's name; ``VOXRACK_DISABLE`` takes it.
    distribution, version : str
        What was installed to get it; empty for a plugin handed over as an object.
    status : {"loaded", "disabled", "failed", "unavailable", "shadowed"}
        The worst that is to be said of it. ``failed`` and ``shadowed`` may be true of a part only: its
        other devices work.
    error : str
        Why; empty where everything works.
    devices : tuple of str
        Ids of the devices it offers, usable or not.
    """

    name: str
    distribution: str
    version: str
    status: Status
    error: str = ""
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """One offered device: ``available``, or the reason why not (``unavailable``, ``shadowed``, ``failed``)."""

    spec: DeviceSpec
    plugin: str
    status: Literal["available", "unavailable", "shadowed", "failed"] = "available"
    reason: str = ""


@dataclass
class Plugin:
    """A plugin on its way into the host: what it offers, and what went wrong with it so far."""

    name: str
    source: EntryPoint | object
    distribution: str = ""
    version: str = ""
    disabled: bool = False
    manager: pluggy.PluginManager | None = None  # None: not loaded
    devices: list[DeviceEntry] = field(default_factory=list)
    presets: list[Traversable] = field(default_factory=list)
    recipes: list[RecipeSpec] = field(default_factory=list)
    services: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    shadows: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """``"fx (voxrack 0.1.0)"``: which plugin an error message means."""
        return f"{self.name} ({self.distribution} {self.version})" if self.distribution else self.name

    def status(self) -> PluginStatus:
        reasons = [e.reason for e in self.devices if e.status == "unavailable"]
        state: Status = "loaded"
        if self.disabled:
            state, reasons = "disabled", ["switched off by disabled= or VOXRACK_DISABLE"]
        elif self.failures:
            state = "failed"
        elif self.shadows:
            state = "shadowed"
        elif self.devices and all(e.status == "unavailable" for e in self.devices):
            state = "unavailable"
        error = "; ".join(dict.fromkeys([*self.failures, *self.shadows, *reasons]))
        ids = tuple(sorted(str(e.spec.id) for e in self.devices))
        return PluginStatus(self.name, self.distribution, self.version, state, error, ids)


def find(given: Mapping[str, object], discover: bool, disabled: Iterable[str]) -> list[Plugin]:
    """All plugins in the order in which they are loaded: built-in, handed over, then the others by name."""
    off = set(disabled)
    installed: list[Plugin] = []
    for point in entry_points(group=hooks.GROUP) if discover else ():
        name, version = (point.dist.name, point.dist.version) if point.dist else ("", "")
        # made anew: where the backport `importlib_metadata` was imported (Dask does), they are of another class
        installed.append(Plugin(point.name, EntryPoint(point.name, point.value, point.group), name, version))
    installed.sort(key=lambda plugin: (plugin.name, plugin.distribution))
    built_in = [plugin for plugin in installed if plugin.distribution == BUILT_IN]
    others = [plugin for plugin in installed if plugin.distribution != BUILT_IN]
    plugins = [*built_in, *(Plugin(name, source) for name, source in given.items()), *others]
    taken: dict[str, Plugin] = {}
    for plugin in plugins:
        plugin.disabled = plugin.name in off
        first = taken.setdefault(plugin.name, plugin)
        if first is not plugin:
            plugin.shadows.append(f"the name '{plugin.name}' is already taken by plugin {first.title}")
    return plugins


def load(plugin: Plugin) -> None:
    """Import ``plugin``, register it and collect what it offers; failures end up in ``plugin.failures``."""
    ok, module = attempt(plugin, "its import", lambda: _import(plugin.source))
    if not ok:
        return
    # A manager of its own for every plugin: an exception in one hook would stop the calls to all that follow.
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    if not attempt(plugin, "its registration", lambda: manager.register(module, plugin.name))[0]:
        return
    callers = manager.get_hookcallers(module) or []
    known = [name for name in vars(hooks) if name.startswith("voxrack_")]
    for caller in callers:
        if not caller.has_spec():
            plugin.failures.append(f"there is no hook '{caller.name}'{suggest(caller.name, known)}")
    if not callers:
        plugin.failures.append(f"it offers nothing: mark functions named {', '.join(known)} with @voxrack.hookimpl")
        return
    plugin.manager = manager
    for spec in _collect(plugin, "voxrack_devices", list):
        if isinstance(spec, DeviceSpec):
            plugin.devices.append(DeviceEntry(spec, plugin.name))
        else:
            plugin.failures.append(f"voxrack_devices returned {spec!r}, which is no voxrack.DeviceSpec")
    for folder in _collect(plugin, "voxrack_presets", list):
        if isinstance(folder, Traversable) and folder.is_dir():
            plugin.presets.append(folder)
        else:
            plugin.failures.append(f"voxrack_presets returned {folder!r}, which is no folder")
    for recipe in _collect(plugin, "voxrack_recipes", list):
        if problem := check_recipe(recipe):
            plugin.failures.append(f"voxrack_recipes returned {getattr(recipe, 'id', recipe)!r}, {problem}")
        else:
            plugin.recipes.append(recipe)
    for name, target in _collect(plugin, "voxrack_services", lambda found: list(dict(found).items())):
        if isinstance(name, str) and isinstance(target, str) and ":" in target:
            plugin.services[name] = target
        else:
            plugin.failures.append(f"voxrack_services gave {name!r}: {target!r}; it maps names to 'module:function'")


def attempt(plugin: Plugin, what: str, action: Callable[[], Any]) -> tuple[bool, Any]:
    """Do ``action`` for ``plugin``: (True, result), or (False, None) and the error among its failures."""
    try:
        with redirect_stdout(sys.stderr):  # a plugin that prints must not spoil the JSON of the command line
            return True, action()
    except (KeyboardInterrupt, Stopped):
        raise
    except BaseException as error:  # SystemExit too: a plugin must not end the host
        last = traceback.extract_tb(error.__traceback__)[-1]
        plugin.failures.append(f"{what} raised {type(error).__name__}: {error} ({last.filename}:{last.lineno})")
        return False, None


def _import(source: EntryPoint | object) -> object:
    return source.load() if isinstance(source, EntryPoint) else source


def _collect(plugin: Plugin, hook: str, shape: Callable[[Any], list[Any]]) -> list[Any]:
    """The entries that the plugin's ``hook`` gives; none, and a failure, where it gives anything else."""
    assert plugin.manager is not None
    call = getattr(plugin.manager.hook, hook)
    ok, answers = attempt(plugin, hook, lambda: [entry for answer in call() for entry in shape(answer)])
    return answers if ok else []
