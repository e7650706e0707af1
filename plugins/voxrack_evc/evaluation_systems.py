"""The converters that an evaluation compares: the recipe's device, itself otherwise set, and others."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from voxrack.errors import UsageError

from .evaluation_options import Asked
from .recordings import RATE, Case

if TYPE_CHECKING:
    from voxrack.device import DeviceSpec

    from .judging import Sound

BASE = "base"
"""What the system of the option ``base`` is called, behind the recipe's id."""


@dataclass(frozen=True)
class System:
    """A converter with its values."""

    name: str
    device: str
    values: tuple[tuple[str, Any], ...] = ()


def systems(recipe: str, asked: Asked) -> tuple[System, ...]:
    """The device of the recipe, its base model, its sweeps, and the others; each is created once, so that what is
    wrong is told before anything is measured.

    Raises
    ------
    UsageError
        A device or parameter that is not there, or a device that is no converter.
    """
    from voxrack.host import default_host

    host = default_host()
    own: dict[str, Any] = {"weights": asked.weights} if asked.weights else {}
    spec = host.spec(recipe, own)
    own |= dict(_setting(spec, word) for word in _words(asked.settings, ";"))
    made = [System(recipe, recipe, tuple(own.items()))]
    if asked.base:
        plain = [_setting(spec, f"weights={asked.base}"), _setting(spec, "negative=none")]
        made.append(System(f"{recipe} {BASE}", recipe, tuple((own | dict(plain)).items())))
    for sweep in _words(asked.sweep, ";"):
        name, _, values = sweep.partition("=")
        for word in _words(values, ","):
            id, value = _setting(spec, f"{name}={word}")
            made.append(System(f"{recipe} {id}={word}", recipe, tuple((own | {id: value}).items())))
    made += [System(id, id) for id in _words(asked.against, ",")]
    for one in made:
        device = host.spec(one.device, dict(one.values))
        if device.kind != "processor" or not any(param.id == "emotion" for param in device.params):
            raise UsageError(f"'{one.device}' is no converter: it has no parameter 'emotion'")
        host.create(one.device, dict(one.values))
    return tuple(dict.fromkeys(made))


def made(one: System, source: Sound, case: Case, target: str) -> tuple[Sound, float]:
    """What the system makes of a recording, mono at 16 kHz, and the CPU-seconds that it took."""
    from voxrack import Audio, render

    found = device(one)
    found.set("emotion", target)
    if "source" in found.values:
        found.set("source", case.emotion)
    started = time.process_time()
    out = render(found, Audio(source[None], RATE), tail=False).samples.mean(axis=0)
    return np.ascontiguousarray(out, np.float32), time.process_time() - started


def described(one: System) -> dict[str, Any]:
    """Device, version, values and digests: equal where a system would do the same."""
    from voxrack.host import default_host

    from .converting import provenance

    fresh: Any = default_host().create(one.device, dict(one.values))  # those in use are set to targets
    return provenance(fresh)


@lru_cache(maxsize=16)
def device(one: System) -> Any:
    """The device of a system, once for a process."""
    from voxrack.host import default_host

    return default_host().create(one.device, dict(one.values))


def _setting(spec: DeviceSpec, text: str) -> tuple[str, Any]:
    """``strength=1.5`` as the parameter's id and a plain value."""
    from voxrack.params import read_value, suggest

    name, _, value = text.partition("=")
    ids = [param.id for param in spec.params]
    if name.strip() not in ids:
        raise UsageError(f"{spec.id} has no parameter '{name.strip()}'{suggest(name.strip(), ids)}")
    return name.strip(), read_value(spec.param(name.strip()), value.strip())


def _words(text: str, between: str) -> list[str]:
    return [word.strip() for word in text.split(between) if word.strip()]
