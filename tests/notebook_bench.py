"""A rack with every kind of parameter, for the widgets' tests."""

from __future__ import annotations

import math

import numpy as np

from voxrack.audio import Audio
from voxrack.bus import Bus
from voxrack.device import DeviceSpec
from voxrack.drawn import Curve
from voxrack.instance import Device, Missing
from voxrack.params import Axis, Param
from voxrack.rack import Rack

RATE = 48_000


class Scale:
    """Multiplies by ``factor``; refuses to run at 9, and to be drawn at 8."""

    latency = 0
    tail = 0

    def __init__(self, values, needs, assets):
        self.values = values

    def prepare(self, sample_rate, channels, max_frames):
        self.channels = channels
        return channels

    def process(self, block):
        if self.values["factor"] == 9.0:
            raise RuntimeError("nine is too many")
        return block * np.float32(self.values["factor"])

    def flush(self, frames):
        return np.zeros((self.channels, 0), np.float32)

    def reset(self):
        pass

    def set(self, id, value):
        self.values[id] = value

    @staticmethod
    def curves(values, sample_rate):
        if values["factor"] == 8.0:
            raise RuntimeError("eight cannot be drawn")
        x = np.array([0.0, 1.0])
        lines = {"out": values["factor"] * x, "gap": np.array([np.nan, sample_rate])}
        return (Curve("line", x, lines, "in", "V", "out", "V"),)


SCALE = DeviceSpec(
    "test.scale",
    "processor",
    "notebook_bench:Scale",
    (
        Param("factor", 1.0, lo=0.0, hi=10.0),
        Param("band.frequency", 1000.0, lo=20.0, hi=20_000.0, unit="Hz", scale="log"),
        Param("band.gain", 0.0, lo=-math.inf, hi=24.0, unit="dB"),
        Param("skew", 1.0, lo=0.0, hi=100.0, scale=0.5),
        Param("steps", 4, kind="int", lo=1, hi=16),
        Param("grid", 0.0, lo=0.0, hi=10.0, step=0.5),
        Param("soft", False, kind="bool"),
        Param("shape", "round", kind="choice", choices=("round", "square", "saw")),
        Param("label", "none", kind="text"),
        Param("reference", "", kind="asset"),
        Param("curve", 0.5, kind="array", lo=0.01, hi=10.0, unit="s", scale="log",
              axes=(Axis("frequency", 5, "Hz", (0.0, 250.0, 1000.0, 4000.0, 16_000.0)),)),
        Param("matrix", 0.0, kind="array", lo=-1.0, hi=1.0, axes=(Axis("line", 3), Axis("channel", 2))),
    ),
    title="Scale",
)  # fmt: skip


def make_rack(**values) -> Rack:
    gone = Missing("other.gone", {"device": "other.gone"}, "its plugin is not installed")
    return Rack(
        [Device(SCALE, values), gone],
        [Bus("delay", [], {"reverb": -12.0}), Bus("reverb", [])],
        {"delay": -6.0},
        master=[Device(SCALE)],
    )


def voice(seconds: float = 0.25, level: float = 0.25) -> Audio:
    time = np.arange(round(seconds * RATE)) / RATE
    return Audio((level * np.sin(2 * np.pi * 440 * time)).astype(np.float32), RATE)
