"""A device that crosses to another process: what describes it is sent, and the device is made there anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from .instance import AnalyzerDevice, Device

Kind = TypeVar("Kind", "Device", "AnalyzerDevice")


class Remade(Generic[Kind]):
    """Holds a device of the default host; pickled, it becomes its id and values, and its device is made when asked for.

    Parameters
    ----------
    device : Device or AnalyzerDevice

    Attributes
    ----------
    id : str
    values : dict
        The device's parameters as they were.
    """

    def __init__(self, device: Kind) -> None:
        self.id, self.values = device.spec.id, dict(device.values)
        self._device: Kind | None = device

    def __getstate__(self) -> dict[str, Any]:
        return {"id": self.id, "values": self.values, "_device": None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def device(self) -> Kind:
        """The device, in this process."""
        if self._device is None:
            from .host import default_host

            self._device = cast("Kind", default_host().create(self.id, self.values))
        return self._device

    def described(self) -> str:
        """Its id and, where it has weights, the beginning of their digest: ``"ser.best, weights 3fa9c1d2"``."""
        from .availability import weights_path

        path = self.device.assets.get("weights")
        if path is None and self.device.spec.weights:
            path = weights_path(self.device.spec)
        if path is None or not path.is_file():
            return self.id
        return f"{self.id}, weights {hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
