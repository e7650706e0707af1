"""Files that belong to a preset: recordings, plugin state. They lie beside it, named by their content.

``vocal.json`` keeps them in ``vocal.assets/<sha256><suffix>``; the preset holds the sha256 and the
original name, which is shown and never used as a path. Nothing in a preset is ever executed or unpickled.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import InputError, PresetError
from .replace import Replacement, make_folder

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,12}")
_names: dict[str, str] = {}  # sha256 -> original name of what was found in this process: its file no longer bears it
_UNSAFE = re.compile(r"[/\\\x00-\x1f]")


def folder_of(preset: Path) -> Path:
    """Where the assets of a preset file lie."""
    return preset.with_name(preset.stem + ".assets")


def digest_file(path: Path) -> str:
    """sha256 of a file's bytes, as 64 hexadecimal digits.

    Raises
    ------
    InputError
        Where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise InputError(f"asset {path}: cannot be read ({error}); choose another file") from None


def reference(path: Path) -> dict[str, str]:
    """What a preset holds in place of a file's path: its sha256 and its name."""
    digest = digest_file(path)
    name = _names.get(digest, path.name) if path.stem == digest else path.name
    return {"name": _UNSAFE.sub("_", name)[:255] or "asset", "sha256": digest}


def stored_name(asset: Mapping[str, str]) -> str:
    """Name inside the folder: the digest and the suffix of the original, nothing else of it."""
    suffix = Path(asset["name"]).suffix
    return asset["sha256"] + (suffix.lower() if _SUFFIX.fullmatch(suffix) else "")


def references(parameters: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The assets among the values of a preset, by address."""
    return {address: value for address, value in parameters.items() if isinstance(value, dict)}


def find(asset: Mapping[str, str], folder: Path | None, known: Mapping[str, Path], path: str) -> Path:
    """The verified file of an asset.

    Parameters
    ----------
    asset : mapping
        ``{"name", "sha256"}``.
    folder : Path or None
        The preset's folder of assets; None for a preset that has no file yet.
    known : mapping of sha256 to Path
        Where assets of a preset made in this process lie.
    path : str
        JSON path, for the message.

    Raises
    ------
    PresetError
        Where the file is missing or its content is not what the preset was saved with.
    """
    places = [known[asset["sha256"]]] if asset["sha256"] in known else []
    if folder is not None:
        places.append(folder / stored_name(asset))
    for place in places:
        if not place.is_file():
            continue
        if digest_file(place) == asset["sha256"]:
            _names[asset["sha256"]] = asset["name"]
            return place
        raise PresetError(
            f"asset '{asset['name']}' at {place} has changed since the preset was saved (its sha256 is no longer "
            f"{asset['sha256'][:12]}…); put the original back, or save the preset anew with the file it shall use",
            path,
        )
    where = places[-1] if places else f"a folder <preset>.assets (as {stored_name(asset)}) beside the preset's file"
    raise PresetError(f"asset '{asset['name']}' is missing; put the file back at {where}", path)


def copy_into(folder: Path, asset: Mapping[str, str], source: Path) -> None:
    """Store a file under its digest, whole or not at all; one that is there already stays."""
    target = folder / stored_name(asset)
    if target.is_file() and digest_file(target) == asset["sha256"]:
        return
    make_folder(folder)
    with Replacement(target) as part:
        digest = hashlib.sha256()
        with part.temp.open("wb") as out, source.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                out.write(block)
        if digest.hexdigest() != asset["sha256"]:
            raise InputError(f"asset {source} changed while the preset was being saved; save it again")
