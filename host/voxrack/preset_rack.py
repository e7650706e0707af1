"""Between a preset's document and a running rack: values by address, devices that are not there, old versions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .bus import Bus
from .errors import DeviceError, PluginError, PresetError, RoutingError, UsageError
from .instance import Missing
from .params import Param, suggest
from .preset_assets import find, reference, references
from .preset_json import brief, json_path, shown
from .preset_schema import INFINITE, SLOT_KEYS, Document, SlotModel, slot_places
from .rack import Rack
from .slots import Slot
from .upgrade import upgrade_values

if TYPE_CHECKING:
    from .device import DeviceSpec
    from .host import Host
    from .instance import Device


# ---- document -> rack ----------------------------------------------------------------------------
@dataclass
class Builder:
    """Builds the rack of a document; ``remarks`` says what a person should know about it.

    Parameters
    ----------
    document : Document
    host : Host
        Where the devices come from.
    folder : Path or None
        Where the preset's assets lie.
    known : mapping of sha256 to Path
        Further places of assets.
    """

    document: Document
    host: Host
    folder: Path | None = None
    known: Mapping[str, Path] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)  # JSON path and what is said of it

    def build(self) -> Rack:
        """The rack.

        Raises
        ------
        PresetError
            With the JSON path of the value, slot or send that does not fit.
        """
        wiring = self.document.rack
        slots = {prefix: self._slot(prefix, slot, keys) for prefix, (slot, keys) in slot_places(wiring).items()}
        sends = self._sends()
        try:
            rack = Rack(
                [slots[slot.name] for slot in wiring.inserts],
                buses=[
                    Bus(bus.name, [slots[slot.name] for slot in bus.slots], sends=sends.get(bus.name, {}))
                    for bus in wiring.buses
                ],
                sends=sends.get("", {}),
                master=[slots["master." + slot.name] for slot in wiring.master],
                input=wiring.input,
            )
        except (RoutingError, UsageError) as error:
            raise PresetError(str(error), "$.rack") from None
        self._set_desk(rack, slots)
        return rack

    def _sends(self) -> dict[str, dict[str, float]]:
        """Which sends there are, by sender ("" the inserts); their levels are set when the rack stands."""
        out: dict[str, dict[str, float]] = {}
        for address in self.document.parameters:
            words = address.split(".")
            if words[0] == "send":
                out.setdefault(words[1] if len(words) == 3 else "", {})[words[-1]] = 0.0
        return out

    def _slot(self, prefix: str, slot: SlotModel, keys: tuple[str | int, ...]) -> Slot:
        own = self._own(prefix)
        inner = {id: value for id, value in own.items() if id not in SLOT_KEYS}
        path = json_path(keys)
        try:
            spec = self.host.spec(slot.device, inner)  # weights of one's own stand in for missing ones
        except (UsageError, PluginError) as error:
            return self._missing(prefix, slot, path, own, str(error))
        if spec.kind != "processor":
            raise PresetError(
                f"'{spec.id}' is an analyzer: it listens to a rack (render's taps) and cannot stand in it", path
            )
        inner, remark = upgrade_values(spec, inner, slot.version, path)
        if remark:
            self.remarks.append(f"slot '{prefix}': {remark}")
        values = self._values(spec, prefix, inner)
        try:
            device = self.host.create(spec.id, values)
        except PluginError as error:  # a device that it needs is not there
            return self._missing(prefix, slot, path, own, str(error))
        except (UsageError, DeviceError) as error:
            raise PresetError(str(error), path) from None
        return Slot(device, name=slot.name)

    def _own(self, prefix: str) -> dict[str, Any]:
        start = prefix + "."
        given = self.document.parameters.items()
        return {address[len(start) :]: value for address, value in given if address.startswith(start)}

    def _missing(self, prefix: str, slot: SlotModel, path: str, own: dict[str, Any], reason: str) -> Slot:
        self.missing.append((path, f"slot '{prefix}' is bypassed, its settings are kept: {reason}"))
        self.remarks.append(self.missing[-1][1])
        assets = {asset["sha256"]: asset for asset in references(own).values()}
        block = {"slot": slot.model_dump(mode="json"), "parameters": own, "assets": self._places(assets)}
        return Slot(Missing(slot.device, block, reason), name=slot.name, bypass=True)

    def _places(self, assets: Mapping[str, Mapping[str, str]]) -> dict[str, Path]:
        """Files of a missing device's assets, so that saving elsewhere takes them along."""
        out: dict[str, Path] = {}
        for digest, asset in assets.items():
            try:
                out[digest] = find(asset, self.folder, self.known, "")
            except PresetError as error:
                self.remarks.append(str(error).removeprefix(": "))
        return out

    def _values(self, spec: DeviceSpec, prefix: str, given: Mapping[str, Any]) -> dict[str, Any]:
        table = {param.id: param for param in spec.params}
        out: dict[str, Any] = {}
        for id, value in given.items():
            keys = ("parameters", f"{prefix}.{id}")
            if id not in table:
                text = f"device '{spec.id}' has no parameter '{id}'{suggest(id, table)}"
                raise PresetError(brief(text), json_path(keys))
            out[id] = self._plain(table[id], value, keys)
        left_out = len(table) - len(out)
        if left_out:
            self.remarks.append(
                f"slot '{prefix}': {left_out} of {len(table)} parameters are not given: defaults are used"
            )
        return out

    def _set_desk(self, rack: Rack, slots: Mapping[str, Slot]) -> None:
        """Sends, levels, dry, offset, and every slot's mix and bypass."""
        table = rack.parameters()
        for address, value in self.document.parameters.items():
            prefix, _, last = address.rpartition(".")
            if prefix in slots and (last not in SLOT_KEYS or isinstance(slots[prefix].device, Missing)):
                continue
            if prefix not in slots and address.split(".")[0] not in ("send", "bus", "dry", "offset"):
                continue
            keys = ("parameters", address)
            if address not in table:
                raise PresetError(f"the rack has no '{address}'{suggest(address, table)}", json_path(keys))
            rack.set(address, self._plain(table[address], value, keys))

    def _plain(self, param: Param, value: Any, keys: tuple[str | int, ...]) -> Any:
        path = json_path(keys)
        try:
            if param.kind == "asset":
                if isinstance(value, dict):
                    return str(find(value, self.folder, self.known, path))
                if value != "":
                    raise PresetError(
                        f'{shown(value)} is no asset; it takes {{"name", "sha256"}}, or "" for none', path
                    )
                return ""
            return param.check(_numbers(value) if param.kind in ("float", "int", "array") else value)
        except UsageError as error:
            raise PresetError(brief(str(error)), path) from None


def _numbers(value: Any) -> Any:
    """Lists and numbers with the texts "-inf" and "inf" made numbers."""
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return float(value) if isinstance(value, str) and value in INFINITE else value


# ---- rack -> document ----------------------------------------------------------------------------
def tree_of(rack: Rack) -> tuple[dict[str, Any], dict[str, Any], dict[str, Path]]:
    """Structure and parameters of a rack as a preset holds them, and where its assets lie by sha256."""
    slots = rack.slots()
    names = {id(slot): prefix.removeprefix("master.") for prefix, slot in slots.items()}

    def row(chain: Any) -> list[dict[str, Any]]:
        return [_block(slot.device, names[id(slot)]) for slot in chain]

    structure = {
        "input": rack.input,
        "inserts": row(rack.inserts),
        "buses": [{"name": bus.name, "slots": row(bus.chain)} for bus in rack.buses],
        "master": row(rack.master),
    }
    parameters: dict[str, Any] = {}
    places: dict[str, Path] = {}
    values = rack.values()
    for address, param in rack.parameters().items():
        if address != "input":
            parameters[address] = to_json(param, values[address], places)
    for prefix, slot in slots.items():
        if isinstance(slot.device, Missing):
            kept = slot.device.block
            parameters |= {f"{prefix}.{id}": value for id, value in kept["parameters"].items()}
            places |= kept["assets"]
    return structure, parameters, places


def _block(device: Device, name: str) -> dict[str, Any]:
    if isinstance(device, Missing):
        return {**device.block["slot"], "name": name}
    return {"name": name, "device": device.spec.id, "version": device.spec.version}


def to_json(param: Param, value: Any, places: dict[str, Path]) -> Any:
    """A plain value as a preset stores it; an asset's file is entered in ``places``."""
    if param.kind == "asset":
        if not value:
            return ""
        asset = reference(Path(value))
        places[asset["sha256"]] = Path(value).resolve()
        return asset
    if param.kind == "array":
        return _spelled(np.asarray(value, dtype=np.float64).tolist())
    return _spelled(value)


def _spelled(value: Any) -> Any:
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    return ("-inf" if value < 0 else "inf") if isinstance(value, float) and math.isinf(value) else value
