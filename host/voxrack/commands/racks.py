"""From what a person types to a rack that is ready: preset files, factory presets, ``--set``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from ..host import Host
    from ..preset import Preset
    from ..rack import Rack


def find_preset(name: str, host: Host | None = None) -> Preset:
    """The preset in the file ``name``, or the factory preset of that name.

    Raises
    ------
    UsageError
        Where ``name`` is neither; names the nearest factory preset.
    PresetError
        Where the file is no valid preset.
    """
    from ..host import default_host
    from ..params import suggest
    from ..preset import Preset

    path = Path(name)
    if path.is_file():
        return Preset.load(path)
    known = (host or default_host()).presets()
    if name in known:
        return Preset.from_text(known[name].read_text(encoding="utf-8"))
    if path.exists() or path.suffix or path.parent != Path():
        return Preset.load(path)  # which says what is wrong with the path
    raise UsageError(f"'{name}' is neither a file nor a factory preset{suggest(name, known)}")


def ready_rack(preset: Preset, settings: Iterable[tuple[str, str]] = (), host: Host | None = None) -> Rack:
    """The preset's rack with ``ADDRESS=VALUE`` settings applied in their order."""
    rack = preset.rack(host)
    for address, value in settings:
        rack.set(address, value)
    return rack
