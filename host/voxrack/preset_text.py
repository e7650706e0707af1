"""A preset for people: its rows in units, and what differs between two."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .errors import PluginError, UsageError
from .params import Param
from .preset_json import shown
from .preset_schema import INFINITE, BusModel, Document, SlotModel, slot_places

if TYPE_CHECKING:
    from .host import Host

ABSENT = object()


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a preset: ``Row("compressor", "fx.compressor", "compressor.threshold", "-18 dB", False)``.

    ``slot`` is empty for what belongs to the desk (sends, levels); ``default`` says that the device has it so anyway.
    """

    slot: str
    device: str
    address: str
    text: str
    default: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two presets.

    ``what`` is "name", "about", "tags", "input", "slot", "bus", "order", "version" or "parameter"; ``before``
    and ``after`` are as the files hold them (None: not there); ``text`` says it in units.
    """

    what: Literal["name", "about", "tags", "input", "slot", "bus", "order", "version", "parameter"]
    address: str
    before: Any
    after: Any
    text: str

    def __str__(self) -> str:
        return self.text


class Reading:
    """A document together with the parameters that its addresses stand for."""

    def __init__(self, document: Document, host: Host) -> None:
        self.document = document
        self.slots = {prefix: slot for prefix, (slot, _) in slot_places(document.rack).items()}
        self._specs = {prefix: _params(host, slot.device) for prefix, slot in self.slots.items()}

    def slot_of(self, address: str) -> str:
        """The slot that an address belongs to; empty for the desk."""
        return next((prefix for prefix in self.slots if address.startswith(prefix + ".")), "")

    def param(self, address: str) -> Param | None:
        """None where the device is not installed or does not know the parameter."""
        from .bus import LEVEL
        from .rack import OFFSET
        from .slots import BYPASS, MIX

        prefix = self.slot_of(address)
        if not prefix:
            return OFFSET if address == "offset" else LEVEL
        id = address[len(prefix) + 1 :]
        return {"mix": MIX, "bypass": BYPASS}.get(id) or self._specs[prefix].get(id)

    def addresses(self) -> list[str]:
        """Every address in the order in which the signal meets it, those left to their defaults included."""
        out: dict[str, None] = {}
        for prefix in self.slots:
            out |= dict.fromkeys(f"{prefix}.{id}" for id in (*self._specs[prefix], "mix", "bypass"))
            out |= dict.fromkeys(sorted(a for a in self.document.parameters if a.startswith(prefix + ".")))
        desk = [a for a in self.document.parameters if not self.slot_of(a)]
        out |= dict.fromkeys(
            sorted({*desk, "dry", "offset", *(f"bus.{bus.name}.level" for bus in self.document.rack.buses)})
        )
        return list(out)

    def value(self, address: str) -> Any:
        """What the file holds, or the default as a file would hold it; ``ABSENT`` where there is neither."""
        if address in self.document.parameters:
            return self.document.parameters[address]
        param = self.param(address)
        if param is None or (address.startswith("send.") and not self.slot_of(address)):
            return ABSENT
        return _default(param)

    def rows(self) -> list[Row]:
        out = []
        for address in self.addresses():
            param, value, prefix = self.param(address), self.value(address), self.slot_of(address)
            if value is ABSENT:
                continue
            plain = param is not None and same(value, _default(param))
            device = self.slots[prefix].device if prefix else ""
            out.append(Row(prefix, device, address, say(param, value), plain))
        return out


def _params(host: Host, device: str) -> dict[str, Param]:
    try:
        return {param.id: param for param in host.spec(device).params}
    except (UsageError, PluginError):
        return {}


def _default(param: Param) -> Any:
    value = param.check(param.default)
    return value.tolist() if isinstance(value, np.ndarray) else value


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(item) for item in value]
    return float(value) if isinstance(value, str) and value in INFINITE else value


def same(a: Any, b: Any) -> bool:
    """Whether two stored values mean the same; an array may be stored as the one number that fills it."""
    x, y = _number(a), _number(b)
    if isinstance(x, list) != isinstance(y, list) and not isinstance(x, (str, dict)) and not isinstance(y, (str, dict)):
        return bool(np.all(np.asarray(x) == np.asarray(y)))
    return x == y and isinstance(x, bool) == isinstance(y, bool)


def say(param: Param | None, value: Any) -> str:
    """A stored value in units; as JSON where nobody knows its parameter."""
    if value is ABSENT:
        return "(not there)"
    if isinstance(value, dict):
        return f"{value['name']} ({value['sha256'][:8]}…)"
    if param is None:
        return shown(value)
    if param.kind == "asset":
        return value or "(none)"
    try:
        return param.to_text(param.check(_number(value) if param.kind in ("float", "int", "array") else value))
    except UsageError:  # a value of an older version, or one that the parameter refuses
        return shown(value)


# ---- differences ---------------------------------------------------------------------------------
def changes(a: Reading, b: Reading) -> list[Change]:
    """What turns the preset of ``a`` into that of ``b``."""
    out = [
        Change(key, key, x, y, f"{key}: {shown(x)} -> {shown(y)}")
        for key in ("name", "about", "tags")
        if (x := getattr(a.document, key)) != (y := getattr(b.document, key))
    ]
    out += _wiring(a, b)
    gone = {bus.name for bus in a.document.rack.buses} ^ {bus.name for bus in b.document.rack.buses}
    for address in dict.fromkeys([*a.addresses(), *b.addresses()]):
        prefix = a.slot_of(address) or b.slot_of(address)
        if prefix and (
            prefix not in a.slots or prefix not in b.slots or a.slots[prefix].device != b.slots[prefix].device
        ):
            continue  # told as a slot that came, went or changed its device
        if not prefix and any(bus in gone for bus in address.split(".")[1:]):
            continue  # the same of a bus
        x, y = a.value(address), b.value(address)
        if not same(x, y):
            before, after = (None if v is ABSENT else v for v in (x, y))
            out.append(Change("parameter", address, before, after, f"{address}: {_difference(a, b, address, x, y)}"))
    return out


def _difference(a: Reading, b: Reading, address: str, x: Any, y: Any) -> str:
    p, q = a.param(address), b.param(address)
    u, v = (np.asarray(_number(side), dtype=np.float64) if isinstance(side, list) else None for side in (x, y))
    if u is None or v is None or u.shape != v.shape or p is None:
        return f"{say(p, x)} -> {say(q, y)}"
    with np.errstate(invalid="ignore"):  # -inf less -inf
        distance = np.where(u == v, 0.0, np.abs(u - v))
    at = [int(i) for i in np.unravel_index(int(np.argmax(distance)), distance.shape)]
    first, last = (f"{float(side[tuple(at)]):.4g} {p.unit}".rstrip() for side in (u, v))
    return f"{np.count_nonzero(distance)} of {u.size} numbers differ, most at {at}: {first} -> {last}"


def _wiring(a: Reading, b: Reading) -> list[Change]:
    out: list[Change] = []
    before, after = a.document.rack, b.document.rack
    if before.input != after.input:
        out.append(Change("input", "input", before.input, after.input, f"input: {before.input} -> {after.input}"))
    buses_a, buses_b = ({bus.name: bus for bus in rack.buses} for rack in (before, after))
    for name in dict.fromkeys([*buses_a, *buses_b]):
        if name not in buses_b:
            out.append(Change("bus", f"bus.{name}", _dump(buses_a[name]), None, f"bus '{name}' removed"))
        elif name not in buses_a:
            out.append(Change("bus", f"bus.{name}", None, _dump(buses_b[name]), f"bus '{name}' added"))
    for prefix in dict.fromkeys([*a.slots, *b.slots]):
        out += _slot(prefix, a.slots.get(prefix), b.slots.get(prefix))
    places_a, places_b = _places(a), _places(b)
    for place in places_a:
        kept_a = [name for name in places_a[place] if name in b.slots or name in buses_b]
        kept_b = [name for name in places_b.get(place, ()) if name in a.slots or name in buses_a]
        if place in places_b and kept_a != kept_b:
            text = f"{place}: {', '.join(kept_a) or 'nothing'} -> {', '.join(kept_b) or 'nothing'}"
            out.append(Change("order", place, kept_a, kept_b, text))
    return out


def _slot(prefix: str, x: SlotModel | None, y: SlotModel | None) -> list[Change]:
    if x is None or y is None:
        there = x or y
        assert there is not None
        verb = "added" if x is None else "removed"
        return [Change("slot", prefix, _dump(x), _dump(y), f"slot '{prefix}' ({there.device}) {verb}")]
    if x.device != y.device:
        return [Change("slot", prefix, _dump(x), _dump(y), f"slot '{prefix}': {x.device} -> {y.device}")]
    if x.version != y.version:
        text = f"slot '{prefix}': version of {x.device} {x.version} -> {y.version}"
        return [Change("version", prefix, x.version, y.version, text)]
    return []


def _dump(model: SlotModel | BusModel | None) -> dict[str, Any] | None:
    return None if model is None else model.model_dump(mode="json")


def _places(reading: Reading) -> dict[str, list[str]]:
    rack = reading.document.rack
    out = {"inserts": [slot.name for slot in rack.inserts], "buses": [bus.name for bus in rack.buses]}
    out |= {f"bus.{bus.name}": [slot.name for slot in bus.slots] for bus in rack.buses}
    return out | {"master": [f"master.{slot.name}" for slot in rack.master]}


# ---- notebook ------------------------------------------------------------------------------------
def route(document: Document) -> str:
    """``"peq → compressor → { delay(delay), reverb(reverb) } → limiter"``."""
    rack = document.rack
    parts = [slot.name for slot in rack.inserts]
    if rack.buses:
        buses = ", ".join(f"{bus.name}({' → '.join(slot.name for slot in bus.slots)})" for bus in rack.buses)
        parts.append("{ " + buses + " }")
    return " → ".join([*parts, *(slot.name for slot in rack.master)]) or "(empty)"


def html(document: Document, rows: list[Row], digest: str) -> str:
    """A table: one line per slot, with what differs from the device's defaults."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        told = groups.setdefault((row.slot, row.device), [])
        if not row.default:
            label = row.address[len(row.slot) + 1 :] if row.slot else row.address
            told.append(f"{escape(label)} <b>{escape(row.text)}</b>")
    lines = "".join(
        f"<tr><td style='text-align:left'><b>{escape(slot or 'desk')}</b></td><td>{escape(device)}</td>"
        f"<td style='text-align:left'>{', '.join(told) or 'as it comes'}</td></tr>"
        for (slot, device), told in groups.items()
    )
    tags = " ".join(f"<code>{escape(tag)}</code>" for tag in document.tags)
    return (
        f"<div><b>{escape(document.name or 'Preset')}</b> {tags}<br>{escape(document.about)}<br>"
        f"<code>{escape(route(document))}</code><table>{lines}</table>"
        f"<small>{escape(document.provenance.how)}, {escape(document.provenance.made_by or 'maker not known')}; "
        f"sha256 {digest[:12]}…</small></div>"
    )
