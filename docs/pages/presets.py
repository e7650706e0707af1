"""The factory presets: what each does, its chain, and every number that is not the device's default."""

from __future__ import annotations

from voxrack import Preset, default_host

from .markdown import code, page, plain, table


def pages() -> dict[str, str]:
    """The file ``presets.inc``: a section for every factory preset."""
    found = {name: Preset.load(place) for name, place in default_host().presets().items()}
    return {"presets.inc": page(*(section(name, preset) for name, preset in found.items()))}


def section(name: str, preset: Preset) -> str:
    """One preset."""
    devices = ", ".join(dict.fromkeys(f"[{code(id)}](/generated/devices/{id}.md)" for id in preset.devices))
    rows = [(code(row.address), plain(row.text)) for row in preset.rows() if not row.default]
    return page(
        f"## {code(name)}",
        plain(preset.about),
        f"{', '.join(preset.tags)}. Devices: {devices}." if preset.tags else f"Devices: {devices}.",
        table(("address", "value"), rows),
    )
