"""Speech enhancers: the small streaming one that ships, ``enhance.light``, and the published ``enhance.cmgan``.

How they are prepared, trained and evaluated stands in ``recipes``, trained ones in ``weights``. A device without
shipped weights is listed as unavailable, with the command that trains it.
"""

from __future__ import annotations

from voxrack.device import DeviceSpec
from voxrack.hooks import hookimpl
from voxrack.recipe import RecipeSpec

from .specs import DEVICES, RECIPES


@hookimpl
def voxrack_devices() -> tuple[DeviceSpec, ...]:
    return DEVICES


@hookimpl
def voxrack_recipes() -> tuple[RecipeSpec, ...]:
    return RECIPES
