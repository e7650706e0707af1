"""Old presets read by a new voxrack: one function per step, applied in order.

Two things age apart from each other. The *file format* has a version of its own: ``STEPS[n - 1]``
turns a document of version n into one of version n + 1. And each *device* has one: a slot says
which version its values were written for, and the device's ``migrate`` brings them up to date.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from .device import DeviceSpec
from .errors import PluginError, PresetError
from .preset_json import brief, shown

FORMAT = "voxrack.preset"
Step = Callable[[dict[str, Any]], dict[str, Any]]
STEPS: tuple[Step, ...] = ()  # version 1 is the first; the step to version 2 goes here
VERSION = len(STEPS) + 1


def upgrade_document(tree: Mapping[str, Any], steps: Sequence[Step] = STEPS) -> dict[str, Any]:
    """A parsed preset of any known version as one of the current version.

    Parameters
    ----------
    tree : mapping
        The top-level object of the file.
    steps : sequence of functions
        ``steps[n - 1]`` takes a document of version n and returns one of version n + 1.

    Raises
    ------
    PresetError
        Where ``format`` or ``version`` is missing or wrong, or the version is newer than this voxrack.
    """
    current = len(steps) + 1
    if tree.get("format") != FORMAT:
        found = f"is {shown(tree['format'])}" if "format" in tree else "is missing"
        raise PresetError(f'{found}; a preset of voxrack has "format": "{FORMAT}"', "$.format")
    version = tree.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        found = f"is {shown(version)}" if "version" in tree else "is missing"
        raise PresetError(f"{found}; it takes a whole number, 1 to {current}", "$.version")
    if version > current:
        raise PresetError(
            f"this preset is version {version}; this voxrack reads up to {current}: upgrade voxrack "
            "(pip install --upgrade voxrack)",
            "$.version",
        )
    document = dict(tree)
    for step in steps[version - 1 :]:
        document = {**step(document), "version": document["version"] + 1}
    return document


def upgrade_values(
    spec: DeviceSpec, values: Mapping[str, Any], written_for: int, path: str
) -> tuple[dict[str, Any], str]:
    """Values of one device, written for an older version of it, in the terms of the version at hand.

    Parameters
    ----------
    spec : DeviceSpec
        The device as it is now.
    values : mapping
        Plain values by parameter id as the preset holds them; the text ``"-inf"`` reaches ``migrate`` as -inf.
    written_for : int
        The device version that the preset names.
    path : str
        JSON path of the slot, for messages.

    Returns
    -------
    values : dict
    remark : str
        What was done; empty where nothing had to be.

    Raises
    ------
    PresetError
        Where the preset is from a newer version of the device, or ``migrate`` fails on its values.
    PluginError
        Where the device names a ``migrate`` that cannot be imported or does not return values.
    """
    if written_for > spec.version:
        raise PresetError(
            f"was written for version {written_for} of '{spec.id}'; the installed one is version {spec.version}: "
            "upgrade the package that provides it",
            path + ".version",
        )
    if written_for == spec.version:
        return dict(values), ""
    step = f"version {written_for} to {spec.version} of '{spec.id}'"
    if not spec.migrate:
        return dict(values), f"{step}: the device names no migration, values are taken as they are"
    migrate = _function(spec)
    try:
        new = migrate({key: _plain(value) for key, value in values.items()}, written_for)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise PresetError(
            f"{step}: its values cannot be migrated ({type(error).__name__}: {brief(str(error))})", path
        ) from error
    if not isinstance(new, dict) or not all(isinstance(key, str) for key in new):
        raise PluginError(
            f"device '{spec.id}': {spec.migrate} returned {shown(new)}; it returns a dict by parameter id"
        )
    return new, f"{step}: values migrated"


def _function(spec: DeviceSpec) -> Callable[[dict[str, Any], int], Any]:
    module, _, name = spec.migrate.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise PluginError(f"device '{spec.id}': its migrate '{spec.migrate}' cannot be imported: {error}") from error


def _plain(value: Any) -> Any:
    return -math.inf if value == "-inf" else value
