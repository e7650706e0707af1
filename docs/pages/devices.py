"""A page for every device of this distribution, from its specification."""

from __future__ import annotations

from voxrack import default_host
from voxrack.device import DeviceSpec
from voxrack.discovery import DeviceEntry

from .markdown import code, fence, listed, page, plain, table, toctree
from .parameters import parameter_table, shell_value

PLUGINS = {
    "fx": "Effects and the loudness meter",
    "enhance": "Enhancers",
    "ser": "Recognisers of emotion",
    "evc": "Converters of emotion",
    "pedalboard": "Effects of pedalboard",
}
GPL = (
    "These devices need the extra `pedalboard`, which installs a program under the **GPLv3**. "
    "Nothing else in voxrack needs it."
)


def own() -> list[DeviceEntry]:
    """Devices of this distribution, whatever else is installed."""
    host = default_host()
    plugins = {plugin.name for plugin in host.plugins() if plugin.distribution == "voxrack"}
    return [entry for entry in host.devices() if entry.plugin in plugins]


def pages() -> dict[str, str]:
    """Files: ``devices/ID.md``, a list of a plugin's devices in ``devices/PLUGIN.md``, and ``devices.inc``."""
    entries = own()
    out = {f"devices/{entry.spec.id}.md": device(entry) for entry in entries}
    plugins = sorted({entry.plugin for entry in entries}, key=lambda name: ([*PLUGINS, name].index(name), name))
    for name in plugins:
        ids = [entry.spec for entry in entries if entry.plugin == name]
        out[f"devices/{name}.md"] = page(
            f"# {PLUGINS.get(name, name)}",
            GPL if name == "pedalboard" else "",
            table(("device", "what it does"), [(f"[{code(s.id)}]({s.id}.md)", plain(s.summary)) for s in ids]),
            toctree((spec.id for spec in ids), "hidden"),
        )
    out["devices.inc"] = page(
        table(
            ("plugin", "devices"),
            [(f"[{PLUGINS.get(p, p)}](/generated/devices/{p}.md)", str(_count(entries, p))) for p in plugins],
        ),
        toctree((f"/generated/devices/{name}" for name in plugins), "hidden"),
    )
    return out


def _count(entries: list[DeviceEntry], plugin: str) -> int:
    return sum(entry.plugin == plugin for entry in entries)


def device(entry: DeviceEntry) -> str:
    """The page of one device."""
    spec = entry.spec
    return page(
        f"# {code(spec.id)}",
        f"**{plain(spec.title or spec.id)}.** {plain(spec.summary)}",
        listed(facts(spec, entry.plugin)),
        "## Parameters" if spec.params else "",
        parameter_table(spec.params),
        "The slot that holds it has two numbers more: `mix` (share of the processed signal) and `bypass`."
        if spec.kind == "processor"
        else "",
        "## Use",
        fence(in_python(spec), "python"),
        fence(in_shell(spec), "sh"),
        "## What it cannot keep" if spec.waivers else "",
        "\n".join(f"- {plain(waiver)}" for waiver in spec.waivers),
    )


def facts(spec: DeviceSpec, plugin: str) -> list[tuple[str, str]]:
    """Rows of what the host knows of a device."""
    rows = [("kind", spec.kind), ("plugin", code(plugin)), ("version", str(spec.version))]
    rows += [("role", f"{code(spec.role)}: others may ask for it by this name")] if spec.role else []
    rows += [("needs", ", ".join(f"a device of the role {code(role)}" for role in spec.needs))] if spec.needs else []
    if spec.rates:
        rates = ", ".join(f"{rate:,} Hz".replace(",", " ") for rate in spec.rates)
        rows.append(("sample rate", f"{rates}; the host resamples around it"))
    if spec.channels:
        rows.append(("channels", ", ".join(map(str, spec.channels))))
    rows += [] if spec.streaming else [("signal", "wants it whole: it stands among the inserts, and does not stream")]
    rows += [("weights", f"{code(spec.weights)}, or your own by the parameter `weights`")] if spec.weights else []
    rows += [("extra", code(f"pip install 'voxrack[{spec.extra.partition(':')[0]}]'"))] if spec.extra else []
    return rows


def in_python(spec: DeviceSpec) -> str:
    """How it is made and run in a script."""
    example = next((p for p in spec.params if p.kind == "float" and p.id.isidentifier()), None)
    setting = f", {example.id}={example.default!r}" if example is not None and _finite(example.default) else ""
    verb, call = ("render", "render(device, clip())") if spec.kind == "processor" else (
        "analyze", "analyze(device, clip())")  # fmt: skip
    return "\n".join(
        [
            f"from voxrack import default_host, {verb}",
            "from voxrack.clip import clip",
            "",
            f'device = default_host().create("{spec.id}"{setting})',
            f"{'wet' if spec.kind == 'processor' else 'tracks'} = {call}",
        ]
    )


def in_shell(spec: DeviceSpec) -> str:
    """How its parameters are listed and, for an analyzer, how it is run."""
    lines = [f"voxrack devices {spec.id}"]
    if spec.kind == "analyzer":
        example = next((p for p in spec.params if p.kind == "float"), None)
        setting = f" --set {example.id}={shell_value(example)}" if example is not None else ""
        lines.append(f"voxrack analyze {spec.id} take.wav{setting}")
    return "\n".join(lines)


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and abs(value) != float("inf")
