"""Toy plugins for the tests of the host: one that works, one that raises, one that answers with nonsense."""

from __future__ import annotations

from voxrack import DeviceSpec, Host, Param, hookimpl

WIRE = "probes.streaming:Gain"
LEVEL = Param("level", 0.0, lo=-24.0, hi=24.0, unit="dB")


def gain(id: str = "toy.gain", **fields) -> DeviceSpec:
    return DeviceSpec(id, "processor", WIRE, **{"params": (LEVEL,), **fields})


def alone(**plugins: object) -> Host:
    """A host with these plugins only."""
    return Host(plugins=plugins, discover=False)


def status(host: Host, name: str):
    return next(entry for entry in host.plugins() if entry.name == name)


class Raises:
    @hookimpl
    def voxrack_devices(self):
        yield gain("toy.first")
        raise LookupError("half way")

    @hookimpl
    def voxrack_services(self):
        return {"kept": "math:sqrt"}


class Nonsense:
    def __init__(self, **answers):
        self.answers = answers

    @hookimpl
    def voxrack_devices(self):
        return self.answers.get("devices", ())

    @hookimpl
    def voxrack_presets(self):
        return self.answers.get("presets", ())

    @hookimpl
    def voxrack_recipes(self):
        return self.answers.get("recipes", ())

    @hookimpl
    def voxrack_services(self):
        return self.answers.get("services", {})
