"""A table with a player below it: what an object may show as the last line of a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .player import ABPlayer

if TYPE_CHECKING:
    from ..audio import Audio


def in_kernel() -> bool:
    """Whether a front end may show widgets: a notebook's kernel is running, not a script or a terminal."""
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def table_and_player(html: str, takes: Callable[[], Mapping[str, Audio]]) -> dict[str, Any]:
    """What ``_repr_mimebundle_`` returns to show ``html`` and a player of ``takes()`` below it.

    Empty outside a kernel, where nothing is rendered either: then the object's other representations count.
    """
    if not in_kernel():
        return {}
    from ipywidgets import HTML, VBox

    table = HTML(html)
    table.add_class("jp-RenderedHTMLCommon")  # Lab's own look of tables
    return VBox([table, ABPlayer(takes())])._repr_mimebundle_() or {}
