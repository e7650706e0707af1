"""Devices that break the contract: named where it can be seen, without harm to others where it cannot."""

from __future__ import annotations

import math

import numpy as np
import pytest
import toys
from toys import make

from voxrack.audio import Audio
from voxrack.bus import Bus
from voxrack.device import DeviceSpec
from voxrack.errors import DeviceError, RoutingError
from voxrack.instance import AnalyzerDevice, Device
from voxrack.rack import Rack
from voxrack.rendering import analyze, render, stream
from voxrack.slots import Slot

RATE = 48_000
X = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 9000)).astype(np.float32)


class Wire(toys.Base):
    def process(self, block):
        return block.copy()


class Thrifty(Wire):
    """Returns the same memory every time."""

    def reset(self):
        super().reset()
        self.memory = np.zeros((self.channels, 16384), np.float32)
        self.full = np.zeros((self.channels, 4096), np.float32)

    def process(self, block):
        out = self.full if block.shape[1] == 4096 else self.memory[:, : block.shape[1]]
        out[:] = block
        return out


class ThriftyEcho(Thrifty):
    """Delays by 5000 samples, in the same memory every time."""

    tail = 5000

    def reset(self):
        super().reset()
        self.held = np.zeros((self.channels, 5000), np.float32)

    def process(self, block):
        joined = np.concatenate((self.held, block), axis=1)
        self.held = joined[:, block.shape[1] :].copy()
        return super().process(joined[:, : block.shape[1]])


class Vandal(toys.Base):
    """Works in the memory that it is given."""

    def process(self, block):
        block *= np.float32(0.5)
        return block


class Keeper:
    """An analyzer that keeps the blocks it hears."""

    def __init__(self, values, needs, assets):
        self.blocks: list[np.ndarray] = []

    def prepare(self, sample_rate, channels):
        """Nothing to prepare."""

    def push(self, block):
        self.blocks.append(block)

    def finish(self):
        from voxrack.device import Track

        heard = np.concatenate(self.blocks, axis=1)
        return (Track("heard", np.arange(heard.shape[1]) / RATE, heard.T.astype(float)),)


def hostile(device: type, **more) -> Device:
    globals()[device.__name__] = device
    return Device(DeviceSpec(f"bad.{device.__name__.lower()}", "processor", f"{__name__}:{device.__name__}", **more))


def keeper() -> AnalyzerDevice:
    return AnalyzerDevice(DeviceSpec("bad.keeper", "analyzer", f"{__name__}:Keeper"))


def heard(analyzer: AnalyzerDevice) -> np.ndarray:
    return analyzer.finish()[0].values.T.astype(np.float32)


# ---- memory ------------------------------------------------------------------------------------


def test_a_device_that_uses_its_output_again_is_heard_right():
    racks = [
        Rack([hostile(Thrifty)]),
        Rack([hostile(Thrifty)], master=[hostile(Thrifty)]),
        Rack([], [Bus("one", [hostile(Thrifty)])], {"one": 0.0}, dry=-math.inf),
    ]
    for rack in racks:
        np.testing.assert_array_equal(render(rack, Audio(X, RATE)).samples, X)
        parts = list(stream(rack, [X[:, :4096], X[:, 4096:8192], X[:, 8192:]], RATE))
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), X)


def test_so_is_its_end_behind_another():
    rack = Rack([make(toys.LATE, frames=777, echo=True), hostile(ThriftyEcho)], offset=10.0)
    same = Rack([make(toys.LATE, frames=777, echo=True), make(toys.LATE, frames=5000, echo=True)], offset=10.0)
    np.testing.assert_array_equal(render(rack, Audio(X, RATE)).samples, render(same, Audio(X, RATE)).samples)


def test_a_device_that_works_in_its_input_harms_neither_the_caller_nor_other_paths():
    for channels in (1, 2):
        given = X[:channels].copy()
        rack = Rack(
            [], [Bus("one", [hostile(Vandal)]), Bus("two", [make(toys.SCALE)])], {"one": 0.0, "two": 0.0}, dry=0.0
        )
        np.testing.assert_allclose(render(rack, Audio(given, RATE)).samples, 2.5 * given, rtol=1e-6)
        mixed = render(Rack([Slot(hostile(Vandal), mix=0.5)]), Audio(given, RATE)).samples
        np.testing.assert_allclose(mixed, 0.75 * given, rtol=1e-6)
        render(hostile(Vandal), Audio(given, RATE))
        np.testing.assert_array_equal(given, X[:channels])


def test_an_analyzer_may_keep_what_it_hears():
    taps = {"in": keeper(), "thrifty": keeper(), "vandal": keeper(), "out": keeper()}
    render(Rack([hostile(Thrifty), hostile(Vandal), hostile(Vandal)]), Audio(X, RATE), taps=taps)
    for place, gain in (("in", 1.0), ("thrifty", 1.0), ("vandal", 0.5), ("out", 0.25)):
        np.testing.assert_array_equal(heard(taps[place]), X * np.float32(gain), err_msg=place)


def test_one_device_in_two_places_is_refused():
    device, slot = make(toys.LATE), Slot(make(toys.SCALE))
    for build in (
        lambda: Rack([device, device]),
        lambda: Rack([device], [Bus("one", [device])]),
        lambda: Rack([slot], master=[slot]),
        lambda: Rack([slot, slot]),
    ):
        with pytest.raises(RoutingError, match=r"stands in the rack twice.*make one for each place"):
            build()


def test_a_copy_has_helpers_of_its_own():
    helper = make(toys.SCALE, factor=2.0)
    rack = Rack([Device(toys.LATE, {}, needs={"helper": helper})])
    copied = rack.copy().inserts[0].device.needs["helper"]
    assert copied is not helper and copied.values == helper.values


# ---- what they declare and return -----------------------------------------------------------------


def declaring(name: str, **fields) -> type:
    return type(name, (Wire,), {**fields, "reset": lambda self: None, "flush": fields.get("flush", _no_flush)})


def _no_flush(self, frames):
    return np.zeros((self.channels, 0), np.float32)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"latency": None}, "latency None"),
        ({"latency": "abc"}, "latency 'abc'"),
        ({"latency": 3.7}, "latency 3.7"),
        ({"latency": math.nan}, "latency nan"),
        ({"latency": math.inf}, "latency inf"),
        ({"latency": -1}, "latency -1"),
        ({"tail": None}, "tail None"),
        ({"tail": math.nan}, "tail nan"),
        ({"tail": -5}, "tail -5"),
        ({"prepare": lambda self, *_: None}, "None channels"),
        ({"prepare": lambda self, *_: 0}, "0 channels"),
        ({"prepare": lambda self, *_: 65}, "65 channels"),
        ({"process": lambda self, block: None}, "NoneType None"),
        ({"process": lambda self, block: block.tolist()}, "returned list"),
        ({"process": lambda self, block: block.astype(">f4")}, "returned >f4"),
        ({"tail": 100, "flush": lambda self, frames: None}, "flushed NoneType None"),
        ({"tail": 100, "flush": lambda self, frames: np.zeros((2, frames))}, "flushed float64"),
        ({"tail": 100, "flush": lambda self, frames: np.full((2, frames), None)}, "flushed object"),
        ({"tail": 100, "flush": lambda self, frames: np.zeros((1, frames), np.float32)}, "flushed float32"),
        ({"tail": 100, "flush": lambda self, frames: np.full((2, frames), np.nan, np.float32)}, "flushed NaN"),
    ],
)
def test_what_a_device_declares_or_returns_is_named(fields, told):
    with pytest.raises(DeviceError, match=f"device 'bad.liar'.*{told}"):
        render(hostile(declaring("Liar", **fields)), Audio(X, RATE))


def test_a_value_that_the_device_fails_to_take_is_not_shown():
    def refuse(self, id, value):
        raise ValueError("not now")

    device = hostile(type("Liar", (Wire,), {"set": refuse}), params=toys.SCALE.params)
    rack = Rack([device])
    render(rack, Audio(X, RATE))
    with pytest.raises(DeviceError, match=r"'bad\.liar' failed in set\(\): ValueError: not now"):
        rack.set("liar.factor", 2.0)
    assert rack.get("liar.factor") == 1.0


@pytest.mark.parametrize("call", ["__init__", "prepare", "process", "flush"])
def test_a_device_cannot_end_the_host(call):
    def leave(self, *_):
        raise SystemExit(0)

    device = hostile(type("Liar", (Wire,), {"tail": 5, call: leave}))
    with pytest.raises(DeviceError, match=r"device 'bad\.liar' failed in \w+\(\): SystemExit: 0"):
        render(device, Audio(X, RATE))


@pytest.mark.parametrize("given", [None, "text", 1.0, np.zeros(3), np.full((2, 9000), None), np.zeros((2, 9000), int)])
def test_what_a_whole_signal_device_returns_is_named(given):
    device = hostile(type("Liar", (Wire,), {"convert": lambda self, *_: given}), streaming=False)
    with pytest.raises(DeviceError, match=r"device 'bad\.liar' converted"):
        render(device, Audio(X, RATE))


def test_a_whole_signal_device_that_cannot_be_made_is_named():
    def broken(self, *_):
        raise ValueError("no model")

    with pytest.raises(DeviceError, match=r"'bad\.liar' failed in convert\(\): ValueError: no model"):
        render(hostile(type("Liar", (Wire,), {"__init__": broken}), streaming=False), Audio(X, RATE))


@pytest.mark.parametrize("found", [None, 3, ["track"], {"a": 1}])
def test_what_an_analyzer_finds_is_named(found):
    globals()["Liar"] = type("Liar", (Keeper,), {"finish": lambda self: found})
    with pytest.raises(DeviceError, match=r"analyzer 'bad\.liar' found .*tuple of Track"):
        analyze(AnalyzerDevice(DeviceSpec("bad.liar", "analyzer", f"{__name__}:Liar")), Audio(X, RATE))
