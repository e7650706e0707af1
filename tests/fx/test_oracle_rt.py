"""Delay, reverb and send against the authors' real-time variants, and the published presets' units."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fx.published import RATE, device_values, plain_values

from voxrack.params import check_values
from voxrack_fx import specs_filters, specs_space
from voxrack_fx.absorption import line_gains
from voxrack_fx.compressor import Compressor
from voxrack_fx.delay import Delay
from voxrack_fx.pan import Pan
from voxrack_fx.peq import Equaliser
from voxrack_fx.reverb import Reverb, rotation_matrix

BLOCK = 1000
SPECS = {spec.id: spec for spec in (*specs_filters.SPECS, *specs_space.SPECS)}


@pytest.fixture
def oracle(shared: Path) -> tuple[dict[str, Any], Any]:
    """The index and the arrays, read as they are asked for."""
    folder = shared / "oracle"
    return json.loads((folder / "index.json").read_text()), np.load(folder / "oracle.npz")


def of_kind(index: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    cases = [case for case in index["cases"] if case["kind"] == kind]
    assert cases, f"the oracle has no cases of kind {kind}"
    return cases


def device(make: type, id: str, values: dict[str, Any], channels: int, frames: int = BLOCK) -> Any:
    processor = make(check_values(SPECS[id].params, values, id), {}, {})
    processor.prepare(RATE, channels, frames)
    return processor


def in_blocks(processor: Any, signal: np.ndarray) -> np.ndarray:
    """The whole signal through a device in blocks, latency removed, same length."""
    pieces = [
        processor.process(np.ascontiguousarray(signal[:, n : n + BLOCK])) for n in range(0, signal.shape[1], BLOCK)
    ]
    latency = processor.latency
    while latency and sum(piece.shape[1] for piece in pieces) < signal.shape[1] + latency:
        pieces.append(processor.flush(latency))
    return np.concatenate(pieces, axis=1)[:, latency : latency + signal.shape[1]]


def render(raw: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """y = PAN(u) + w + FDN([u, u] + g_SEND w), w = DLY(u), u = COMP(EQ(x)) (spec, section 1)."""
    plain = plain_values(raw)
    chosen = {slot: device_values(plain, slot) for slot in ("peq", "compressor", "delay", "reverb", "direct")}
    u = in_blocks(device(Equaliser, "fx.peq", chosen["peq"], 1), signal)
    u = in_blocks(device(Compressor, "fx.compressor", chosen["compressor"], 1), u)
    w = in_blocks(device(Delay, "fx.delay", chosen["delay"], 1), u)
    send = np.float32(10.0 ** (plain["send.delay.reverb"] / 20.0))
    wet = in_blocks(device(Reverb, "fx.reverb", chosen["reverb"], 2), np.repeat(u, 2, axis=0) + send * w)
    return in_blocks(device(Pan, "fx.pan", chosen["direct"], 1), u) + w + wet


def test_real_time_chains(oracle):
    index, arrays = oracle
    for case in of_kind(index, "rt"):
        y = render(arrays[case["raw"]], arrays[index["inputs"][case["input"]]["key"]]).astype(np.float64)
        expected = arrays[case["output"]].astype(np.float64)
        got = np.concatenate([y[:, start:stop] for start, stop in case["segments"]], axis=1)
        error = np.linalg.norm(got - expected) / np.linalg.norm(expected)
        assert error <= 1e-3, f"{case['name']}: relative L2 error {error:.2e} on the stored segments"
        size = case["rms_block"]
        blocks = y[:, : y.shape[1] // size * size].reshape(2, -1, size)
        profile, wanted = np.sqrt(np.mean(blocks**2, axis=2)), arrays[case["rms_profile"]].astype(np.float64)
        error = np.linalg.norm(profile - wanted) / np.linalg.norm(wanted)
        assert error <= 1e-3, f"{case['name']}: relative L2 error {error:.2e} of the RMS profile"


NAMES = {
    "PK1": "peq.peak1", "PK2": "peq.peak2", "LS": "peq.low_shelf", "HS": "peq.high_shelf",
    "LP": "peq.low_pass", "HP": "peq.high_pass", "DLY.LP": "delay.low_pass",
    "FDN.PK1": "reverb.peak1", "FDN.PK2": "reverb.peak2", "FDN.LS": "reverb.low_shelf", "FDN.HS": "reverb.high_shelf",
}  # fmt: skip
FIELDS = {"gain": "gain", "freq": "frequency", "Q": "q"}
SINGLE = {
    "COMP.cmp_th": "compressor.threshold", "COMP.exp_th": "compressor.expander_threshold",
    "COMP.make_up": "compressor.make_up", "COMP.lookahead": "compressor.look_ahead",
    "COMP.at_ms": "compressor.attack", "COMP.rt_ms": "compressor.release", "COMP.cmp_ratio": "compressor.ratio",
    "COMP.exp_ratio": "compressor.expander_ratio", "PAN": "direct.pan", "DLY.delay_ms": "delay.time",
    "DLY.feedback": "delay.feedback", "DLY.odd_pan": "delay.odd_pan", "DLY.even_pan": "delay.even_pan",
}  # fmt: skip
LEVELS = {"SEND": "send.delay.reverb", "DLY.gain": "delay.level"}
COEFFICIENTS = {
    "COMP.at": "compressor.attack", "COMP.rt": "compressor.release", "COMP.avg_coef": "compressor.averaging",
}  # fmt: skip


def as_published(plain: dict[str, Any], key: str) -> float:
    """The authors' number from ours."""
    if key in SINGLE:
        return plain[SINGLE[key]]
    if key in LEVELS:
        return 10.0 ** (plain[LEVELS[key]] / 20.0)
    if key in COEFFICIENTS:
        return -math.expm1(-2200.0 / (plain[COEFFICIENTS[key]] * RATE))
    band, field = key.rsplit(".", 1)
    return plain[f"{NAMES[band]}.{FIELDS[field]}"]


def test_units_of_published_presets(oracle):
    index, arrays = oracle
    for case in of_kind(index, "map"):
        plain = plain_values(arrays[case["raw"]])
        for key, wanted in case["scalars"].items():
            assert as_published(plain, key) == pytest.approx(wanted, rel=1e-6, abs=1e-9), f"{case['name']}: {key}"
        wanted = {name: np.asarray(arrays[key], dtype=np.float64) for name, key in case["arrays"].items()}
        got = {
            "b": plain["reverb.input"],
            "c": plain["reverb.output"],
            "gamma": line_gains(plain["reverb.decay"], [997], RATE)[0],
            "U": rotation_matrix(plain["reverb.rotation"]),
        }
        for name, array in got.items():
            reference = wanted[name].reshape(array.shape)
            error = np.abs(array - reference).max() / np.abs(reference).max()
            assert error <= 1e-6, f"{case['name']}: {name} differs by {error:.1e} of its maximum"


@pytest.mark.parametrize("collection", ["internal", "medleydb"])
def test_every_published_preset_is_within_bounds(shared, collection):
    raws = np.load(shared / "data" / "diffvox_presets" / collection / "raw_params.npy")
    for raw in raws:
        plain = plain_values(raw)
        for slot in ("peq", "compressor", "delay", "reverb", "direct"):
            id = "fx.pan" if slot == "direct" else f"fx.{slot}"
            check_values(SPECS[id].params, device_values(plain, slot), id)  # raises where one is not


def test_growing_echoes_of_published_presets_are_rendered_as_published(oracle, shared):
    """35 presets have a loop gain above 1; over the oracle's four seconds none of them meets the delay's guard."""
    index, arrays = oracle
    signal, growing = arrays[index["inputs"]["bursts"]["key"]], 0
    for collection in ("internal", "medleydb"):
        for raw in np.load(shared / "data" / "diffvox_presets" / collection / "raw_params.npy"):
            plain = plain_values(raw)
            echoes = device(Delay, "fx.delay", device_values(plain, "delay"), 1)
            if echoes.loop_gain <= 0.9999:
                continue
            growing += 1
            u = in_blocks(device(Equaliser, "fx.peq", device_values(plain, "peq"), 1), signal)
            echoes.process(in_blocks(device(Compressor, "fx.compressor", device_values(plain, "compressor"), 1), u))
            assert not echoes.guarded
    assert growing == 35
