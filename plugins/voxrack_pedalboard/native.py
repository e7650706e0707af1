"""The one door to pedalboard: every object is made, prepared and called here, so every guard holds everywhere.

What pedalboard does by itself, and what stands against it:

- It forgets its state when a block arrives that is longer than any since ``reset()``: an effect that gets blocks
  of different lengths is primed with ``BLOCK`` frames of silence, and never works in longer pieces.
- It guesses from the shape which axis counts channels, so (2, 1) is taken for two frames of mono: one
  channel goes in as a one-dimensional array, several only with more frames than channels.
- It kills the process or hangs at absurd sample rates, and passes channels it cannot handle unprocessed.
- A cutoff above half the sample rate makes it return infinity: frequencies are clamped to 0.49 of it.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import pedalboard

from voxrack.device import Block, DeviceSpec
from voxrack.errors import DeviceError, InputError, PluginError, UsageError

from .spec_parts import RENAMED

BLOCK = 1024  # frames
RATES = (1_000, 768_000)  # Hz; at 100 Hz and 1 GHz Reverb ends the process, at 0 Hz Chorus never returns
CHANNELS = 64
NYQUIST_SHARE = 0.49
_FREQUENCIES = ("cutoff_frequency_hz", "cutoff_hz", "centre_frequency_hz")


def check_format(spec: DeviceSpec, sample_rate: int, channels: int) -> None:
    """Refuse a sample rate or a number of channels with which pedalboard crashes, hangs or does nothing.

    Raises
    ------
    InputError
        Outside 1 kHz … 768 kHz or 1 … 64 channels.
    UsageError
        Where this device takes only some of them.
    """
    if not RATES[0] <= sample_rate <= RATES[1]:
        raise InputError(
            f"device '{spec.id}': sample rate {sample_rate} Hz is outside {RATES[0]} to {RATES[1]} Hz; resample first"
        )
    if not 1 <= channels <= CHANNELS:
        raise InputError(
            f"device '{spec.id}': {channels} channels, allowed are 1 to {CHANNELS}; audio is (channels, frames): "
            "transpose it?"
        )
    if spec.rates and sample_rate not in spec.rates:
        allowed = ", ".join(map(str, spec.rates))
        raise UsageError(
            f"device '{spec.id}': sample rate {sample_rate} Hz; it takes {allowed}; a Rack resamples for it"
        )
    if spec.channels and channels not in spec.channels:
        allowed = " or ".join(map(str, spec.channels))
        raise UsageError(
            f"device '{spec.id}': {channels} channels; it takes {allowed}; a Rack folds mono and stereo for it"
        )


def feed(plugin: Any, x: Block, sample_rate: int, reset: bool = False) -> Block:
    """One call of a pedalboard object.

    Parameters
    ----------
    x : ndarray, shape (channels, frames)
        With several channels, more frames than channels.

    Returns
    -------
    ndarray, shape (channels, frames or fewer)
    """
    channels, frames = x.shape
    if channels > 1 and frames <= channels:
        raise DeviceError(f"{frames} frames of {channels} channels: pedalboard would take one for the other")
    x = np.ascontiguousarray(x, dtype=np.float32)
    y = plugin.process(x[0] if channels == 1 else x, sample_rate, buffer_size=BLOCK, reset=reset)
    y = y[np.newaxis] if channels == 1 else y
    if y.shape[0] != channels or y.shape[1] > frames:
        raise DeviceError(f"pedalboard returned {y.shape} for {x.shape}")
    return y


def prime(plugin: Any, sample_rate: int, channels: int) -> None:
    """From its initial state, let it see its longest block, all zeros; modulations begin that much into their cycle."""
    feed(plugin, np.zeros((channels, BLOCK), np.float32), sample_rate, reset=True)


class Effect:
    """A pedalboard built-in with its values.

    Parameters
    ----------
    spec : DeviceSpec
        Its factory ends with the name of pedalboard's class.
    values : mapping
        Plain values by parameter id.
    sample_rate : int
    channels : int
        Where given, it is primed for blocks of any length; otherwise all blocks must be of one length.
    """

    def __init__(self, spec: DeviceSpec, values: dict[str, Any], sample_rate: int, channels: int = 0) -> None:
        self._spec, self._rate = spec, sample_rate
        name = spec.factory.partition(":")[2]
        if not hasattr(pedalboard, name):
            raise PluginError(
                f"device '{spec.id}': the installed pedalboard {version('pedalboard')} has no {name}: "
                "pip install --upgrade pedalboard"
            )
        self._plugin = getattr(pedalboard, name)()
        for id, value in values.items():
            self.set(id, value)
        if channels:
            prime(self._plugin, sample_rate, channels)

    def set(self, id: str, value: Any) -> None:
        """Put a plain value into pedalboard's property."""
        if id in _FREQUENCIES:
            value = min(value, NYQUIST_SHARE * self._rate)
        if self._spec.param(id).kind == "choice":
            value = _choice(type(self._plugin), id, value)
        setattr(self._plugin, RENAMED.get(id, id), value)

    def __call__(self, x: Block) -> Block:
        return feed(self._plugin, x, self._rate)


def _choice(plugin: type, id: str, value: str) -> Any:
    """The member of pedalboard's enumeration."""
    kinds = {"mode": pedalboard.LadderFilter.Mode, "quality": pedalboard.Resample.Quality}
    return kinds[id].__members__[value]
