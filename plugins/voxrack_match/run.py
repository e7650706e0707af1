"""The folder of a fit: what was asked, one line a step, checkpoints, the best preset. A fit resumes from it.

``config.json``, ``metrics.jsonl``, ``checkpoint.safetensors`` (vectors) with ``checkpoint.json`` (everything else),
``best.json`` (the preset). Each file is replaced whole, so a fit may be stopped at any moment, and another process
may read along.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError, UsageError
from voxrack.files import write_bytes, write_text

VERSION = 1


class RunFolder:
    """A run folder.

    Parameters
    ----------
    path : Path
        Created where it does not exist.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def config_file(self) -> Path:
        return self.path / "config.json"

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.jsonl"

    def begin(self, config: Mapping[str, Any], *, resume: bool) -> dict[str, Any] | None:
        """Start or go on; returns the checkpoint to go on from, None where there is none.

        Raises
        ------
        UsageError
            Where the folder holds a run and ``resume`` is not given; where it was another problem.
        """
        config = {"version": VERSION, **config}
        if self.config_file.exists():
            if not resume:
                raise UsageError(f"{self.path} holds a run already; resume it, or name another folder")
            self._same(config)
            return self._load()
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.config_file, json.dumps(config, indent=2, sort_keys=True) + "\n")
        return None

    def _same(self, config: Mapping[str, Any]) -> None:
        stored = _json(self.config_file)
        for key in ("version", "problem", "seed"):
            if stored.get(key) != config.get(key):
                raise UsageError(
                    f"{self.path} is the run of another fit ({key} differs); resume with the same recordings, rack and "
                    "options, or name another folder"
                )

    def append(self, line: Mapping[str, Any]) -> None:
        """One line of metrics."""
        with self.metrics_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def save(self, arrays: Mapping[str, NDArray[np.float64]], state: Mapping[str, Any]) -> None:
        """Write a checkpoint: the vectors first, then the state that names their digest."""
        from safetensors.numpy import save

        data = save({key: np.ascontiguousarray(value) for key, value in arrays.items()})
        digest = hashlib.sha256(data).hexdigest()
        target = self.path / f"checkpoint-{digest[:12]}.safetensors"
        write_bytes(target, data)
        write_text(self.path / "checkpoint.json", json.dumps({**state, "arrays": target.name}, indent=1) + "\n")
        for old in self.path.glob("checkpoint-*.safetensors"):
            if old != target:
                old.unlink()

    def _load(self) -> dict[str, Any] | None:
        from safetensors.numpy import load_file

        state_file = self.path / "checkpoint.json"
        if not state_file.exists():
            self.metrics_file.unlink(missing_ok=True)
            return None
        state = _json(state_file)
        step = int(state["step"])
        if self.metrics_file.exists():  # steps after the checkpoint are taken again
            lines = [line for line in self.metrics() if line["step"] < step]
            write_text(self.metrics_file, "".join(json.dumps(line) + "\n" for line in lines))
        return {**state, "arrays": load_file(self.path / state["arrays"])}

    def metrics(self) -> list[dict[str, Any]]:
        """The lines written so far; a last line that is being written is left out."""
        if not self.metrics_file.exists():
            return []
        out = []
        for line in self.metrics_file.read_text(encoding="utf-8").splitlines():
            try:
                out.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return out


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); the run cannot be resumed: name another folder") from None


def digest(*parts: Any) -> str:
    """SHA-256 over arrays and JSON-ready values: tells one problem from another."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(np.ascontiguousarray(part).tobytes())
        else:
            found.update(json.dumps(part, sort_keys=True, default=str).encode())
    return found.hexdigest()
