"""Where a fit begins: a table of typical settings, and what can be read off the recordings in closed form."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Preset, Rack
from voxrack.errors import UsageError

from .align import LOOKED_AT, busiest
from .analysis import echo_times, levels, long_term_spectrum, response

if TYPE_CHECKING:
    from .problem import Pair

KINDS = ("auto", "typical", "neutral", "transparent")

# A vocal as our own fits tend to leave it, rounded: where nothing is known of a recording, it is near this.
TYPICAL: dict[str, dict[str, Any]] = {
    "fx.peq": {
        "peak1.gain": 0.0, "peak1.frequency": 500.0, "peak1.q": 0.8, "peak2.gain": 0.0, "peak2.frequency": 3500.0,
        "peak2.q": 0.8, "low_shelf.gain": 0.0, "low_shelf.frequency": 150.0, "high_shelf.gain": 0.0,
        "high_shelf.frequency": 6000.0, "low_pass.frequency": 17000.0, "low_pass.q": 0.707,
        "high_pass.frequency": 70.0, "high_pass.q": 0.707,
    },
    "fx.compressor": {
        "threshold": -22.0, "ratio": 2.5, "expander_threshold": -62.0, "expander_ratio": 0.9, "attack": 10.0,
        "release": 60.0, "averaging": 2.0, "look_ahead": 2.0, "make_up": 0.0,
    },
    "fx.delay": {"feedback": 0.25, "level": -26.0, "low_pass.frequency": 5000.0, "low_pass.q": 0.707,
                 "odd_pan": -30.0, "even_pan": 30.0},
    "fx.reverb": {"peak1.gain": 0.0, "peak2.gain": 0.0, "low_shelf.gain": 0.0, "high_shelf.gain": 0.0},
}  # fmt: skip
_INSIDE = {"low_pass.frequency": (20.0, 19_000.0), "high_pass.frequency": (20.0, 19_000.0)}
_PANS = ("odd_pan", "even_pan")
MONO = 1e-5  # side's share of the mid's power (-50 dB)
_STILL: dict[str, dict[str, Any]] = {
    "fx.delay": {"level": -80.0, "feedback": 0.1},
    "fx.reverb": {"output": np.zeros((2, 6))},
}  # wet only: as good as silent


def starting_values(rack: Rack, pair: Pair, kind: Any, ablated: tuple[str, ...] = ()) -> tuple[dict[str, Any], str]:
    """Plain values of every address to begin with, and in words where they come from.

    Parameters
    ----------
    rack : Rack
        Its own values stand where nothing better is known.
    pair : Pair
    kind : {"auto", "typical", "neutral", "transparent"} or Preset or path of a preset
        ``auto``: the typical table, then equaliser, threshold, echo time and decay read off the recordings;
        ``neutral``: the rack as it stands; ``transparent``: settings at which each device does next to nothing.

    Raises
    ------
    UsageError
        For another word, or a preset that shares no address with the rack.
    """
    values = rack.values()
    if isinstance(kind, (Preset, os.PathLike)) or (isinstance(kind, str) and kind not in KINDS):
        return _from_preset(values, kind), "from a preset"
    _open_ends(values)
    if kind != "neutral" and _is_mono(pair.wet):
        _narrow(rack, values)
    if kind == "neutral":
        return values, "the rack's own values"
    if kind == "transparent":
        for prefix, slot in rack.slots().items():
            still = {**slot.device.spec.transparent, **_STILL.get(slot.device.spec.id, {})}
            values |= {f"{prefix}.{id}": value for id, value in still.items()}
        return values, "settings that do next to nothing: the wet is all but the dry"
    if kind not in KINDS:
        raise UsageError(f"start is {kind!r}; it takes {', '.join(KINDS)}, a preset or the path of one")
    for prefix, slot in rack.slots().items():
        for id, value in TYPICAL.get(slot.device.spec.id, {}).items():
            if not (id in _PANS and _is_mono(pair.wet)):
                values[f"{prefix}.{id}"] = value
    if kind == "typical":
        return values, "typical settings"
    return _read_off(rack, pair, values), "typical settings; equaliser, levels, echo and decay read off the recordings"


def _is_mono(wet: NDArray[np.floating]) -> bool:
    middle, side = wet.mean(axis=0), 0.5 * (wet[0] - wet[1])
    return float(np.sum(side**2)) <= MONO * float(np.sum(middle**2))


def _narrow(rack: Rack, values: dict[str, Any]) -> None:
    """What would differ between left and right begins alike: any side signal costs dearly where the wet has none."""
    for prefix, slot in rack.slots().items():
        if slot.device.spec.id == "fx.reverb":
            output = np.asarray(values[f"{prefix}.output"])
            values[f"{prefix}.output"] = np.broadcast_to(output.mean(axis=0), output.shape).copy()
        elif slot.device.spec.id == "fx.delay":
            values |= {f"{prefix}.odd_pan": 0.0, f"{prefix}.even_pan": 0.0}


def _from_preset(values: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    preset = kind if isinstance(kind, Preset) else Preset.load(kind)
    stored = preset.rack().values()
    common = [address for address in values if address in stored]
    if not any(address not in ("dry", "input", "offset") for address in common):
        raise UsageError("the preset to start from shares no address with the rack; give it as the rack instead")
    return {**values, **{address: stored[address] for address in common}}


def _open_ends(values: dict[str, Any]) -> None:
    """A pass at the very end of its range is off and has no slope: begin a little inside."""
    for address in values:
        for id, (low, high) in _INSIDE.items():
            if address.endswith(id):
                values[address] = float(np.clip(values[address], low, high))


def _read_off(rack: Rack, pair: Pair, values: dict[str, Any]) -> dict[str, Any]:
    for prefix, slot in rack.slots().items():
        if slot.device.spec.id == "fx.peq":
            own = {id: values[f"{prefix}.{id}"] for id in TYPICAL["fx.peq"]}
            for id, value in match_equaliser(slot.copy().device, own, pair).items():
                values[f"{prefix}.{id}"] = value
        elif slot.device.spec.id == "fx.compressor":
            level = levels(pair.dry, pair.sample_rate)
            active = level[level > level.max() - 40.0]
            values[f"{prefix}.threshold"] = float(np.percentile(active, 50))
            values[f"{prefix}.expander_threshold"] = float(max(-80.0, np.percentile(active, 5) - 12.0))
        elif slot.device.spec.id == "fx.delay":
            found = echoes(pair)
            values[f"{prefix}.time"] = found[0] if found else values[f"{prefix}.time"]
    return values


def echoes(pair: Pair, count: int = 4) -> list[float]:
    """The most likely echo times in ms, best first."""
    part = busiest(pair.wet.mean(axis=0), pair.sample_rate, LOOKED_AT)
    return echo_times(response(pair.dry[0, part], pair.wet[:, part], pair.sample_rate), pair.sample_rate, count)


def match_equaliser(device: Any, values: Mapping[str, Any], pair: Pair, rounds: int = 150) -> dict[str, float]:
    """Values of an equaliser that turn the dry's long-term spectrum into the wet's, up to a gain.

    Least squares over third octaves, by the device's own module: its response is that of an impulse through it.
    """
    import torch

    centres, have = long_term_spectrum(pair.dry, pair.sample_rate)
    _, want = long_term_spectrum(pair.wet, pair.sample_rate)
    weight = torch.as_tensor(_audible(have, want))
    target = torch.as_tensor(want - have)
    size = 8192
    bins = torch.as_tensor(np.clip(np.rint(centres / pair.sample_rate * size), 1, size // 2).astype(np.int64))
    module = device.processor.module(pair.sample_rate)
    pulse = torch.zeros(1, 1, size, dtype=torch.float64)
    pulse[..., 0] = 1.0
    table = {param.id: param for param in device.spec.params if param.id in values}
    logs = {id for id, param in table.items() if param.scale == "log"}
    leaves = {
        id: torch.tensor(np.log(value) if id in logs else value / 10.0, dtype=torch.float64, requires_grad=True)
        for id, value in values.items()
    }
    adam = torch.optim.Adam(leaves.values(), lr=0.05)
    for _ in range(rounds):
        plain = {id: leaf.exp() if id in logs else 10.0 * leaf for id, leaf in leaves.items()}
        out = torch.fft.rfft(module(pulse, plain)[0, 0]).abs()[bins].clamp(min=1e-4)
        error = 20.0 * torch.log10(out) - target
        error = error - (weight * error).sum() / weight.sum()
        anchor = sum((leaf - _first(id, values[id], logs)) ** 2 for id, leaf in leaves.items())
        loss = (weight * error**2).sum() / weight.sum() + 0.3 * anchor
        adam.zero_grad()
        loss.backward()
        adam.step()
    found = {id: float(np.exp(leaf.item()) if id in logs else 10.0 * leaf.item()) for id, leaf in leaves.items()}
    return {id: float(np.clip(value, *_range(table[id]))) for id, value in found.items()}


def _first(id: str, value: float, logs: set[str]) -> float:
    return float(np.log(value)) if id in logs else value / 10.0


def _range(param: Any) -> tuple[float, float]:
    if param.id in _INSIDE:
        return _INSIDE[param.id]
    return (-15.0, 15.0) if param.unit == "dB" else (param.lo, param.hi)


def _audible(have: NDArray[np.float64], want: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights 0 … 1: bands far below the loudest say little."""
    level = np.maximum(have - have.max(), want - want.max())
    return np.clip((level + 60.0) / 40.0, 0.02, 1.0)
