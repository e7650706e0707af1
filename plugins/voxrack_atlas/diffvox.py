"""Presets of DiffVox: 151 raw numbers to a preset in plain units, and back (spec, sections 1 and 2)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrack import Bus, Preset, Rack, Slot
from voxrack.errors import InputError, PresetError, UsageError
from voxrack.host import Host, default_host

from . import maps
from .maps import IDENTITY, Map, between

SIZE = 151
_LINES = 6
_ROTATION = slice(104, 140)  # the 6 x 6 matrix of which the part above the diagonal counts
_UPPER = np.triu_indices(_LINES, 1)
_SHELF_Q = 0.707
_LEVELS = ("pre.level", "master.post.level", "offset", "input")  # what a fit adds around the vector
_MACROS = ("reverb.size", "reverb.damping")  # no optimiser moves them
_SHELVES = ("peq.low_shelf.q", "peq.high_shelf.q", "reverb.low_shelf.q", "reverb.high_shelf.q")


@dataclass(frozen=True)
class _Place:
    """Where an address lies in the vector."""

    address: str
    start: int
    map: Map
    shape: tuple[int, ...] = ()

    @property
    def part(self) -> slice:
        return slice(self.start, self.start + math.prod(self.shape))


def _places(sample_rate: int) -> Iterator[_Place]:
    """Every address that the vector holds, but the rotation."""
    for band, at, frequency, q in (
        ("peq.peak1", 0, (33, 5400), (0.2, 20)), ("peq.peak2", 3, (200, 17500), (0.2, 20)),
        ("peq.low_shelf", 6, (30, 200), None), ("peq.high_shelf", 8, (750, 8300), None),
        ("reverb.peak1", 140, (200, 2500), (0.1, 3)), ("reverb.peak2", 143, (600, 7000), (0.1, 3)),
        ("reverb.low_shelf", 146, (30, 450), None), ("reverb.high_shelf", 148, (1500, 16000), None),
    ):  # fmt: skip
        yield _Place(f"{band}.gain", at, IDENTITY)
        yield _Place(f"{band}.frequency", at + 1, between(*frequency))
        if q is not None:
            yield _Place(f"{band}.q", at + 2, between(*q))
    for band, at, frequency, q in (
        ("peq.low_pass", 10, (200, 18000), (0.5, 10)), ("peq.high_pass", 12, (16, 5300), (0.5, 10)),
        ("delay.low_pass", 27, (200, 16000), (0.5, 2)),
    ):  # fmt: skip
        yield _Place(f"{band}.frequency", at, between(*frequency))
        yield _Place(f"{band}.q", at + 1, between(*q))
    time = maps.time(sample_rate)
    for id, at, map in (
        ("threshold", 14, IDENTITY), ("expander_threshold", 15, IDENTITY), ("make_up", 16, IDENTITY),
        ("look_ahead", 17, maps.LOOK), ("attack", 18, time), ("release", 19, time), ("averaging", 20, time),
        ("ratio", 21, between(1, 20)), ("expander_ratio", 22, maps.SHARE),
    ):  # fmt: skip
        yield _Place(f"compressor.{id}", at, map)
    yield _Place("send.delay.reverb", 23, maps.LEVEL)
    yield _Place("delay.time", 24, between(100, 1000))
    yield _Place("delay.feedback", 25, maps.SHARE)
    yield _Place("delay.level", 26, maps.LEVEL)
    yield _Place("delay.odd_pan", 29, maps.PAN)
    yield _Place("delay.even_pan", 30, maps.PAN)
    yield _Place("reverb.input", 31, IDENTITY, (_LINES, 2))
    yield _Place("reverb.output", 43, IDENTITY, (2, _LINES))
    yield _Place("reverb.decay", 55, maps.decay(sample_rate), (49,))
    yield _Place("pan.pan", 150, maps.PAN)


def free_numbers(sample_rate: int = 44100) -> dict[str, Map]:
    """The 130 numbers that are used, by address in the order of the vector, each with its map."""
    found: list[tuple[int, str, Map]] = []
    for place in _places(sample_rate):
        for offset, index in enumerate(np.ndindex(*place.shape)):
            element = f"[{','.join(map(str, index))}]" if place.shape else ""
            found.append((place.start + offset, place.address + element, place.map))
    for number, (row, column) in enumerate(zip(*_UPPER, strict=True)):
        found.append((_ROTATION.start + int(row) * _LINES + int(column), f"reverb.rotation[{number}]", IDENTITY))
    return {address: map for _, address, map in sorted(found, key=lambda entry: entry[0])}


def wired_numbers() -> tuple[dict[str, float], tuple[str, ...]]:
    """Numbers of the paper's rack beside the vector: those that must have one value, those that are left out."""
    table = {address: value for address, value in _wired().items() if not isinstance(value, bool)}
    return {a: v for a, v in table.items() if a not in _MACROS}, _LEVELS[:2]


def plain_values(raw: ArrayLike, sample_rate: int = 44100) -> dict[str, Any]:
    """Plain values by address from 151 raw numbers (152 with the surrogate's damping, which is not part of a preset).

    Parameters
    ----------
    raw : array_like, shape (151,) or (152,)
    sample_rate : int
        At which they were fitted, in Hz: times and decays are stored per sample.
    """
    numbers = np.asarray(raw)
    if numbers.shape not in ((SIZE,), (SIZE + 1,)) or numbers.dtype.kind not in "fiu":
        raise InputError(
            f"a DiffVox preset is {SIZE} numbers (the last of {SIZE + 1} is left out); "
            f"got shape {numbers.shape} of {numbers.dtype}"
        )
    numbers = numbers.astype(np.float64)[:SIZE]
    if not np.isfinite(numbers).all():
        raise InputError(f"raw number {int(np.argmin(np.isfinite(numbers)))} is not finite")
    out: dict[str, Any] = {}
    for place in _places(sample_rate):
        values = place.map.plain(numbers[place.part])
        out[place.address] = values.reshape(place.shape) if place.shape else float(values[0])
    out["reverb.rotation"] = numbers[_ROTATION].reshape(_LINES, _LINES)[_UPPER]
    return out | dict.fromkeys(_SHELVES, _SHELF_Q)


def from_diffvox(
    raw: ArrayLike,
    sample_rate: int = 44100,
    *,
    name: str = "DiffVox",
    about: str = "",
    sources: Iterable[Any] = (),
    host: Host | None = None,
) -> Preset:
    """The preset of 151 raw numbers: the rack of the paper in plain units.

    Parameters
    ----------
    raw : array_like, shape (151,) or (152,)
    sample_rate : int
        At which they were fitted, in Hz.
    name, about, sources
        See :meth:`voxrack.Preset.of`.
    host : Host, optional
        By default everything installed.

    Raises
    ------
    InputError
        For another shape, or numbers that are not finite.
    ParamError
        For a number beyond what the devices take.
    """
    host = host or default_host()
    values = plain_values(raw, sample_rate)

    def slot(device: str, name: str) -> Slot:
        own = {a[len(name) + 1 :]: value for a, value in values.items() if a.startswith(f"{name}.")}
        return Slot(host.create(device, own), name)

    rack = Rack(
        [slot("fx.gain", "pre"), slot("fx.peq", "peq"), slot("fx.compressor", "compressor")],
        [
            Bus("direct", [slot("fx.pan", "pan")]),
            Bus("delay", [slot("fx.delay", "delay")], sends={"reverb": values["send.delay.reverb"]}),
            Bus("reverb", [slot("fx.reverb", "reverb")]),
        ],
        sends={"direct": 0.0, "delay": 0.0, "reverb": 0.0},
        dry=-math.inf,
        master=[slot("fx.gain", "post")],
        input="mono",
    )
    return Preset.of(rack, name=name, about=about, tags=["diffvox"], how="import", sources=sources)


def to_diffvox(preset: Preset | Rack, sample_rate: int = 44100) -> NDArray[np.float64]:
    """The 151 raw numbers of a preset with the paper's rack.

    The part of the matrix on and below its diagonal, which is not used, is 0; the look-ahead is positive. Gains
    before and after, and the offset, are no part of the vector and are left out.

    Parameters
    ----------
    preset : Preset or Rack
    sample_rate : int
        Of the vector, in Hz.

    Returns
    -------
    ndarray, shape (151,)

    Raises
    ------
    PresetError
        For another rack, or a value that the vector cannot hold, with its address.
    """
    if not isinstance(preset, (Preset, Rack)):
        raise UsageError(f"to_diffvox takes a Preset or a Rack; got {type(preset).__name__}")
    values = (preset.rack(missing="refuse") if isinstance(preset, Preset) else preset).values()
    places = list(_places(sample_rate))
    _check_wiring(values, {*(place.address for place in places), "reverb.rotation"})
    out = np.zeros(SIZE)
    for place in places:
        plain = np.ravel(np.asarray(values[place.address], dtype=np.float64))
        inside = (plain > place.map.low) & (plain < place.map.high)
        if not inside.all():
            raise PresetError(
                f"is {float(plain[int(np.argmin(inside))]):g}; a DiffVox vector holds values between "
                f"{place.map.low:g} and {place.map.high:g}, both excluded",
                f"$.parameters['{place.address}']",
            )
        out[place.part] = place.map.raw(plain)
    rotation = np.zeros((_LINES, _LINES))
    rotation[_UPPER] = values["reverb.rotation"]
    out[_ROTATION] = rotation.ravel()
    return out


def _wired() -> dict[str, Any]:
    """What a preset with the paper's rack has beside the vector, and that would be heard if it were otherwise."""
    fixed: dict[str, Any] = dict.fromkeys(_SHELVES, _SHELF_Q)
    fixed |= {"reverb.size": 1.0, "reverb.damping": 0.0, "dry": -math.inf}
    fixed |= {f"send.{bus}": 0.0 for bus in ("direct", "delay", "reverb")}
    fixed |= {f"bus.{bus}.level": 0.0 for bus in ("direct", "delay", "reverb")}
    for slot in ("pre", "peq", "compressor", "pan", "delay", "reverb", "master.post"):
        fixed |= {f"{slot}.mix": 1.0, f"{slot}.bypass": False}
    return fixed


def _check_wiring(values: Mapping[str, Any], held: set[str]) -> None:
    """Refuse another rack, and settings beside the vector's that would be heard and lost."""
    fixed = _wired()
    known = held | set(fixed) | set(_LEVELS)
    for address in sorted(set(values) ^ known):
        is_there = "has" if address in values else "lacks"
        raise PresetError(f"another rack than the paper's: it {is_there} this address", f"$.parameters['{address}']")
    for address, wanted in fixed.items():
        if values[address] != wanted:
            raise PresetError(
                f"is {values[address]!r}; a DiffVox vector cannot hold it, there it is always {wanted!r}",
                f"$.parameters['{address}']",
            )
