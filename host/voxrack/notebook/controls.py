"""Controls of a rack: a strip of sliders, fields and curves for every slot, made from its parameters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np

from ..audio import check_rate
from ..drawn import curves
from ..errors import DeviceError, UsageError, VoxrackError
from .faces import at, describe, element, face

if TYPE_CHECKING:
    from ..rack import Rack

RATE = 48_000  # Hz, of the curves
_HERE = files("voxrack.notebook")
_MODULE = ("page.js", "shapes.js", "controls.js")  # a widget has one module, so its files are joined


class ControlsModel:
    """What the controls do, without a browser: a message in, the rack changed, messages out.

    Parameters
    ----------
    rack : Rack
    send : callable
        Called with each message to the page: ``rack`` (all that is shown), ``value``, ``curves``, ``error``.
    on_change : callable, optional
        Called with ``(address, value)`` after each change that the user made.
    sample_rate : int
        In Hz; the curves are those of the devices at this rate.
    """

    def __init__(
        self,
        rack: Rack,
        send: Callable[[dict[str, Any]], None],
        on_change: Callable[[str, Any], object] | None = None,
        sample_rate: int = RATE,
    ) -> None:
        self.rack = rack
        self.send = send
        self.on_change = on_change
        self.sample_rate = check_rate(sample_rate)
        self.parameters = rack.parameters()
        self._lock = threading.RLock()  # the page's messages may come on another thread than the cell's

    def receive(self, content: Mapping[str, Any]) -> None:
        """Handle a message from the page: ``ready``, ``position``, ``text``, ``toggle``, ``points``, ``reset``.

        What the rack refuses is said beside the field; the old value stays.
        """
        with self._lock:
            if content.get("type") == "ready":
                return self.refresh()
            address, serial = content.get("address", ""), content.get("serial", 0)
            try:
                value = self._read(address, content)
                self.rack.set(address, value)
            except VoxrackError as error:
                self.send({"type": "error", "address": address, "message": str(error)})
                if address in self.parameters:
                    self._send_value(address, serial)
                return
            self._send_value(address, serial)
        if self.on_change is not None:
            self.on_change(address, self.rack.get(address))  # first: what is heard shall not wait for what is seen
        self._send_curves(next((prefix for prefix in self.rack.slots() if address.startswith(prefix + ".")), ""))

    def refresh(self) -> None:
        """Show what the rack holds now."""
        with self._lock:
            values = {address: face(param, self.rack.get(address)) for address, param in self.parameters.items()}
            self.send({"type": "rack", **describe(self.rack), "values": values})
            for prefix in self.rack.slots():
                self._send_curves(prefix)

    def _read(self, address: str, content: Mapping[str, Any]) -> Any:
        """The plain value that a message asks for."""
        if address not in self.parameters:
            raise UsageError(f"the rack has no address '{address}'; show the controls anew")
        param, kind = self.parameters[address], content.get("type")
        if kind == "reset":
            return param.check(param.default)
        if kind == "position":
            return at(param, content["unit"])
        if kind == "toggle":
            return param.check(content["on"])
        if kind == "text" and param.kind != "array":
            return param.from_text(content["text"])
        if kind in ("points", "text") and param.kind == "array":
            one, array = element(param), np.array(self.rack.get(address))
            if kind == "text":
                array.flat[content["indices"]] = one.from_text(content["text"])
            else:
                array.flat[content["indices"]] = [at(one, unit) for unit in content["units"]]
            return array
        raise UsageError(f"{address}: a {param.kind} takes no message {kind!r}")

    def _send_curves(self, prefix: str) -> None:
        """Show what a slot's device does now, where it can be drawn."""
        slot = self.rack.slots().get(prefix)
        if slot is None:
            return
        try:
            shown = curves(slot.device, self.sample_rate)
        except DeviceError as error:
            self.send({"type": "error", "address": f"{prefix}.mix", "message": str(error)})
            return
        if shown:
            self.send({"type": "curves", "group": prefix, "curves": [curve.json() for curve in shown]})

    def _send_value(self, address: str, serial: int = 0) -> None:
        shown = face(self.parameters[address], self.rack.get(address))
        self.send({"type": "value", "address": address, "serial": serial, **shown})


class Controls(anywidget.AnyWidget):
    """Sliders for every number of a rack.

    Each slot is a strip: sliders run as their parameter asks (logarithmic, skewed), fields read units
    (``1.2 kHz``, ``-18 dB``, ``0.5 s``), a dot resets, arrays are curves to draw on, the lamp bypasses.
    What a field cannot take is said beside it, and the old value stays. Devices that can be drawn (an equaliser's
    response, a compressor's curve, echoes, a decay; see :mod:`voxrack.drawn`) show it, and it follows the sliders.

    Parameters
    ----------
    rack : Rack
        It is changed in place.
    on_change : callable, optional
        Called with ``(address, value)`` after each change by the user; ``Live.request`` fits.
    sample_rate : int
        In Hz, of the curves.

    Examples
    --------
    >>> Controls(rack, on_change=live.request)  # doctest: +SKIP
    """

    _esm = "\n".join(_HERE.joinpath(name).read_text(encoding="utf-8") for name in _MODULE)
    _css = _HERE.joinpath("controls.css").read_text(encoding="utf-8")

    def __init__(
        self, rack: Rack, on_change: Callable[[str, Any], object] | None = None, *, sample_rate: int = RATE
    ) -> None:
        super().__init__()
        self.controller = ControlsModel(rack, lambda content: self.send(content), on_change, sample_rate)
        self.on_msg(lambda _widget, content, _buffers: self.controller.receive(content))

    @property
    def rack(self) -> Rack:
        """The rack that is controlled."""
        return self.controller.rack

    def refresh(self) -> None:
        """Show what the rack holds now, after it was changed from Python."""
        self.controller.refresh()
