"""The built-in effects and the loudness meter: equaliser, compressor, delay, reverb, pan, gain.

The effects are those of DiffVox (spec sections 3 to 7 and 10), as streaming kernels compiled with numba.
"""

from __future__ import annotations

from voxrack.device import DeviceSpec
from voxrack.hooks import hookimpl

from .specs_filters import SPECS as FILTERS
from .specs_space import SPECS as SPACE


@hookimpl
def voxrack_devices() -> tuple[DeviceSpec, ...]:
    return (*FILTERS, *SPACE)
