"""The published preset sets of DiffVox as folders of presets."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError, UsageError
from voxrack.preset_assets import reference

from .diffvox import SIZE, from_diffvox


@dataclass(frozen=True)
class Imported:
    """One preset that was written."""

    row: int
    name: str
    path: Path


def import_diffvox(
    raw_params: str | os.PathLike[str],
    info: str | os.PathLike[str] | None,
    folder: str | os.PathLike[str],
    *,
    rows: Sequence[int] | None = None,
    sample_rate: int = 44100,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Imported]:
    """Write one preset file for each row of ``raw_params.npy``.

    Parameters
    ----------
    raw_params : path
        Array (rows, 151).
    info : path, optional
        The ``info.json`` that lies beside it: names of the runs, recordings, shifts.
    folder : path
        Created where it does not exist. Files are called ``<set>-<row>[-<run>].json``, where the set is the name
        of the folder of ``raw_params``.
    rows : sequence of int, optional
        By default all.
    sample_rate : int
        At which the rows were fitted, in Hz.
    progress : callable
        Called with how many are done and how many there are.

    Raises
    ------
    InputError
        For files that cannot be read, or are something else.
    UsageError
        For a row that is not there.
    """
    source = Path(raw_params)
    table = read_table(source)
    chosen = list(range(len(table))) if rows is None else [int(row) for row in rows]
    for row in chosen:
        if not 0 <= row < len(table):
            raise UsageError(f"row {row} is not there; {source.name} has rows 0 to {len(table) - 1}")
    described = _describe({} if info is None else read_info(Path(info)), len(table))
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    title, origin = source.resolve().parent.name, [reference(source)]
    out = []
    for done, row in enumerate(chosen):
        run, about = described[row]
        name = run or f"{title} {row}"
        label = "-".join(filter(None, (title, f"{row:03d}", run)))
        file = target / (re.sub(r"[^A-Za-z0-9_.-]+", "_", label)[:120] + ".json")
        try:
            preset = from_diffvox(table[row], sample_rate, name=name, about=about, sources=origin)
        except (InputError, UsageError) as error:
            raise InputError(f"{source}, row {row}: {error}") from error
        preset.save(file)
        out.append(Imported(row, name, file))
        progress(done + 1, len(chosen))
    return out


def read_table(path: Path) -> NDArray[np.float64]:
    """Array (rows, 151) of a .npy file that holds plain numbers."""
    table = _load(path)
    if table.ndim != 2 or table.shape[1] not in (SIZE, SIZE + 1) or table.dtype.kind not in "fiu":
        raise InputError(
            f"{path} holds {table.dtype} of shape {table.shape}; DiffVox presets are numbers of shape (rows, {SIZE})"
        )
    return table


def read_index(path: Path) -> list[int]:
    """Row numbers of a .npy file such as ``train_index.npy``."""
    index = _load(path)
    if index.ndim != 1 or index.dtype.kind not in "iu":
        raise InputError(f"{path} holds {index.dtype} of shape {index.shape}; an index is a list of whole numbers")
    return index.tolist()


def _load(path: Path) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            if not file.read(6).startswith((b"\x93NUMPY", b"PK")):
                raise InputError(f"{path} is no array (.npy); DiffVox keeps its presets in raw_params.npy")
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read as an array (.npy): {error}") from error
    if not isinstance(loaded, np.ndarray):
        raise InputError(f"{path} is an archive of several arrays; give the .npy file of one")
    return loaded


def read_info(path: Path) -> dict[str, Any]:
    """The ``info.json`` of a set."""
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(info, dict):
        raise InputError(f"{path} holds no JSON object; it is not the info.json of a DiffVox set")
    return info


def _describe(info: dict[str, Any], rows: int) -> list[tuple[str, str]]:
    """Name of the run and a sentence about it, by row; the name is empty where runs are not told apart."""
    runs = _kept_runs(info)
    named = len(runs) == rows and len(set(runs)) == rows
    shifts = info.get("alignment_shifts")
    shifts = shifts if isinstance(shifts, list) and len(shifts) == rows else None
    out = []
    for row in range(rows):
        about = f"A published preset of DiffVox, row {row}"
        if named:
            about += f", run {runs[row]}"
        if shifts is not None:
            about += f"; the dry recording was shifted by {shifts[row]} samples"
        out.append((_short(runs[row]) if named else "", about + "."))
    return out


def _kept_runs(info: dict[str, Any]) -> list[str]:
    """Runs that are rows: those that the authors set aside (terminated, not converged, …) are not."""
    runs = [run for run in info.get("runs", []) if isinstance(run, str)]
    aside = info.get("problematic_runs", {})
    groups = aside.values() if isinstance(aside, dict) else []
    left_out = {str(entry[0] if isinstance(entry, list) and entry else entry) for group in groups for entry in group}
    return [run for run in runs if not any(run == out or run.endswith(f"/{out}") for out in left_out)]


def _short(run: str) -> str:
    """``…/Song/Song_STEM_08/run_0`` to ``Song_STEM_08``."""
    parts = [part for part in run.split("/") if part and not re.fullmatch(r"run_\d+", part)]
    return parts[-1] if parts else ""
