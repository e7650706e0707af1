"""Tables of parameters: of devices and of recipes."""

from __future__ import annotations

from collections.abc import Sequence

from voxrack.commands.listing import _default, _range
from voxrack.params import NUMERIC, Param

from .markdown import code, plain, prose, table


def parameter_table(params: Sequence[Param]) -> str:
    """Of a device: id, default, range with unit, how the slider runs, meaning; empty where there is none."""
    rows = [(code(p.id), plain(_default(p)), plain(_range(p)), _scale(p), _meaning(p)) for p in params]
    return table(("parameter", "default", "range", "slider", "meaning"), rows) if rows else ""


def option_table(options: Sequence[Param]) -> str:
    """Of a recipe: id, default, range with unit, meaning; empty where there is none."""
    rows = [(code(p.id), plain(_default(p)), plain(_range(p)), prose(p.help)) for p in options]
    return table(("option", "default", "range", "meaning"), rows) if rows else ""


def shell_value(param: Param) -> str:
    """The default as somebody would type it in a shell, without spaces."""
    return param.to_text(param.default).replace(" ", "")


def _scale(param: Param) -> str:
    if param.kind not in NUMERIC:
        return param.kind
    return {"lin": "linear", "log": "logarithmic"}.get(str(param.scale), f"skewed, {param.scale}")


def _meaning(param: Param) -> str:
    return prose(param.help + (" (a change makes the device ready anew)" if param.structural else ""))
