"""A preset rendered through its torch modules."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import torch

from voxrack import Audio, Preset, read
from voxrack.errors import UsageError
from voxrack.rack import as_rack

from .rack_module import RackModule


def render_module(
    preset: Any, audio: Any, mode: Literal["exact", "paper"] = "exact", dtype: Literal["float32", "float64"] = "float32"
) -> Audio:
    """Render through the differentiable modules, which hold the whole signal in memory.

    Parameters
    ----------
    preset : Preset, Rack or path
        All its devices are differentiable.
    audio : Audio or path
    mode : {"exact", "paper"}
        What is heard when the preset is rendered; or the reference's approximations (an echo FIR of 4 s, a reverb
        sampled over 12 s).
    dtype : {"float32", "float64"}
        Precision of the computation.

    Returns
    -------
    Audio
        As long as the input: no latency, no tail.
    """
    precision = {"float32": torch.float32, "float64": torch.float64}.get(dtype)
    if precision is None:
        raise UsageError(f"dtype is {dtype!r}; it takes 'float32' or 'float64'")
    if isinstance(preset, (str, os.PathLike)):
        preset = Preset.load(preset)
    rack = preset.rack() if isinstance(preset, Preset) else as_rack(preset)
    source = audio if isinstance(audio, Audio) else read(Path(audio))
    module = RackModule(rack, source.sample_rate, mode)
    with torch.no_grad():
        out = module(torch.from_numpy(source.samples).to(precision)[None])
    return Audio(out[0].numpy(), source.sample_rate)
