"""The host: discovers plugins, lists what they offer, creates devices."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from html import escape
from importlib import import_module
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .availability import brings_weights, why_unavailable
from .device import DeviceSpec
from .discovery import DeviceEntry, Plugin, PluginStatus, attempt, find, load
from .errors import PluginError, UsageError
from .params import suggest
from .recipe import RecipeSpec
from .speccheck import check_spec

if TYPE_CHECKING:
    import click

    from .instance import AnalyzerDevice, Device

__all__ = ["DeviceEntry", "Host", "PluginStatus", "default_host", "factory_folder"]


class Host:
    """Everything that is installed, by name.

    Parameters
    ----------
    plugins : mapping of str to object, optional
        Plugins handed over: modules or objects with ``@hookimpl`` functions.
    discover : bool
        Load the installed ones too (entry-point group ``voxrack.plugins``).
    disabled : iterable of str
        Names of plugins that are listed, but not loaded; ``VOXRACK_DISABLE=a,b`` adds to them.

    Raises
    ------
    PluginError
        Only with ``VOXRACK_STRICT=1``: some plugin failed, or two offer the same thing. Otherwise a
        plugin that fails is listed by :meth:`plugins` with its reason, and the others work.

    Notes
    -----
    Of two devices with one id the first loaded is used: built-in plugins first, then those handed
    over in their order, then the installed ones by name.
    """

    def __init__(
        self, plugins: Mapping[str, object] | None = None, discover: bool = True, disabled: Iterable[str] = ()
    ) -> None:
        if isinstance(disabled, str):
            raise UsageError(f"disabled takes a list of plugin names; got the text {disabled!r}: write [{disabled!r}]")
        off = [*disabled, *(name.strip() for name in os.environ.get("VOXRACK_DISABLE", "").split(",") if name.strip())]
        self._plugins = find(plugins or {}, discover, off)
        self._devices: dict[str, DeviceEntry] = {}
        self._recipes: dict[str, RecipeSpec] = {}
        self._services: dict[str, str] = {}
        self._presets: dict[str, Traversable] = {}
        owners: dict[str, str] = {}  # "device 'fx.gain'" -> title of the plugin that has it
        self._add_presets(factory_folder(), None, owners)
        for plugin in self._plugins:
            if not plugin.disabled and not plugin.shadows:
                attempt(plugin, "its loading", lambda plugin=plugin: (load(plugin), self._admit(plugin, owners)))
        for plugin in self._plugins:  # now that every recipe is known: a device may lack weights that can be trained
            attempt(plugin, "looking for what it needs", lambda plugin=plugin: self._mark_unavailable(plugin))
        self._enforce_strict()

    # ---- listing ----------------------------------------------------------------------------
    def plugins(self) -> tuple[PluginStatus, ...]:
        """Every plugin in loading order, with its status and, where it is not ``loaded``, the reason."""
        return tuple(plugin.status() for plugin in self._plugins)

    def devices(self, kind: str | None = None) -> tuple[DeviceEntry, ...]:
        """Every offered device, sorted by id; of one ``kind`` ("processor", "analyzer") if given."""
        if kind not in (None, "processor", "analyzer"):
            raise UsageError(f"kind is {kind!r}; it takes 'processor', 'analyzer' or nothing")
        entries = [entry for plugin in self._plugins for entry in plugin.devices]
        return tuple(sorted((e for e in entries if kind in (None, e.spec.kind)), key=lambda entry: str(entry.spec.id)))

    def presets(self) -> dict[str, Traversable]:
        """Factory presets by name, the host's own and those of plugins."""
        return dict(sorted(self._presets.items()))

    def recipes(self) -> dict[str, RecipeSpec]:
        """Recipes by id: how learned devices are prepared, trained and evaluated."""
        return dict(sorted(self._recipes.items()))

    def services(self) -> tuple[str, ...]:
        """Names that :meth:`service` knows."""
        return tuple(sorted(self._services))

    # ---- asking -----------------------------------------------------------------------------
    def spec(self, id: str, values: Mapping[str, Any] | None = None) -> DeviceSpec:
        """The specification of a device that can be used, if only with weights of one's own.

        Parameters
        ----------
        id : str
        values : mapping, optional
            What the device is about to be created with: weights of one's own stand in for missing shipped ones.

        Raises
        ------
        UsageError
            Nobody offers a device of that id.
        PluginError
            It is offered, but cannot be used; the message tells the command that mends it.
        """
        entry = self._devices.get(id)
        if entry is None:
            broken = next((e for p in self._plugins for e in p.devices if e.spec.id == id), None)
            if broken is not None:
                raise PluginError(f"device '{id}' of plugin {broken.plugin}: {broken.reason}")
            raise UsageError(f"there is no device '{id}'{self._nearest(id)}{self._absent()}")
        if entry.status != "available" and not brings_weights(entry.spec, values or {}):
            raise PluginError(f"device '{id}' {entry.reason}")
        return entry.spec

    def create(
        self,
        id: str,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        needs: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Device | AnalyzerDevice:
        """Make a device: ``host.create("fx.compressor", threshold=-24)``.

        Parameters
        ----------
        id : str
        values : mapping
            Plain values by parameter id (``{"peak1.gain": 3}``); what is not given takes its default.
        needs : mapping
            For each needed role a created device or a device id. A role that is not given is filled by
            the first available device that has it.
        **more
            Further values, for ids without a dot.

        Raises
        ------
        UsageError, PluginError
            See :meth:`spec`; PluginError too where a needed role is offered by nobody.
        ParamError
            A value that the device does not take.
        """
        return self._create(id, {**(values or {}), **more}, needs or {}, ())

    def needs(self, spec: RecipeSpec, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Devices for the roles that a recipe asks for; ``given`` and errors as for :meth:`create`."""
        return self._filled(f"recipe '{spec.id}'", spec.needs, given or {}, ())

    def service(self, name: str) -> Callable[..., Any]:
        """A function that some plugin offers under ``name``; it is imported now."""
        target = self._services.get(name)
        if target is None:
            raise PluginError(f"no plugin offers the service '{name}'{suggest(name, self.services())}{self._absent()}")
        module, _, attribute = target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise PluginError(f"service '{name}' stands for '{target}', which cannot be imported: {error}") from error

    def add_commands(self, cli: click.Group) -> None:
        """Let every plugin add its verbs to ``cli``; a plugin that fails adds none and is listed as failed."""
        for plugin in self._plugins:
            if plugin.manager is None:
                continue
            before = dict(cli.commands)
            hook = plugin.manager.hook.voxrack_commands
            ok, _ = attempt(plugin, "voxrack_commands", lambda hook=hook: hook(cli=cli))
            for name, command in before.items() if ok else ():
                if cli.commands.get(name) is not command:
                    plugin.shadows.append(f"its verb '{name}' is already a verb of voxrack or of another plugin")
            cli.commands.update(before)
            if not ok:
                for name in cli.commands.keys() - before.keys():
                    del cli.commands[name]
        self._enforce_strict()

    # ---- loading ----------------------------------------------------------------------------
    def _admit(self, plugin: Plugin, owners: dict[str, str]) -> None:
        """Enter what ``plugin`` offers under its names; a name that is taken stays with the first."""
        for index, entry in enumerate(plugin.devices):
            id = entry.spec.id
            problem = check_spec(entry.spec)
            if problem:
                plugin.failures.append(f"device '{id}': {problem}")
                plugin.devices[index] = replace(entry, status="failed", reason=problem)
            elif clash := _claim(owners, f"device '{id}'", plugin):
                plugin.devices[index] = replace(entry, status="shadowed", reason=clash)
            else:
                self._devices[id] = entry
        for folder in plugin.presets:
            self._add_presets(folder, plugin, owners)
        for recipe in plugin.recipes:
            if not _claim(owners, f"recipe '{recipe.id}'", plugin):
                self._recipes[recipe.id] = recipe
        for name, target in plugin.services.items():
            if not _claim(owners, f"service '{name}'", plugin):
                self._services[name] = target

    def _add_presets(self, folder: Traversable, plugin: Plugin | None, owners: dict[str, str]) -> None:
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            name, dot, suffix = file.name.partition(".")
            if dot + suffix == ".json" and not _claim(owners, f"preset '{name}'", plugin):
                self._presets[name] = file

    def _mark_unavailable(self, plugin: Plugin) -> None:
        for index, entry in enumerate(plugin.devices):
            if entry.status == "available":
                reason = why_unavailable(entry.spec, plugin.distribution, entry.spec.id in self._recipes)
                if reason:
                    plugin.devices[index] = replace(entry, status="unavailable", reason=reason)
                    self._devices[entry.spec.id] = plugin.devices[index]

    def _enforce_strict(self) -> None:
        bad = [f"plugin {p.title}: {text}" for p in self._plugins for text in (*p.failures, *p.shadows)]
        if bad and os.environ.get("VOXRACK_STRICT", "") not in ("", "0"):
            raise PluginError("VOXRACK_STRICT is set, and " + "; ".join(bad))

    # ---- creating ---------------------------------------------------------------------------
    def _create(
        self, id: str, values: Mapping[str, Any], needs: Mapping[str, Any], asking: tuple[str, ...]
    ) -> Device | AnalyzerDevice:
        from .instance import build

        spec = self.spec(id, values)
        return build(spec, values, needs=self._filled(f"device '{id}'", spec.needs, needs, (*asking, id)))

    def _filled(
        self, who: str, wanted: Mapping[str, str], needs: Mapping[str, Any], asking: tuple[str, ...]
    ) -> dict[str, Any]:
        """A device for each wanted role; ``asking`` are the ids of devices that wait for one already."""
        unknown = [name for name in needs if name not in wanted]
        if unknown:
            raise UsageError(f"{who} does not need '{unknown[0]}'{suggest(unknown[0], wanted)}")
        filled: dict[str, Any] = {}
        for role, kind in wanted.items():
            given = needs.get(role)
            if given is None:
                given = self._first_of(role, kind, who, asking)
            device = self._create(given, {}, {}, asking) if isinstance(given, str) else given
            if device.spec.kind != kind:
                raise UsageError(f"{who} needs a {kind} as '{role}'; '{device.spec.id}' is none")
            filled[role] = device
        return filled

    def _first_of(self, role: str, kind: str, who: str, asking: tuple[str, ...]) -> str:
        """Id of the first available device, in loading order, that plays ``role`` and is not itself waiting for one."""
        of_role = [e for e in self._devices.values() if e.spec.role == role and e.spec.kind == kind]
        for entry in of_role:
            if entry.status == "available" and entry.spec.id not in asking:
                return entry.spec.id
        offers = "; ".join(f"'{e.spec.id}' {e.reason or 'needs it itself'}" for e in of_role)
        raise PluginError(
            f"{who} needs a {kind} of the role '{role}', and no available device has that role. "
            + (f"Offered: {offers}." if offers else "Install a plugin that offers one")
            + (self._absent() or ".") * (not offers)
            + f" Or hand one over: needs={{'{role}': a device or its id}}"
        )

    def _nearest(self, id: str) -> str:
        """What may have been meant; for a family of devices that nobody offers, which plugin is wanting."""
        ids, family = sorted(self._devices), str(id).partition(".")[0]
        families = sorted({known.partition(".")[0] for known in ids})
        hint = suggest(str(id), ids)
        if "did you mean" in hint or family in families:
            return hint
        offered = ", ".join(families) or "nothing"
        return f": no installed plugin offers '{family}.…', only {offered}; install the one that does"

    def _absent(self) -> str:
        """``". Not loaded: x (failed)"``: plugins that might have offered what is looked for; often empty."""
        absent = [f"{s.name} ({s.status})" for s in self.plugins() if s.status in ("disabled", "failed")]
        return f". Not loaded: {', '.join(absent)}; see 'voxrack plugins'" if absent else ""

    # ---- showing ----------------------------------------------------------------------------
    def __repr__(self) -> str:
        states = [f"{s.name}" + ("" if s.status == "loaded" else f" ({s.status})") for s in self.plugins()]
        usable = sum(entry.status == "available" for entry in self._devices.values())
        return f"<Host: {usable} devices, {len(self._presets)} presets; plugins {', '.join(states) or 'none'}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(s.name)}</td><td>{escape(s.distribution)} {escape(s.version)}</td><td>{s.status}</td>"
            f"<td style='text-align:left'>{escape(s.error or ', '.join(s.devices))}</td></tr>"
            for s in self.plugins()
        )
        head = "<tr><th>plugin</th><th>distribution</th><th>status</th><th>devices, or what is wrong</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _claim(owners: dict[str, str], what: str, plugin: Plugin | None) -> str:
    """Enter ``what`` as the plugin's; where it is taken, note and return a sentence that names both plugins."""
    title = plugin.title if plugin else "voxrack itself"
    if what not in owners:
        owners[what] = title
        return ""
    first = "the same plugin" if owners[what] == title else f"plugin {owners[what]}"
    clash = f"{what} of plugin {title} is already offered by {first}, which keeps it; disable or rename one of them"
    if plugin:
        plugin.shadows.append(clash)
    return clash


def factory_folder() -> Traversable:
    """Where the factory presets lie: in the package if it was installed from a wheel, else in the checkout."""
    package = Path(__file__).resolve().parent
    packaged = package / "_presets"
    return packaged if packaged.is_dir() else package.parent.parent / "presets"


@cache
def default_host() -> Host:
    """The host of this process, made at first use."""
    return Host()
