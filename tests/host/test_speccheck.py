"""Every field of a specification that can be wrong is named."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voxrack import Axis, DeviceSpec, Param
from voxrack.speccheck import check_spec


def spec(**fields) -> DeviceSpec:
    return DeviceSpec(**{"id": "toy.gain", "kind": "processor", "factory": "toy.gain:Gain", **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": "gain"}, "'id' is 'gain'"),
        ({"id": "Toy.Gain"}, "'id'"),
        ({"id": 5}, "'id' is 5"),
        ({"kind": "effect"}, "'kind' is 'effect'"),
        ({"factory": "toy.gain"}, "'factory' is 'toy.gain'"),
        ({"factory": None}, "'factory'"),
        ({"version": 0}, "'version' is 0"),
        ({"version": True}, "'version'"),
        ({"api": 0}, "'api' is 0"),
        ({"api": 3}, "contract 3"),
        ({"migrate": "toy"}, "'migrate'"),
        ({"title": 4}, "'title' is 4"),
        ({"needs": ["enhancer"]}, "'needs'"),
        ({"needs": {"enhancer": "enhancer"}}, "processor or analyzer"),
        ({"rates": (0,)}, "'rates' holds 0"),
        ({"rates": (44_100.5,)}, "'rates'"),
        ({"rates": 16_000}, "'rates' is 16000; it takes a tuple"),
        ({"params": iter(())}, "'params'"),
        ({"extra": "a b"}, "'group:module'"),
        ({"extra": ".module"}, "'group:module'"),
        ({"weights": "../other/file"}, "'weights'"),
        ({"weights": "/etc/file"}, "'weights'"),
        ({"weights": 4}, "'weights' is 4"),
        ({"needs": {"enhancer": []}}, "processor or analyzer"),
        ({"channels": (65,)}, "'channels' holds 65"),
        ({"length": "longer"}, "'length' is 'longer'"),
        ({"length": "free"}, "streaming=False"),
        ({"kind": "analyzer", "streaming": False}, "'streaming'"),
        ({"kind": "analyzer", "transparent": {"a": 1}}, "'transparent'"),
        ({"transparent": {"a": 1}}, "'transparent': toy.gain has no parameter 'a'"),
        ({"waivers": ("silence",)}, "'name: reason'"),
        ({"waivers": (None,)}, "'name: reason'"),
        ({"params": ("gain",)}, "no voxrack.Param"),
    ],
)
def test_a_field_that_is_wrong_is_named(fields, said):
    assert said in check_spec(spec(**fields))


@pytest.mark.parametrize(
    ("param", "said"),
    [
        (Param("Gain", 0.0), "'Gain'"),
        (Param("mix", 0.0), "reserved"),
        (Param("bypass", False, kind="bool"), "reserved"),
        (Param("a", 2.0), "'default'"),
        (Param("a", math.nan), "'default'"),
        (Param("a", 0.0, kind="real"), "'kind' is 'real'"),
        (Param("a", 0.0, lo=1.0, hi=0.0), "'lo' and 'hi'"),
        (Param("a", 0.0, hi=math.inf), "'lo' and 'hi'"),
        (Param("a", 0.0, lo=-math.inf), "'lo' and 'hi'"),
        (Param("a", 0.0, lo=math.nan), "'lo' and 'hi'"),
        (Param("a", 0.0, scale="log"), "lo above 0"),
        (Param("a", 0.0, scale="cubic"), "'scale' is 'cubic'"),
        (Param("a", 0.0, scale=0.0), "a skew"),
        (Param("a", 0.0, step=-1.0), "'step'"),
        (Param("a", 0.5, kind="int"), "'default'"),
        (Param("a", "x", kind="choice"), "'choices'"),
        (Param("a", "x", kind="choice", choices=("x", "x")), "different"),
        (Param("a", "z", kind="choice", choices=("x", "y")), "'default'"),
        (Param("a", 0.0, choices=("x",)), "'choices'"),
        (Param("a", 0.0, kind="array"), "'axes'"),
        (Param("a", 0.0, axes=(Axis("line", 2),)), "'axes'"),
        (Param("a", 0.0, kind="array", axes=(Axis("line", 0),)), "size from 1"),
        (Param("a", 0.0, kind="array", axes=(Axis("line", 2, points=(1.0,)),)), "1 points for a size of 2"),
        (Param("a", [0.0], kind="array", axes=(Axis("line", 2),)), "'default'"),
        (Param("a", 1, kind="text"), "'default'"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(param, said):
    assert said in check_spec(spec(params=(param,)))


def test_a_parameter_twice():
    assert "occurs twice" in check_spec(spec(params=(Param("a", 0.0), Param("a", 0.0))))


def test_what_is_right_passes():
    params = (
        Param("level", -math.inf, lo=-math.inf, hi=6.0, unit="dB"),
        Param("frequency", 1e3, lo=20.0, hi=2e4, unit="Hz", scale="log"),
        Param("shape.curve", 0.5, scale=0.3),
        Param("count", 3, kind="int", lo=1, hi=9),
        Param("model", "a", kind="choice", choices=("a", "b")),
        Param("on", True, kind="bool"),
        Param("grid", np.zeros((2, 3)), kind="array", axes=(Axis("line", 2, points=(1.0, 2.0)), Axis("band", 3))),
        Param("note", "", kind="text"),
        Param("file", "", kind="asset"),
    )
    full = spec(params=params, transparent={"level": 0.0}, waivers=("silence: hums",), needs={"a-role": "analyzer"})
    assert check_spec(full) == ""
    assert check_spec(spec(streaming=False, length="free", rates=(16_000,), channels=(1, 2))) == ""
