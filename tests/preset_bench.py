"""A small plugin for the tests of presets: every kind of parameter, an old device, a device that is not there."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from voxrack import Axis, Bus, DeviceSpec, Host, Param, Rack, Slot, hookimpl

EVERY = DeviceSpec(
    "bench.every",
    "processor",
    "preset_bench:Wire",
    params=(
        Param("level", 0.0, lo=-math.inf, hi=12.0, unit="dB"),
        Param("tone.frequency", 1000.0, lo=20.0, hi=20_000.0, unit="Hz", scale="log"),
        Param("count", 3, kind="int", lo=1, hi=8),
        Param("on", True, kind="bool"),
        Param("shape", "hard", kind="choice", choices=("hard", "soft")),
        Param("label", "", kind="text"),
        Param("table", 0.5, kind="array", lo=-math.inf, hi=4.0, unit="dB", axes=(Axis("row", 3), Axis("column", 2))),
        Param("recording", "", kind="asset"),
    ),
)
METER = DeviceSpec("bench.meter", "analyzer", "preset_bench:Wire")
NEEDY = DeviceSpec("bench.needy", "processor", "preset_bench:Wire", needs={"enhancer": "processor"})


class Wire:
    """Passes audio."""

    latency = 0
    tail = 0

    def __init__(self, values: Any, needs: Any, assets: Any) -> None:
        self.channels = 1

    def prepare(self, sample_rate: int, channels: int, max_frames: int) -> int:
        self.channels = channels
        return channels

    def process(self, block: np.ndarray) -> np.ndarray:
        return block

    def flush(self, frames: int) -> np.ndarray:
        return np.zeros((self.channels, 0), np.float32)

    def reset(self) -> None:
        self.channels = 1

    def set(self, id: str, value: Any) -> None:
        raise AssertionError(f"nothing here listens to {id}")


class Plugin:
    """Offers the devices it is given."""

    def __init__(self, *specs: DeviceSpec) -> None:
        self.specs = specs

    @hookimpl
    def voxrack_devices(self) -> tuple[DeviceSpec, ...]:
        return self.specs


def bench_host(*specs: DeviceSpec) -> Host:
    """A host with nothing but the bench's devices (or those given)."""
    return Host({"bench": Plugin(*(specs or (EVERY, METER, NEEDY)))}, discover=False)


def bench_rack(host: Host, recording: Path | None = None) -> Rack:
    """Two inserts, two buses with a cross-send, a master."""
    values = {"level": -math.inf, "table": [[1, 2], [3, 4], [-math.inf, 0.25]], "label": "-inf", "shape": "soft"}
    if recording is not None:
        values["recording"] = str(recording)
    return Rack(
        [Slot(host.create("bench.every", values), name="first", mix=0.25), host.create("bench.every", count=5)],
        buses=[
            Bus("early", [host.create("bench.every", on=False)], sends={"late": -6.0}, level=-3.0),
            Bus("late", [host.create("bench.every", {"tone.frequency": 440.0})]),
        ],
        sends={"early": -12.5, "late": -math.inf},
        dry=-1.0,
        master=[Slot(host.create("bench.every"), name="end", bypass=True)],
        input="mono",
        offset=2.5,
    )
