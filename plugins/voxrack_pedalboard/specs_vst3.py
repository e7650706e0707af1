"""The device that hosts a VST3 plugin."""

from __future__ import annotations

from voxrack.device import DeviceSpec
from voxrack.params import Param

SPECS = (
    DeviceSpec(
        id="pedalboard.vst3",
        kind="processor",
        factory="voxrack_pedalboard.vst3:VST3",
        params=(
            # Not an asset: assets are copied beside the preset, and a preset must not carry code (a bundle is a folder)
            Param("plugin", "", "text", structural=True, help="path of an installed .vst3 (a bundle folder or a file)"),
            Param("plugin_name", "", "text", structural=True, help="which plugin, where the file holds several"),
            Param("state", "", "asset", structural=True, help="a .vstpreset file, given to the plugin as it is"),
            Param("parameters", "{}", "text", help='its own parameters as JSON: {"gain_db": -6}'),
        ),
        extra="pedalboard:pedalboard",
        channels=(1, 2),
        title="VST3 plugin (pedalboard)",
        summary="Hosts an installed VST3 effect without its window.",
    ),
)
