"""A rack: a chain of inserts, buses fed by sends, a master. Pure description; ``desk`` runs it.

Every number of a rack has an address: ``peq.peak1.gain``, ``peq.mix``, ``send.delay``,
``send.delay.reverb``, ``bus.delay.level``, ``dry``, ``master.limiter.threshold``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from .bus import LEVEL, Bus, check_sends
from .device import Block
from .errors import RoutingError, UsageError
from .instance import Device, Missing
from .layout import Layout
from .limits import check_format
from .params import Param, read_value, suggest
from .slots import Chain, Slot, name_slots

_ELEMENT = re.compile(r"(.*)\[(\d+(?:,\d+)*)\]")

OFFSET = Param("offset", 0.0, lo=-10_000.0, hi=10_000.0, unit="ms", structural=True, fit=False,
               help="delays the input; a negative one moves it ahead")  # fmt: skip
INPUT = Param("input", "as-is", kind="choice", choices=("as-is", "mono"), structural=True, fit=False,
              help="mono: the mean of the input's channels")  # fmt: skip


class Rack:
    """A mixing desk for one signal; itself a processor.

    Parameters
    ----------
    inserts : Chain or sequence of Slot or Device
    buses : sequence of Bus
        In order: a bus sends only to later ones, so the desk cannot feed back.
    sends : mapping of str to float
        Bus name to level in dB of what leaves the inserts; ``-math.inf`` is off.
    dry : float
        Level in dB of the inserts' output in the sum.
    master : Chain or sequence of Slot or Device
        Processes the sum.
    input : {"as-is", "mono"}
    offset : float
        Milliseconds by which the input is delayed (negative: moved ahead).

    Raises
    ------
    RoutingError
        For a send to an unknown or earlier bus, a name used twice, a whole-signal device outside the inserts.

    Examples
    --------
    >>> from voxrack import Bus, Rack, default_host
    >>> host = default_host()
    >>> hall = Bus("hall", [host.create("fx.reverb", size=0.8)])
    >>> rack = Rack([host.create("fx.gain")], [hall], sends={"hall": -12})
    >>> rack.set("gain.level", "-3 dB")
    >>> rack.get("gain.level"), rack.get("send.hall")
    (-3.0, -12.0)
    """

    def __init__(
        self,
        inserts: Chain | Sequence[Slot | Device] = (),
        buses: Sequence[Bus] = (),
        sends: Mapping[str, float] | None = None,
        dry: float = 0.0,
        master: Chain | Sequence[Slot | Device] = (),
        input: Literal["as-is", "mono"] = "as-is",
        offset: float = 0.0,
    ) -> None:
        self.inserts = inserts if isinstance(inserts, Chain) else Chain(inserts)
        self.buses = tuple(buses)
        self.sends = {to: LEVEL.check(db) for to, db in (sends or {}).items()}
        self.dry = LEVEL.check(dry)
        self.master = master if isinstance(master, Chain) else Chain(master)
        self.input = INPUT.check(input)
        self.offset = OFFSET.check(offset)
        self.latency = 0
        self.tail: int | float = 0
        self._desk: Any = None
        slots = [*self.inserts, *(slot for bus in self.buses for slot in bus.chain)]
        refuse_twice([*slots, *self.master])
        name_slots(slots)
        name_slots(list(self.master))
        check_sends(self.buses, self.sends)
        for prefix, slot in self.slots().items():
            if not slot.device.spec.streaming and slot not in tuple(self.inserts):
                raise RoutingError(
                    f"slot '{prefix}' ({slot.device.spec.id}) wants the whole signal; "
                    "it may stand among the inserts only"
                )

    # ---- addresses ----------------------------------------------------------------------------
    def slots(self) -> dict[str, Slot]:
        """Slots by the prefix of their addresses, in the order in which the signal meets them."""
        found = {slot.name: slot for slot in self.inserts}
        found |= {slot.name: slot for bus in self.buses for slot in bus.chain}
        return found | {f"master.{slot.name}": slot for slot in self.master}

    def parameters(self) -> dict[str, Param]:
        """Every address with its parameter (whose ``id`` is the address)."""
        table = {
            f"{prefix}.{id}": param for prefix, slot in self.slots().items() for id, param in slot.parameters().items()
        }
        table |= {f"send.{to}": LEVEL for to in self.sends}
        table |= {f"send.{bus.name}.{to}": LEVEL for bus in self.buses for to in bus.sends}
        table |= {f"bus.{bus.name}.level": LEVEL for bus in self.buses}
        table |= {"dry": LEVEL, "input": INPUT, "offset": OFFSET}
        return {address: replace(param, id=address) for address, param in table.items()}

    def layout(self) -> Layout:
        """The numbers of the rack as one vector."""
        return Layout(list(self.parameters().items()))

    def values(self) -> dict[str, Any]:
        """Plain value of every address."""
        return {address: self.get(address) for address in self.parameters()}

    def get(self, address: str) -> Any:
        """Plain value at an address; ``reverb.input[2,1]`` is one number of an array."""
        element = _ELEMENT.fullmatch(address)
        if element:
            array, index = np.asarray(self.get(element[1])), _index(element[2])
            _check_index(array, index, address)
            return float(array[index])
        holder, key = self._find(address)
        return (
            holder[key]
            if isinstance(holder, dict)
            else holder.get(key)
            if isinstance(holder, Slot)
            else getattr(holder, key)
        )

    def set(self, address: str, value: Any) -> None:
        """Change one number; heard at the next block, gliding. Text is read with its unit.

        Raises
        ------
        UsageError
            For an unknown address, with the nearest known one; for a value out of range.
        """
        element = _ELEMENT.fullmatch(address)
        if element:
            array, index = np.array(self.get(element[1])), _index(element[2])
            _check_index(array, index, address)
            number = replace(self.parameters()[element[1]], id=address, kind="float", axes=())
            array[index] = read_value(number, value)
            return self.set(element[1], array)
        holder, key = self._find(address)
        if isinstance(holder, Slot):
            try:
                return holder.set(key, value)
            except UsageError as error:
                raise type(error)(f"{address}: {error}") from None
        param = replace({"input": INPUT, "offset": OFFSET}.get(address, LEVEL), id=address)
        checked = read_value(param, value)
        if isinstance(holder, dict):
            holder[key] = checked
        else:
            setattr(holder, key, checked)
        if param.structural:
            self._desk = None

    def _find(self, address: str) -> tuple[Any, str]:
        if address in ("dry", "input", "offset"):
            return self, address
        head, _, rest = address.partition(".")
        buses = {bus.name: bus for bus in self.buses}
        if head == "send":
            sender, _, to = rest.partition(".")
            sends = buses[sender].sends if to and sender in buses else self.sends
            if (to or sender) in sends and (not to or sender in buses):
                return sends, to or sender
        elif head == "bus":
            name, _, key = rest.rpartition(".")
            if name in buses and key == "level":
                return buses[name], "level"
        else:
            if head == "master":
                second, _, rest = rest.partition(".")
                head = f"master.{second}"
            slot = self.slots().get(head)
            if slot is not None and rest in slot.parameters():
                return slot, rest
        raise UsageError(f"the rack has no address '{address}'{suggest(address, self.parameters())}")

    # ---- audio --------------------------------------------------------------------------------
    @property
    def whole(self) -> tuple[Slot, ...]:
        """Slots whose device wants the whole signal."""
        return tuple(slot for slot in self.inserts if not slot.device.spec.streaming)

    def prepare(self, sample_rate: int, channels: int, max_frames: int, taps: Mapping[str, Any] | None = None) -> int:
        """Make ready for blocks of at most ``max_frames``; returns the number of output channels.

        ``taps`` maps ``"in"`` or a slot's prefix to a created analyzer that listens there.
        """
        from .desk import Desk
        from .nodes import Tap

        check_format(sample_rate, channels, "the rack")
        if max_frames < 1:
            raise UsageError(f"max_frames is {max_frames}; it takes 1 or more")
        if self.whole:
            named = ", ".join(f"'{slot.name}' ({slot.device.spec.id})" for slot in self.whole)
            raise RoutingError(f"slot {named} wants the whole signal and cannot run in blocks; use render, not stream")
        known = ("in", *self.slots())
        for place in taps or {}:
            if place not in known:
                raise UsageError(f"no place '{place}' to tap{suggest(place, known)}")
        desk = Desk(self, {place: Tap(analyzer) for place, analyzer in (taps or {}).items()})
        out = desk.prepare(int(sample_rate), int(channels), int(max_frames))
        self._desk, self.latency, self.tail = desk, desk.latency, desk.tail
        return out

    @property
    def _running(self) -> Any:
        if self._desk is None:
            raise UsageError("call prepare(sample_rate, channels, max_frames) first (again after a structural change)")
        return self._desk

    def process(self, block: Block) -> Block:
        """(channels, frames) to (output channels, frames), late by ``latency``."""
        return self._running.process(block)

    def flush(self, frames: int) -> Block:
        """At most ``frames`` frames of what follows the input: ``latency + tail`` in all."""
        return self._running.flush(frames)

    def reset(self) -> None:
        """Back to silence; changes that still glide arrive."""
        self._running.reset()

    # ---- people -------------------------------------------------------------------------------
    def notes(self, sample_rate: int) -> tuple[str, ...]:
        """What a listener should know before hearing it at this sample rate."""
        from .resample import nearest_rate

        out = []
        for prefix, slot in self.slots().items():
            spec = slot.device.spec
            if isinstance(slot.device, Missing):
                out.append(f"slot '{prefix}': {spec.id} is missing ({slot.device.reason}); the signal passes by it")
            elif (rate := nearest_rate(spec.rates, sample_rate)) < sample_rate and spec.role != "enhancer":
                out.append(
                    f"slot '{prefix}': {spec.id} works at {rate} Hz; above {rate / 2000:g} kHz nothing passes it"
                )
        return tuple(out)

    def copy(self) -> Rack:
        """The same rack with devices of its own (weights and assets are read again when used)."""
        buses = [Bus(bus.name, [slot.copy() for slot in bus.chain], bus.sends, bus.level) for bus in self.buses]
        inserts, master = [slot.copy() for slot in self.inserts], [slot.copy() for slot in self.master]
        return Rack(inserts, buses, self.sends, self.dry, master, self.input, self.offset)

    def __repr__(self) -> str:
        parts = [repr(self.inserts)]
        if self.buses:
            parts.append("{" + ", ".join(map(repr, self.buses)) + "}")
        if len(self.master):
            parts.append(repr(self.master))
        return f"Rack({' → '.join(parts)})"

    def _repr_html_(self) -> str:
        from .rack_html import table

        return table(self)


def as_rack(thing: Any) -> Rack:
    """A rack from a rack, a device, a slot, a chain or a list of them."""
    if isinstance(thing, Rack):
        return thing
    if isinstance(thing, (Device, Slot)):
        return Rack([thing])
    if isinstance(thing, (Chain, list, tuple)):
        return Rack(thing)
    raise UsageError(f"expected a Rack, a Chain or a device made by Host.create(…); got {type(thing).__name__}")


def refuse_twice(slots: list[Slot]) -> None:
    """One device has one state: in two places it would hear both signals."""
    seen: set[int] = set()
    for slot in slots:
        if id(slot.device) in seen:
            raise RoutingError(
                f"the device {slot.device!r} stands in the rack twice, and it has only one state; "
                "make one for each place, with Host.create(…) or Slot.copy()"
            )
        seen.add(id(slot.device))


def _index(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _check_index(array: np.ndarray, index: tuple[int, ...], address: str) -> None:
    if len(index) != array.ndim or any(i >= size for i, size in zip(index, array.shape, strict=False)):
        raise UsageError(f"'{address}' is outside the array, whose shape is {array.shape}")
