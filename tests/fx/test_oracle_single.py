"""Every `single` case of the EQ bands, the compressor and the pan against the authors' numbers in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from conftest import oracle_cases
from fx.published import device_values, plain_values
from fx.streams import render

from voxrack_fx import specs_filters as specs
from voxrack_fx.pan import factors

_BANDS = {
    "PK1": specs.PEAK, "PK2": specs.PEAK, "LS": specs.LOW_SHELF, "HS": specs.HIGH_SHELF,
    "LP": specs.LOW_PASS, "HP": specs.HIGH_PASS,
}  # fmt: skip
_IN_PEQ = {
    "PK1": "peak1", "PK2": "peak2", "LS": "low_shelf", "HS": "high_shelf", "LP": "low_pass", "HP": "high_pass"
}  # fmt: skip
RELATIVE = 1e-6  # the tolerance for a float64 implementation


@pytest.fixture(scope="module")
def oracle() -> tuple[list[dict[str, Any]], Any]:
    return oracle_cases("single")


def _input(case: dict[str, Any], numbers: Any) -> np.ndarray:
    """``"voice[22050:74970]"`` names an input and the part of it that is used."""
    name, _, part = case["input"].partition("[")
    signal = np.atleast_2d(numbers[f"input/{name}"])
    start, stop = part.rstrip("]").split(":") if part else ("", "")
    return np.ascontiguousarray(signal[:, slice(int(start or 0), int(stop) if stop else None)])


def _compare(case: dict[str, Any], out: np.ndarray, numbers: Any) -> None:
    want = np.atleast_2d(numbers[case["output"]]).astype(np.float64)
    got = np.concatenate([out[:, a:b] for a, b in case["segments"]], axis=1)
    assert got.shape == want.shape, case["name"]
    assert np.linalg.norm(got - want) <= RELATIVE * np.linalg.norm(want), case["name"]
    assert np.abs(got - want).max() <= 10 * RELATIVE * case["peak"], case["name"]


def _band_values(physical: dict[str, float]) -> dict[str, float]:
    values = {"frequency": physical["freq"], "q": physical.get("Q", 0.707)}
    return values | ({"gain": physical["gain"]} if "gain" in physical else {})


def _milliseconds(coefficient: float, rate: int) -> float:
    return -2200.0 / (rate * math.log1p(-coefficient))


@pytest.mark.parametrize("effect", _BANDS)
def test_band_alone(oracle, effect):
    cases = [case for case in oracle[0] if case["effect"] == effect]
    assert cases
    for case in cases:
        signal = _input(case, oracle[1])
        _compare(case, render(_BANDS[effect], _band_values(case["physical"]), signal, rate=case["sr"]), oracle[1])


@pytest.mark.parametrize("effect", _BANDS)
def test_band_within_the_equaliser_whose_other_bands_are_neutral(oracle, effect):
    for case in (case for case in oracle[0] if case["effect"] == effect):
        values = {f"{_IN_PEQ[effect]}.{id}": value for id, value in _band_values(case["physical"]).items()}
        _compare(case, render(specs.PEQ, values, _input(case, oracle[1]), rate=case["sr"]), oracle[1])


def test_compressor(oracle):
    cases = [case for case in oracle[0] if case["effect"] == "COMP"]
    assert cases
    for case in cases:
        p, rate = case["physical"], case["sr"]
        values = {
            "threshold": p["cmp_th"], "expander_threshold": p["exp_th"], "make_up": p["make_up"],
            "ratio": p["cmp_ratio"], "expander_ratio": p["exp_ratio"], "look_ahead": abs(p["lookahead"]) % 15.0,
            "attack": _milliseconds(p["at"], rate), "release": _milliseconds(p["rt"], rate),
            "averaging": _milliseconds(p["avg_coef"], rate),
        }  # fmt: skip
        _compare(case, render(specs.COMPRESSOR, values, _input(case, oracle[1]), rate=rate), oracle[1])


def test_pan(oracle):
    cases = [case for case in oracle[0] if case["effect"] == "PAN"]
    assert cases
    for case in cases:
        pan = case["physical"]["pan"]
        assert factors(pan) == pytest.approx(case["left_right_gain"], rel=1e-6, abs=1e-9)
        out = render(specs.PAN, {"pan": pan}, np.full((1, 100), 0.5, np.float32))
        np.testing.assert_allclose(out[:, -1], 0.5 * np.array(case["left_right_gain"]), rtol=1e-6, atol=1e-9)


def test_equaliser_and_compressor_in_series():
    """The `taps` cases: the whole EQ, then the compressor, with the numbers of published presets."""
    cases, numbers = oracle_cases("taps")
    for case in cases:
        values = plain_values(numbers[case["raw"]])
        signal = _input(case, numbers)
        for device, slot, stage in ((specs.PEQ, "peq", "hp"), (specs.COMPRESSOR, "compressor", "comp")):
            signal = np.ascontiguousarray(render(device, device_values(values, slot), signal)[:, : signal.shape[1]])
            want = np.atleast_2d(numbers[case["outputs"][stage]])
            got = np.concatenate([signal[:, a:b] for a, b in case["segments"]], axis=1)
            assert np.linalg.norm(got - want) <= RELATIVE * np.linalg.norm(want), (case["name"], stage)
