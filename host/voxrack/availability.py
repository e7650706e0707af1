"""Can a device be used on this machine? Finds the extra's module and the weight file without importing either."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from .device import DeviceSpec


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
            command = f"voxrack train {spec.id}" if trainable else reinstall
            return f"needs the weights '{spec.weights}', which are not there ({path or 'no such package'}): {command}"
    return ""


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
