"""Pedalboard's built-in effects and VST3 plugins as voxrack devices.

Licence: voxrack, this package included, is MIT. pedalboard, which the extra ``pedalboard`` installs,
is GPLv3 (it contains JUCE, Rubber Band, LAME and libgsm). Nothing of it is copied here; whoever
distributes a program together with it distributes GPLv3 code. Everything else works without it, and
without it these devices are listed as unavailable.

This package is the only one that imports pedalboard, and it does so when a device is first used.
"""

from __future__ import annotations

from voxrack.device import DeviceSpec
from voxrack.hooks import hookimpl

from .specs import SPECS


@hookimpl
def voxrack_devices() -> tuple[DeviceSpec, ...]:
    return SPECS
