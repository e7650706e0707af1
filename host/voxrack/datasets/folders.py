"""The audio files below a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .words import listed, number

SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3")


def audio_files(root: Path) -> tuple[list[Path], list[str]]:
    """Audio below ``root`` in order; notes on what was passed over."""
    files: list[Path] = []
    hidden: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        audio = [Path(folder, name) for name in names if name.lower().endswith(SUFFIXES)]
        hidden += [path for path in audio if path.name.startswith(".")]
        files += [path for path in audio if not path.name.startswith(".")]
    empty = [path for path in files if path.stat().st_size == 0]
    notes = []
    if hidden:
        notes.append(f"{number(len(hidden), 'hidden file')} passed over: {names_below(root, hidden)}")
    if empty:
        notes.append(f"{number(len(empty), 'file')} of 0 bytes left out, copy them again: {names_below(root, empty)}")
    return sorted(set(files).difference(empty)), notes


def names_below(root: Path, paths: Sequence[Path]) -> str:
    """The first of them, by their paths below the folder."""
    return listed(path.relative_to(root).as_posix() for path in paths)
