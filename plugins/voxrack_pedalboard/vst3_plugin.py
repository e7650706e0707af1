"""A VST3 plugin through pedalboard: loaded, set, called. Every refusal says what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pedalboard

from voxrack.device import Block
from voxrack.errors import InputError, ParamError, UsageError
from voxrack.params import suggest

from .native import feed, prime

_SHAPE = 'it takes a JSON object of names and values such as {"gain_db": -6}'


def check_path(path: str) -> None:
    """Refuse what cannot be a VST3 plugin before any library opens it."""
    if not path:
        raise UsageError("device 'pedalboard.vst3' needs a plugin: set plugin to the path of a .vst3")
    where = Path(path)
    if where.suffix.lower() != ".vst3":
        raise UsageError(f"VST3 plugin {path}: the name of a VST3 ends in .vst3")
    if not where.exists():
        raise UsageError(f"VST3 plugin {path}: no such file or bundle; is it installed on this machine?")
    if where.is_dir() and not (where / "Contents").is_dir():
        raise UsageError(f"VST3 plugin {path}: the folder has no 'Contents', so it is no VST3 bundle")


def parse(text: str) -> dict[str, float | bool | str]:
    """The plugin's own parameters out of JSON text."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise ParamError(f"parameter 'parameters' is no JSON ({error}); {_SHAPE}") from None
    if not isinstance(found, dict) or not all(isinstance(v, (bool, int, float, str)) for v in found.values()):
        raise ParamError(f"parameter 'parameters' got {text!r}; {_SHAPE}")
    return found


class Loaded:
    """A plugin with its state and parameters, primed.

    Parameters
    ----------
    path, name : str
    state : str
        Path of a .vstpreset file, or empty.
    parameters : str
        JSON text.
    sample_rate, channels : int
        A plugin that refuses one channel gets two equal ones.

    Raises
    ------
    UsageError, InputError
    """

    def __init__(self, path: str, name: str, state: str, parameters: str, sample_rate: int, channels: int) -> None:
        check_path(path)
        self.path, self._rate = path, sample_rate
        wanted = parse(parameters)
        try:
            held = pedalboard.VST3Plugin.get_plugin_names_for_file(path)
            if name and name not in held:  # pedalboard does not mind where there is only one
                raise UsageError(f"VST3 plugin {path} has no plugin '{name}'; it holds {', '.join(held)}")
            self._plugin: Any = pedalboard.VST3Plugin(path, plugin_name=name or None)
        except (ImportError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"VST3 plugin {path} cannot be loaded: {error} "
                "A VST3 is made for one system and processor; is it this one?"
            ) from None
        if not self._plugin.is_effect:
            raise UsageError(f"VST3 plugin {path} is an instrument and takes no audio; choose an effect")
        if state:
            self._restore(Path(state))
        self.set(wanted)
        self.channels = self._accepted(channels)
        self.reset()

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it takes."""
        return tuple(self._plugin.parameters)

    @property
    def state(self) -> bytes:
        """Its settings as the bytes of a .vstpreset file."""
        return bytes(self._plugin.preset_data)

    def set(self, wanted: dict[str, float | bool | str]) -> None:
        """Change its parameters; all are checked before the first is changed."""
        table = self._plugin.parameters
        for id, value in wanted.items():
            if id not in table:
                raise ParamError(f"VST3 plugin {self.path} has no parameter '{id}'{suggest(id, table)}")
            low, high = table[id].min_value, table[id].max_value
            numbers = all(isinstance(number, (bool, int, float)) for number in (value, low, high))
            if numbers and not low <= value <= high:
                allowed = f"{low:g} to {high:g} {table[id].label or ''}".rstrip()
                raise ParamError(f"VST3 plugin {self.path}: parameter '{id}' got {value!r}; it takes {allowed}")
        for id, value in wanted.items():
            try:
                setattr(self._plugin, id, value)
            except (ValueError, TypeError) as error:
                raise ParamError(f"VST3 plugin {self.path}: parameter '{id}' got {value!r}: {error}") from None

    def __call__(self, x: Block) -> Block:
        return feed(self._plugin, x, self._rate)

    def reset(self) -> None:
        """Back to silence."""
        self._plugin.reset()

    def _accepted(self, channels: int) -> int:
        refusals = []
        for width in dict.fromkeys((channels, 2)):
            try:
                prime(self._plugin, self._rate, width)
            except (ValueError, RuntimeError) as error:
                refusals.append(str(error))
            else:
                return width
        raise UsageError(f"VST3 plugin {self.path} takes neither {channels} nor 2 channels: {refusals[0]}")

    def _restore(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(f"VST3 state {path}: cannot be read ({error}); choose another file") from None
        if data[:4] != b"VST3":
            raise InputError(f"VST3 state {path} is no .vstpreset file (it does not begin with 'VST3')")
        try:
            self._plugin.preset_data = data
        except (RuntimeError, ValueError) as error:
            raise InputError(f"VST3 state {path} is refused by the plugin {self.path}: {error}") from None
