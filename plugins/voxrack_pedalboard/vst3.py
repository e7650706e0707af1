"""An installed VST3 effect as a device.

A VST3 is native code with all rights of this process, and ``state`` is opaque bytes that a preset hands
to it: use plugins, and presets with states, from where you trust. Before it is loaded here it is loaded once in a
process of its own with a time limit, so that one that crashes or hangs while loading, on its state or on
its first block is refused with a message; after that nothing holds it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxrack.device import Block
from voxrack.errors import InputError

from .buffered import Buffered
from .vst3_plugin import Loaded, check_path, parse
from .vst3_probe import probe


class VST3(Buffered):
    device, chunk = "pedalboard.vst3", 64

    def __init__(self, values: Mapping[str, Any], needs: Mapping[str, Any], assets: Mapping[str, Path]) -> None:
        super().__init__(values, needs, assets)
        self._loaded: Loaded | None = None
        self._key: tuple[Any, ...] = ()

    def _prepared(self) -> int:
        path, name, state = self.values["plugin"], self.values["plugin_name"], str(self.assets.get("state", ""))
        check_path(path)
        if state and not Path(state).is_file():
            raise InputError(f"VST3 state {state}: no such file; set state to a .vstpreset file")
        key = (path, name, state, self.rate, self.channels)
        if self._loaded is None or key != self._key:
            self._loaded = None
            parameters = self.values["parameters"]
            request: dict[str, Any] = {"path": path, "name": name, "state": state, "parameters": parameters}
            request |= {"sample_rate": self.rate, "channels": self.channels}
            probe(request)
            self._loaded, self._key = Loaded(**request), key
        return super()._prepared()

    def set(self, id: str, value: Any) -> None:
        if id == "parameters":
            wanted = parse(value)
            if self._loaded is not None:
                self._loaded.set(wanted)
        super().set(id, value)

    @property
    def plugin(self) -> Loaded:
        """The plugin itself; there is one after ``prepare``."""
        assert self._loaded is not None
        return self._loaded

    def _work(self, chunk: Block) -> Block:
        wide = self.plugin.channels
        return self.plugin(chunk if wide == self.channels else np.repeat(chunk, wide, axis=0))

    def _work_restarted(self) -> None:
        self.plugin.reset()

    def _out_channels(self) -> int:
        return self.plugin.channels

    def _tail_s(self) -> float:
        return 30.0  # a VST3 does not tell; a renderer stops where it has been silent for a second
