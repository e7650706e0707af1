"""What the shell's Tab key offers: presets, devices, addresses. A failure offers nothing and prints nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem, split_arg_string

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _offer(find: Callable[[click.Context], Iterable[str]], *, files: bool = False) -> Completer:
    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        try:
            items = [CompletionItem(word) for word in find(context) if word.startswith(begun)]
        except Exception:  # the line is half typed: whatever is wrong with it shows when it is run
            items = []
        # The file mark comes first: bash offers file names only where none of the words after it fits.
        return ([CompletionItem(begun, type="file")] if files else []) + items

    return complete


def _presets(context: click.Context) -> Iterable[str]:
    from ..host import default_host

    return default_host().presets()


def _devices(context: click.Context) -> Iterable[str]:
    from ..host import default_host

    return [entry.spec.id for entry in default_host().devices()]


def _analyzers(context: click.Context) -> Iterable[str]:
    from ..host import default_host

    return [entry.spec.id for entry in default_host().devices("analyzer")]


def _fronts(context: click.Context) -> Iterable[str]:
    from ..host import default_host

    host = default_host()
    return [*(entry.spec.id for entry in host.devices("processor")), *host.presets()]


def _addresses(context: click.Context) -> Iterable[str]:
    """``address=`` for every number of the preset named on this line, or every parameter of the device."""
    from ..host import default_host
    from .racks import find_preset

    host = default_host()
    devices = {entry.spec.id: entry.spec for entry in host.devices()}
    presets = host.presets()
    for word in _words(context):
        if context.command.name == "analyze" and word in devices:
            return [f"{param.id}=" for param in devices[word].params]
        if word in presets or word.endswith(".json"):
            return [f"{address}=" for address in find_preset(word).rack().parameters()]
    return []


def _words(context: click.Context) -> list[str]:
    """What stands on the line. An option still without its value hides the arguments from click, not from the shell."""
    known = [context.params.get("preset"), context.params.get("device")]
    return [word for word in known if word] or split_arg_string(os.environ.get("COMP_WORDS", ""))


preset_names = _offer(_presets, files=True)
device_ids = _offer(_devices)
analyzer_ids = _offer(_analyzers)
fronts = _offer(_fronts, files=True)
addresses = _offer(_addresses)
