"""What the shell's Tab key offers: presets, devices, addresses. A failure offers nothing and prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

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


def _addresses(context: click.Context) -> Iterable[str]:
    """``address=`` for every number of the preset named on this line, or every parameter of the device."""
    from ..host import default_host

    if context.params.get("device"):
        return [f"{param.id}=" for param in default_host().spec(context.params["device"]).params]
    from .racks import find_preset

    return [f"{address}=" for address in find_preset(context.params["preset"]).rack().parameters()]


preset_names = _offer(_presets, files=True)
device_ids = _offer(_devices)
analyzer_ids = _offer(_analyzers)
addresses = _offer(_addresses)
