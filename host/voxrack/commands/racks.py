"""From what a person types to a rack that is ready: preset files, factory presets, ``--set``."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .targets import refuse_empty

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

    path = Path(refuse_empty(name, "the preset"))
    if path.is_file():
        return Preset.load(path)
    known = (host or default_host()).presets()
    if name in known:
        return Preset.load(known[name])
    if path.exists() or path.suffix or path.parent != Path():
        return Preset.load(path)  # which says what is wrong with the path
    raise UsageError(f"'{name}' is neither a file nor a factory preset{suggest(name, known)}")


def parse_preset(text: str, path: str) -> Preset:
    """A preset from its text, as another process gets it; ``path`` says where its assets lie ("" for none)."""
    from ..preset import Preset

    return Preset(Preset.from_text(text).document, Path(path) if path else None)


def ready_rack(preset: Preset, settings: Iterable[tuple[str, str]] = (), host: Host | None = None) -> Rack:
    """The preset's rack with ``ADDRESS=VALUE`` settings applied in their order.

    What is to be said of missing devices is left to ``Preset.check``.

    Raises
    ------
    UsageError
        For an address that the rack has not, with those that are near; for a value that it does not take.
    """
    from ..preset import PresetWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PresetWarning)
        rack = preset.rack(host)
    known = rack.parameters()
    for address, text in settings:
        if address.partition("[")[0] not in known:
            raise UsageError(f"the rack has no address '{address}'; {_near(address, known)}")
        rack.set(address, text)
    return rack


def _near(address: str, known: Iterable[str]) -> str:
    """The addresses that may be meant: alike in spelling, or of the same slot, or with the same ending."""
    names = list(known)
    near = get_close_matches(address, names, n=5, cutoff=0.5)
    slot, _, last = address.rpartition(".")
    near += [name for name in names if last and (name == last or name.endswith("." + last))][:5]
    near += [name for name in names if slot and name.startswith(slot + ".")][:12]
    near = list(dict.fromkeys(near))[:12]
    if near:
        return f"near it: {', '.join(near)} (`voxrack preset show --all` lists them)"
    return f"it has, for example, {', '.join(names[:8])} (`voxrack preset show --all` lists them)"
