"""Opening safetensors files of ours: every way in which a file can be the wrong one gets its own sentence."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import InputError

_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def open_tensors(
    path: Path, format: str, version: int, what: str, remedy: str, framework: str = "pt"
) -> tuple[Any, dict[str, str]]:
    """The opened (memory-mapped) file and its metadata.

    Parameters
    ----------
    path : Path
    format, version : str, int
        What the metadata must say; a file of a newer version is refused.
    what, remedy : str
        For messages: ``"a feature file"``, ``"prepare it again"``.
    framework : {"pt", "numpy"}
        What tensors come as; torch is imported for the first only.

    Raises
    ------
    InputError
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        raise InputError(f"{path} does not exist; {what} ends in .safetensors")
    if path.is_dir():
        raise InputError(f"{path} is a folder; {what} is a file")
    try:
        with path.open("rb") as file:
            start = file.read(64)
        # a safetensors file begins with a length, which may look like the first bytes of a pickle, and then a brace
        if start[8:9] != b"{" and start.startswith(_PICKLES):
            raise InputError(
                f"{path} is a pickle or a torch.save archive, which may run any code when loaded; voxrack never opens "
                "one. Have its maker save it with safetensors.torch.save_file"
            )
        if start.startswith(b"version https://git-lfs"):
            raise InputError(f"{path} is a Git LFS pointer, not the file itself: git lfs pull")
        opened = safe_open(path, framework=framework)
    except SafetensorError as error:
        raise InputError(f"{path} is truncated, or no safetensors file ({error}); {remedy}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    metadata = dict(opened.metadata() or {})
    if metadata.get("format") != format:
        raise InputError(
            f"{path} is no {format} file (its metadata says {metadata.get('format', 'nothing')!r}); {remedy}"
        )
    found = metadata.get("version", "")
    if not found.isdigit() or int(found) > version:
        raise InputError(f"{path} is of version {found or '?'}, this voxrack knows {version}: upgrade voxrack")
    return opened, metadata


def pack(tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    """Tensors and metadata as the bytes of a safetensors file; equal content gives equal bytes."""
    from safetensors.torch import save

    data = save(dict(tensors))
    (length,) = struct.unpack("<Q", data[:8])
    table = json.loads(data[8 : 8 + length])
    table.pop("__metadata__", None)
    head = encode_header({"__metadata__": dict(sorted(metadata.items())), **dict(sorted(table.items()))})
    return head + data[8 + length :]


def encode_header(table: Mapping[str, Any]) -> bytes:
    """The start of a safetensors file: the header's length and the header, filled up to whole words."""
    header = json.dumps(table).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header
