"""The enhancers that are compared: a device or a preset by name, made once in each process, known by a digest."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import PluginError, UsageError
from voxrack.metrics_quality import RATE

if TYPE_CHECKING:
    from voxrack import Rack
    from voxrack.host import Host
    from voxrack.instance import Device

NOISY = "noisy"  # the system that leaves everything as it came in


@dataclass(frozen=True)
class System:
    """A name to be heard; it can be sent to another process.

    Parameters
    ----------
    name : str
        A device's id, a preset's name or file, or ``"noisy"``; what tables call it.
    weights : str
        A weight file for the device; empty: its own.
    """

    name: str
    weights: str = ""


def systems(own: str, weights: str, against: str) -> tuple[System, ...]:
    """Noisy, the recipe's own device, and those that it is compared with.

    Raises
    ------
    UsageError
        Where a name comes twice.
    """
    names = [name.strip() for name in against.split(",") if name.strip()]
    twice = sorted({name for name in names if name in (own, NOISY) or names.count(name) > 1})
    if twice:
        raise UsageError(
            f"against names '{twice[0]}' which is compared anyway or named twice; other values of one device are "
            "compared as a preset of it"
        )
    return (System(NOISY), System(own, os.path.abspath(weights) if weights else ""), *map(System, names))


@lru_cache(maxsize=16)
def rack(system: System, host: Host | None = None) -> Rack:
    """What a system runs; made once in a process.

    Raises
    ------
    UsageError
        For a name that is neither processor nor preset.
    PluginError
        For a device that cannot be used, with the command that mends it.
    """
    from voxrack import Rack, default_host

    host = host or default_host()
    devices = {entry.spec.id: entry.spec for entry in host.devices()}
    if system.name in devices:
        if devices[system.name].kind != "processor":
            raise UsageError(f"'{system.name}' is an {devices[system.name].kind}, which enhances nothing")
        return Rack([host.create(system.name, {"weights": system.weights} if system.weights else {})])
    if system.name in host.presets() or system.name.endswith(".json"):
        return _preset(system.name, host)
    host.spec(system.name)  # says what is near
    raise UsageError(f"'{system.name}' is no device and no preset")


def forget() -> None:
    """Make systems anew from here on: presets and weights may have changed since."""
    rack.cache_clear()


def _preset(name: str, host: Host) -> Rack:
    from voxrack.commands.racks import find_preset, ready_rack
    from voxrack.instance import Missing

    made = ready_rack(find_preset(name, host), host=host)
    for slot in made.slots().values():
        if isinstance(slot.device, Missing):
            raise PluginError(f"preset {name}, slot '{slot.name}': {slot.device.reason}")
    return made


def enhance(system: System, sound: NDArray[np.float32], host: Host | None = None) -> tuple[NDArray[np.float32], float]:
    """A system's output for mono at 16 kHz, of the same length and aligned; and the CPU-seconds that it took."""
    from voxrack import Audio, render

    if system.name == NOISY:
        return sound, 0.0
    made = rack(system, host)
    started = time.process_time()
    out = render(made, Audio(sound[None], RATE), tail=False).samples
    return out.mean(axis=0), time.process_time() - started


def digest(system: System, host: Host | None = None) -> str:
    """SHA-256 of devices, values and weight files: equal where a system would do the same."""
    if system.name == NOISY:
        return ""
    made = rack(system, host)
    values = sorted(made.values().items())
    said = [(address, str(value)) for address, value in values if not address.endswith(".weights")]
    found = hashlib.sha256(json.dumps(said).encode())
    for slot in made.slots().values():
        found.update(f"{slot.name} {slot.device.spec.id} {slot.device.spec.version}".encode())
        for path in _weights([slot.device]):
            found.update(path.read_bytes())
    return found.hexdigest()


def _weights(devices: Sequence[Device]) -> Iterator[Path]:
    """The weight files of devices and of the devices that they need."""
    from voxrack.availability import weights_path

    for device in devices:
        given = device.assets.get("weights")
        own = weights_path(device.spec) if device.spec.weights else None
        yield from [path for path in (given or own,) if path is not None]
        yield from _weights(list(device.needs.values()))
