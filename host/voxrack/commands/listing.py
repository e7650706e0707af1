"""``voxrack plugins`` and ``voxrack devices``: what is installed."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from ..params import NUMERIC
from . import common, complete
from .group import Verbs

if TYPE_CHECKING:
    from ..device import DeviceSpec
    from ..host import DeviceEntry
    from ..params import Param


@common.verb("plugins", short_help="List the plugins and how they fare.")
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> None:
    """List the plugins, with what is wrong with those that are not loaded.

    \b
    Examples:
      voxrack plugins
      voxrack plugins --json
      VOXRACK_DISABLE=pedalboard voxrack plugins
    """
    from ..host import default_host

    group = context.find_root().command
    if isinstance(group, Verbs):
        group.ask_plugins()  # a plugin may fail only here, when it adds its verbs
    found = default_host().plugins()
    if as_json:
        common.emit([asdict(plugin) for plugin in found], indent=2)
        return
    rows = [(p.name, p.distribution, p.version, p.status, len(p.devices), p.error) for p in found]
    common.table(("plugin", "distribution", "version", "status", "devices", "reason"), rows, right=("devices",))
    if not found:
        common.say("no plugin is installed; `pip install -e .` in the project registers the built-in ones")


@common.verb("devices", short_help="List the devices, or the parameters of one.")
@click.argument("device_id", metavar="[ID]", required=False, shell_complete=complete.device_ids)
@click.option("--kind", type=click.Choice(["processor", "analyzer"]), help="Only devices of this kind.")
def devices(device_id: str | None, kind: str | None, as_json: bool) -> None:
    """List the devices, or the parameters of the device ID.

    \b
    Examples:
      voxrack devices
      voxrack devices fx.compressor
      voxrack devices --kind analyzer --json
    """
    from ..host import default_host

    host = default_host()
    if device_id is None:
        entries = host.devices(kind)
        if as_json:
            common.emit([_entry(entry) for entry in entries], indent=2)
            return
        rows = [(e.spec.id, e.spec.kind, e.spec.title or e.spec.summary, e.plugin, _status(e)) for e in entries]
        common.table(("device", "kind", "what it is", "plugin", "status"), rows)
        return
    entry = next((e for e in host.devices() if e.spec.id == device_id), None)
    if entry is None:
        host.spec(device_id)  # says what there is instead
        return
    if as_json:
        common.emit(_entry(entry), indent=2)
        return
    _print_device(entry)


def _status(entry: DeviceEntry) -> str:
    return entry.status if entry.status == "available" else f"{entry.status}: {entry.reason}"


def _entry(entry: DeviceEntry) -> dict[str, Any]:
    spec = _spec(entry.spec)
    return {**spec, "plugin": entry.plugin, "status": entry.status, "reason": entry.reason}


def _spec(spec: DeviceSpec) -> dict[str, Any]:
    """The specification as plain JSON."""
    plain = ("id", "kind", "title", "summary", "version", "role", "streaming", "length", "rates", "channels")
    out: dict[str, Any] = {name: getattr(spec, name) for name in (*plain, "extra", "weights")}
    out.update(needs=dict(spec.needs), transparent=dict(spec.transparent), waivers=spec.waivers, factory=spec.factory)
    out["parameters"] = [_param(param) for param in spec.params]
    return out


def _param(param: Param) -> dict[str, Any]:
    out: dict[str, Any] = {"id": param.id, "kind": param.kind, "default": param.default, "help": param.help}
    if param.kind in NUMERIC:
        out.update(lo=param.lo, hi=param.hi, unit=param.unit, scale=param.scale, step=param.step)
    if param.choices:
        out["choices"] = param.choices
    if param.axes:
        out["axes"] = [asdict(axis) for axis in param.axes]
    out.update(structural=param.structural, fit=param.fit)
    return out


def _range(param: Param) -> str:
    if param.kind == "choice":
        return ", ".join(param.choices)
    if param.kind == "bool":
        return "on, off"
    if param.kind in ("text", "asset"):
        return "path of a file" if param.kind == "asset" else "text"
    shape = f" ({param.axes_text()})" if param.axes else ""
    scalar = replace(param, kind="float")
    low, high = scalar.to_text(param.lo), scalar.to_text(param.hi)
    if low.partition(" ")[2] == high.partition(" ")[2]:
        low = low.partition(" ")[0]  # "-80 to 20 dB"
    return f"{low} to {high}{shape}"


def _default(param: Param) -> str:
    value = param.check(param.default)
    return "none" if param.kind in ("text", "asset") and not value else param.to_text(value)


def _print_device(entry: DeviceEntry) -> None:
    spec = entry.spec
    common.write(f"{spec.id} · {spec.title or spec.kind}")
    if spec.summary:
        common.write(spec.summary)
    facts = [spec.kind, f"plugin {entry.plugin}", f"version {spec.version}", _status(entry)]
    facts += [f"role {spec.role}"] if spec.role else []
    facts += [f"needs {', '.join(spec.needs)}"] if spec.needs else []
    facts += ["works at " + ", ".join(f"{rate:g} Hz" for rate in spec.rates)] if spec.rates else []
    facts += ["channels " + ", ".join(map(str, spec.channels))] if spec.channels else []
    facts += [] if spec.streaming else ["wants the whole signal"]
    common.write(" · ".join(facts))
    rows = [(p.id, _default(p), _range(p), p.scale if p.kind in NUMERIC else p.kind, p.help) for p in spec.params]
    if rows:
        common.write("")
        common.table(("parameter", "default", "range", "scale", "help"), rows)
    for waiver in spec.waivers:
        common.write(f"cannot keep: {waiver}")


COMMANDS = (plugins, devices)
