"""Checkpoints: any tree of dicts, lists, numbers and tensors in a folder, in shards under 16 MB, whole or not at all.

``0012-000034/`` (12 epochs and 34 steps done) holds ``state.json``, the tree with a name in place of each tensor, and
``shard-000.safetensors`` …, the tensors; one that is too long for a shard lies there in pieces.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .errors import InputError, UsageError
from .replace import make_folder, refusal

FORMAT = "voxrack.checkpoint"
VERSION = 1
SHARD = 15_000_000  # bytes of tensors in one file
_NAME = re.compile(r"\d{4,}-\d{6,}$")


def save(folder: Path, epoch: int, step: int, state: Mapping[str, Any]) -> Path:
    """Write a checkpoint into ``folder`` and remove the older ones; returns its own folder.

    Raises
    ------
    VoxrackError
        Where it cannot be written (a full disk); what was there before is untouched.
    """
    make_folder(folder)
    tensors: dict[str, Tensor] = {}
    tree = _strip(state, "", tensors)
    target = folder / f"{epoch:04d}-{step:06d}"
    draft = folder / f".part-{secrets.token_hex(6)}"
    try:
        draft.mkdir()
        shards = {}
        for number, shard in enumerate(_shards(tensors)):
            name = f"shard-{number:03d}.safetensors"
            shards[name] = _write(draft / name, _pack(shard))
        table = {
            key: {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape)} for key, t in tensors.items()
        }
        head = {"format": FORMAT, "version": VERSION, "epoch": epoch, "step": step, "shards": shards}
        _write(draft / "state.json", json.dumps({**head, "tensors": table, "state": tree}).encode())
        if target.exists():  # the same moment, saved again
            shutil.rmtree(target)
        os.replace(draft, target)
    except OSError as error:
        raise refusal(target, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for old in _all(folder):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)
    return target


def latest(folder: Path) -> Path | None:
    """The newest checkpoint in ``folder``, or None. What a killed process left half done is removed."""
    if not folder.is_dir():
        return None
    for part in folder.glob(".part-*"):
        shutil.rmtree(part, ignore_errors=True)
    every = _all(folder)
    return every[-1] if every else None


def load(checkpoint: Path) -> dict[str, Any]:
    """The state that was saved; tensors on the CPU.

    Raises
    ------
    InputError
        A shard is missing or damaged, or a newer voxrack wrote it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load as unpack

    remedy = f"remove {checkpoint} to begin the run anew"
    try:
        head = json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))
        if head.get("format") != FORMAT:
            raise InputError(f"{checkpoint} is no checkpoint of voxrack; {remedy}")
        if head["version"] > VERSION:
            raise InputError(
                f"{checkpoint} is of version {head['version']}, this voxrack knows {VERSION}: upgrade voxrack"
            )
        pieces: dict[str, Tensor] = {}
        for name, digest in head["shards"].items():
            data = (checkpoint / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                raise InputError(f"{checkpoint / name} is damaged (its sha256 is another); {remedy}")
            pieces.update(unpack(data))
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{checkpoint} cannot be read ({error}); {remedy}") from None
    tensors = {key: _join(key, about, pieces) for key, about in head["tensors"].items()}
    return _restore(head["state"], tensors)


def _all(folder: Path) -> list[Path]:
    there = [path for path in folder.iterdir() if path.is_dir() and _NAME.match(path.name)]
    return sorted(there, key=lambda path: tuple(map(int, path.name.split("-"))))


# ---- tensors and shards -------------------------------------------------------------------------
def _shards(tensors: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The tensors as bytes, in files of at most SHARD; names of pieces end in ``#number``."""
    shard: dict[str, Tensor] = {}
    size = 0
    for key, tensor in tensors.items():
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        for number, piece in enumerate(data.split(SHARD)):
            if shard and size + len(piece) > SHARD:
                yield shard
                shard, size = {}, 0
            shard[f"{key}#{number}"] = piece.clone()
            size += len(piece)
    if shard:
        yield shard


def _pack(shard: dict[str, Tensor]) -> bytes:
    from safetensors.torch import save

    return save(shard)


def _join(key: str, about: Mapping[str, Any], pieces: Mapping[str, Tensor]) -> Tensor:
    parts = []
    while f"{key}#{len(parts)}" in pieces:
        parts.append(pieces[f"{key}#{len(parts)}"])
    data = torch.cat(parts) if parts else torch.empty(0, dtype=torch.uint8)
    return data.view(getattr(torch, about["dtype"])).reshape(about["shape"])


def _write(path: Path, data: bytes) -> str:
    """Write to disk, past the system's cache; returns the sha256."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()


# ---- the tree -----------------------------------------------------------------------------------
def _strip(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """``value`` as JSON can hold it; tensors go into ``tensors`` under their path. Tuples and odd keys come back."""
    if isinstance(value, Tensor):
        tensors[path] = value
        return {"$tensor": path}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _strip(item, f"{path}/{key}", tensors) for key, item in value.items()}
        pairs = [[_strip(key, "", {}), _strip(item, f"{path}/{key}", tensors)] for key, item in value.items()]
        return {"$pairs": pairs}
    if isinstance(value, (list, tuple)):
        items = [_strip(item, f"{path}/{number}", tensors) for number, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise UsageError(f"a checkpoint cannot keep the {type(value).__name__} at {path or '/'}: it takes dicts, lists, "
                     "numbers, texts and tensors")  # fmt: skip


def _restore(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_restore(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        return tensors[value["$tensor"]]
    if "$tuple" in value:
        return tuple(_restore(item, tensors) for item in value["$tuple"])
    if "$pairs" in value:
        return {_restore(key, tensors): _restore(item, tensors) for key, item in value["$pairs"]}
    return {key: _restore(item, tensors) for key, item in value.items()}
