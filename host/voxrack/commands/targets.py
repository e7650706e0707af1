"""From the words on the command line to pairs of source and target file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError, UsageError
from ..files import FORMATS

AUDIO = (*FORMATS, ".oga")
LOSSY = (".ogg", ".oga", ".opus", ".mp3")


def find_sources(words: Sequence[str], *, leave_out: Path | None = None) -> list[tuple[Path, Path]]:
    """Audio files behind the words, each with its path inside the target folder.

    A file gives its own name. A folder gives every audio file below it, with the tree kept: as it is
    for a single folder, under the folder's name where several words are given. Hidden files and what
    lies under ``leave_out`` are passed over.

    Raises
    ------
    UsageError
        For an empty name.
    InputError
        For a folder without audio. A file that does not exist is let through: rendering it says so.
    """
    out: list[tuple[Path, Path]] = []
    barred = leave_out.resolve() if leave_out is not None else None
    for word in words:
        path = Path(refuse_empty(word, "an input"))
        if not os.path.isdir(path):  # unlike Path.is_dir, false for a name that no system takes
            out.append((path, Path(path.name)))
            continue
        found = _walk(path)
        if barred is not None and path.resolve() in barred.parents:  # yesterday's outputs are no input
            found = [file for file in found if not file.resolve().is_relative_to(barred)]
        if not found:
            raise InputError(f"{path}: no audio file in this folder; looked for {', '.join(AUDIO)}")
        top = Path() if len(words) == 1 else Path(path.resolve().name)
        out += [(file, top / file.relative_to(path)) for file in found]
    return out


def refuse_empty(word: str, what: str) -> str:
    """``word``, unless it is empty: as a path that would be the working folder, and it never was meant."""
    if not word.strip():
        raise UsageError(f"{what} is an empty name; give a file or a folder ('.' is this one, or is a variable unset?)")
    return word


def _walk(folder: Path) -> list[Path]:
    out = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        names = sorted(name for name in files if not name.startswith(".") and name.lower().endswith(AUDIO))
        out += [Path(root, name) for name in names]
    return out


def pair(words: Sequence[str], out: str, kind: str | None = None) -> list[tuple[Path, Path]]:
    """Source and target of every file to render; nothing is created yet.

    Parameters
    ----------
    words : sequence of str
        Files and folders.
    out : str
        A file where ``words`` is one file and ``out`` ends in an audio suffix and is no folder; else a folder.
    kind : str, optional
        Suffix of the targets without its dot. By default the source's own where that is lossless, else wav.

    Raises
    ------
    UsageError
        Where a name is empty, a target is one of the sources, two sources have one target, or ``out`` does not fit.
    """
    target = Path(refuse_empty(out, "the output"))
    single = len(words) == 1 and not os.path.isdir(words[0])
    if single and target.suffix.lower() in AUDIO and not os.path.isdir(target):
        if kind and target.suffix.lower() != f".{kind}":
            raise UsageError(f"--format {kind} and -o {out} disagree; leave one of them out")
        pairs = [(Path(refuse_empty(words[0], "an input")), target)]
    else:
        if os.path.exists(target) and not os.path.isdir(target):
            why = f"it does not end in {', '.join(AUDIO)}" if single else "there are several inputs"
            raise UsageError(f"-o {out} is a file, and a folder is needed here: {why}")
        pairs = [(s, target / _named(inside, kind)) for s, inside in find_sources(words, leave_out=target)]
    _refuse_collisions(pairs)
    return pairs


def _named(inside: Path, kind: str | None) -> Path:
    own = inside.suffix.lower()
    suffix = f".{kind}" if kind else (own if own in FORMATS and own not in LOSSY else ".wav")
    return inside.with_suffix(suffix) if own in AUDIO else inside.with_name(inside.name + suffix)


def _refuse_collisions(pairs: Sequence[tuple[Path, Path]]) -> None:
    sources = {_identity(source): source for source, _ in pairs}
    taken: dict[Path | tuple[int, int], Path] = {}
    for source, target in pairs:
        if _identity(target) in sources:
            raise UsageError(f"the output {target} is an input; choose another folder or name with -o")
        first = taken.setdefault(Path(os.path.realpath(target)), source)
        if first is not source:
            raise UsageError(f"{first} and {source} would both be written to {target}; render them one by one")


def _identity(path: Path) -> Path | tuple[int, int]:
    """What a file is, whatever its name (a link, another case): device and inode; its path where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return Path(os.path.realpath(path))
    return (stat.st_dev, stat.st_ino)
