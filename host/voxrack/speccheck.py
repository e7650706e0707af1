"""Is a device's specification in order? Asked once for every device when its plugin is loaded."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from .device import API, DeviceSpec
from .errors import ParamError
from .params import NUMERIC, Axis, Kind, Param, check_values

_WORD = r"[a-z][a-z0-9_]*"
_DEVICE_ID = re.compile(rf"{_WORD}(\.{_WORD})+")
_PARAM_ID = re.compile(rf"{_WORD}(\.{_WORD})*")
_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_KINDS = ("processor", "analyzer")
_EXTRA = re.compile(r"[A-Za-z0-9][\w.-]*(:[A-Za-z_]\w*(\.\w+)*)?")
RESERVED = ("mix", "bypass")  # every slot of a rack has an address of this name


def check_spec(spec: DeviceSpec) -> str:
    """What is wrong with ``spec``, as one sentence that names the field; empty where nothing is."""
    if isinstance(spec.api, int) and spec.api > API:
        return f"written for contract {spec.api}, this voxrack speaks {API}: upgrade voxrack (pip install -U voxrack)"
    try:
        return next(_problems(spec), "")
    except Exception as error:  # a field of a type that nobody foresaw, in somebody else's plugin
        return f"a field has the wrong type: {error}"


def _problems(spec: DeviceSpec) -> Iterator[str]:
    """Each thing that is wrong, most telling first."""
    if not (isinstance(spec.id, str) and _DEVICE_ID.fullmatch(spec.id)):
        yield f"field 'id' is {spec.id!r}; it takes 'family.name' in lower case, digits and underscores"
    if spec.kind not in _KINDS:
        yield f"field 'kind' is {spec.kind!r}; it takes {' or '.join(_KINDS)}"
    if not (isinstance(spec.factory, str) and _REFERENCE.fullmatch(spec.factory)):
        yield f"field 'factory' is {spec.factory!r}; it takes 'package.module:Class'"
    for name in ("version", "api"):
        value = getattr(spec, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            yield f"field '{name}' is {value!r}; it takes a whole number from 1"
    if spec.migrate and not _REFERENCE.fullmatch(spec.migrate):
        yield f"field 'migrate' is {spec.migrate!r}; it takes 'package.module:function' or nothing"
    for name in ("role", "weights", "extra", "title", "summary"):
        if not isinstance(getattr(spec, name), str):
            yield f"field '{name}' is {getattr(spec, name)!r}; it takes text"
    if spec.extra and not _EXTRA.fullmatch(spec.extra):
        yield f"field 'extra' is {spec.extra!r}; it takes 'group' or 'group:module'"
    if spec.weights and (spec.weights[0] in "/." or ".." in spec.weights or "\\" in spec.weights):
        yield f"field 'weights' is {spec.weights!r}; it takes 'file' or 'package/folder/file'"
    for name in ("params", "rates", "channels", "waivers"):
        if not isinstance(getattr(spec, name), (tuple, list)):
            yield f"field '{name}' is {getattr(spec, name)!r}; it takes a tuple"
    yield from _needs(spec.needs)
    yield from _signal(spec)
    yield from _waivers(spec.waivers)
    yield from _params(spec)


def _needs(needs: Any) -> Iterator[str]:
    if not isinstance(needs, Mapping):
        yield f"field 'needs' is {needs!r}; it takes a mapping such as {{'enhancer': 'processor'}}"
        return
    for name, kind in needs.items():
        if not isinstance(name, str) or not name or kind not in _KINDS:
            yield f"field 'needs' has {name!r}: {kind!r}; it maps a role to {' or '.join(_KINDS)}"


def _signal(spec: DeviceSpec) -> Iterator[str]:
    for name, high in (("rates", 768_000), ("channels", 64)):
        for value in getattr(spec, name):
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
                yield f"field '{name}' holds {value!r}; it takes whole numbers from 1 to {high}"
    if spec.length not in ("same", "free"):
        yield f"field 'length' is {spec.length!r}; it takes 'same' or 'free'"
    if spec.length == "free" and (spec.streaming or spec.kind != "processor"):
        yield "field 'length' is 'free', which only a whole-signal processor may be; set streaming=False"
    if spec.kind == "analyzer" and not spec.streaming:
        yield "field 'streaming' is False, but an analyzer is always pushed blocks; it may keep them"
    if spec.kind == "analyzer" and spec.transparent:
        yield "field 'transparent' is set, but an analyzer returns no audio"


def _waivers(waivers: Any) -> Iterator[str]:
    for waiver in waivers:
        name, _, reason = waiver.partition(":") if isinstance(waiver, str) else ("", "", "")
        if not name.strip() or not reason.strip():
            yield f"field 'waivers' holds {waiver!r}; each is 'name: reason'"


def _params(spec: DeviceSpec) -> Iterator[str]:
    seen: set[str] = set()
    for param in spec.params:
        if not isinstance(param, Param):
            yield f"field 'params' holds {param!r}, which is no voxrack.Param"
            return
        if not (isinstance(param.id, str) and _PARAM_ID.fullmatch(param.id)):
            yield f"parameter {param.id!r}: field 'id' takes words in lower case joined by dots"
        if param.id in RESERVED:
            yield f"parameter '{param.id}': field 'id' is reserved: every slot has its own {param.id}; rename it"
        if param.id in seen:
            yield f"parameter '{param.id}' occurs twice"
        seen.add(param.id)
        for problem in _param(param):
            yield f"parameter '{param.id}': {problem}"
    try:
        check_values(spec.params, spec.transparent, spec.id)
    except ParamError as error:
        yield f"field 'transparent': {error}"


def _param(param: Param) -> Iterator[str]:
    if param.kind not in get_args(Kind):
        yield f"field 'kind' is {param.kind!r}; it takes {', '.join(get_args(Kind))}"
        return
    if param.kind in NUMERIC:
        yield from _range(param)
    if (param.kind == "choice") != bool(param.choices):
        yield "field 'choices' goes with kind 'choice', and has at least one entry"
    if len(set(param.choices)) < len(param.choices) or not all(isinstance(c, str) for c in param.choices):
        yield "field 'choices' takes different texts"
    if (param.kind == "array") != bool(param.axes):
        yield "field 'axes' goes with kind 'array', and has at least one voxrack.Axis"
    for axis in param.axes:
        if not isinstance(axis, Axis) or not isinstance(axis.size, int) or axis.size < 1:
            yield f"field 'axes' holds {axis!r}; it takes voxrack.Axis(name, size) with a size from 1"
            return
        if axis.points and len(axis.points) != axis.size:
            yield f"axis '{axis.name}' has {len(axis.points)} points for a size of {axis.size}"
    try:
        param.check(param.default)
    except ParamError as error:
        yield f"field 'default': {error}"


def _range(param: Param) -> Iterator[str]:
    lo, hi, scale = param.lo, param.hi, param.scale
    off = lo == -math.inf and param.unit == "dB" and scale == "lin"
    if not (math.isfinite(lo) or off) or not math.isfinite(hi) or not lo < hi:
        yield f"fields 'lo' and 'hi' are {lo!r} and {hi!r}; they take lo < hi, finite (a level in dB may have lo=-inf)"
    if scale == "log" and lo <= 0:
        yield f"field 'scale' is 'log', which needs lo above 0; lo is {lo!r}"
    if isinstance(scale, str) and scale not in ("lin", "log"):
        yield f"field 'scale' is {scale!r}; it takes 'lin', 'log' or a number above 0"
    if not isinstance(scale, str) and not 0 < scale < math.inf:
        yield f"field 'scale' is {scale!r}; a skew is a finite number above 0"
    if not param.step >= 0:
        yield f"field 'step' is {param.step!r}; it takes a number from 0"
