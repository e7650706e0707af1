"""What a Rack shows in a notebook: its route, and for each slot what differs from the device's defaults."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from .instance import Missing

if TYPE_CHECKING:
    from .rack import Rack


def table(rack: Rack) -> str:
    """HTML: a row for each slot, and one for the desk (sends and levels)."""
    parameters, rows, slots = rack.parameters(), [], rack.slots()
    for prefix, slot in slots.items():
        own = [address for address in parameters if address.startswith(prefix + ".")]
        state = "missing" if isinstance(slot.device, Missing) else "bypassed" if slot.bypass else ""
        title = slot.device.spec.title or slot.device.spec.id
        rows.append(_row(prefix, f"{title} ({state})" if state else title, _changed(rack, own, prefix + ".")))
    desk = [address for address in parameters if not address.startswith(tuple(f"{prefix}." for prefix in slots))]
    rows.append(_row("desk", "sends and levels", _changed(rack, desk, "")))
    return f"<div><code>{escape(repr(rack))}</code><table>{''.join(rows)}</table></div>"


def _changed(rack: Rack, addresses: list[str], prefix: str) -> str:
    parameters, told = rack.parameters(), []
    for address in addresses:
        param, value = parameters[address], rack.get(address)
        if address != f"{prefix}bypass" and not np.array_equal(value, param.check(param.default)):
            told.append(f"{escape(address.removeprefix(prefix))} <b>{escape(param.to_text(value))}</b>")
    return ", ".join(told) or "as it comes"


def _row(name: str, device: str, told: str) -> str:
    left = "style='text-align:left'"
    return f"<tr><td {left}><b>{escape(name)}</b></td><td {left}>{escape(device)}</td><td {left}>{told}</td></tr>"
