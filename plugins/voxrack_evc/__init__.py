"""Emotional voice conversion: the same words by the same voice, with another feeling.

``evc.prosody`` works from statistics and needs no weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxrack.device import DeviceSpec
from voxrack.hooks import hookimpl
from voxrack.recipe import RecipeSpec

from .specs import DEVICES, RECIPES

if TYPE_CHECKING:
    import click


@hookimpl
def voxrack_devices() -> tuple[DeviceSpec, ...]:
    return DEVICES


@hookimpl
def voxrack_recipes() -> tuple[RecipeSpec, ...]:
    return RECIPES


@hookimpl
def voxrack_commands(cli: click.Group) -> None:
    from .convert import convert_command
    from .listening_test import listening_test_command

    cli.add_command(convert_command)
    cli.add_command(listening_test_command)
