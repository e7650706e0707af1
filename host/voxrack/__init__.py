"""voxrack: a plugin-based audio host for voice. Every public name is imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_WHERE = {
    "Audio": "audio", "Axis": "params", "Bus": "bus", "Chain": "slots", "DeviceSpec": "device", "Host": "host",
    "Layout": "layout", "Param": "params", "Preset": "preset", "Rack": "rack", "Slot": "slots", "Track": "device",
    "VoxrackError": "errors", "analyze": "rendering", "default_host": "host", "hookimpl": "hooks", "read": "files",
    "render": "rendering", "render_file": "rendering", "stream": "rendering", "write": "files",
}  # fmt: skip

if TYPE_CHECKING:
    from .audio import Audio
    from .bus import Bus
    from .device import DeviceSpec, Track
    from .errors import VoxrackError
    from .files import read, write
    from .hooks import hookimpl
    from .host import Host, default_host
    from .layout import Layout
    from .params import Axis, Param
    from .preset import Preset
    from .rack import Rack
    from .rendering import analyze, render, render_file, stream
    from .slots import Chain, Slot

__all__ = [
    "Audio", "Axis", "Bus", "Chain", "DeviceSpec", "Host", "Layout", "Param", "Preset", "Rack", "Slot", "Track",
    "VoxrackError", "analyze", "default_host", "hookimpl", "read", "render", "render_file", "stream", "write",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'voxrack' has no attribute '{name}'; it offers {', '.join(__all__)}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
