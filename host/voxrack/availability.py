"""Can a device be used on this machine? Finds the extra's module and the weight file without importing either."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .device import DeviceSpec

WEIGHTS = "weights"  # id of the asset parameter by which a device takes other weights than the shipped ones


def why_unavailable(spec: DeviceSpec, distribution: str, trainable: bool = False) -> str:
    """What is missing and the command that mends it; empty where the device can be used.

    Parameters
    ----------
    spec : DeviceSpec
    distribution : str
        The installed distribution that offers it (``"voxrack"``); empty for a plugin handed over as an object.
    trainable : bool
        Some plugin offers a recipe of the device's id.
    """
    if spec.extra:
        group, _, module = spec.extra.partition(":")
        module = module or group
        if not importable(module):
            command = f"pip install '{distribution}[{group}]'" if distribution else f"pip install {module}"
            return f"needs the Python package '{module}', which is not installed: {command}"
    if spec.weights:
        path = weights_path(spec)
        if path is None or not path.is_file():
            reinstall = f"pip install --force-reinstall --no-deps {distribution or 'voxrack'}"
            command = reinstall
            if trainable:
                command = f"voxrack prepare {spec.id}, then voxrack train {spec.id}"
                command += f" -o RUN, and set '{WEIGHTS}' to RUN/model.safetensors" if takes_weights(spec) else ""
            return f"needs the weights '{spec.weights}', which are not there ({path or 'no such package'}): {command}"
    return ""


def brings_weights(spec: DeviceSpec, values: Mapping[str, Any]) -> bool:
    """Whether ``values`` name a weight file, and nothing but the shipped one keeps the device from being used."""
    asset = any(param.id == "weights" and param.kind == "asset" for param in spec.params)
    return bool(asset and values.get("weights")) and not why_unavailable(replace(spec, weights=""), "")


def takes_weights(spec: DeviceSpec) -> bool:
    """Whether the device can be used with a file of one's own, and all but its shipped weights is there."""
    group, _, module = spec.extra.partition(":")
    own = any(param.id == WEIGHTS and param.kind == "asset" for param in spec.params)
    return own and (not spec.extra or importable(module or group))


def importable(module: str) -> bool:
    """Whether the top-level package of ``module`` can be found; it is not imported."""
    top = module.partition(".")[0]
    return sys.modules[top] is not None if top in sys.modules else find_spec(top) is not None


def weights_path(spec: DeviceSpec) -> Path | None:
    """Where the weights of ``spec`` lie, or should lie; None where their package is not installed.

    ``"package/folder/file.safetensors"`` is a file of that package; a bare file name lies in the folder
    ``weights`` of the package that holds the device's factory.
    """
    package, slash, rest = spec.weights.partition("/")
    if not slash:
        package, rest = spec.factory.partition(":")[0].partition(".")[0], f"weights/{spec.weights}"
    found = find_spec(package) if importable(package) else None
    if found is None or not found.submodule_search_locations:
        return None
    return Path(next(iter(found.submodule_search_locations))) / rest
