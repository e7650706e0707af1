"""Small devices with known behaviour, for testing the desk that runs them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from voxrack.device import DeviceSpec, Track
from voxrack.instance import AnalyzerDevice, Device
from voxrack.params import Param


class Base:
    latency = 0
    tail: float = 0

    def __init__(self, values, needs, assets):
        self.values = values

    def prepare(self, sample_rate, channels, max_frames):
        self.channels, self.rate = channels, sample_rate
        self.reset()
        return channels

    def reset(self):
        self.left = self.latency + self.tail

    def set(self, id, value):
        self.values[id] = value

    def flush(self, frames):
        now = int(min(frames, self.left))
        self.left -= now
        return self.process(np.zeros((self.channels, now), np.float32))


class Scale(Base):
    def process(self, block):
        return (block * np.float32(self.values["factor"])).astype(np.float32)


class Late(Base):
    """Delays by `frames`, and declares it as latency (or, with `echo`, as an effect)."""

    def prepare(self, sample_rate, channels, max_frames):
        frames = int(self.values["frames"])
        self.latency, self.tail = (0, frames) if self.values["echo"] else (frames, 0)
        return super().prepare(sample_rate, channels, max_frames)

    def reset(self):
        super().reset()
        self.held = np.zeros((self.channels, int(self.values["frames"])), np.float32)

    def process(self, block):
        joined = np.concatenate((self.held, block), axis=1)
        self.held = joined[:, block.shape[1] :]
        return np.ascontiguousarray(joined[:, : block.shape[1]])


class Widen(Base):
    """Mono in; left is the input, right its negative."""

    def prepare(self, sample_rate, channels, max_frames):
        assert channels == 1
        super().prepare(sample_rate, channels, max_frames)
        return 2

    def process(self, block):
        return np.concatenate((block, -block))


class Endless(Base):
    """A one-pole ringing down by 60 dB in `t60` seconds: an infinite tail."""

    tail = math.inf

    def reset(self):
        super().reset()
        self.state = np.zeros(self.channels)

    def process(self, block):
        from scipy.signal import lfilter

        pole = 10 ** (-3 / (self.values["t60"] * self.rate))
        out, state = lfilter([1.0], [1.0, -pole], block.astype(float), zi=self.state[:, None])
        self.state = state[:, 0]
        return out.astype(np.float32)


class Backwards(Base):
    def convert(self, signal, sample_rate, progress):
        progress(1.0)
        return signal[:, ::-1]


class Halve(Base):
    def convert(self, signal, sample_rate, progress):
        return signal[:, ::2]


class Bad(Base):
    def process(self, block):
        how = self.values["how"]
        if how == "nan":
            return np.full_like(block, np.nan)
        if how == "short":
            return block[:, :-1]
        if how == "double":
            return block.astype(np.float64)
        raise RuntimeError("the toy broke")


class Recorder:
    """An analyzer that keeps what it heard."""

    def __init__(self, values, needs, assets):
        self.blocks = []

    def prepare(self, sample_rate, channels):
        self.rate, self.blocks = sample_rate, []

    def push(self, block):
        self.blocks.append(block.copy())

    def finish(self):
        heard = np.concatenate(self.blocks, axis=1)
        times = np.arange(heard.shape[1]) / self.rate
        return (Track("heard", times, heard.T.astype(float), summary={"frames": heard.shape[1]}),)


def _spec(id, factory, *params, **more):
    return DeviceSpec(f"toy.{id}", "processor", f"toys:{factory}", params, **more)


SCALE = _spec("scale", "Scale", Param("factor", 1.0, lo=-10, hi=10))
LATE = _spec(
    "late",
    "Late",
    Param("frames", 100, kind="int", lo=0, hi=10000, structural=True),
    Param("echo", False, kind="bool", structural=True),
)
WIDEN = _spec("widen", "Widen", channels=(1,))
ENDLESS = _spec("endless", "Endless", Param("t60", 0.2, lo=0.01, hi=100))
NARROW = _spec("narrow", "Scale", Param("factor", 1.0, lo=-10, hi=10), rates=(16000,))
NARROW_LATE = _spec("narrow_late", "Late", *LATE.params, rates=(16000,))
BACKWARDS = _spec("backwards", "Backwards", streaming=False)
HALVE = _spec("halve", "Halve", streaming=False, length="free")
BAD = _spec("bad", "Bad", Param("how", "nan", kind="choice", choices=("nan", "short", "double", "crash")))
RECORDER = DeviceSpec("toy.recorder", "analyzer", "toys:Recorder")


def recorder(**more) -> AnalyzerDevice:
    return AnalyzerDevice(replace(RECORDER, **more))


def make(spec, **values):
    return Device(spec, values)
