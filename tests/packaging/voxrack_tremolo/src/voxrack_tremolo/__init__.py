"""A tremolo for voxrack. Here is what the plugin offers; the device's code is imported at first use."""

from __future__ import annotations

from importlib.resources import files

from voxrack import DeviceSpec, Param, hookimpl

TREMOLO = DeviceSpec(
    id="tremolo.sine",
    kind="processor",
    factory="voxrack_tremolo.tremolo:Tremolo",
    params=(
        Param("rate", 5.0, lo=0.1, hi=20.0, unit="Hz", scale="log", help="how often the level goes up and down"),
        Param("depth", 6.0, lo=0.0, hi=40.0, unit="dB", help="from the loudest to the softest moment"),
    ),
    transparent={"depth": 0.0},
    title="Tremolo",
    summary="The level goes up and down like a sine, in dB.",
)


@hookimpl
def voxrack_devices():
    return [TREMOLO]


@hookimpl
def voxrack_presets():
    return [files(__name__) / "presets"]
