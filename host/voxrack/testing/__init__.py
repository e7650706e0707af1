"""What a plugin author needs in tests: run a device through the contract, make signals, make a host.

>>> from voxrack.testing import check_device
>>> report = check_device("fx.gain")
>>> report.ok                   # print(report) shows a table: every invariance, kept or not
True
>>> passed = report.raise_if_failed()  # in a test
"""

from __future__ import annotations

from .check import CHECKS, check_device
from .emotional import emotional_voice, emotional_voices
from .hosts import host_with
from .report import Check, CheckReport
from .signals import noise, voice

__all__ = [
    "CHECKS", "Check", "CheckReport", "check_device", "emotional_voice", "emotional_voices", "host_with", "noise",
    "voice",
]  # fmt: skip
