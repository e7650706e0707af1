"""Emotional voice conversion: the same words by the same voice, with another feeling.

``evc.prosody`` works from statistics and needs no weights.
"""

from __future__ import annotations

from voxrack.device import DeviceSpec
from voxrack.hooks import hookimpl

from .specs import DEVICES


@hookimpl
def voxrack_devices() -> tuple[DeviceSpec, ...]:
    return DEVICES
