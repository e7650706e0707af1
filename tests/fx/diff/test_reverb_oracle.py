"""The reverb in mode "paper" against the authors' numbers, and in mode "exact" against every published preset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from conftest import data_root, oracle_cases
from fx.published import device_values, plain_values

from voxrack.params import check_values
from voxrack_fx.reverb import Reverb
from voxrack_fx.specs_space import REVERB

RELATIVE = 1e-6  # of a float64 implementation
MATRIX = "params.parametrizations.U.original"


@pytest.fixture(scope="module")
def oracle() -> tuple[list[dict[str, Any]], Any]:
    return oracle_cases("single", effect="FDN")


def values_of(case: dict[str, Any]) -> dict[str, Any]:
    """Plain values of a case from its raw and its physical numbers."""
    gains = np.array(case["physical"]["gamma"])
    values: dict[str, Any] = {
        "input": np.array(case["raw"]["params.b"]),
        "output": np.array(case["raw"]["params.c"]),
        "decay": -60.0 / (20.0 * np.log10(gains)) * 997 / case["sr"],
        "rotation": np.array(case["raw"][MATRIX])[np.triu_indices(6, 1)],
    }
    for band, numbers in zip(("peak1", "peak2", "low_shelf", "high_shelf"), case["physical"]["eq"]):
        values |= {
            f"{band}.gain": numbers["gain"], f"{band}.frequency": numbers["freq"], f"{band}.q": numbers.get("Q", 0.707)
        }  # fmt: skip
    return values


def reverb(values: dict[str, Any]) -> Reverb:
    return Reverb(check_values(REVERB.params, values, REVERB.id), {}, {})


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_network_of_the_paper(oracle, dtype):
    for case in oracle[0]:
        module = reverb(values_of(case)).module(case["sr"], "paper")
        impulses = torch.zeros(2, 2, case["full_length"], dtype=dtype)
        impulses[0, 0, 0] = impulses[1, 1, 0] = 1.0
        with torch.no_grad():
            out = module(impulses, {}).double().numpy()
        want = oracle[1][case["output"]].astype(np.float64)
        got = np.concatenate([out[..., a:b] for a, b in case["segments"]], axis=-1)
        assert got.shape == want.shape, case["name"]
        tolerance = RELATIVE if dtype is torch.float64 else max(3e-4, 4 * case["f32_rel_l2"])
        error = np.linalg.norm(got - want) / np.linalg.norm(want)
        assert error <= tolerance, f"{case['name']}: relative L2 error {error:.2e}"
        size = case["rms_block"]
        blocks = out[..., : out.shape[-1] // size * size].reshape(2, 2, -1, size)
        profile, wanted = np.sqrt(np.mean(blocks**2, axis=-1)), oracle[1][case["rms_profile"]].astype(np.float64)
        error = np.linalg.norm(profile - wanted.reshape(profile.shape)) / np.linalg.norm(wanted)
        assert error <= tolerance, f"{case['name']}: relative L2 error {error:.2e} of the RMS profile"


def disagreements(raw: np.ndarray) -> dict[torch.dtype, float]:
    """Level in dB of the difference between the module and the streaming device, relative to the device's output."""
    device = reverb(device_values(plain_values(raw), "reverb"))
    device.prepare(44100, 2, 44100)
    signal = np.random.default_rng(0).normal(size=(2, 44100)).astype(np.float32)
    signal[:, 15000:] = 0.0
    heard = device.process(signal).astype(np.float64)
    levels = {}
    for dtype in (torch.float64, torch.float32):
        with torch.no_grad():
            out = device.module(44100)(torch.from_numpy(signal).to(dtype)[None], {})[0].double().numpy()
        levels[dtype] = 20.0 * np.log10(np.linalg.norm(out - heard) / np.linalg.norm(heard))
    return levels


def presets(collection: str) -> np.ndarray:
    return np.load(data_root() / "data" / "diffvox_presets" / collection / "raw_params.npy")


def assert_as_heard(collection: str, every: int) -> None:
    for row, raw in enumerate(presets(collection)[::every]):
        levels = disagreements(raw)
        assert levels[torch.float64] <= -100.0 and levels[torch.float32] <= -90.0, (
            f"{collection} {row * every}: {levels}"
        )


@pytest.mark.parametrize(("collection", "every"), [("internal", 25), ("medleydb", 14)])
def test_some_published_presets_as_heard(collection, every):
    assert_as_heard(collection, every)


@pytest.mark.oracle
@pytest.mark.parametrize("collection", ["internal", "medleydb"])
def test_every_published_preset_as_heard(collection):
    assert_as_heard(collection, 1)
