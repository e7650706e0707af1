"""Settings of one slot in every published preset, and what the single-effect cases of the oracle need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from fx.published import device_values, plain_values

FLOAT64_RELATIVE = 1e-6  # tolerances of the oracle's index.json
RELATIVE_FLOAT32 = 3e-4


def settings(shared: Path, slot: str) -> list[dict[str, Any]]:
    """Plain values of one slot, for each published preset in turn."""
    raws = [np.load(shared / "data" / "diffvox_presets" / name / "raw_params.npy") for name in ("internal", "medleydb")]
    return [device_values(plain_values(raw), slot) for raw in np.concatenate(raws)]


def stacked(values: list[dict[str, Any]], dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    """One tensor (settings,) per parameter."""
    return {id: torch.tensor([v[id] for v in values], dtype=dtype) for id in values[0]}


def case_input(case: dict[str, Any], numbers: Any) -> np.ndarray:
    """``"voice[22050:74970]"`` names an input and the part of it that is used."""
    name, _, part = case["input"].partition("[")
    start, stop = part.rstrip("]").split(":") if part else ("", "")
    return np.atleast_2d(numbers[f"input/{name}"])[:, slice(int(start or 0), int(stop) if stop else None)]


def assert_case(case: dict[str, Any], out: torch.Tensor, numbers: Any) -> None:
    """The stored segments, and the profile of the whole, within the oracle's tolerances."""
    single = out.dtype == torch.float32
    got, want = out.double().numpy(), np.atleast_2d(numbers[case["output"]]).astype(np.float64)
    got_segments = np.concatenate([got[:, a:b] for a, b in case["segments"]], axis=1)
    relative = max(RELATIVE_FLOAT32, 4 * case["f32_rel_l2"]) if single else FLOAT64_RELATIVE
    error = np.linalg.norm(got_segments - want) / np.linalg.norm(want)
    assert error <= relative, f"{case['name']}: {error:.2e}"
    if single:
        assert np.abs(got_segments - want).max() <= max(5e-4 * case["peak"], 4 * case["f32_max_abs"]), case["name"]
    if "rms_profile" in case:
        blocks = got.shape[1] // case["rms_block"]
        pieces = got[:, : blocks * case["rms_block"]].reshape(got.shape[0], blocks, case["rms_block"])
        profile = np.sqrt((pieces**2).mean(-1))
        stored = np.atleast_2d(numbers[case["rms_profile"]])
        limit = (relative if single else 2e-6) * np.abs(stored).max()
        np.testing.assert_allclose(profile, stored[:, :blocks], rtol=0, atol=limit, err_msg=case["name"])
