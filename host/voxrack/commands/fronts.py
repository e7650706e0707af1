"""``--front``: processors and presets that the signal passes before an analyzer hears it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import click

from ..availability import WEIGHTS
from ..errors import PluginError, UsageError
from . import common, complete

if TYPE_CHECKING:
    from ..rack import Rack

PREFIX = "front."  # of an address of ``--set`` that is the front's

front_option = click.option(
    "--front", "fronts", metavar="DEVICE|PRESET", multiple=True, shell_complete=complete.fronts,
    help="The analyzer hears what this processor or preset makes of the file; may be given again, the first comes "
    "first. --set front.SLOT.PARAMETER=VALUE changes a number of it.",
)  # fmt: skip


class Front(NamedTuple):
    """One ``--front``, as it travels to another process: a device's id, or a preset's text and its file."""

    name: str
    preset: str = ""
    path: str = ""


Settings = tuple[tuple[str, str], ...]


def split(settings: Iterable[tuple[str, str]]) -> tuple[Settings, Settings]:
    """``--set`` pairs as those of the analyzer and those of the front, without the prefix."""
    pairs = tuple(settings)
    own = tuple(pair for pair in pairs if not pair[0].startswith(PREFIX))
    return own, tuple((address[len(PREFIX) :], text) for address, text in pairs if address.startswith(PREFIX))


def find_fronts(names: Sequence[str], settings: Settings = ()) -> tuple[Front, ...]:
    """What the words of ``--front`` stand for, tried out: a device of that id comes before a preset of that name.

    Raises
    ------
    UsageError
        For a name that is neither, an analyzer, or a setting that no front takes.
    PluginError
        For a device that cannot be used, with the command that mends it.
    """
    from .racks import parse_preset

    fronts = tuple(_find(name) for name in names)
    ready_fronts(fronts, settings)
    for front in fronts:
        for remark in parse_preset(front.preset, front.path).check() if front.preset else ():
            common.say(f"voxrack: {front.name}: {remark}")
    return fronts


def _find(name: str) -> Front:
    from ..host import default_host
    from ..params import suggest
    from .racks import find_preset
    from .targets import refuse_empty

    refuse_empty(name, "--front")
    host = default_host()
    specs = {entry.spec.id: entry.spec for entry in host.devices()}
    if name in specs:
        if specs[name].kind != "processor":
            raise UsageError(
                f"--front {name}: '{name}' is an {specs[name].kind}, which only listens; a front takes a processor "
                "(`voxrack devices --kind processor` lists them) or a preset"
            )
        return Front(name)
    if name in host.presets() or os.path.isfile(name) or name.endswith(".json") or os.path.dirname(name):
        preset = find_preset(name)
        return Front(name, preset.text(), "" if preset.path is None else os.path.abspath(preset.path))
    try:
        host.spec(name)
    except UsageError as error:
        if "did you mean" in str(error) or "." in name:
            raise UsageError(f"--front {name}: {error}") from None
    processors = [id for id, spec in specs.items() if spec.kind == "processor"]
    raise UsageError(f"--front {name}: that is no device and no preset{suggest(name, [*processors, *host.presets()])}")


@lru_cache(maxsize=1)
def ready_fronts(fronts: tuple[Front, ...], settings: Settings = ()) -> tuple[Rack, ...]:
    """Racks of the fronts, built once per process: preparing one again for the next file clears its memory."""
    racks = tuple(_rack(front, settings) for front in fronts)
    for address, text in settings:
        takers = [rack for rack in racks if address.partition("[")[0] in rack.parameters()]
        if not takers:
            raise UsageError(_nowhere(address, racks))
        for rack in takers:
            rack.set(address, text)
    return racks


def _rack(front: Front, settings: Settings) -> Rack:
    from ..host import default_host
    from ..instance import Missing
    from ..rack import Rack
    from .racks import parse_preset, ready_rack

    if not front.preset:
        weights = dict(settings).get(f"{front.name.rpartition('.')[2]}.{WEIGHTS}")
        values = {WEIGHTS: weights} if weights else {}  # one's own stand in for missing ones
        return Rack([default_host().create(front.name, values)])
    rack = ready_rack(parse_preset(front.preset, front.path))
    for slot in rack.slots().values():
        if isinstance(slot.device, Missing):  # bypassed, it would be no front, and nobody would see it in the result
            raise PluginError(f"--front {front.name}: slot '{slot.name}': {slot.device.reason}")
    return rack


def _nowhere(address: str, racks: Sequence[Rack]) -> str:
    from ..params import suggest

    if not racks:
        return f"--set {PREFIX}{address} needs a --front that has it; none was given"
    known = [PREFIX + name for rack in racks for name in rack.parameters()]
    return f"no front has the address '{address}'{suggest(PREFIX + address, known)}"
