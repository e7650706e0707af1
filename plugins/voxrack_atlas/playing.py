"""One vocal played through many settings of one rack."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxrack import Audio, Layout, Preset, Rack, read, render
from voxrack.errors import InputError

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif")


class Desk:
    """A rack whose numbers are set from rows of a collection.

    Parameters
    ----------
    template : Preset
        The rack, and all that no row says.
    """

    def __init__(self, template: Preset) -> None:
        self.rack: Rack = template.rack(missing="refuse")
        self.layout: Layout = self.rack.layout().fittable()
        self.columns: tuple[str, ...] = tuple(self.layout.names())
        self._now: dict[str, Any] = self.rack.values()

    def set(self, row: ArrayLike) -> Rack:
        """The rack at plain values (k,) in the order of ``columns``; the same object each time."""
        for address, value in self.layout.unpack(row).items():
            if not np.array_equal(value, self._now[address]):
                self.rack.set(address, value)
                self._now[address] = value
        return self.rack

    def play(self, row: ArrayLike, dry: Audio) -> Audio:
        """``dry`` through it, as long as it is."""
        return render(self.set(row), dry, tail=False)


def held(row: NDArray[np.float64], reference: NDArray[np.float64], low: NDArray, high: NDArray) -> NDArray[np.bool_]:
    """Which numbers (k,) stand at an end of their range where those of ``reference`` do not."""
    return ((row <= low) & (reference > low)) | ((row >= high) & (reference < high))


def excerpt(audio: Audio, seconds: float) -> Audio:
    """The part of that length with the most energy, found in steps of a quarter second; all of it where shorter."""
    frames = round(seconds * audio.sample_rate)
    if audio.frames <= frames:
        return audio
    step = max(1, audio.sample_rate // 4)
    whole = np.concatenate([[0.0], np.cumsum(np.sum(audio.samples.astype(np.float64) ** 2, axis=0))])
    starts = np.arange(0, audio.frames - frames + 1, step)
    best = int(starts[np.argmax(whole[starts + frames] - whole[starts])])
    return Audio(audio.samples[:, best : best + frames], audio.sample_rate)


def vocals(paths: Iterable[str | os.PathLike[str]]) -> dict[str, Audio]:
    """Recordings by name, from files and folders.

    Of a folder, searched to the bottom, those called ``dry.*`` are taken if there are any (they are named by their
    folder), else all.

    Raises
    ------
    InputError
        For a path that is not there, a folder without recordings, or a file that cannot be read.
    """
    out: dict[str, Audio] = {}
    for path in map(Path, paths):
        for file in vocal_files(path):
            name = file.parent.name if file.stem == "dry" else file.stem
            while name in out:
                name += "'"
            out[name] = read(file)
    return out


def vocal_files(path: Path) -> list[Path]:
    """The recordings of a folder (see :func:`vocals`), or the one file."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path} is not there; give recordings, or a folder of them")
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise InputError(f"{path} holds no recording ({', '.join(SUFFIXES)})")
    return [file for file in files if file.stem == "dry"] or files
