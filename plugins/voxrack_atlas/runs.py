"""Fits on disk: folders of a batch, folders of single runs, presets that say they were fitted."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack import Preset
from voxrack.errors import InputError


@dataclass(frozen=True)
class Run:
    """One fit.

    Parameters
    ----------
    name : str
    place : Path
        Its folder, record or preset: what messages name.
    preset : Preset or None
        None for one that was ended before it had any.
    losses : ndarray
        Weighted total at every step; empty where no metrics were kept.
    about : mapping of str to str
        What the table of the batch told of it: singer, song.
    ended : str
        Why there is no preset.
    """

    name: str
    place: Path
    preset: Preset | None
    losses: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    about: Mapping[str, str] = field(default_factory=dict)
    ended: str = ""

    @property
    def best(self) -> float:
        """Lowest total: of the steps, or as the preset tells it; NaN where neither does."""
        finite = self.losses[np.isfinite(self.losses)]
        if finite.size:
            return float(finite.min())
        return math.nan if self.preset is None else float(self.preset.provenance["losses"].get("total", math.nan))

    @property
    def jitter(self) -> float:
        """Median change from step to step; NaN where it is not known."""
        return float(np.median(np.abs(np.diff(self.losses)))) if self.losses.size > 1 else math.nan

    @property
    def track(self) -> str:
        """The recordings it was fitted to; empty where they are not known, as of a published preset."""
        known = {} if self.preset is None else self.preset.provenance
        return " ".join(source["sha256"] for source in known["sources"]) if known.get("how") == "fit" else ""

    @property
    def created(self) -> str:
        """When, so that later is greater."""
        return "" if self.preset is None else str(self.preset.provenance["created"])


def find_runs(root: Path) -> list[Run]:
    """Every fit below a folder.

    Raises
    ------
    InputError
        For a folder with none, or a file in it that cannot be read.
    """
    if not root.is_dir():
        raise InputError(f"{root} is no folder; collect takes folders of fits")
    if (root / "job.json").is_file():
        return list(_batch(root))
    folders = sorted(file.parent for file in root.rglob("config.json") if (file.parent / "metrics.jsonl").exists())
    if folders:
        return [_folder(folder, root) for folder in folders]
    files = sorted(root.rglob("*.json"))
    if not files:
        raise InputError(f"{root} holds no fit: no batch (job.json), no run (config.json, metrics.jsonl), no preset")
    return [Run(str(file.relative_to(root).with_suffix("")), file, Preset.load(file)) for file in files]


def _batch(root: Path) -> Iterator[Run]:
    job = _tree(root / "job.json")
    if job.get("verb") != "fit":
        raise InputError(f"{root} is a batch of '{job.get('verb')}'; collect takes one of 'fit'")
    files = sorted((root / "records").rglob("*.json"))
    if not files:
        raise InputError(f"{root}: no item of this batch has been fitted yet")
    for file in files:
        record = _tree(file)
        name = str(record.get("name", file.stem))
        about = {str(key): str(value) for key, value in record.get("about", {}).items()}
        if record.get("status") != "done":
            yield Run(name, file, None, about=about, ended=str(record.get("error", "it failed")).splitlines()[0])
            continue
        preset = Preset.load(root / record["result"]["preset"])
        yield Run(name, file, preset, _losses(root / "runs" / name / "metrics.jsonl"), about)


def _folder(folder: Path, root: Path) -> Run:
    best = folder / "best.json"
    name = folder.name if folder == root else str(folder.relative_to(root))
    losses = _losses(folder / "metrics.jsonl")
    if not best.exists():
        return Run(name, folder, None, losses, ended="it was stopped before it had a preset (no best.json)")
    return Run(name, folder, Preset.load(best), losses)


def _losses(file: Path) -> NDArray[np.float64]:
    """Totals of the steps; a last line that was being written is left out."""
    if not file.exists():
        return np.zeros(0)
    lines = file.read_text(encoding="utf-8").splitlines()
    out = []
    for number, line in enumerate(lines, 1):
        try:
            total = json.loads(line)["total"]
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                break
            raise InputError(f"{file}, line {number}: no step of a fit ({type(error).__name__}: {error})") from None
        out.append(math.nan if total is None else float(total))
    return np.array(out)


def _tree(file: Path) -> dict[str, Any]:
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as JSON: {error}") from None
    if not isinstance(tree, dict):
        raise InputError(f"{file} holds no JSON object")
    return tree
