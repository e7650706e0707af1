"""The limits of the contract: formats that a device is asked to survive, numbers that it may declare."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import InputError

RATES = (1_000, 768_000)  # Hz; outside, native effect libraries crash or hang
CHANNELS = 64  # a transposed (frames, channels) array shows as far more


def check_format(sample_rate: int, channels: int, owner: str) -> None:
    """Refuse a sample rate or channel count that no device is asked to survive."""
    if not RATES[0] <= whole(sample_rate) <= RATES[1]:
        raise InputError(
            f"{owner}: sample rate {sample_rate!r} Hz is outside {RATES[0]} to {RATES[1]} Hz, or no whole number; "
            "resample first"
        )
    if not 1 <= channels <= CHANNELS:
        raise InputError(
            f"{owner}: {channels} channels, allowed are 1 to {CHANNELS}; audio is (channels, frames): transpose it?"
        )


def whole(value: Any) -> int:
    """``value`` as an int; -1 where it is no whole number."""
    try:
        return int(value) if int(value) == value else -1
    except (TypeError, ValueError, OverflowError):
        return -1


def negative(value: Any) -> bool:
    """Whether ``value`` is anything but a number of 0 or more."""
    return not isinstance(value, (int, float, np.integer, np.floating)) or not value >= 0


def described(value: Any) -> str:
    """What a device gave in place of audio, for a message."""
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else f"{type(value).__name__} {value!r:.40}"
