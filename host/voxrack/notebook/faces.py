"""What the page needs to know of a rack's parameters: groups, slider positions, texts, curves. JSON-compatible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..instance import Missing
from ..params import Axis, Param

if TYPE_CHECKING:
    from ..rack import Rack

DESK = ("dry", "input", "offset", "send", "bus")  # addresses of the desk itself begin so


def describe(rack: Rack) -> dict[str, Any]:
    """Groups in the order in which the signal meets them, and what is constant about each address.

    In a group, curves come after sliders, which need less room.
    """
    parameters = rack.parameters()
    groups = []
    for prefix, slot in rack.slots().items():
        own = [address for address in parameters if address.startswith(prefix + ".")]
        missing = isinstance(slot.device, Missing)
        groups.append({
            "id": prefix,
            "title": prefix,
            "device": slot.device.spec.title or slot.device.spec.id,
            "note": f"missing: {slot.device.reason}; the signal passes by" if isinstance(slot.device, Missing) else "",
            "bypass": "" if missing else f"{prefix}.bypass",
            "mix": "" if missing else f"{prefix}.mix",
            "sections": _sections(prefix, sorted(own, key=lambda address: parameters[address].kind == "array")),
        })  # fmt: skip
    desk = [address for address in parameters if address.partition(".")[0] in DESK]
    groups.append({
        "id": "desk", "title": "desk", "device": "sends and levels", "note": "", "bypass": "", "mix": "",
        "sections": [{"title": "", "rows": desk}],
    })  # fmt: skip
    return {"groups": groups, "parameters": {address: constant(address, p) for address, p in parameters.items()}}


def _sections(prefix: str, addresses: Sequence[str]) -> list[dict[str, Any]]:
    """Rows by the part before the first dot (``peak1.gain`` stands in ``peak1``); dotless ones come first."""
    sections: dict[str, list[str]] = {"": []}
    for address in addresses:
        inside = address.removeprefix(prefix + ".")
        if inside not in ("mix", "bypass"):
            head, dot, _ = inside.partition(".")
            sections.setdefault(head if dot else "", []).append(address)
    return [{"title": title, "rows": rows} for title, rows in sections.items() if rows]


def label(address: str) -> str:
    """``"send delay → reverb"``, ``"delay level"``, ``"gain"``: what stands before a slider."""
    head, *rest = address.split(".")
    if head == "send":
        return "send → " + rest[0] if len(rest) == 1 else f"{rest[0]} → {rest[1]}"
    return f"{rest[0]} level" if head == "bus" else address.rpartition(".")[2].replace("_", " ")


def constant(address: str, param: Param) -> dict[str, Any]:
    """What never changes about a parameter."""
    out: dict[str, Any] = {"kind": param.kind, "label": label(address), "help": param.help}
    if param.kind in ("float", "int", "array"):
        out["range"] = param.range_text()
        # what runs both ways (a gain, a pan) fills from its zero, everything else from the left
        out["origin"] = float(param.to_unit(0.0)) if -math.inf < param.lo < 0.0 < param.hi else 0.0
    if param.kind == "choice":
        out["choices"] = list(param.choices)
    if param.kind == "array":
        out |= _curves(param.axes)
    return out


def _curves(axes: Sequence[Axis]) -> dict[str, Any]:
    """The longest axis runs to the right; every other index is a line of its own. Indices are flat."""
    shape = tuple(axis.size for axis in axes)
    along = int(np.argmax(shape))
    lines = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), along, -1).reshape(-1, shape[along])
    others = [axis for k, axis in enumerate(axes) if k != along]
    indices = np.ndindex(*(axis.size for axis in others))
    names = [" ".join(_point(axis, i) for axis, i in zip(others, index)) for index in indices]
    points = [_point(axes[along], i) for i in range(shape[along])]
    return {"lines": lines.tolist(), "line_names": names, "points": points}


def _point(axis: Axis, index: int) -> str:
    if not axis.points:
        return f"{axis.name} {index + 1}"
    return Param(axis.name, 0.0, lo=-math.inf, hi=math.inf, unit=axis.unit).to_text(axis.points[index])


def element(param: Param) -> Param:
    """One number of an array, as a parameter of its own."""
    return replace(param, kind="float", axes=(), default=0.0)


def face(param: Param, value: Any) -> dict[str, Any]:
    """A value as the page shows it: position and text, and whether it is the default."""
    if param.kind == "array":
        one = element(param)
        flat = np.ravel(value)
        return {
            "units": [float(u) for u in np.ravel(param.to_unit(flat))], "texts": [one.to_text(v) for v in flat],
            "text": param.to_text(value), "default": bool(np.array_equal(value, param.check(param.default))),
        }  # fmt: skip
    out = {"text": param.to_text(value), "default": bool(value == param.default)}
    if param.kind in ("float", "int"):
        out["unit"] = param.to_unit(value)
    if param.kind == "bool":
        out["on"] = bool(value)
    return out


def at(param: Param, position: float) -> Any:
    """Plain value of a slider position, on the parameter's grid."""
    plain = param.from_unit(float(position))
    if param.step and math.isfinite(plain):
        plain = param.clamp(round(plain / param.step) * param.step)
    return param.check(plain)
