"""From presets to a table of values, and from a row back to a preset."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Param, Preset
from voxrack.errors import InputError, ParamError, PresetError, UsageError
from voxrack.preset_schema import RackModel

from .checking import check_names, check_values, listed, settle_duplicates
from .collection import LOSSES, Collection, Duplicates


def gather_folder(folder: Path, duplicates: Duplicates) -> Collection:
    """Every ``*.json`` below a folder."""
    files = sorted(folder.rglob("*.json"))
    if not files:
        raise InputError(f"{folder} holds no preset (.json)")
    names = [str(file.relative_to(folder).with_suffix("")) for file in files]
    return gather((Preset.load(file) for file in files), names, duplicates)


def gather(presets: Iterable[Preset], names: Sequence[str] | None, duplicates: Duplicates) -> Collection:
    """See :meth:`Collection.of`."""
    import pandas

    if isinstance(presets, Preset):
        raise UsageError("a collection takes several presets; write [preset] for one")
    reader: _Reader | None = None
    rows, about, others, assets = [], [], [], {}
    for number, given in enumerate(presets):
        label = _label(given, number, names)
        reader = _Reader(given, label) if reader is None else reader
        preset = reader.current(given, label)
        rows.append(reader.numbers(preset, label))
        others.append(reader.others(preset))
        about.append(describe(given))
        assets |= _named(label, given.assets)
    if reader is None:
        raise InputError("a collection holds at least one preset; got none")
    if names is not None and len(names) != len(rows):
        raise UsageError(f"{len(names)} names were given for {len(rows)} presets")
    titles = [entry["title"] or f"preset {row}" for row, entry in enumerate(about)]
    distinct = tuple(names) if names is not None else _numbered(titles)
    values = np.array(rows)
    meta = pandas.DataFrame(about)
    for address in reader.rest:
        column = [entry[address] for entry in others]
        if any(value != column[0] for value in column):
            meta[address] = _column(column)
    check_values(values, reader.layout, distinct)
    check_names(distinct)
    made = Collection(reader.template, tuple(reader.layout.names()), values, distinct, meta, reader.remarks, assets)
    return settle_duplicates(made, duplicates)


class _Reader:
    """Takes the numbers out of presets of one rack, the first preset's."""

    def __init__(self, first: Preset, label: str) -> None:
        self.first = label
        self.wiring = first.document.rack
        _named(label, lambda: first.rack(missing="refuse"))
        held = first.upgraded()
        self.template = Preset.from_text(held.text(), held.assets())  # the order of its sends is then that of any file
        rack = self.template.rack()
        self.params = rack.parameters()
        self.layout = rack.layout().fittable()
        self.rest = [address for address in self.params if address not in dict(self.layout.entries)]
        self.rest.remove("input")  # stands in the wiring
        self.known = dict(self.template.provenance["devices"])
        self._lacking: dict[str, list[str]] = {}

    def current(self, preset: Preset, label: str) -> Preset:
        """The preset in the current version of its devices; PresetError where its rack is another."""
        self._compare(preset, label)
        old = any(slot.version != self.known[slot.device] for slot in _slots(preset.document.rack))
        return _named(label, lambda: preset.upgraded()) if old else preset

    def _compare(self, preset: Preset, label: str) -> None:
        for place, one, other in zip(
            ("input", "inserts", "buses", "master"), _shape(self.wiring), _shape(preset.document.rack), strict=True
        ):
            if one != other:
                raise PresetError(
                    f"{label} has another rack than {self.first}: {place} is {_told(other)}, there it is {_told(one)}; "
                    "a set holds presets of one rack", f"$.rack.{place}",
                )  # fmt: skip
        sends = {address for address in preset.document.parameters if address.startswith("send.")}
        mine = {address for address in self.params if address.startswith("send.")}
        for address in sorted(sends ^ mine):
            has = "has" if address in sends else "lacks"
            raise PresetError(f"{label} {has} this send, unlike {self.first}; a set holds presets of one rack",
                              f"$.parameters['{address}']")  # fmt: skip
        for address in preset.document.parameters:
            if address not in self.params:
                _named(label, lambda: preset.rack())  # says which parameter the device does not have

    def numbers(self, preset: Preset, label: str) -> NDArray[np.float64]:
        """The row of ``values``."""
        given, parts = preset.document.parameters, []
        for address, param in self.layout.entries:
            value = given.get(address, param.default)
            if value == "-inf":
                value = -math.inf
            try:
                part = np.asarray(value, dtype=np.float64)
                parts.append(np.broadcast_to(part, param.shape).ravel())
            except (TypeError, ValueError):
                raise PresetError(f"{label}: {_refusal(param, value)}", f"$.parameters['{address}']") from None
        left_out = [address for address in self.params if address not in given and address != "input"]
        if left_out:
            self._lacking.setdefault(listed(left_out), []).append(label)
        return np.concatenate(parts)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Which presets do not give a value."""
        return tuple(f"not given, so the default stands in: {what} in {listed(labels)}"
                     for what, labels in self._lacking.items())  # fmt: skip

    def others(self, preset: Preset) -> dict[str, Any]:
        """Values that no optimiser moves, as the file holds them."""
        return {address: preset.document.parameters.get(address, self.params[address].default) for address in self.rest}


def describe(preset: Preset) -> dict[str, Any]:
    """The row of ``meta``."""
    provenance = preset.provenance
    losses = provenance["losses"]
    return {
        "file": "" if preset.path is None else str(preset.path),
        "how": provenance["how"],
        "sha256": preset.sha256,
        **{loss: losses.get(loss, math.nan) for loss in LOSSES},
        **losses,
        "title": preset.name,
        "about": preset.about,
        "tags": json.dumps(list(preset.tags), ensure_ascii=False),
        "provenance": json.dumps(provenance, ensure_ascii=False),
    }


def document_of(collection: Collection, row: int) -> dict[str, Any]:
    """The content of the preset of a row, as JSON would hold it."""
    tree, meta, start = collection.template.tree(), collection.meta, 0
    numbers = collection.values[row]
    for address, param in collection.layout.entries:
        part = [_number(number, param) for number in numbers[start : start + param.size].tolist()]
        start += param.size
        shaped = np.array(part, dtype=object).reshape(param.shape).tolist()
        tree["parameters"][address] = shaped
    for address in tree["parameters"].keys() & set(meta.columns):
        value = meta[address].iloc[row]
        tree["parameters"][address] = json.loads(value) if isinstance(value, str) else value.item()
    known = collection.provenance(row)
    if known:
        tree["provenance"] = known
    elif "how" in meta:
        tree["provenance"] |= {"how": str(meta["how"].iloc[row]), "losses": {}, "sources": [], "parents": []}
    tree["name"] = str(meta["title"].iloc[row]) if "title" in meta else collection.names[row][:200]
    tree["about"] = str(meta["about"].iloc[row]) if "about" in meta else ""
    tree["tags"] = json.loads(meta["tags"].iloc[row]) if "tags" in meta else []
    return tree


# ---- words ---------------------------------------------------------------------------------------
def _label(preset: Preset, number: int, names: Sequence[str] | None) -> str:
    if preset.path is not None:
        return str(preset.path)
    return f"'{names[number]}'" if names is not None and number < len(names) else f"preset {number} '{preset.name}'"


def _named(label: str, action: Any) -> Any:
    try:
        return action()
    except PresetError as error:
        raise PresetError(f"{label}: {str(error).removeprefix(f'{error.path}: ')}", error.path) from None


def _slots(wiring: RackModel) -> list[Any]:
    return [*wiring.inserts, *(slot for bus in wiring.buses for slot in bus.slots), *wiring.master]


def _shape(wiring: RackModel) -> tuple[Any, ...]:
    chain = lambda slots: tuple((slot.name, slot.device) for slot in slots)  # noqa: E731
    buses = tuple((bus.name, chain(bus.slots)) for bus in wiring.buses)
    return wiring.input, chain(wiring.inserts), buses, chain(wiring.master)


def _told(part: Any) -> str:
    if isinstance(part, str):
        return f"'{part}'"
    words = [f"{name} ({rest if isinstance(rest, str) else _told(rest)})" for name, rest in part]
    return ", ".join(words) or "empty"


def _refusal(param: Param, value: Any) -> str:
    try:
        param.check(value)
    except ParamError as error:
        return str(error)
    return f"{value!r} is no value of '{param.id}'"


def _number(number: float, param: Param) -> float | int | str:
    if math.isinf(number):
        return "-inf" if number < 0 else "inf"
    return int(number) if param.kind == "int" else number


def _numbered(titles: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    out: list[str] = []
    for title in titles:
        seen[title] += 1
        out.append(title if seen[title] == 1 else f"{title} ({seen[title]})")
    return tuple(out)


def _column(values: list[Any]) -> list[Any]:
    """Numbers and switches as they are, everything else as JSON."""
    if all(isinstance(value, bool) for value in values):
        return values
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return [float(value) for value in values]
    return [json.dumps(value, ensure_ascii=False, sort_keys=True) for value in values]
