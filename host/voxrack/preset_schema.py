"""The shape of a preset file, version 1: pydantic models, strict, with no room for unknown keys.

What they cannot see is checked where it can be: addresses against the rack's structure in
:func:`check_parameters`, values against the devices' parameters in ``preset_rack``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

from .errors import PresetError
from .params import suggest
from .preset_json import brief, json_path, shown
from .slots import RESERVED

SLOT_KEYS = ("bypass", "mix")  # every slot has them, whatever its device
INFINITE = ("-inf", "inf")  # how JSON spells the two numbers that it has no word for
_HEX = "^[0-9a-f]{64}$"
_VALUE = {
    "description": "A plain value: number, true or false, text, nested lists of numbers, or an asset. "
    "A level that is off is the text '-inf'.",
    "anyOf": [
        {"type": ["number", "boolean", "string"]},
        {"$ref": "#/$defs/Numbers"},
        {"$ref": "#/$defs/Asset"},
    ],
}
_NUMBERS = {
    "type": "array",
    "items": {"anyOf": [{"type": "number"}, {"enum": list(INFINITE)}, {"$ref": "#/$defs/Numbers"}]},
}

_NAME = "^[a-z][a-z0-9_-]{0,63}$"
_DEVICE = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$"
_CREATED = r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d))?$"
_FILE = r"^[^/\\\x00-\x1f]+$"
_PATTERNS = {
    _HEX: "a sha256, 64 digits of 0-9 and a-f",
    _NAME: "a name of a-z, 0-9, _ and -, at most 64 characters, the first a letter",
    _DEVICE: "a device's id, such as fx.gain",
    _CREATED: "a date with its time and zone, such as 2026-01-31T12:00:00Z",
    _FILE: "the name of a file, without a folder",
}
_PLAIN = {  # pydantic speaks of Python's types, a preset is JSON; the names in braces are pydantic's
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "int_type": "a whole number",
    "float_type": "a number",
    "too_long": "at most {max_length} entries, and it has {actual_length}",
    "string_too_long": "at most {max_length} characters",
}

Name = Annotated[str, Field(pattern=_NAME)]
DeviceId = Annotated[str, Field(pattern=_DEVICE, max_length=128)]
DeviceVersion = Annotated[int, Field(ge=1, le=2**31)]
Digest = Annotated[str, Field(pattern=_HEX)]
Label = Annotated[str, Field(max_length=200)]
Value = Annotated[Any, WithJsonSchema({})]  # filled in by json_schema: the value may hold lists of itself
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Asset(Strict):
    """A file beside the preset, in ``<preset>.assets/``, under the name of its content."""

    name: Annotated[str, Field(min_length=1, max_length=255, pattern=_FILE)]
    sha256: Digest


class SlotModel(Strict):
    """One device of a chain; its values stand in ``parameters`` under ``<name>.``."""

    name: Name
    device: DeviceId
    version: DeviceVersion = 1


Slots = Annotated[tuple[SlotModel, ...], Field(max_length=256, strict=False)]


class BusModel(Strict):
    """A parallel chain, fed by sends (``send.<bus>``, ``send.<bus>.<later bus>`` in ``parameters``)."""

    name: Name
    slots: Slots = ()


class RackModel(Strict):
    """The wiring: what stands where. No values."""

    input: Literal["as-is", "mono"] = "as-is"
    inserts: Slots = ()
    buses: Annotated[tuple[BusModel, ...], Field(max_length=64, strict=False)] = ()
    master: Slots = ()


class Source(Strict):
    """A recording that the preset was made from."""

    name: Label
    sha256: Digest


class Provenance(Strict):
    """Where a preset comes from. Empty text: not known."""

    made_by: Label = ""
    created: Annotated[str, Field(pattern=_CREATED)] = ""
    how: Literal["fit", "hand", "pca", "sample", "import"] = "hand"
    losses: dict[str, Finite] = {}
    sources: Annotated[tuple[Source, ...], Field(strict=False)] = ()
    devices: dict[DeviceId, DeviceVersion] = {}
    parents: Annotated[tuple[Digest, ...], Field(strict=False)] = ()


class Document(Strict):
    """A preset of voxrack: a rack in plain units, keyed by address."""

    format: Literal["voxrack.preset"]
    version: Literal[1]
    name: Label = ""
    about: Annotated[str, Field(max_length=20_000)] = ""
    tags: Annotated[tuple[Label, ...], Field(max_length=64, strict=False)] = ()
    rack: RackModel
    parameters: dict[str, Value] = {}
    provenance: Provenance = Provenance()
    automation: Annotated[tuple[Any, ...], Field(max_length=0, strict=False, description="reserved")] = ()


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a preset file."""
    schema = Document.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "voxrack.preset"
    schema["$defs"] |= {"Asset": Asset.model_json_schema(), "Numbers": _NUMBERS}
    schema["properties"]["parameters"]["additionalProperties"] = _VALUE
    return schema


# ---- checking ------------------------------------------------------------------------------------
def read_document(tree: Mapping[str, Any]) -> Document:
    """The checked document of a parsed preset of the current version.

    Raises
    ------
    PresetError
        With the JSON path of the first thing that is wrong, and how many more there are.
    """
    try:
        document = Document.model_validate(dict(tree))
    except ValidationError as error:
        details = error.errors(include_url=False)
        more = f" ({len(details) - 1} more like this)" if len(details) > 1 else ""
        raise PresetError(_message(details[0]) + more, json_path(_location(details[0]))) from None
    check_structure(document.rack)
    check_parameters(document)
    return document


def _location(detail: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(key for key in detail["loc"] if key != "[key]")


def _message(detail: ErrorDetails) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return "unknown key" + suggest(str(detail["loc"][-1]), _model_at(_location(detail)[:-1]).model_fields)
    if kind == "missing":
        return "the key is missing"
    if _location(detail)[:1] == ("automation",):
        return "automation is reserved for a later version of the format; leave it out"
    context = detail.get("ctx", {})
    if kind == "string_pattern_mismatch":
        takes = f"it takes {_PATTERNS[context['pattern']]} (the pattern {context['pattern']})"
    elif kind in _PLAIN:
        takes = f"it takes {_PLAIN[kind].format_map(context)}"
    else:
        takes = detail["msg"][:1].lower() + detail["msg"][1:]
    return f"{shown(value)} is not allowed here: {takes}"


def _model_at(location: Sequence[str | int]) -> type[Strict]:
    names = [key for key in location if isinstance(key, str)]
    table = {"rack": RackModel, "buses": BusModel, "provenance": Provenance, "sources": Source}
    if not names:
        return Document
    return SlotModel if names[-1] in ("inserts", "slots", "master") else table.get(names[-1], Asset)


def slot_places(rack: RackModel) -> dict[str, tuple[SlotModel, tuple[str | int, ...]]]:
    """Address prefix of each slot (``"peq"``, ``"master.limiter"``) to the slot and its JSON path."""
    out: dict[str, tuple[SlotModel, tuple[str | int, ...]]] = {}

    def add(prefix: str, slot: SlotModel, keys: tuple[str | int, ...]) -> None:
        if prefix + slot.name in out:
            raise PresetError(f"two slots are named '{slot.name}'; rename one", json_path((*keys, "name")))
        out[prefix + slot.name] = (slot, keys)

    for index, slot in enumerate(rack.inserts):
        add("", slot, ("rack", "inserts", index))
    for number, bus in enumerate(rack.buses):
        for index, slot in enumerate(bus.slots):
            add("", slot, ("rack", "buses", number, "slots", index))
    for index, slot in enumerate(rack.master):
        add("master.", slot, ("rack", "master", index))
    return out


def check_structure(rack: RackModel) -> None:
    """Names are unique and none is a word that addresses begin with."""
    for slot, keys in slot_places(rack).values():
        if slot.name in RESERVED:
            raise PresetError(
                f"no slot may be named '{slot.name}'; it begins other addresses", json_path((*keys, "name"))
            )
    seen: set[str] = set()
    for number, bus in enumerate(rack.buses):
        if bus.name in seen:
            raise PresetError(
                f"two buses are named '{bus.name}'; rename one", json_path(("rack", "buses", number, "name"))
            )
        seen.add(bus.name)


def check_parameters(document: Document) -> None:
    """Every address names something of the rack, and every value is one that a parameter could hold."""
    slots = slot_places(document.rack)
    buses = [bus.name for bus in document.rack.buses]
    for address, value in document.parameters.items():
        keys = ("parameters", address)
        check_value(value, keys)
        if address == "input":
            raise PresetError("the input stands in the rack's structure, at $.rack.input", json_path(keys))
        if address.split(".")[0] in ("send", "bus") or address in ("dry", "offset"):
            _check_desk(address, buses, json_path(keys))
        elif not any(address.startswith(prefix + ".") for prefix in slots):
            wanted = slot_part(address)
            hint = "; give it as <slot>.<parameter>" if wanted == address else suggest(wanted, slots)
            raise PresetError(brief(f"'{address}' names no slot of the rack{hint}"), json_path(keys))


def slot_part(address: str) -> str:
    """The slot that an address points into: ``"master.limiter"`` of ``"master.limiter.level"``."""
    words = address.split(".")
    return ".".join(words[:2]) if words[0] == "master" else words[0]


def _check_desk(address: str, buses: list[str], path: str) -> None:
    """``send.<bus>``, ``send.<bus>.<later bus>``, ``bus.<bus>.level``, ``dry``, ``offset``."""
    words = address.split(".")
    if address in ("dry", "offset"):
        return
    named = words[1:2] if words[0] == "bus" else words[1:]
    shape_ok = len(words) == 3 and words[2] == "level" if words[0] == "bus" else len(words) in (2, 3)
    if not shape_ok:
        raise PresetError("no such address; there are send.<bus>, send.<bus>.<later bus> and bus.<bus>.level", path)
    for name in named:
        if name not in buses:
            raise PresetError(brief(f"no bus '{name}' in the rack{suggest(name, buses)}"), path)
    if len(named) == 2 and buses.index(named[1]) <= buses.index(named[0]):
        raise PresetError(
            f"bus '{named[0]}' cannot send back to '{named[1]}': sends go forward; the order is {', '.join(buses)}",
            path,
        )


def check_value(value: Any, keys: tuple[str | int, ...]) -> None:
    """A number, switch, text, nested lists of numbers, or an asset; nothing else."""
    if isinstance(value, dict):
        try:
            Asset.model_validate(value)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            path = json_path((*keys, *_location(detail)))
            raise PresetError(f'{_message(detail)} (an asset is {{"name", "sha256"}})', path) from None
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, list):
                check_value(item, (*keys, index))
            elif isinstance(item, (bool, dict)) or not (isinstance(item, (int, float)) or item in INFINITE):
                raise PresetError(f"{shown(item)} is no number", json_path((*keys, index)))
    elif value is None:
        raise PresetError("null is no value; leave the key out to get the default", json_path(keys))
