"""Whole chains in `paper` mode against the reference: renderings, every stage, the last block alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from match.oracle_bench import cases, index, module, numbers, parameters, profile, relative, segments, signal

from voxrack import Audio
from voxrack_atlas import from_diffvox
from voxrack_match import RackModule, render_module

pytestmark = pytest.mark.oracle
STORED = 1e-6  # relative: the tolerance of a float64 implementation; storage rounding is 3e-8


def _groups() -> list[Any]:
    """Cases that share a preset, a rate and a length: their inputs run as one batch."""
    found: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    for case in index():
        if case["kind"] == "chain":
            found.setdefault((case["raw"], case["sr"], case["full_length"]), []).append(case)
    if not found:
        return cases("chain")
    quick = list(found)[:1]
    return [
        pytest.param(group, id=f"{raw}-{rate}", marks=() if (raw, rate, frames) in quick else pytest.mark.slow)
        for (raw, rate, frames), group in found.items()
    ]


@pytest.mark.parametrize("group", _groups())
def test_chain_in_double_precision(group: list[dict[str, Any]]) -> None:
    for case, rendered in zip(group, _render(group, torch.float64)):
        assert relative(segments(case, rendered), numbers()[case["output"]]) <= STORED, case["name"]
        assert relative(profile(case, rendered), numbers()[case["rms_profile"]]) <= STORED, case["name"]


@pytest.mark.parametrize("group", _groups())
def test_chain_in_single_precision(group: list[dict[str, Any]]) -> None:
    for case, rendered in zip(group, _render(group, torch.float32)):
        found, wanted = segments(case, rendered), numbers()[case["output"]]
        assert relative(found, wanted) <= max(3e-4, 4.0 * case["f32_rel_l2"]), case["name"]
        assert np.abs(found - wanted).max() <= max(5e-4 * case["peak"], 4.0 * case["f32_max_abs"]), case["name"]


def _render(group: list[dict[str, Any]], dtype: torch.dtype) -> np.ndarray:
    """The imported preset through its modules, one item for each case."""
    rate = group[0]["sr"]
    rack = from_diffvox(numbers()[group[0]["raw"]], rate).rack()
    inputs = np.stack([signal(case["input"]) for case in group])
    with torch.no_grad():
        return RackModule(rack, rate, "paper")(torch.from_numpy(inputs).to(dtype)).numpy()


@pytest.mark.parametrize("case", cases("chain")[:1])
def test_render_module_is_the_chain(case: dict[str, Any]) -> None:
    source = Audio(signal(case["input"]), case["sr"])
    rendered = render_module(from_diffvox(numbers()[case["raw"]], case["sr"]), source, "paper", "float64")
    assert rendered.samples.shape == (2, source.frames)
    assert relative(segments(case, rendered.samples), numbers()[case["output"]]) <= STORED


@pytest.mark.parametrize("case", cases("taps"))
def test_every_stage(case: dict[str, Any]) -> None:
    values = parameters(torch.from_numpy(numbers()[case["raw"]].astype(np.float64)))
    x = torch.from_numpy(signal(case["input"]))[None]
    with torch.no_grad():
        heard = _bands(x, values) | _stages(x, values)
    for stage, place in case["outputs"].items():
        wanted = numbers()[place]
        assert relative(segments(case, heard[stage][0].numpy()).reshape(wanted.shape), wanted) <= STORED, stage


def _bands(x: torch.Tensor, values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """After one, three and five bands of the equaliser, as filters of their own."""
    from voxrack import Rack, Slot
    from voxrack.host import default_host

    order = ["peak1", "peak2", "low_shelf", "high_shelf", "low_pass"]
    out = {}
    for count, tap in ((1, "pk1"), (3, "ls"), (5, "lp")):
        slots = [Slot(default_host().create("fx." + band.rstrip("12")), band) for band in order[:count]]
        own = {a.removeprefix("peq."): v for a, v in values.items() if a.split(".")[1] in order[:count]
               and a.startswith("peq.")}  # fmt: skip
        out[tap] = RackModule(Rack(slots), 44100, "paper")(x, own)
    return out


def _stages(x: torch.Tensor, values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    rack = module()
    parts = rack.split(values, x)
    equalised = rack.nodes["peq"](x, parts)
    dry = rack.nodes["compressor"](equalised, parts)
    direct, echoes = rack.nodes["pan"](dry, parts), rack.nodes["delay"](dry, parts)
    entering = dry + 10.0 ** (values["send.delay.reverb"] / 20.0) * echoes
    return {
        "hp": equalised, "comp": dry, "direct": direct, "delay": echoes, "fdn_in": entering,
        "fdn": rack.nodes["reverb"](entering, parts), "sum": rack.sum(dry, parts),
    }  # fmt: skip


@pytest.mark.parametrize("case", [c for c in cases("single") if c.values[0].get("effect") == "SEND"])
def test_send(case: dict[str, Any]) -> None:
    x = torch.from_numpy(signal(case["input"]))[None]
    rack = module()
    with torch.no_grad():
        parts = rack.split(parameters(torch.from_numpy(numbers()[case["raw"]].astype(np.float64))), x)
        rendered = rack.sum(x, parts)[0].numpy()
    assert relative(segments(case, rendered), numbers()[case["output"]]) <= STORED
    assert relative(profile(case, rendered), numbers()[case["rms_profile"]]) <= STORED
