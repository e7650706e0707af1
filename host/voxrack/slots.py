"""A place in a chain, and a chain of places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from .errors import RoutingError, UsageError
from .instance import Device, Missing
from .params import Param, read_value

RESERVED = ("send", "bus", "master", "dry", "input", "offset", "in", "out")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
MIX = Param("mix", 1.0, help="share of the processed signal: 0 is dry, 1 is wet")
BYPASS = Param("bypass", False, kind="bool", fit=False, help="the signal passes by, delayed by the latency")


class Slot:
    """A place in a chain: a device, its name, its bypass and its dry/wet mix.

    Parameters
    ----------
    device : Device
    name : str, optional
        Lower-case letters, digits, ``_`` and ``-``; by default the last part of the device's id.
    bypass : bool
    mix : float
        0 (dry) … 1 (wet); the dry part is aligned with the device's latency.
    """

    def __init__(self, device: Device, name: str = "", bypass: bool = False, mix: float = 1.0) -> None:
        if not isinstance(device, Device) or device.spec.kind != "processor":
            raise UsageError(f"a slot takes a processor made by Host.create(…); got {device!r}")
        if name and (not NAME.fullmatch(name) or name in RESERVED):
            raise UsageError(
                f"slot name {name!r} is not allowed; it takes a-z, 0-9, _ and -, begins with a letter, "
                f"and is none of {', '.join(RESERVED)}"
            )
        self.device = device
        self.name = name
        self.bypass = BYPASS.check(bypass)
        self.mix = MIX.check(mix)

    def parameters(self) -> dict[str, Param]:
        """Parameters by their address inside the slot."""
        own = {param.id: param for param in self.device.spec.params}
        return own if isinstance(self.device, Missing) else {**own, "mix": MIX, "bypass": BYPASS}

    def get(self, id: str) -> Any:
        """Plain value of a parameter of the device, of ``mix`` (0 … 1) or ``bypass``."""
        return getattr(self, id) if id in ("mix", "bypass") else self.device.get(id)

    def set(self, id: str, value: Any) -> None:
        """Change one of them, also between blocks. Text is read with its unit (``"-18 dB"``)."""
        if id in ("mix", "bypass"):
            setattr(self, id, read_value(MIX if id == "mix" else BYPASS, value))
        else:
            self.device.set(id, value)

    def copy(self) -> Slot:
        """The same device anew, with the same values."""
        return Slot(_anew(self.device), self.name, self.bypass, self.mix)

    def __repr__(self) -> str:
        extra = (", bypassed" if self.bypass else "") + (f", mix {self.mix:g}" if self.mix != 1.0 else "")
        return f"{self.name or '?'}: {self.device!r}{extra}"


def _anew(device: Device) -> Device:
    """The same device with a state of its own, and so with helpers of its own."""
    if isinstance(device, Missing):
        return Missing(device.spec.id, device.block, device.reason)
    return type(device)(device.spec, device.values, needs={role: _anew(need) for role, need in device.needs.items()})


class Chain(Sequence[Slot]):
    """Slots one after the other.

    Parameters
    ----------
    slots : sequence of Slot or Device
        A bare device gets a slot of its own.
    """

    def __init__(self, slots: Sequence[Slot | Device] = ()) -> None:
        self._slots = tuple(slot if isinstance(slot, Slot) else Slot(slot) for slot in slots)

    def __getitem__(self, index: Any) -> Any:
        return self._slots[index]

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots)

    def __repr__(self) -> str:
        return " → ".join(slot.name or slot.device.spec.id for slot in self) or "(empty)"


def name_slots(slots: list[Slot]) -> None:
    """Unnamed slots take the last part of their device's id, numbered where it is taken."""
    taken: set[str] = set()
    for slot in slots:
        if slot.name:
            if slot.name in taken:
                raise RoutingError(f"two slots are called '{slot.name}'; give one another name")
            taken.add(slot.name)
    for slot in slots:
        if not slot.name:
            base = re.sub(r"[^a-z0-9_-]", "_", slot.device.spec.id.rsplit(".", 1)[-1].lower())
            if base in RESERVED or not NAME.fullmatch(base):  # an id such as `x.1176` ends in a number
                base = f"slot_{base}"[:64]
            number, name = 1, base
            while name in taken:
                number += 1
                name = f"{base}_{number}"
            slot.name = name
            taken.add(name)
