"""The device under test: making it with given settings, running signals through it, comparing what comes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..device import Block, DeviceSpec
from ..host import Host
from ..params import NUMERIC, Param
from ..resample import nearest_rate
from .signals import noise, voice

TOLERANCE = 1e-6  # of full scale, or of the peak where that is higher: -120 dB


class Broken(Exception):
    """The invariance does not hold; the text says how."""


class NotApplicable(Exception):
    """There is nothing to check; the text says why."""


@dataclass
class Subject:
    """The device under test and how long to listen to it."""

    spec: DeviceSpec
    host: Host
    values: Mapping[str, Any]
    needs: Mapping[str, Any]
    sample_rates: tuple[int, ...]
    seconds: float
    seed: int
    rate: int = field(init=False)  # at which most checks are made
    channels: int = field(init=False)

    def __post_init__(self) -> None:
        self.sample_rates = self.spec.rates or self.sample_rates
        self.rate = nearest_rate(self.sample_rates, 48_000)
        self.channels = 2 if 2 in self.widths else self.widths[0]

    @property
    def widths(self) -> tuple[int, ...]:
        """Channel counts to try."""
        return self.spec.channels or (1, 2, 6)

    def make(self, values: Mapping[str, Any] | None = None) -> Any:
        """A new device with ``values`` over the settings of the test."""
        return self.host.create(self.spec.id, {**self.values, **(values or {})}, needs=dict(self.needs) or None)

    def signal(self, seconds: float = 0.0, rate: int = 0, channels: int = 0) -> Block:
        """A voice with a little noise, different in every channel, shape (channels, frames)."""
        seconds, rate, channels = seconds or self.seconds, rate or self.rate, channels or self.channels
        sung = voice(seconds, rate, self.seed, channels).samples
        return np.ascontiguousarray(sung + noise(seconds, rate, self.seed, channels, level=-40.0).samples)

    def random_values(self, count: int, structural: bool = True) -> Iterator[dict[str, Any]]:
        """Settings drawn over the whole range of every parameter that is a number, a switch or a choice."""
        rng = np.random.default_rng(self.seed)
        for _ in range(count):
            yield {
                p.id: random_value(p, rng)
                for p in self.spec.params
                if p.kind not in ("text", "asset") and (structural or not p.structural)
            }

    def extremes(self, count: int = 8) -> Iterator[tuple[str, dict[str, Any]]]:
        """(what, settings): each parameter at its ends, all of them at their ends, and random ones."""
        yield "the defaults", {}
        ends = {p.id: list(end_values(p)) for p in self.spec.params}
        for id, values in ends.items():
            for value in values:
                yield f"{id} = {self.spec.param(id).to_text(value)}", {id: value}
        rng = np.random.default_rng(self.seed + 1)
        for number in range(count):
            yield f"random ends {number}", {id: v[rng.integers(len(v))] for id, v in ends.items() if v}
        for number, values in enumerate(self.random_values(count)):
            yield f"random settings {number}", values


def random_value(param: Param, rng: np.random.Generator) -> Any:
    """A value anywhere on the parameter's slider."""
    return param.from_unit(rng.random(param.shape) if param.kind == "array" else rng.random())


def end_values(param: Param) -> Iterator[Any]:
    """Both ends of a range, both positions of a switch, every choice; nothing for text and files."""
    if param.kind in NUMERIC:
        yield from (param.check(param.lo), param.check(param.hi))
    elif param.kind == "bool":
        yield from (False, True)
    elif param.kind == "choice":
        yield from param.choices


def cuts(frames: int, size: int, seed: int, stops: tuple[int, ...] = ()) -> Iterator[tuple[int, int]]:
    """(start, end) of blocks of ``size`` frames, 0 for random sizes up to 1024; blocks also end at ``stops``."""
    rng = np.random.default_rng(seed)
    start = 0
    while start < frames:
        end = min(frames, start + (size or int(rng.integers(1, 1025))))
        end = min([stop for stop in stops if start < stop < end], default=end)
        yield start, end
        start = end


def run(
    device: Any, signal: Block, rate: int, size: int = 480, changes: Mapping[int, Mapping[str, Any]] | None = None,
    prepare: bool = True, tail: float = 0.25,
) -> Block:  # fmt: skip
    """Everything that comes out of a streaming device: (channels, frames + up to ``tail`` seconds of what is flushed).

    ``changes`` maps a sample to the values that are set just before it.
    """
    changes = changes or {}
    if prepare:
        device.prepare(rate, signal.shape[0], size or 1024)
    out = []
    for start, end in cuts(signal.shape[1], size, 0, tuple(changes)):
        for id, value in changes.get(start, {}).items():
            device.set(id, value)
        out.append(device.process(np.ascontiguousarray(signal[:, start:end])))
    return np.concatenate([*out, *flushed(device, int(tail * rate), size or 333)], axis=1)


def flushed(device: Any, most: int, size: int) -> Iterator[Block]:
    """What the device still gives after its input, in pieces, ``most`` frames at the most."""
    while most > 0:
        piece = device.flush(min(size, most))
        yield piece
        if piece.shape[1] < min(size, most):
            return
        most -= piece.shape[1]


def expected_flush(device: Any, most: int) -> int:
    """How many frames the device has announced after its input, up to ``most``."""
    total = device.latency + device.tail
    return most if math.isinf(total) else min(most, int(total))


def difference(one: NDArray, other: NDArray, what: str) -> float:
    """Largest difference of two outputs; Broken, naming ``what``, where it is above -120 dB."""
    if one.shape != other.shape:
        raise Broken(f"{what}: shape {other.shape} where {one.shape} was expected")
    if not one.size:
        return 0.0
    gap = np.abs(one.astype(np.float64) - other)
    largest = float(gap.max())
    if not largest <= TOLERANCE * max(1.0, float(np.abs(one).max())):
        channel, frame = np.unravel_index(int(gap.argmax()), gap.shape)
        first = int(np.argmax(gap.max(axis=0) > TOLERANCE))
        raise Broken(f"{what}: differs by {largest:.3g} in channel {channel} at frame {frame} (first at {first})")
    return largest


def silent(device: Any, feed: Callable[[], Block], what: str) -> float:
    """Peak of what the device makes of silence; Broken where it is above -120 dBFS."""
    out = feed()
    peak = float(np.abs(out).max(initial=0.0))
    if peak > TOLERANCE:
        raise Broken(
            f"with {what}, silence comes out with a peak of {peak:.3g} at frame {int(np.abs(out).max(0).argmax())}"
        )
    return peak
