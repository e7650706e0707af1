"""A rack that carries its levels: a gain before, a gain after, and which of its numbers a fit leaves alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from voxrack import Bus, Rack, Slot, default_host
from voxrack.errors import UsageError
from voxrack.params import suggest

PATHS = ("fx.pan", "fx.delay", "fx.reverb")  # wet only, or a matter of place: a mix would leak the dry signal
LOUD = ("level", "make_up")  # a number that can do what the gain at the end does


@dataclass(frozen=True)
class Levelled:
    """A rack with ``pre`` and ``post``, the addresses of its first and last gain in dB.

    Attributes
    ----------
    rack : Rack
    pre, post : str
    held : tuple of str
        Addresses that a fit does not move.
    """

    rack: Rack
    pre: str
    post: str
    held: tuple[str, ...]


def levelled(rack: Rack, ablate: Sequence[str] = (), hold: Sequence[str] = ()) -> Levelled:
    """A copy of ``rack`` that begins and ends with a gain, without what ``ablate`` names.

    Parameters
    ----------
    rack : Rack
        Gains that are there already (an ``fx.gain`` first among the inserts, last in the master) are taken.
    ablate : sequence of str
        Buses to turn off, slots to bypass.
    hold : sequence of str
        Addresses or prefixes that are not to be moved.

    Raises
    ------
    UsageError
        For a name that is neither a bus nor a slot; for a rack that cannot be differentiated.
    """
    out = _with_gains(rack.copy())
    pre, post = f"{out.inserts[0].name}.level", f"master.{out.master[-1].name}.level"
    held = [*hold, pre[: -len(".level")], f"{post[: -len('.level')]}.mix"]
    for address in hold:
        if not any(known == address or known.startswith(address + ".") for known in out.parameters()):
            raise UsageError(f"no address '{address}' to hold{suggest(address, out.parameters())}")
    for name in ablate:
        held += _without(out, name)
    for prefix, slot in out.slots().items():
        if slot.bypass:
            held.append(prefix)
        elif not hasattr(slot.device.processor, "module"):
            raise UsageError(
                f"slot '{prefix}' ({slot.device.spec.id}) cannot be fitted: it has no differentiable module; "
                "take it out of the rack, or bypass it"
            )
        if slot.device.spec.id in PATHS:
            held.append(f"{prefix}.mix")
    held = [*_under(out, held), "dry"]
    if out.buses:  # what a bus holds has a level of its own: sends and returns would say the same twice
        held += [f"send.{to}" for to in out.sends] + [f"bus.{bus.name}.level" for bus in out.buses]
    inside = [a for slot in out.inserts for a in _under(out, [slot.name]) if a.rpartition(".")[2] in LOUD]
    if any(address not in held for address in inside):
        held.append(post)
    return Levelled(out.copy(), pre, post, tuple(dict.fromkeys(held)))  # devices that nothing has run yet


def _under(rack: Rack, names: Sequence[str]) -> list[str]:
    """Every address that is, or lies under, one of ``names``."""
    return [a for a in rack.parameters() if any(a == name or a.startswith(name + ".") for name in names)]


def _with_gains(rack: Rack) -> Rack:
    host = default_host()
    taken = set(rack.slots())
    inserts, master = list(rack.inserts), list(rack.master)
    if not inserts or inserts[0].device.spec.id != "fx.gain" or inserts[0].bypass or inserts[0].mix != 1.0:
        inserts.insert(0, Slot(host.create("fx.gain"), _free("pre", taken)))
    if not master or master[-1].device.spec.id != "fx.gain" or master[-1].bypass or master[-1].mix != 1.0:
        master.append(Slot(host.create("fx.gain"), _free("post", {slot.name for slot in master})))
    buses = [Bus(bus.name, bus.chain, bus.sends, bus.level) for bus in rack.buses]
    return Rack(inserts, buses, rack.sends, rack.dry, master, rack.input, rack.offset)


def _free(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _without(rack: Rack, name: str) -> list[str]:
    """Turn a bus off or bypass a slot; the addresses that then mean nothing."""
    buses = {bus.name: bus for bus in rack.buses}
    if name in buses:
        bus = buses[name]
        bus.level = -math.inf
        if name in rack.sends:
            rack.sends[name] = -math.inf
        for other in rack.buses:
            if name in other.sends:
                other.sends[name] = -math.inf
        for to in bus.sends:
            bus.sends[to] = -math.inf
        return [slot.name for slot in bus.chain]
    if name in rack.slots():
        rack.slots()[name].bypass = True
        return [name]
    raise UsageError(f"nothing called '{name}' to leave out{suggest(name, [*buses, *rack.slots()])}")
