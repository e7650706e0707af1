"""JSON of a preset: read with suspicion, written in one way only.

Reading refuses what the ``json`` module would let through (duplicate keys, NaN, numbers beyond double
precision, lone surrogates, a byte-order mark, a nest of a thousand lists), each with its JSON path.
Writing is canonical: sorted keys, two spaces, shortest floats, whole numbers without a point, no -0,
lists of plain values on one line, a newline at the end. One value has one text, so diffs and hashes mean something.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .errors import PresetError

MAX_BYTES = 32 * 2**20
MAX_DEPTH = 12  # $ → parameters → an array of three axes is 5; the rest is room for later versions
_EXACT = 2**53  # whole numbers beyond this are not carried exactly by other readers of JSON
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def json_path(keys: Sequence[str | int]) -> str:
    """``$.parameters["peq.peak1.gain"][2]`` from ``("parameters", "peq.peak1.gain", 2)``."""
    out = "$"
    for key in keys:
        if isinstance(key, int):
            out += f"[{key}]"
        elif _WORD.fullmatch(key):
            out += f".{key}"
        else:
            shown = key if len(key) <= 80 else key[:77] + "…"
            out += f"[{json.dumps(shown)}]"
    return out


def shown(value: Any) -> str:
    """A value as an error message quotes it: JSON, cut to a readable length."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def brief(text: str) -> str:
    """A message cut to a readable length in its middle: what it quotes may be a file's whole content."""
    return text if len(text) <= 600 else f"{text[:400]} … {text[-180:]}"


# ---- reading -------------------------------------------------------------------------------------
class _Refused:
    """Stands in the parsed tree where the parser met something that JSON or a preset does not allow."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class _Doubled(dict[str, Any]):
    """An object that gave one key twice."""

    key = ""


def read_file(path: Path) -> str:
    """The text of a preset file.

    Raises
    ------
    PresetError
        Where there is no such file, it is a folder, cannot be read, is above 32 MB, or is not UTF-8.
    """
    try:
        if path.is_dir():
            raise PresetError("is a folder, not a preset; name one of the .json files in it")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise PresetError("no such file; `voxrack preset show` lists the factory presets") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise PresetError(f"cannot be read: {error}") from None
    return decode(data)


def decode(data: bytes) -> str:
    """UTF-8 bytes to text; refuses a byte-order mark, UTF-16 and more than 32 MB."""
    if len(data) > MAX_BYTES:
        raise PresetError(f"is larger than {MAX_BYTES // 2**20} MB; a preset holds numbers, recordings lie beside it")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4]:
        raise PresetError("is UTF-16 or UTF-32 text (or no text at all); save it as UTF-8")
    if data.startswith(b"\xef\xbb\xbf"):
        raise PresetError("begins with a byte-order mark; save it as UTF-8 without one")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PresetError(f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def parse(text: str) -> dict[str, Any]:
    """The top-level object of a preset, free of everything that JSON readers disagree on.

    Raises
    ------
    PresetError
        With the JSON path of the first offence.
    """
    if len(text) > MAX_BYTES:
        raise PresetError(f"is larger than {MAX_BYTES // 2**20} MB; a preset holds numbers, recordings lie beside it")
    if text.startswith("\ufeff"):
        raise PresetError("begins with a byte-order mark; save it as UTF-8 without one")
    try:
        tree = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise PresetError(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise PresetError(f"is nested more than {MAX_DEPTH} levels deep") from None
    if not isinstance(tree, dict):
        raise PresetError(f"a preset is a JSON object; this is {shown(tree)}")
    inspect(tree)
    return tree


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    doubled = _Doubled(plain)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            doubled.key = key
            break
        seen.add(key)
    return doubled


def _constant(word: str) -> _Refused:
    hint = ' (a level that is off is the text "-inf")' if word == "-Infinity" else ""
    return _Refused(f"{word} is no number of JSON{hint}")


def _whole(digits: str) -> int | _Refused:
    if len(digits) <= 17 and abs(int(digits)) <= _EXACT:
        return int(digits)
    return _Refused(f"{digits[:20]}… has more digits than a double-precision number holds")


def inspect(tree: dict[str, Any]) -> None:
    """Refuse, with its path, what no preset may hold: too deep a nest, infinities, half characters, doubled keys."""
    _inspect_one(tree, [])
    keys: list[str | int] = []
    open_nodes = [_members(tree)]  # a stack, not recursion: the depth is the sender's choice
    while open_nodes:
        for key, value in open_nodes[-1]:
            keys.append(key)
            _inspect_one(value, keys)
            if isinstance(value, (dict, list)):
                open_nodes.append(_members(value))
                break
            keys.pop()
        else:
            open_nodes.pop()
            if keys:
                keys.pop()


def _members(node: dict[str, Any] | list[Any]) -> Iterator[tuple[str | int, Any]]:
    return iter(node.items()) if isinstance(node, dict) else iter(enumerate(node))


def _inspect_one(value: Any, keys: Sequence[str | int]) -> None:
    if isinstance(value, str):
        _check_text(value, keys)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise PresetError("is beyond the range of a double-precision number", json_path(keys))
    elif isinstance(value, _Refused):
        raise PresetError(value.reason, json_path(keys))
    elif isinstance(value, (dict, list)):
        if len(keys) >= MAX_DEPTH:
            raise PresetError(f"is nested more than {MAX_DEPTH} levels deep", json_path(keys))
        if isinstance(value, _Doubled):
            raise PresetError("the key is given twice", json_path((*keys, value.key)))
        for key in value if isinstance(value, dict) else ():
            _check_text(key, keys)


def _check_text(text: str, keys: Sequence[str | int]) -> None:
    if not text.isascii() and any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise PresetError("holds half of a surrogate pair, which is no character", json_path(keys))


# ---- writing -------------------------------------------------------------------------------------
def canonical(value: Any) -> str:
    """The one text of a JSON value, with a newline at its end."""
    return _write(value, "") + "\n"


def _write(value: Any, indent: str) -> str:
    inner = indent + "  "
    if isinstance(value, dict) and value:
        lines = [f"{inner}{_scalar(key)}: {_write(value[key], inner)}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, (list, tuple)) and value:
        if not any(isinstance(item, (dict, list, tuple)) for item in value):
            return "[" + ", ".join(map(_scalar, value)) + "]"
        return "[\n" + ",\n".join(inner + _item(item, inner) for item in value) + f"\n{indent}]"
    if isinstance(value, (dict, list, tuple)):
        return "{}" if isinstance(value, dict) else "[]"
    return _scalar(value)


def _item(value: Any, indent: str) -> str:
    """A member of a list: a flat object stands on one line."""
    flat = isinstance(value, dict) and not any(isinstance(item, (dict, list, tuple)) for item in value.values())
    if flat and value:
        return "{" + ", ".join(f"{_scalar(key)}: {_scalar(value[key])}" for key in sorted(value)) + "}"
    return _write(value, indent)


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} has no JSON form; levels that are off are the text '-inf'")
        return str(int(value)) if value == int(value) and abs(value) <= _EXACT else float.__repr__(value)
    if value is None or isinstance(value, (bool, int, str)):
        return json.dumps(value, ensure_ascii=False)
    raise TypeError(f"a preset cannot hold a {type(value).__name__}: {value!r}")
